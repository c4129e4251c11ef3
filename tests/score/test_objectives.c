/* The identities between objectives, over several networks, on the C definitions: means over samples of a known mixture, within
 * three standard errors.
 *   esm - ism = 1/2 E|grad log p|^2                   (Hyvarinen 2005)
 *   dsm - esm of the perturbed density: a constant    (Vincent 2011), of the processes vp and subvp too
 *   ssm and ssm_vr estimate ism, with each kind of projection (Song et al. 2019) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failures.h"
#include "graph/arith.h"
#include "graph/plan.h"
#include "must.h"
#include "score/objective.h"

enum { N = 4096, D = 2, K = 2 };
static double sigma = 0.5, alpha = 1;      /* x~ = alpha x + sigma z */
static const float weight[K] = { 0.7f, 0.3f }, mean[K * D] = { 1.0f, 0.5f, -1.0f, 0.0f }, variance[K] = { 0.49f, 0.81f };

static float points[N * D], noise[N * D];

static void draw(void)
{
    for (int i = 0; i < N; i++) {
        const scl_words w = scl_random(11, 0, (uint32_t)i, 0, SCL_STREAM_INIT, 0);
        float a, b;
        scl_normal2(w.w[0], w.w[1], &a, &b);
        scl_normal2(w.w[2], w.w[3], &noise[i * D], &noise[i * D + 1]);
        const int k = (double)scl_uniform(scl_random(12, 0, (uint32_t)i, 0, SCL_STREAM_INIT, 0).w[0]) >
                      (double)weight[0];
        points[i * D] = fmaf(scl_sqrt(variance[k]), a, mean[k * D]);
        points[i * D + 1] = fmaf(scl_sqrt(variance[k]), b, mean[k * D + 1]);
    }
}

static scl_net_config net = { .net = "mlp", .channels = D, .height = 1, .width = 1, .levels = 1, .n_widths = 2,
                                    .widths = { 16, 16 }, .conv = "direct" };

/* Fills what a graph reads; theta: seed of the weights. */
static scl_status fill(const scl_graph *g, scl_store *store, int theta, scl_arena *arena, scl_err *err)
{
    const scl_param_list params = scl_net_params(g, "", arena);
    const float table[5] = { (float)sigma, (float)(1 / sigma), 1.0f, (float)alpha, (float)(1 / alpha) }, none = 0;
    const float log_weight[K] = { scl_log(weight[0]), scl_log(weight[1]) };
    const int32_t *label = SCL_NEW_ARRAY(arena, int32_t, N);
    const uint32_t counters[SCL_COUNTERS] = { [SCL_CNT_SEED_LO] = 5, [SCL_CNT_BATCH] = N };
    const struct { const char *name; const void *data; size_t bytes; } all[] = {
        { "x", points, sizeof points }, { "z", noise, sizeof noise }, { "label", label, sizeof *label * N },
        { "sigma", &table[0], 4 }, { "inv_sigma", &table[1], 4 }, { "weight", &table[2], 4 }, { "truth.sigma", &none, 4 },
        { "alpha", &table[3], 4 }, { "inv_alpha", &table[4], 4 },
        { "truth.log_weight", log_weight, sizeof log_weight }, { "truth.mean", mean, sizeof mean },
        { "truth.variance", variance, sizeof variance }, { "counters", counters, sizeof counters } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (scl_store_find(store, all[i].name).value)
            SCL_TRY(scl_store_write(store, all[i].name, all[i].data, all[i].bytes, err));
    for (int i = 0; i < params.n; i++) {
        float *data = scl_arena_alloc(arena, scl_value_bytes(params.item[i].value));
        scl_param_init(&params.item[i], i, (unsigned long long)theta, data);
        SCL_TRY(scl_store_write(store, params.item[i].name, data, scl_value_bytes(params.item[i].value), err));
    }
    return SCL_OK;
}

/* The loss of each sample (or its score, when score is given) with the weights of seed theta. */
static scl_status evaluate(scl_backend *b, const scl_objective_spec *spec, int theta, double *loss,
                           float *score, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_graph *g = scl_graph_new(&arena, "objective");
    scl_objective o = { 0 };
    scl_plan *plan;
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    const scl_plan_options options = { 0 };
    float *got = SCL_NEW_ARRAY(&arena, float, N);
    g->global_batch = N;
    SCL_TRY(scl_value_get(g, &o.x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, 1, 1, D), err));
    SCL_TRY(scl_value_get(g, &o.z, SCL_INPUT, "z", SCL_F32, SCL_DIMS(N, 1, 1, D), err));
    SCL_TRY(scl_value_get(g, &o.level.label, SCL_INPUT, "label", SCL_I32, SCL_DIMS(N), err));
    SCL_TRY(scl_objective_build(g, spec, &net, "", &o, err));
    scl_output(o.loss, "loss");
    scl_output(o.score, "score");
    SCL_TRY(scl_plan_make(&plan, &arena, g, &b->info, &options, err));
    SCL_TRY(scl_store_create(&store, b, &g, 1, err));
    SCL_TRY(fill(g, store, theta, &arena, err));
    SCL_TRY(scl_exec_create(&exec, b, plan, store, NULL, err));
    SCL_TRY(scl_exec_run(exec, err));
    SCL_TRY(scl_exec_read(exec, "loss", got, sizeof *got * N, err));
    for (int i = 0; i < N; i++)
        loss[i] = (double)got[i];
    if (score)
        SCL_TRY(scl_exec_read(exec, "score", score, sizeof *score * N * D, err));
    scl_exec_free(exec);
    scl_store_free(store);
    scl_arena_free(&arena);
    return SCL_OK;
}

/* Mean and its standard error. */
static void mean_of(const double *x, double *m, double *error)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++)
        sum += x[i];
    for (int i = 0; i < N; i++)
        squares += (x[i] - sum / N) * (x[i] - sum / N);
    *m = sum / N;
    *error = sqrt(squares / (N - 1) / N);
}

static void within(const char *what, int theta, const double *a, const double *b, const double *c)
{
    static double d[N];
    double m, error;
    for (int i = 0; i < N; i++)
        d[i] = a[i] - b[i] - (c ? c[i] : 0);
    mean_of(d, &m, &error);
    CHECK(fabs(m) <= 3 * error, "%s, network %d: differs by %.4g, standard error %.2g", what, theta, m, error);
    CHECK(error > 0 && error < 0.2, "%s, network %d: a standard error of %.2g says nothing", what, theta, error);
}

static double half_square(double x, double y) { return 0.5 * (x * x + y * y); }

/* 1/2 |grad log p|^2 at each point, from a loss that knows nothing of it: the mixture in double. */
static void half_fisher(double *out)
{
    for (int i = 0; i < N; i++) {
        double p = 0, gx = 0, gy = 0;
        for (int k = 0; k < K; k++) {
            const double dx = (double)mean[k * D] - (double)points[i * D],
                         dy = (double)mean[k * D + 1] - (double)points[i * D + 1];
            const double v = (double)variance[k], q = (double)weight[k] / v * exp(-half_square(dx, dy) / v);
            p += q;
            gx += q * dx / v;
            gy += q * dy / v;
        }
        out[i] = half_square(gx / p, gy / p);
    }
}

/* The same with a network that gives an energy: the gradient of one is a score like any other. */
static void energies(scl_backend *b)
{
    static double esm[N], ism[N], fisher[N];
    const scl_objective_spec exact = { .loss = "ism", .clean = true, .energy = true };
    const scl_objective_spec truth = { .loss = "esm", .clean = true, .energy = true, .components = K };
    scl_err err = { 0 };
    half_fisher(fisher);
    for (net.outputs = 1; net.outputs >= 0; net.outputs--) {      /* an energy; or |x - f|^2 / 2 */
        must(evaluate(b, &exact, 4, ism, NULL, &err), &err);
        must(evaluate(b, &truth, 4, esm, NULL, &err), &err);
        within("esm - ism of an energy", 4, esm, ism, fisher);
    }
    net.outputs = 0;
}

static void identities(scl_backend *b)
{
    static const char *const kinds[] = { "gaussian", "rademacher", "sphere" };
    static double esm[N], ism[N], sliced[N], fisher[N];
    const scl_objective_spec exact = { .loss = "ism", .clean = true }, truth = { .loss = "esm", .clean = true, .components = K };
    scl_err err = { 0 };
    half_fisher(fisher);
    for (int theta = 1; theta <= 3; theta++) {
        must(evaluate(b, &exact, theta, ism, NULL, &err), &err);
        must(evaluate(b, &truth, theta, esm, NULL, &err), &err);
        within("esm - ism", theta, esm, ism, fisher);
        for (int k = 0; k < 3; k++) {
            scl_objective_spec spec = { .loss = "ssm_vr", .clean = true, .projection = kinds[k], .projections = 1 + k };
            must(evaluate(b, &spec, theta, sliced, NULL, &err), &err);
            within(kinds[k], theta, sliced, ism, NULL);
            spec.loss = "ssm";
            must(evaluate(b, &spec, theta, sliced, NULL, &err), &err);
            within("ssm", theta, sliced, ism, NULL);
        }
    }
}

/* dsm - esm of the perturbed density is the same for every network, at one time of each process; esm of the true
 * score is 0. */
static void denoising(scl_backend *b)
{
    static const scl_sde processes[] = { { .process = SCL_PROCESS_VE }, { SCL_PROCESS_VP, 0, 0, 0.1, 20 },
                                         { SCL_PROCESS_SUBVP, 0, 0, 0.1, 20 } };
    static const char *const names[] = { "dsm - esm", "dsm - esm of vp", "dsm - esm of subvp" };
    static double esm[N], dsm[N], first[N], gap[N];
    const scl_net_config mlp = net;
    scl_err err = { 0 };
    for (int p = 0; p < 3; p++) {
        const scl_objective_spec noisy = { .loss = "esm", .components = K,
                                           .sde = processes[p] }, denoise = { .loss = "dsm", .sde = processes[p] };
        sigma = p ? scl_sde_deviation(&processes[p], 0.25) : 0.5;
        alpha = p ? scl_sde_mean(&processes[p], 0.25) : 1;
        for (int theta = 1; theta <= 3; theta++) {
            must(evaluate(b, &denoise, theta, dsm, NULL, &err), &err);
            must(evaluate(b, &noisy, theta, esm, NULL, &err), &err);
            for (int i = 0; i < N; i++)
                gap[i] = dsm[i] - esm[i];
            if (theta == 1)
                memcpy(first, gap, sizeof gap);
            else
                within(names[p], theta, gap, first, NULL);
        }
        net = (scl_net_config){ .net = "analytic", .channels = D, .height = 1, .width = 1, .levels = 1,
                                .conditional = true, .components = K,
                                .scaled = p > 0, .conv = "direct" };
        must(evaluate(b, &denoise, 0, dsm, NULL, &err), &err);
        must(evaluate(b, &noisy, 0, esm, NULL, &err), &err);
        for (int i = 0; i < N; i++) {
            CHECK(esm[i] == 0, "process %d: esm of the true score is %g", p, esm[i]);
            gap[i] = dsm[i] - esm[i];
        }
        within(names[p], 0, gap, first, NULL);
        net = mlp;
    }
    sigma = 0.5;
    alpha = 1;
}

/* One network, three meanings of its result. */
static void predictions(scl_backend *b, scl_process process)
{
    static float score[N * D], epsilon[N * D], clean[N * D];
    static double ignored[N];
    const char *const kinds[3] = { "score", "epsilon", "x0" };
    float *const out[3] = { score, epsilon, clean };
    scl_err err = { 0 };
    for (int k = 0; k < 3; k++) {
        const scl_objective_spec spec = { .loss = "dsm", .predict = kinds[k], .sde.process = process };
        must(evaluate(b, &spec, 1, ignored, out[k], &err), &err);
    }
    for (int e = 0; e < N * D; e++) {
        const double f = (double)score[e], x = alpha * (double)points[e] + sigma * (double)noise[e];
        CHECK(fabs((double)epsilon[e] + f / sigma) <= 1e-5 * (1 + fabs(f)), "epsilon: %g of %g", (double)epsilon[e], f);
        CHECK(fabs((double)clean[e] - (alpha * f - x) / (sigma * sigma)) <= 1e-5 * (1 + fabs(f) + fabs(x)),
              "x0: %g of %g",
              (double)clean[e], f);
        if (failures > 5)
            return;
    }
}

/* What does not fit is refused with the reason. */
static void refused(void)
{
    const scl_net_config image = { .net = "ncsn", .ngf = 8, .channels = 1, .height = 28, .width = 28, .levels = 1,
                                   .conditional = true, .conv = "direct" };
    const struct { scl_objective_spec spec; const char *says; } all[] = {
        { { .loss = "ism", .clean = true }, "785 times a dsm step" }, { { .loss = "dsm", .clean = true }, "needs noise" },
        { { .loss = "ssm", .clean = true, .predict = "epsilon" }, "needs a noise level" }, { { .loss = "esm" }, "true score" } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        scl_err err = { 0 };
        CHECK(scl_objective_check(&all[i].spec, &image, &err) == SCL_BAD_CONFIG &&
                  strstr(err.message, all[i].says),
              "\"%s\"", err.message);
        scl_err_clear(&err);
    }
}

int main(void)
{
    scl_err err = { 0 };
    scl_backend *b;
    must(scl_reference_open(&b, &err), &err);
    draw();
    identities(b);
    denoising(b);
    energies(b);
    predictions(b, SCL_PROCESS_VE);
    sigma = 0.6;
    alpha = 0.8;
    predictions(b, SCL_PROCESS_VP);
    refused();
    b->v->close(b);
    if (!failures)
        printf("objectives: all checks passed\n");
    return failures != 0;
}
