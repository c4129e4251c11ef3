/* What a plan spends memory on changes no bit: in place, recomputing, another order of execution, by the C
 * definitions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failures.h"
#include "graph/autodiff.h"
#include "graph/plan.h"

enum { N = 2, H = 6, W = 8, C = 4, COUNT = N * H * W * C, LAYERS = 6, IMAGE = COUNT * 4, MOST = 65536 };

/* A chain, a sum with what is still needed, and an input that is read by element and as a scalar: over that
 * nothing may be written, as the next element reads it again. */
static scl_status build_chain(scl_graph *g, scl_err *err)
{
    scl_value *x, *h, *kept;
    SCL_TRY(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, H, W, C), err));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "elu(x)", SCL_IN("x", x)));
    SCL_TRY(SCL_POINTWISE(g, &kept, err, "h * 0x1p-1", SCL_IN("h", h)));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "sigmoid(k)", SCL_IN("k", kept)));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "fma(h, h, k)", SCL_IN("h", h), SCL_IN("k", kept)));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "h + s", SCL_IN("h", h), SCL_SCALAR("s", h, 0)));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "h + k", SCL_IN("h", h), SCL_IN("k", kept)));
    scl_output(h, "y");
    return SCL_OK;
}

/* Convolutions of elu of a scaled value, and the gradients of their weights: the pattern of a network. */
static scl_status build_layers(scl_graph *g, scl_err *err)
{
    scl_value *x, *h, *e, *one, *w[LAYERS], *dw[LAYERS];
    SCL_TRY(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, H, W, C), err));
    SCL_TRY(scl_value_get(g, &one, SCL_INPUT, "one", SCL_F32, SCL_DIMS(N, H, W, C), err));
    h = x;
    for (int i = 0; i < LAYERS; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        SCL_TRY(scl_value_get(g, &w[i], SCL_PARAM, scl_arena_strdup(g->arena, name), SCL_F32,
                              SCL_DIMS(1, 1, C, C), err));
        SCL_TRY(SCL_POINTWISE(g, &e, err, "elu(x)", SCL_IN("x", h)));
        SCL_TRY(SCL_APPLY(g, &h, err, "conv2d", SCL_IN("x", e), SCL_IN("w", w[i])));
    }
    SCL_TRY(scl_vjp(g, h, one, w, LAYERS, dw, err));
    for (int i = 0; i < LAYERS; i++)
        scl_output(dw[i], scl_arena_printf(g->arena, "dw%d", i));
    return SCL_OK;
}

/* Convolutions of elu and, behind all of them, their derivative along v; with gradients, those of its sum
 * too: the pattern of a sliced loss. */
static scl_status build_tangent(scl_graph *g, int layers, bool gradients, scl_err *err)
{
    scl_value *x, *v, *h, *e, *along, *sum, *one, *w[2 * LAYERS], *dw[2 * LAYERS];
    SCL_TRY(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, H, W, C), err));
    SCL_TRY(scl_value_get(g, &v, SCL_INPUT, "v", SCL_F32, SCL_DIMS(N, H, W, C), err));
    h = x;
    for (int i = 0; i < layers; i++) {
        SCL_TRY(scl_value_get(g, &w[i], SCL_PARAM, scl_arena_printf(g->arena, "w%d", i), SCL_F32,
                              SCL_DIMS(1, 1, C, C), err));
        SCL_TRY(SCL_POINTWISE(g, &e, err, "elu(x)", SCL_IN("x", h)));
        SCL_TRY(SCL_APPLY(g, &h, err, "conv2d", SCL_IN("x", e), SCL_IN("w", w[i])));
    }
    SCL_TRY(scl_jvp(g, h, &x, &v, 1, &along, err));
    SCL_TRY(SCL_APPLY(g, &sum, err, "flat_sum", SCL_IN("x", along)));
    scl_output(sum, "along");
    if (!gradients)
        return SCL_OK;
    SCL_TRY(SCL_POINTWISE(g, &one, err, "1", SCL_IN("shape", sum)));
    SCL_TRY(scl_vjp(g, sum, one, w, layers, dw, err));
    for (int i = 0; i < layers; i++)
        scl_output(dw[i], scl_arena_printf(g->arena, "dw%d", i));
    return SCL_OK;
}

static scl_status build_few(scl_graph *g, scl_err *err)
{
    return build_tangent(g, LAYERS, false, err);
}
static scl_status build_many(scl_graph *g, scl_err *err)
{
    return build_tangent(g, 2 * LAYERS, false, err);
}
static scl_status build_sliced(scl_graph *g, scl_err *err)
{
    return build_tangent(g, LAYERS, true, err);
}

typedef struct result {
    float out[MOST];
    size_t bytes, slab;
    int nodes;
} result;

static scl_status fill(scl_store *store, scl_err *err)
{
    static float data[MOST];
    for (int v = 0; v < scl_store_count(store); v++) {
        const scl_binding b = scl_store_at(store, v);
        if (b.value->dtype != SCL_F32)
            continue;
        for (size_t i = 0; i < scl_value_count(b.value); i++)
            data[i] = (float)((int)((i * 37 + (size_t)v * 101) % 64) - 32) / 16.0f;
        SCL_TRY(scl_store_write(store, b.value->name, data, scl_value_bytes(b.value), err));
    }
    if (!scl_store_find(store, "counters").value)
        return SCL_OK;
    const uint32_t counters[SCL_COUNTERS] = {[SCL_CNT_BATCH] = N};
    return scl_store_write(store, "counters", counters, sizeof counters, err);
}

static scl_status run(result *out, scl_backend *b, scl_status (*build)(scl_graph *, scl_err *),
                      const scl_plan_options *options, scl_err *err)
{
    scl_arena arena = {0};
    scl_graph *g = scl_graph_new(&arena, "test");
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    scl_plan *plan;
    *out = (result){0};
    SCL_TRY(build(g, err));
    SCL_TRY(scl_plan_make(&plan, &arena, g, &b->info, options, err));
    SCL_TRY(scl_store_create(&store, b, &g, 1, err));
    SCL_TRY(scl_exec_create(&exec, b, plan, store, NULL, err));
    SCL_TRY(fill(store, err));
    SCL_TRY(scl_exec_run(exec, err));
    for (int i = 0; i < g->n_value; i++) {
        const scl_value *v = g->value[i];
        if (!v->output)
            continue;
        SCL_TRY(scl_exec_read(exec, v->name, (char *)out->out + out->bytes, scl_value_bytes(v), err));
        out->bytes += scl_value_bytes(v);
    }
    out->slab = plan->peak_bytes;
    out->nodes = plan->schedule.n_node;
    scl_exec_free(exec);
    scl_store_free(store);
    scl_arena_free(&arena);
    return SCL_OK;
}

static void same(const result *a, const result *b, const char *what)
{
    CHECK(a->bytes && a->bytes == b->bytes && !memcmp(a->out, b->out, a->bytes), "%s: the results differ",
          what);
}

static scl_status check_in_place(scl_backend *b, scl_err *err)
{
    static result in_place, apart, fused;
    SCL_TRY(run(&apart, b, build_chain, &(scl_plan_options){.no_fuse = true, .no_in_place = true}, err));
    SCL_TRY(run(&in_place, b, build_chain, &(scl_plan_options){.no_fuse = true}, err));
    SCL_TRY(run(&fused, b, build_chain, &(scl_plan_options){0}, err));
    same(&in_place, &apart, "in place");
    same(&fused, &apart, "in place and fused");
    CHECK(in_place.nodes == apart.nodes, "%d nodes in place, %d apart", in_place.nodes, apart.nodes);
    /* Apart: kept, h and the next h.  In place: kept and h, and one more for the value that is a scalar too.
     */
    CHECK(apart.slab == 3 * IMAGE, "apart: slab %zu, not %d", apart.slab, 3 * IMAGE);
    CHECK(in_place.slab == 3 * IMAGE, "in place, with a scalar: slab %zu, not %d", in_place.slab, 3 * IMAGE);
    return SCL_OK;
}

static scl_status build_plain(scl_graph *g, scl_err *err)
{
    scl_value *x, *h, *kept;
    SCL_TRY(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, H, W, C), err));
    SCL_TRY(SCL_POINTWISE(g, &kept, err, "elu(x)", SCL_IN("x", x)));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "k * 0x1p-1", SCL_IN("k", kept)));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "sigmoid(h)", SCL_IN("h", h)));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "h + k", SCL_IN("h", h), SCL_IN("k", kept)));
    SCL_TRY(SCL_POINTWISE(g, &h, err, "fma(h, h, x)", SCL_IN("h", h), SCL_IN("x", x)));
    scl_output(h, "y");
    return SCL_OK;
}

static scl_status check_peak(scl_backend *b, scl_err *err)
{
    static result in_place, apart;
    SCL_TRY(run(&apart, b, build_plain, &(scl_plan_options){.no_fuse = true, .no_in_place = true}, err));
    SCL_TRY(run(&in_place, b, build_plain, &(scl_plan_options){.no_fuse = true}, err));
    same(&in_place, &apart, "in place, plain");
    CHECK(apart.slab == 3 * IMAGE, "plain, apart: slab %zu, not %d", apart.slab, 3 * IMAGE);
    CHECK(in_place.slab == 2 * IMAGE, "plain, in place: slab %zu, not %d", in_place.slab, 2 * IMAGE);
    return SCL_OK;
}

static scl_status check_recompute(scl_backend *b, scl_err *err)
{
    static result kept, again, neither;
    SCL_TRY(run(&kept, b, build_layers, &(scl_plan_options){.no_order = true}, err));
    SCL_TRY(run(&again, b, build_layers, &(scl_plan_options){.no_order = true, .recompute = true}, err));
    SCL_TRY(run(&neither, b, build_layers,
                &(scl_plan_options){.no_fuse = true, .no_in_place = true, .recompute = true}, err));
    same(&again, &kept, "recomputed");
    same(&neither, &kept, "recomputed, not fused, not in place");
    /* In the order of the graph a layer keeps its input and elu of it; with elu made again it is one node
     * more and one image less, but for the last layer's, which is in use where the peak is.  With the last of
     * them another position is the highest. */
    const int more = again.nodes - kept.nodes;
    const size_t less = kept.slab - again.slab;
    printf("recompute: slab %zu instead of %zu bytes, %d nodes instead of %d\n", again.slab, kept.slab,
           again.nodes, kept.nodes);
    CHECK(again.slab < kept.slab && less <= (size_t)more * IMAGE, "slab %zu recomputed, %zu kept", again.slab,
          kept.slab);
    CHECK(more == LAYERS - 1, "%d more nodes for %d layers", more, LAYERS);
    CHECK(less > (size_t)(more - 1) * IMAGE, "%zu bytes less with %d more nodes of %d", less, more, IMAGE);
    return SCL_OK;
}

/* Forward mode holds a layer no longer than its tangent takes, however many there are; in the order of the
 * graph each further layer is one image more.  With gradients every layer is kept either way. */
static scl_status check_order(scl_backend *b, scl_err *err)
{
    static result few, many, few_as_is, many_as_is, sliced, sliced_as_is;
    const scl_plan_options as_is = {.no_order = true}, ordered = {0};
    SCL_TRY(run(&few, b, build_few, &ordered, err));
    SCL_TRY(run(&many, b, build_many, &ordered, err));
    SCL_TRY(run(&few_as_is, b, build_few, &as_is, err));
    SCL_TRY(run(&many_as_is, b, build_many, &as_is, err));
    same(&few, &few_as_is, "ordered, few layers");
    same(&many, &many_as_is, "ordered, many layers");
    printf(
        "order: slab of %d and %d layers with a tangent %.2f and %.2f images, as they stand %.2f and %.2f\n",
        LAYERS, 2 * LAYERS, (double)few.slab / IMAGE, (double)many.slab / IMAGE,
        (double)few_as_is.slab / IMAGE, (double)many_as_is.slab / IMAGE);
    CHECK(few.slab == many.slab, "slab %zu of few layers, %zu of many", few.slab, many.slab);
    CHECK(many_as_is.slab == few_as_is.slab + LAYERS * IMAGE,
          "as they stand: slab %zu of few layers, %zu of many", few_as_is.slab, many_as_is.slab);
    SCL_TRY(run(&sliced, b, build_sliced, &ordered, err));
    SCL_TRY(run(&sliced_as_is, b, build_sliced, &as_is, err));
    same(&sliced, &sliced_as_is, "ordered, with gradients");
    printf("order: with gradients %.2f images, as they stand %.2f\n", (double)sliced.slab / IMAGE,
           (double)sliced_as_is.slab / IMAGE);
    CHECK(sliced.slab <= sliced_as_is.slab, "with gradients: slab %zu, as they stand %zu", sliced.slab,
          sliced_as_is.slab);
    return SCL_OK;
}

int main(void)
{
    scl_err err = {0};
    scl_backend *b;
    scl_status status = scl_reference_open(&b, &err);
    if (status == SCL_OK) {
        status =
            check_in_place(b, &err) || check_peak(b, &err) || check_recompute(b, &err) || check_order(b, &err)
                ? SCL_FAILED
                : SCL_OK;
        b->v->close(b);
    }
    CHECK(status == SCL_OK, "%s", err.message);
    scl_err_clear(&err);
    if (!failures)
        printf("memory: all checks passed\n");
    return failures != 0;
}
