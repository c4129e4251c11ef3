/* The networks: how many parameters they have, and the toy network's score against the official one's. */
#include "run/check.h"

#include <math.h>

#include "data/safetensors.h"
#include "graph/plan.h"
#include "model/net.h"
#include "run/layout.h"

/* N samples; the graph holds the network alone, its result "score". */
static scl_graph *network(const scl_net_config *c, int n, scl_err *err)
{
    scl_graph *g = scl_graph_new(&test_arena, c->net);
    scl_value *x, *label, *score;
    if (scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(n, c->height, c->width, c->channels), err) != SCL_OK ||
        scl_value_get(g, &label, SCL_INPUT, "label", SCL_I32, SCL_DIMS(n), err) != SCL_OK ||
        scl_net_build(g, c, "", x, label, &score, err) != SCL_OK)
        return NULL;
    scl_output(score, "score");
    return g;
}

static void count_is(const scl_net_config *c, size_t expected)
{
    scl_err err = { 0 };
    scl_graph *g = network(c, 1, &err);
    size_t count = 0;
    CHECK(g, "%s: %s", c->net, err.message);
    const scl_param_list params = g ? scl_net_params(g, "", &test_arena) : (scl_param_list){ 0 };
    for (int i = 0; i < params.n; i++)
        count += scl_value_count(params.item[i].value);
    CHECK(count == expected, "%s, ngf %d, %d x %d x %d: %zu parameters, not %zu", c->net, c->ngf, c->height, c->width, c->channels,
          count, expected);
    scl_err_clear(&err);
}

/* Counted on the official code: docs/design/ncsn-spec.md, 1.1 and 2. */
static void test_counts(void)
{
    const scl_net_config mnist = { .height = 28, .width = 28, .channels = 1, .levels = 10, .ngf = 64, .conv = "auto" };
    const scl_net_config cifar = { .height = 32, .width = 32, .channels = 3, .levels = 10, .ngf = 128, .conv = "auto" };
    const scl_net_config point = { .height = 1, .width = 1, .channels = 2, .levels = 10, .conv = "auto", .n_widths = 2,
                                   .widths = { 128, 128 } };
    scl_net_config c = mnist;
    c.net = "ncsn", c.conditional = true;
    count_is(&c, 7638657);
    c = cifar, c.net = "ncsn", c.conditional = true;
    count_is(&c, 30117635);
    c = mnist, c.net = "ncsn";
    count_is(&c, 7443393);
    c = cifar, c.net = "ncsn";
    count_is(&c, 29727107);
    c = cifar, c.net = "ncsnv2";
    count_is(&c, 29694083);
    c.net = "ncsnv2_deeper";
    count_is(&c, 83445379);
    c.net = "ncsnv2_deepest";
    count_is(&c, 94132611);
    /* 9 i o + o of a 3x3 layer from i to o channels, 2 o of a group normalisation, two of each a block, and a third layer where the
     * size changes: 896, 18,624, 74,176, 74,112, 295,808, 295,680; mirrored 295,680, 184,768, 74,112, 46,304, 18,624, 867. */
    c = cifar, c.net = "resscore", c.ngf = 32;
    count_is(&c, 1379651);
    /* begin_conv 160; blocks with tables of 30 values a normalised channel: 5,600, 8,464, 31,776; linear 650. */
    c = mnist, c.net = "classifier", c.conditional = true, c.ngf = 16, c.outputs = 10;
    count_is(&c, 46650);
    c = point, c.net = "mlp";
    count_is(&c, 17154);
    c.conditional = true;
    count_is(&c, 17154 + 2 * 2 * 10 * 128);
}

static scl_status run_toy(scl_backend *b, const scl_safetensors *f, float *score, size_t bytes, scl_err *err)
{
    const scl_tensor *x = scl_safetensors_find(f, "in.x");
    const scl_net_config c = { .net = "mlp", .height = 1, .width = 1, .channels = (int)x->dim[1], .levels = 1, .conv = "auto",
                               .n_widths = 2, .widths = { 128, 128 } };
    scl_graph *g = network(&c, (int)x->dim[0], err);
    scl_plan *plan;
    scl_store *store;
    scl_exec *exec;
    if (!g)
        return SCL_FAILED;
    SCL_TRY(scl_plan_make(&plan, &test_arena, g, &b->info, &(scl_plan_options){ 0 }, err));
    SCL_TRY(scl_store_create(&store, b, &g, 1, err));
    for (int i = 0; i < g->n_value; i++) {
        const scl_value *v = g->value[i];
        const bool input = v->role == SCL_INPUT && !strcmp(v->name, "x");
        if (v->role != SCL_PARAM && !input)
            continue;
        const scl_tensor *t = scl_safetensors_find(f, input ? "in.x" : scl_arena_printf(&test_arena, "param.%s", v->name));
        if (!t || t->count != scl_value_count(v))
            return scl_fail(err, SCL_FAILED, "the file has no %s", v->name);
        float *file = SCL_NEW_ARRAY(&test_arena, float, 2 * t->count), *device = file + t->count;
        scl_tensor_f32(t, file);
        scl_layout_to_device(v, file, device);
        SCL_TRY(scl_store_write(store, v->name, device, scl_value_bytes(v), err));
    }
    SCL_TRY(scl_exec_create(&exec, b, plan, store, NULL, err));
    SCL_TRY(scl_exec_run(exec, err));
    SCL_TRY(scl_exec_read(exec, "score", score, bytes, err));
    scl_exec_free(exec);
    scl_store_free(store);
    return SCL_OK;
}

static void test_toy(scl_backend *b)
{
    scl_err err = { 0 };
    scl_safetensors *f = NULL;
    const char *source = getenv("SOURCE");
    const char *path = scl_arena_printf(&test_arena, "%s/tests/golden/toy_mlp.safetensors", source ? source : ".");
    if (scl_safetensors_open(&f, path, &err) == SCL_OK) {
        const scl_tensor *out = scl_safetensors_find(f, "out.score");
        float *score = SCL_NEW_ARRAY(&test_arena, float, out->count);
        double *want = SCL_NEW_ARRAY(&test_arena, double, out->count);
        scl_tensor_f64(out, want);
        const scl_status status = run_toy(b, f, score, sizeof *score * out->count, &err);
        CHECK(status == SCL_OK, "toy: %s", err.message);
        for (size_t i = 0; i < out->count && status == SCL_OK; i++)
            CHECK(fabs((double)score[i] - want[i]) <= 1e-5 * fmax(1, fabs(want[i])), "toy: element %zu is %g, not %g", i,
                  (double)score[i], want[i]);
        scl_safetensors_close(f);
    } else {
        CHECK(false, "%s", err.message);
    }
    scl_err_clear(&err);
}

int main(void)
{
    scl_err err = { 0 };
    scl_backend *b;
    if (!mkdtemp(root) || scl_reference_open(&b, &err) != SCL_OK)
        return 1;
    test_counts();
    test_toy(b);
    b->v->close(b);
    return finish("nets");
}
