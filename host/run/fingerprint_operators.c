/* The operators that the configs of the short fingerprint do not use, each in one small graph: what takes a network of its own
 * there costs a compiler minutes, and what only library users and derivative rules ask for is in no config at all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cl/device.h"
#include "graph/autodiff.h"
#include "graph/arith.h"
#include "graph/plan.h"
#include "run/fingerprint.h"

enum { N = 2, SIDE = 6, C = 5, K = 3, D = 4, SEED = 31 };

static scl_status input(scl_graph *g, scl_value **out, const char *name, int rank, const int *dims, scl_err *err)
{
    return scl_value_get(g, out, SCL_INPUT, name, SCL_F32, rank, dims, err);
}

/* Pictures, and two of the same shape to go with them: a tangent and a cotangent. */
typedef struct pictures { scl_value *x, *dx, *dy; } pictures;

/* InstanceNorm++ in its parts; its tangent; and the derivative of that, which holds second derivatives. */
static scl_status norms(scl_graph *g, const pictures *p, scl_err *err)
{
    scl_value *x = p->x, *rows, *stats[2], *means[2], *coef[2], *z, *tangent, *second[2], *part[3], *row;
    SCL_TRY(input(g, &rows, "rows", SCL_DIMS(N, 3 * C), err));
    SCL_TRY(SCL_APPLY(g, stats, err, "pixel_stats", SCL_IN("x", x)));
    SCL_TRY(SCL_APPLY(g, means, err, "channel_stats", SCL_IN("mean", stats[0])));
    SCL_TRY(SCL_APPLY(g, coef, err, "norm_coef", SCL_IN("mean", stats[0]), SCL_IN("variance", stats[1]), SCL_IN("m", means[0]),
                      SCL_IN("v", means[1]), SCL_IN("rows", rows)));
    SCL_TRY(SCL_APPLY(g, &z, err, "norm_apply", SCL_IN("x", x), SCL_IN("mean", stats[0]), SCL_IN("a", coef[0]), SCL_IN("b", coef[1]),
                      SCL_IN("variance", stats[1]), SCL_IN("m", means[0]), SCL_IN("v", means[1]), SCL_IN("rows", rows)));
    scl_output(z, "norm_apply");
    SCL_TRY(scl_jvp(g, z, &x, (scl_value *const[]){ p->dx }, 1, &tangent, err));
    scl_output(tangent, "norm_tangent");
    SCL_TRY(scl_vjp(g, tangent, p->dy, (scl_value *const[]){ x, rows }, 2, second, err));
    scl_output(second[0], "norm_second");
    scl_output(second[1], "norm_tangent_rows");
    for (int i = 0; i < 3; i++)
        SCL_TRY(input(g, &part[i], (const char *const[]){ "gamma", "alpha", "beta" }[i], SCL_DIMS(C), err));
    SCL_TRY(SCL_APPLY(g, &row, err, "norm_rows", SCL_IN("gamma", part[0]), SCL_IN("alpha", part[1]), SCL_IN("beta", part[2])));
    scl_output(row, "norm_rows");
    return SCL_OK;
}

/* Winograd's algorithms and their gradients. */
static scl_status convolutions(scl_graph *g, const pictures *p, scl_err *err)
{
    static const char *const algorithm[] = { "winograd4", "winograd2" };
    static const char *const name[][3] = { { "conv2d_winograd4", "conv2d_dx_winograd4", "conv2d_dw_winograd4" },
                                           { "conv2d_winograd2", "conv2d_dx_winograd2", "conv2d_dw_winograd2" } };
    scl_value *w, *y, *gradient[2];
    SCL_TRY(input(g, &w, "w", SCL_DIMS(3, 3, C, C), err));
    for (int i = 0; i < 2; i++) {
        SCL_TRY(SCL_APPLY(g, &y, err, "conv2d", SCL_IN("x", p->x), SCL_IN("w", w), SCL_TEXT("algorithm", algorithm[i])));
        SCL_TRY(scl_vjp(g, y, p->dy, (scl_value *const[]){ p->x, w }, 2, gradient, err));
        scl_output(y, name[i][0]);
        scl_output(gradient[0], name[i][1]);
        scl_output(gradient[1], name[i][2]);
    }
    return SCL_OK;
}

/* What group normalisation, strides, pools and known pixels need. */
static scl_status pixels(scl_graph *g, const pictures *p, scl_err *err)
{
    scl_value *pool[2], *tangent, *gradient, *channels, *mean, *spread, *less, *more, *picture, *mask, *imposed;
    SCL_TRY(SCL_APPLY(g, pool, err, "max_pool", SCL_IN("x", p->x), SCL_INT("size", 5)));
    SCL_TRY(SCL_APPLY(g, &tangent, err, "max_pool_at", SCL_IN("x", p->dx), SCL_IN("index", pool[1]), SCL_INT("size", 5)));
    SCL_TRY(scl_vjp(g, pool[0], p->dy, &p->x, 1, &gradient, err));
    SCL_TRY(input(g, &channels, "channels", SCL_DIMS(N, 2 * K), err));
    SCL_TRY(SCL_APPLY(g, &mean, err, "group_mean", SCL_IN("x", channels), SCL_INT("groups", K)));
    SCL_TRY(SCL_APPLY(g, &spread, err, "pixel_spread", SCL_IN("s", mean), SCL_INT("H", SIDE), SCL_INT("W", SIDE)));
    SCL_TRY(SCL_APPLY(g, &less, err, "subsample2", SCL_IN("x", p->x)));
    SCL_TRY(SCL_APPLY(g, &more, err, "stuff2", SCL_IN("x", less)));
    SCL_TRY(scl_value_get(g, &picture, SCL_STATE, "impose", SCL_F32, SCL_DIMS(N, SIDE, SIDE, C), err));
    SCL_TRY(input(g, &mask, "mask", SCL_DIMS(N, SIDE, SIDE, C), err));
    SCL_TRY(SCL_APPLY(g, &imposed, err, "impose", SCL_IN("x", picture), SCL_IN("moved", p->dx), SCL_IN("known", p->dy),
                      SCL_IN("mask", mask)));
    scl_output(tangent, "max_pool_at");
    scl_output(gradient, "max_pool_grad");
    scl_output(spread, "pixel_spread");
    scl_output(less, "subsample2");
    scl_output(more, "stuff2");
    return SCL_OK;
}

/* What a classifier needs. */
static scl_status classes(scl_graph *g, scl_err *err)
{
    scl_value *logits, *label, *right, *p, *loss, *hot, *class, *order, *batch;
    SCL_TRY(input(g, &logits, "logits", SCL_DIMS(SIDE * SIDE, K), err));
    SCL_TRY(scl_value_get(g, &label, SCL_INPUT, "label", SCL_I32, SCL_DIMS(SIDE * SIDE), err));
    SCL_TRY(scl_value_get(g, &class, SCL_INPUT, "class", SCL_I32, SCL_DIMS(SIDE), err));
    SCL_TRY(scl_value_get(g, &order, SCL_INPUT, "order", SCL_I32, SCL_DIMS(SIDE), err));
    SCL_TRY(SCL_APPLY(g, &right, err, "top1", SCL_IN("z", logits), SCL_IN("label", label)));
    SCL_TRY(SCL_APPLY(g, &p, err, "softmax", SCL_IN("z", logits)));
    SCL_TRY(SCL_APPLY(g, &loss, err, "cross_entropy", SCL_IN("z", logits), SCL_IN("label", label)));
    SCL_TRY(SCL_APPLY(g, &hot, err, "one_hot", SCL_IN("label", label), SCL_INT("K", K)));
    SCL_TRY(SCL_APPLY(g, &batch, err, "gather_class", SCL_IN("class", class), SCL_IN("order", order),
                      SCL_IN("counters", scl_counters(g)), SCL_INT("N", N)));
    scl_output(right, "top1");
    scl_output(p, "softmax");
    scl_output(loss, "cross_entropy");
    scl_output(hot, "one_hot");
    scl_output(batch, "gather_class");
    return SCL_OK;
}

static scl_status mixture(scl_graph *g, scl_err *err)
{
    scl_value *x, *sigma, *weight, *mean, *variance, *density;
    SCL_TRY(input(g, &x, "point", SCL_DIMS(N, D), err));
    SCL_TRY(input(g, &sigma, "sigma", SCL_DIMS(N), err));
    SCL_TRY(input(g, &weight, "log_weight", SCL_DIMS(K), err));
    SCL_TRY(input(g, &mean, "mean", SCL_DIMS(K, D), err));
    SCL_TRY(input(g, &variance, "variance", SCL_DIMS(K), err));
    SCL_TRY(SCL_APPLY(g, &density, err, "mixture_log_density", SCL_IN("x", x), SCL_IN("sigma", sigma), SCL_IN("log_weight", weight),
                      SCL_IN("mean", mean), SCL_IN("variance", variance)));
    scl_output(density, "mixture_log_density");
    return SCL_OK;
}

static scl_status make(scl_graph **out, scl_arena *arena, scl_err *err)
{
    scl_graph *g = *out = scl_graph_new(arena, "operators");
    pictures p;
    SCL_TRY(input(g, &p.x, "x", SCL_DIMS(N, SIDE, SIDE, C), err));
    SCL_TRY(input(g, &p.dx, "dx", SCL_DIMS(N, SIDE, SIDE, C), err));
    SCL_TRY(input(g, &p.dy, "dy", SCL_DIMS(N, SIDE, SIDE, C), err));
    SCL_TRY(pixels(g, &p, err));
    SCL_TRY(classes(g, err));
    SCL_TRY(norms(g, &p, err));
    SCL_TRY(mixture(g, err));
    return convolutions(g, &p, err);
}

/* Numbers in [-1, 1), those of variance and sigma in [1/2, 1), whole ones below K; of the counters, the samples of the batch. */
static scl_status fill(scl_store *store, scl_err *err)
{
    for (int i = 0; i < scl_store_count(store); i++) {
        const scl_value *v = scl_store_at(store, i).value;
        const size_t count = scl_value_count(v);
        uint32_t stream = 0;               /* by the name, so that a further operator changes nothing of the others */
        for (const char *c = v->name; *c; c++)
            stream = 31 * stream + (unsigned char)*c;
        const bool positive = !strcmp(v->name, "variance") || !strcmp(v->name, "sigma");
        void *memory;
        SCL_TRY(scl_alloc_bytes(&memory, 4 * count, "the inputs of a fingerprint", err));
        for (size_t k = 0; k < count; k++) {
            const scl_words w = scl_random(SEED, (uint32_t)k, stream, 0, 0xfe, 0);
            if (v->dtype == SCL_U32)
                ((uint32_t *)memory)[k] = k == SCL_CNT_BATCH ? N : 0;
            else if (v->dtype == SCL_I32)
                ((int32_t *)memory)[k] = (int32_t)(w.w[0] % K);
            else
                ((float *)memory)[k] = fmaf(positive ? 0.5f : 2.0f, scl_uniform(w.w[0]), positive ? 0.5f : -1.0f);
        }
        const scl_status status = scl_store_write(store, v->name, memory, 4 * count, err);
        free(memory);
        SCL_TRY(status);
    }
    return SCL_OK;
}

static scl_status sum(scl_fingerprint *out, scl_exec *exec, const char *name, scl_err *err)
{
    const size_t bytes = scl_exec_region(exec, name).bytes;
    void *data;
    SCL_TRY(scl_alloc_bytes(&data, bytes, "the values of a fingerprint", err));
    const scl_status status = scl_exec_read(exec, name, data, bytes, err);
    struct scl_fingerprint_sum *s = &out->sum[out->n++];
    s->what = "values";
    s->of = name;
    scl_sha256_of(data, bytes, s->checksum);
    free(data);
    return status;
}

static scl_status compute(scl_fingerprint *out, scl_arena *arena, scl_backend *b, scl_err *err)
{
    static const char *const results[] = {
        "max_pool_at", "max_pool_grad", "pixel_spread", "subsample2", "stuff2", "impose", "top1", "softmax", "cross_entropy", "one_hot",
        "gather_class", "norm_apply", "norm_tangent", "norm_second", "norm_tangent_rows", "norm_rows", "mixture_log_density",
        "conv2d_winograd4", "conv2d_dx_winograd4", "conv2d_dw_winograd4", "conv2d_winograd2", "conv2d_dx_winograd2",
        "conv2d_dw_winograd2",
    };
    scl_graph *g;
    scl_plan *plan;
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    SCL_TRY(make(&g, arena, err));
    scl_fingerprint_list(out, g);
    SCL_TRY(scl_plan_make(&plan, arena, g, &b->info, NULL, err));
    scl_status status = scl_store_create(&store, b, &g, 1, err);
    if (status == SCL_OK)
        status = fill(store, err);
    if (status == SCL_OK)
        status = scl_exec_create(&exec, b, plan, store, NULL, err);
    if (status == SCL_OK)
        status = scl_exec_run(exec, err);
    for (size_t i = 0; i < sizeof results / sizeof *results && status == SCL_OK; i++)
        status = sum(out, exec, results[i], err);
    scl_exec_free(exec);
    scl_store_free(store);
    return status;
}

scl_status scl_fingerprint_operators(scl_fingerprint *out, scl_arena *arena, const char *device, scl_err *err)
{
    scl_backend *b;
    *out = (scl_fingerprint){ 0 };
    SCL_TRY(scl_device_open(device, &b, err));
    const scl_status status = compute(out, arena, b, err);
    b->v->close(b);
    if (status != SCL_OK)
        scl_err_context(err, "operators");
    return status;
}
