/* The guided score: what a classifier adds to it is scale * grad ln p(class | x, level), against central
 * differences of the classifier in double. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "failures.h"
#include "graph/arith.h"
#include "graph/plan.h"
#include "must.h"
#include "score/sampling.h"

enum { N = 12, D = 2, LEVELS = 3, HIDDEN = 5, CLASSES = 4 };

static const scl_net_config score_net = {.net = "mlp",
                                         .channels = D,
                                         .height = 1,
                                         .width = 1,
                                         .levels = LEVELS,
                                         .n_widths = 1,
                                         .widths = {4},
                                         .conv = "direct"};
static const scl_net_config classifier = {.net = "classifier",
                                          .channels = D,
                                          .height = 1,
                                          .width = 1,
                                          .levels = LEVELS,
                                          .n_widths = 1,
                                          .widths = {HIDDEN},
                                          .conv = "direct",
                                          .conditional = true,
                                          .outputs = CLASSES};

static float x[N * D];
static int32_t label[N], class[N];
static float w0[D * HIDDEN], b0[HIDDEN], factor[LEVELS * HIDDEN], shift[LEVELS * HIDDEN],
    w2[HIDDEN * CLASSES], b2[CLASSES];
static const struct { const char *name; float *at; int n;
} weights[] = {{"guide.0.weight", w0, D *HIDDEN},
               {"guide.0.bias", b0, HIDDEN},
               {"guide.level.0.scale", factor, LEVELS *HIDDEN},
               {"guide.level.0.shift", shift, LEVELS *HIDDEN},
               {"guide.2.weight", w2, HIDDEN *CLASSES},
               {"guide.2.bias", b2, CLASSES}};
enum { WEIGHTS = (int)(sizeof weights / sizeof *weights) };

static void draw(float *out, int n, uint32_t key)
{
    for (int i = 0; i < n; i++)
        out[i] = fmaf(3.0f, scl_uniform(scl_random(17, (uint32_t)i, key, 0, SCL_STREAM_INIT, 0).w[0]), -1.5f);
}

static void make(void)
{
    for (int i = 0; i < WEIGHTS; i++)
        draw(weights[i].at, weights[i].n, (uint32_t)i);
    draw(x, N * D, 100);
    for (int i = 0; i < N; i++) {
        label[i] = i % LEVELS;
        class[i] = i % CLASSES;
    }
}

/* ln p(class | x, level): the last level has weights of its own, too. */
static double log_probability(const double *at, int level, int k)
{
    double h[HIDDEN], z[CLASSES], sum = 0;
    for (int j = 0; j < HIDDEN; j++) {
        double a = (double)b0[j];
        for (int d = 0; d < D; d++)
            a += at[d] * (double)w0[d * HIDDEN + j];
        h[j] = log1p(exp((double)factor[level * HIDDEN + j] * a + (double)shift[level * HIDDEN + j]));
    }
    for (int c = 0; c < CLASSES; c++) {
        z[c] = (double)b2[c];
        for (int j = 0; j < HIDDEN; j++)
            z[c] += h[j] * (double)w2[j * CLASSES + c];
        sum += exp(z[c]);
    }
    return z[k] - log(sum);
}

static scl_status put(scl_store *store, const char *name, const void *from, size_t bytes, scl_err *err)
{
    return scl_store_find(store, name).value ? scl_store_write(store, name, from, bytes, err) : SCL_OK;
}

static scl_status fill(scl_store *store, float scale, scl_err *err)
{
    for (int i = 0; i < scl_store_count(store); i++) {
        const scl_value *v = scl_store_at(store, i).value;
        float some[64];
        draw(some, (int)scl_value_count(v) < 64 ? (int)scl_value_count(v) : 64, 50);
        if (v->role == SCL_PARAM)
            SCL_TRY(scl_store_write(store, v->name, some, scl_value_bytes(v), err));
    }
    for (int i = 0; i < WEIGHTS; i++)
        SCL_TRY(put(store, weights[i].name, weights[i].at, sizeof(float) * (size_t)weights[i].n, err));
    SCL_TRY(put(store, "sample.x", x, sizeof x, err));
    SCL_TRY(put(store, "sample.label", label, sizeof label, err));
    SCL_TRY(put(store, "sample.class", class, sizeof class, err));
    return put(store, "sample.scale", &scale, sizeof scale, err);
}

/* guide NULL: the score alone. */
static scl_status scores(scl_backend *b, const scl_net_config *guide, float scale, float *out, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_graph *g;
    scl_plan *plan;
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    const scl_plan_options options = { 0 };
    const scl_step_spec spec = { .net = score_net, .n = N, .global_batch = N, .guide = guide };
    SCL_TRY(scl_step_score(&g, &arena, &spec, "", err));
    SCL_TRY(scl_plan_make(&plan, &arena, g, &b->info, &options, err));
    SCL_TRY(scl_store_create(&store, b, &g, 1, err));
    SCL_TRY(fill(store, scale, err));
    SCL_TRY(scl_exec_create(&exec, b, plan, store, NULL, err));
    SCL_TRY(scl_exec_run(exec, err));
    SCL_TRY(scl_exec_read(exec, "sample.score", out, sizeof x, err));
    scl_exec_free(exec);
    scl_store_free(store);
    scl_arena_free(&arena);
    return SCL_OK;
}

static void compare(const float *guided, const float *alone, double scale)
{
    const double h = 1e-5;
    double largest = 0;
    for (int i = 0; i < N * D; i++) {
        double at[D] = { (double)x[i / D * D], (double)x[i / D * D + 1] };
        at[i % D] += h;
        const double up = log_probability(at, label[i / D], class[i / D]);
        at[i % D] -= 2 * h;
        const double slope = scale * (up - log_probability(at, label[i / D], class[i / D])) / (2 * h);
        const double got = (double)guided[i] - (double)alone[i];
        largest = fmax(largest, fabs(slope));
        CHECK(fabs(got - slope) <= 2e-6 * (1 + fabs(slope) + fabs((double)alone[i])),
              "scale %g, value %d: %.8g, not %.8g", scale, i, got, slope);
    }
    CHECK(largest > 0.5 * scale, "the largest gradient, %g, shows nothing", largest);
}

int main(void)
{
    scl_err err = { 0 };
    scl_backend *b = NULL;
    float alone[N * D], guided[N * D];
    make();
    must(scl_reference_open(&b, &err), &err);
    must(scores(b, NULL, 0, alone, &err), &err);
    for (int i = 0; i < 3; i++) {
        const float scale[3] = { 0.5f, 1, 4 };
        must(scores(b, &classifier, scale[i], guided, &err), &err);
        compare(guided, alone, (double)scale[i]);
    }
    b->v->close(b);
    return failures != 0;
}
