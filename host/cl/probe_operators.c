/* A small network and an optimiser step on the device, against the C definitions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/probe_parts.h"
#include "graph/arith.h"
#include "graph/optim.h"
#include "graph/plan.h"

enum { N = 2, SIZE = 6, C_IN = 5, C_OUT = 16, COUNT = N * SIZE * SIZE * C_OUT,
       ROW = 70 * 1024 + 5 };     /* blocks of a flat row: more than one chain of them holds */

/* conv2d, InstanceNorm++, ELU; the result is the gradient of an Adam step on a weight of the same size.  Beside it the sums of a
 * long flat row, as a gradient's norm has them. */
static scl_status make_graph(scl_arena *arena, scl_graph **out, scl_err *err)
{
    scl_graph *g = *out = scl_graph_new(arena, "probe");
    scl_value *x, *w, *bias, *rows, *y, *stats[2], *means[2], *coef[2], *z, *e, *adam[3], *theta, *m, *v,
        *scale, *c, *flag, *row, *sum, *squares;
    SCL_TRY(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, SIZE, SIZE, C_IN), err));
    SCL_TRY(scl_value_get(g, &w, SCL_PARAM, "w", SCL_F32, SCL_DIMS(3, 3, C_IN, C_OUT), err));
    SCL_TRY(scl_value_get(g, &bias, SCL_PARAM, "bias", SCL_F32, SCL_DIMS(C_OUT), err));
    SCL_TRY(scl_value_get(g, &rows, SCL_PARAM, "rows", SCL_F32, SCL_DIMS(N, 3 * C_OUT), err));
    SCL_TRY(scl_value_get(g, &theta, SCL_STATE, "theta", SCL_F32, SCL_DIMS(N, SIZE, SIZE, C_OUT), err));
    SCL_TRY(scl_value_get(g, &m, SCL_STATE, "m", SCL_F32, SCL_DIMS(N, SIZE, SIZE, C_OUT), err));
    SCL_TRY(scl_value_get(g, &v, SCL_STATE, "v", SCL_F32, SCL_DIMS(N, SIZE, SIZE, C_OUT), err));
    SCL_TRY(scl_value_get(g, &scale, SCL_INPUT, "scale", SCL_F32, SCL_DIMS(1), err));
    SCL_TRY(scl_value_get(g, &c, SCL_INPUT, "coef", SCL_F32, SCL_DIMS(16), err));
    SCL_TRY(scl_value_get(g, &flag, SCL_STATE, "flag", SCL_U32, SCL_DIMS(1), err));
    SCL_TRY(scl_value_get(g, &row, SCL_INPUT, "row", SCL_F32, SCL_DIMS(1, ROW), err));
    SCL_TRY(SCL_APPLY(g, &sum, err, "flat_sum", SCL_IN("x", row)));
    SCL_TRY(SCL_APPLY(g, &squares, err, "sumsq_chain", SCL_IN("g", row)));
    SCL_TRY(SCL_APPLY(g, &y, err, "conv2d", SCL_IN("x", x), SCL_IN("w", w), SCL_IN("bias", bias),
                      SCL_INT("dilation", 2)));
    SCL_TRY(SCL_APPLY(g, stats, err, "pixel_stats", SCL_IN("x", y)));
    SCL_TRY(SCL_APPLY(g, means, err, "channel_stats", SCL_IN("mean", stats[0])));
    SCL_TRY(SCL_APPLY(g, coef, err, "norm_coef", SCL_IN("mean", stats[0]), SCL_IN("variance", stats[1]),
                      SCL_IN("m", means[0]), SCL_IN("v", means[1]), SCL_IN("rows", rows)));
    SCL_TRY(SCL_APPLY(g, &z, err, "norm_apply", SCL_IN("x", y), SCL_IN("mean", stats[0]), SCL_IN("a", coef[0]),
                      SCL_IN("b", coef[1]), SCL_IN("variance", stats[1]), SCL_IN("m", means[0]), SCL_IN("v", means[1]),
                      SCL_IN("rows", rows)));
    SCL_TRY(SCL_POINTWISE(g, &e, err, "elu(z)", SCL_IN("z", z)));
    SCL_TRY(SCL_APPLY(g, adam, err, "adam", SCL_IN("theta", theta), SCL_IN("m", m), SCL_IN("v", v), SCL_IN("g", e),
                      SCL_IN("scale", scale), SCL_IN("coef", c), SCL_IN("flag", flag)));
    scl_output(y, "conv2d");
    scl_output(e, "normalisation and ELU");
    scl_output(sum, "sum of a long row");
    scl_output(squares, "squares of a long row");
    return SCL_OK;
}

static scl_status fill(scl_store *store, scl_err *err)
{
    for (int i = 0; i < scl_store_count(store); i++) {
        const scl_value *v = scl_store_at(store, i).value;
        const size_t count = scl_value_count(v);
        void *memory;
        SCL_TRY(scl_alloc_bytes(&memory, 4 * count, "the device probe", err));
        float *f = memory;
        for (size_t k = 0; k < count && v->dtype == SCL_F32; k++) {
            const scl_words w = scl_random(21, (uint32_t)k, (uint32_t)i, 0, 0xff, 0);
            f[k] = !strcmp(v->name, "v") ? scl_uniform(w.w[0]) : fmaf(2.0f, scl_uniform(w.w[0]), -1.0f);
        }
        if (!strcmp(v->name, "coef")) {
            memset(f, 0, 4 * count);
            f[SCL_COEF_RATE] = f[SCL_COEF_ADAM_RATE] = -0x1p-10f;
            f[SCL_COEF_ADAM_ROOT] = 1.25f;
            f[SCL_COEF_EPS] = 0x1p-26f;
            f[SCL_COEF_M] = 0.1f;
            f[SCL_COEF_V] = 0.001f;
        }
        const scl_status status = scl_store_write(store, v->name, f, 4 * count, err);
        free(f);
        SCL_TRY(status);
    }
    return SCL_OK;
}

static const struct { const char *value, *text; int count; } results[] = {
    { "conv2d", "conv2d", COUNT },
    { "normalisation and ELU", "normalisation and ELU", COUNT },
    { "theta", "Adam's theta", COUNT },
    { "m", "Adam's m", COUNT },
    { "v", "Adam's v", COUNT },
    { "sum of a long row", "sum of a long row", 1 },
    { "squares of a long row", "squares of a long row", 1 },
};
enum { RESULTS = sizeof results / sizeof *results };

static scl_status run_on(scl_backend *b, float *out, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_graph *g;
    scl_plan *plan = NULL;
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    scl_status status = make_graph(&arena, &g, err);
    if (status == SCL_OK)
        status = scl_plan_make(&plan, &arena, g, &b->info, NULL, err);
    if (status == SCL_OK)
        status = scl_store_create(&store, b, &g, 1, err);
    if (status == SCL_OK)
        status = fill(store, err);
    if (status == SCL_OK)
        status = scl_exec_create(&exec, b, plan, store, NULL, err);
    if (status == SCL_OK)
        status = scl_exec_run(exec, err);
    for (int i = 0; i < RESULTS && status == SCL_OK; i++)
        status = scl_exec_read(exec, results[i].value, out + i * COUNT, sizeof(float) * (size_t)results[i].count, err);
    scl_exec_free(exec);
    scl_store_free(store);
    scl_arena_free(&arena);
    return status;
}

scl_status scl_probe_operators(scl_backend *b, scl_probe_result *r, scl_err *err)
{
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, (size_t)2 * RESULTS * COUNT * 4, "the device probe", err));
    float *want = memory, *got = want + RESULTS * COUNT;
    scl_backend *reference = NULL;
    scl_status status = scl_reference_open(&reference, err);
    if (status == SCL_OK)
        status = run_on(reference, want, err);
    if (status == SCL_OK)
        status = run_on(b, got, err);
    for (int i = 0; i < RESULTS && status == SCL_OK; i++) {
        r->n_check++;
        int k = 0;
        while (k < results[i].count && scl_bits_of(want[i * COUNT + k]) == scl_bits_of(got[i * COUNT + k]))
            k++;
        if (k < results[i].count)
            scl_probe_differs(r, "%s, element %d: %a instead of %a", results[i].text, k,
                              (double)got[i * COUNT + k], (double)want[i * COUNT + k]);
    }
    if (reference)
        reference->v->close(reference);
    free(memory);
    return status;
}
