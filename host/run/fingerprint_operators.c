/* The operators that no config's weights or samples depend on: parts of norm_stats, a tangent and a density that only library users
 * and derivative rules ask for, the accuracy of a classifier. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cl/device.h"
#include "graph/arith.h"
#include "graph/plan.h"
#include "run/fingerprint.h"

enum { N = 2, SIDE = 6, C = 5, K = 3, D = 4, SEED = 31 };

static scl_status input(scl_graph *g, scl_value **out, const char *name, int rank, const int *dims, scl_err *err)
{
    return scl_value_get(g, out, SCL_INPUT, name, SCL_F32, rank, dims, err);
}

static scl_status norms(scl_graph *g, scl_value *x, scl_err *err)
{
    scl_value *rows, *stats[2], *means[2], *coef[2], *z;
    SCL_TRY(input(g, &rows, "rows", SCL_DIMS(N, 3 * C), err));
    SCL_TRY(SCL_APPLY(g, stats, err, "pixel_stats", SCL_IN("x", x)));
    SCL_TRY(SCL_APPLY(g, means, err, "channel_stats", SCL_IN("mean", stats[0])));
    SCL_TRY(SCL_APPLY(g, coef, err, "norm_coef", SCL_IN("mean", stats[0]), SCL_IN("variance", stats[1]), SCL_IN("m", means[0]),
                      SCL_IN("v", means[1]), SCL_IN("rows", rows)));
    SCL_TRY(SCL_APPLY(g, &z, err, "norm_apply", SCL_IN("x", x), SCL_IN("mean", stats[0]), SCL_IN("a", coef[0]), SCL_IN("b", coef[1]),
                      SCL_IN("variance", stats[1]), SCL_IN("m", means[0]), SCL_IN("v", means[1]), SCL_IN("rows", rows)));
    scl_output(z, "norm_apply");
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
    scl_value *x, *dx, *pool[2], *tangent, *logits, *label, *right;
    SCL_TRY(input(g, &x, "x", SCL_DIMS(N, SIDE, SIDE, C), err));
    SCL_TRY(input(g, &dx, "dx", SCL_DIMS(N, SIDE, SIDE, C), err));
    SCL_TRY(SCL_APPLY(g, pool, err, "max_pool", SCL_IN("x", x), SCL_INT("size", 5)));
    SCL_TRY(SCL_APPLY(g, &tangent, err, "max_pool_at", SCL_IN("x", dx), SCL_IN("index", pool[1]), SCL_INT("size", 5)));
    scl_output(tangent, "max_pool_at");
    SCL_TRY(input(g, &logits, "logits", SCL_DIMS(SIDE * SIDE, K), err));
    SCL_TRY(scl_value_get(g, &label, SCL_INPUT, "label", SCL_I32, SCL_DIMS(SIDE * SIDE), err));
    SCL_TRY(SCL_APPLY(g, &right, err, "top1", SCL_IN("z", logits), SCL_IN("label", label)));
    scl_output(right, "top1");
    SCL_TRY(norms(g, x, err));
    return mixture(g, err);
}

/* Numbers in [-1, 1), those of variance and sigma in [1/2, 1), labels of K classes. */
static scl_status fill(scl_store *store, scl_err *err)
{
    for (int i = 0; i < scl_store_count(store); i++) {
        const scl_value *v = scl_store_at(store, i).value;
        const size_t count = scl_value_count(v);
        const bool positive = !strcmp(v->name, "variance") || !strcmp(v->name, "sigma");
        void *memory;
        SCL_TRY(scl_alloc_bytes(&memory, 4 * count, "the inputs of a fingerprint", err));
        for (size_t k = 0; k < count; k++) {
            const scl_words w = scl_random(SEED, (uint32_t)k, (uint32_t)i, 0, 0xfe, 0);
            if (v->dtype == SCL_I32)
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
    static const char *const results[] = { "max_pool_at", "top1", "norm_apply", "mixture_log_density" };
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
