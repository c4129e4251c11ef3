/* Fusion changes no bit: graphs of pointwise nodes, run fused and unfused by the C definitions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failures.h"
#include "graph/autodiff.h"
#include "graph/plan.h"

enum { N = 3, H = 3, W = 5, C = 6, COUNT = N * H * W * C };

/* elu of a normalisation, a residual sum, a product that reads a value twice, and the derivative of it all. */
static scl_status build(scl_graph *g, scl_err *err)
{
    scl_value *x, *a, *b, *h, *r, *y, *one, *dx[2];
    SCL_TRY(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, H, W, C), err));
    SCL_TRY(scl_value_get(g, &a, SCL_INPUT, "a", SCL_F32, SCL_DIMS(N, C), err));
    SCL_TRY(scl_value_get(g, &b, SCL_INPUT, "b", SCL_F32, SCL_DIMS(N, 3 * C), err));
    SCL_TRY(scl_value_get(g, &one, SCL_INPUT, "one", SCL_F32, SCL_DIMS(N, H, W, C), err));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "fma(x - a, a, b)", SCL_IN("x", x), SCL_IN("a", a),
                          SCL_SAMPLE_CHANNEL("b", b, C)));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "elu(x) * 0x1p-55", SCL_IN("x", h)));           /* small: the inner flush shows */
    SCL_TRY(SCL_POINTWISE(g, &h, err, "x * 0x1p-4", SCL_IN("x", h)));
    SCL_TRY(SCL_POINTWISE(g, &r, err, "fma(x, 0x1p+60, y)", SCL_IN("x", h), SCL_IN("y", x)));
    SCL_TRY(SCL_POINTWISE(g, &y, err, "fma(r, sigmoid(r), x) * a", SCL_IN("r", r), SCL_IN("x", x), SCL_IN("a", a)));
    scl_output(y, "y");
    SCL_TRY(scl_vjp(g, y, one, (scl_value *[]){ x, h }, 2, dx, err));
    scl_output(dx[0], "dx");
    scl_output(dx[1], "dh");
    return SCL_OK;
}

static float value(int i, int salt) { return (float)((i * 37 + salt * 101) % 64 - 32) / 16.0f; }

typedef struct result { float y[COUNT], dx[COUNT], dh[COUNT]; int launches; } result;

static scl_status run(result *out, scl_backend *b, bool no_fuse, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_graph *g = scl_graph_new(&arena, "test");
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    scl_plan *plan;
    SCL_TRY(build(g, err));
    const scl_plan_options options = { .no_fuse = no_fuse };
    SCL_TRY(scl_plan_make(&plan, &arena, g, &b->info, &options, err));
    SCL_TRY(scl_store_create(&store, b, &g, 1, err));
    SCL_TRY(scl_exec_create(&exec, b, plan, store, NULL, err));
    float x[COUNT], a[N * C], v[N * 3 * C], one[COUNT];
    for (int i = 0; i < COUNT; i++)
        x[i] = value(i, 1), one[i] = 1.0f;
    for (int i = 0; i < N * C; i++)
        a[i] = value(i, 2);
    for (int i = 0; i < N * 3 * C; i++)
        v[i] = value(i, 3);
    SCL_TRY(scl_store_write(store, "x", x, sizeof x, err));
    SCL_TRY(scl_store_write(store, "a", a, sizeof a, err));
    SCL_TRY(scl_store_write(store, "b", v, sizeof v, err));
    SCL_TRY(scl_store_write(store, "one", one, sizeof one, err));
    SCL_TRY(scl_exec_run(exec, err));
    SCL_TRY(scl_exec_read(exec, "y", out->y, sizeof out->y, err));
    SCL_TRY(scl_exec_read(exec, "dx", out->dx, sizeof out->dx, err));
    SCL_TRY(scl_exec_read(exec, "dh", out->dh, sizeof out->dh, err));
    out->launches = plan->schedule.n_node;
    scl_exec_free(exec);
    scl_store_free(store);
    scl_arena_free(&arena);
    return SCL_OK;
}

int main(void)
{
    scl_err err = { 0 };
    scl_backend *b;
    static result fused, apart;
    const scl_status status = scl_reference_open(&b, &err) || run(&fused, b, false, &err) || run(&apart, b, true, &err);
    CHECK(status == SCL_OK, "%s", err.message);
    scl_err_clear(&err);
    if (status == SCL_OK) {
        CHECK(fused.launches < apart.launches, "%d nodes fused, %d apart", fused.launches, apart.launches);
        CHECK(!memcmp(fused.y, apart.y, sizeof fused.y), "the result differs");
        CHECK(!memcmp(fused.dx, apart.dx, sizeof fused.dx), "the derivative by x differs");
        CHECK(!memcmp(fused.dh, apart.dh, sizeof fused.dh), "the derivative by h differs");
        b->v->close(b);
    }
    if (!failures)
        printf("fusion: all checks passed\n");
    return failures != 0;
}
