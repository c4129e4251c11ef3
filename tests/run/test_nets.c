/* The networks: how many parameters they have, the toy network's score against the official one's, and ResScore's against plain
 * loops in double precision, with strides and transposed convolutions as PyTorch defines them. */
#include "run/check.h"

#include <math.h>

#include "graph/arith.h"

#include "data/safetensors.h"
#include "graph/plan.h"
#include "model/net.h"
#include "run/layout.h"

/* N samples; the graph holds the network alone, its result "score". */
static scl_graph *network(const scl_net_config *c, int n, scl_err *err)
{
    scl_graph *g = scl_graph_new(&test_arena, c->net);
    scl_value *x, *score;
    scl_level level = { 0 };
    if (scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(n, c->height, c->width, c->channels), err) != SCL_OK ||
        scl_value_get(g, &level.label, SCL_INPUT, "label", SCL_I32, SCL_DIMS(n), err) != SCL_OK ||
        scl_net_build(g, c, "", x, &level, &score, err) != SCL_OK)
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
    /* begin_conv 160; blocks with tables of 30 values a normalised channel: 5,600, 8,464, 31,776; features 200,768, logits 650. */
    c = mnist, c.net = "classifier", c.conditional = true, c.ngf = 16, c.outputs = 10;
    count_is(&c, 247418);
    c = point, c.net = "mlp";
    count_is(&c, 17154);
    c.conditional = true;
    count_is(&c, 17154 + 2 * 2 * 10 * 128);
}

/* Runs the network; value(v) gives a persistent value's data.  The result in score. */
typedef const float *data_of(const scl_value *v, void *user);
static scl_status run_network(scl_backend *b, scl_graph *g, data_of *value, void *user, float *score, size_t bytes, scl_err *err)
{
    scl_plan *plan;
    scl_store *store;
    scl_exec *exec;
    SCL_TRY(scl_plan_make(&plan, &test_arena, g, &b->info, &(scl_plan_options){ 0 }, err));
    SCL_TRY(scl_store_create(&store, b, &g, 1, err));
    for (int i = 0; i < g->n_value; i++) {
        const scl_value *v = g->value[i];
        const float *data = v->role != SCL_INTERMEDIATE && v->dtype == SCL_F32 ? value(v, user) : NULL;
        if (data)
            SCL_TRY(scl_store_write(store, v->name, data, scl_value_bytes(v), err));
    }
    SCL_TRY(scl_exec_create(&exec, b, plan, store, NULL, err));
    SCL_TRY(scl_exec_run(exec, err));
    SCL_TRY(scl_exec_read(exec, "score", score, bytes, err));
    scl_exec_free(exec);
    scl_store_free(store);
    return SCL_OK;
}

static const float *of_file(const scl_value *v, void *user)
{
    const bool input = !strcmp(v->name, "x");
    const scl_tensor *t = scl_safetensors_find(user, input ? "in.x" : scl_arena_printf(&test_arena, "param.%s", v->name));
    CHECK(t && t->count == scl_value_count(v), "the file has no %s", v->name);
    if (!t || t->count != scl_value_count(v))
        return NULL;
    float *file = SCL_NEW_ARRAY(&test_arena, float, 2 * t->count), *device = file + t->count;
    scl_tensor_f32(t, file);
    scl_layout_to_device(v, file, device);
    return device;
}

static scl_status run_toy(scl_backend *b, scl_safetensors *f, float *score, size_t bytes, scl_err *err)
{
    const scl_tensor *x = scl_safetensors_find(f, "in.x");
    const scl_net_config c = { .net = "mlp", .height = 1, .width = 1, .channels = (int)x->dim[1], .levels = 1, .conv = "auto",
                               .n_widths = 2, .widths = { 128, 128 } };
    scl_graph *g = network(&c, (int)x->dim[0], err);
    return g ? run_network(b, g, of_file, f, score, bytes, err) : SCL_FAILED;
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

/* ---- resscore in double, an image of one sample as [channel][row][column] ---- */

enum { NGF = 8, SIDE = 8, MOST = 4 * NGF * SIDE * SIDE };
typedef struct image { int c, side; double at[MOST]; } image;

/* A weight as PyTorch has it, or 1 and 0 with something to see: any number that the name and place decide. */
static const float *made_up(const scl_value *v, void *user)
{
    (void)user;
    const size_t count = scl_value_count(v);
    float *data = SCL_NEW_ARRAY(&test_arena, float, count);
    uint32_t name = 5381;
    for (const char *p = v->name; *p; p++)
        name = name * 33 + (uint32_t)*p;
    const float size = v->rank == 4 && v->role == SCL_PARAM ? 0.15f : 1.0f;
    for (size_t i = 0; i < count; i++) {
        const scl_words w = scl_random(7, (uint32_t)i, name, 0, SCL_STREAM_INIT, 0);
        data[i] = size * fmaf(2.0f, scl_uniform(w.w[0]), -1.0f);
    }
    return data;
}

static const float *param(const scl_graph *g, const char *block, const char *layer, const char *what, const scl_value **v)
{
    *v = scl_find_value(g, scl_arena_printf(&test_arena, "%s%s.%s", block, layer, what));
    CHECK(*v, "no parameter %s%s.%s", block, layer, what);
    return made_up(*v, NULL);
}

/* Conv2d(3, stride, padding 1). */
static image conv_plain(const scl_graph *g, const image *x, const char *block, const char *layer, int stride)
{
    const scl_value *v, *u;
    const float *w = param(g, block, layer, "weight", &v), *bias = param(g, block, layer, "bias", &u);
    image y = { .c = v->dim[3], .side = x->side / stride };
    for (int k = 0; k < y.c; k++)
        for (int i = 0; i < y.side; i++)
            for (int j = 0; j < y.side; j++) {
                double sum = (double)bias[k];
                for (int t = 0; t < 9 * x->c; t++) {
                    const int c = t % x->c, r = stride * i + t / x->c / 3 - 1, s = stride * j + t / x->c % 3 - 1;
                    if (r >= 0 && r < x->side && s >= 0 && s < x->side)
                        sum += (double)w[t * y.c + k] * x->at[(c * x->side + r) * x->side + s];
                }
                y.at[(k * y.side + i) * y.side + j] = sum;
            }
    return y;
}

/* ConvTranspose2d(3, stride, padding 1, output_padding stride - 1): every input pixel adds its kernel to the output. */
static image transposed_plain(const scl_graph *g, const image *x, const char *block, const char *layer, int stride)
{
    const scl_value *v, *u;
    const float *w = param(g, block, layer, "weight", &v), *bias = param(g, block, layer, "bias", &u);
    image y = { .c = v->dim[2], .side = x->side * stride };
    for (int i = 0; i < y.c * y.side * y.side; i++)
        y.at[i] = (double)bias[i / (y.side * y.side)];
    for (int c = 0; c < x->c; c++)
        for (int p = 0; p < x->side * x->side; p++)
            for (int t = 0; t < 9 * y.c; t++) {
                const int k = t % y.c, r = p / x->side * stride + t / y.c / 3 - 1, s = p % x->side * stride + t / y.c % 3 - 1;
                if (r >= 0 && r < y.side && s >= 0 && s < y.side)
                    y.at[(k * y.side + r) * y.side + s] += (double)w[t * x->c + c] * x->at[c * x->side * x->side + p];
            }
    return y;
}

static void group_norm_plain(const scl_graph *g, image *x, const char *block, const char *layer)
{
    const scl_value *v;
    const float *weight = param(g, block, layer, "weight", &v), *bias = param(g, block, layer, "bias", &v);
    const int pixels = x->side * x->side, size = x->c / 8 * pixels;
    for (int group = 0; group < 8; group++) {
        double *at = x->at + group * size, mean = 0, square = 0;
        for (int i = 0; i < size; i++)
            mean += at[i] / size;
        for (int i = 0; i < size; i++)
            square += (at[i] - mean) * (at[i] - mean) / size;
        for (int i = 0; i < size; i++) {
            const int c = group * (x->c / 8) + i / pixels;
            at[i] = (at[i] - mean) / sqrt(square + 1e-5) * (double)weight[c] + (double)bias[c];
        }
    }
}

static void elu_plain(image *x)
{
    for (int i = 0; i < x->c * x->side * x->side; i++)
        x->at[i] = x->at[i] > 0 ? x->at[i] : expm1(x->at[i]);
}

static image block_plain(const scl_graph *g, const image *x, const char *block, bool up, bool resize)
{
    const int stride = resize ? 2 : 1;
    image h = up ? transposed_plain(g, x, block, "main.0", 1) : conv_plain(g, x, block, "main.0", stride);
    group_norm_plain(g, &h, block, "main.1");
    elu_plain(&h);
    h = up ? transposed_plain(g, &h, block, "main.3", stride) : conv_plain(g, &h, block, "main.3", 1);
    group_norm_plain(g, &h, block, "main.4");
    image past = *x;
    if (resize)
        past = up ? transposed_plain(g, x, block, "residual", 2) : conv_plain(g, x, block, "residual", 2);
    for (int i = 0; i < h.c * h.side * h.side; i++)
        h.at[i] += past.at[i];
    elu_plain(&h);
    return h;
}

static void test_resscore(scl_backend *b)
{
    const scl_net_config c = { .net = "resscore", .height = SIDE, .width = SIDE, .channels = 2, .levels = 1, .ngf = NGF,
                               .conv = "direct" };
    float score[2 * SIDE * SIDE];
    scl_err err = { 0 };
    scl_graph *g = network(&c, 1, &err);
    const scl_status status = g ? run_network(b, g, made_up, NULL, score, sizeof score, &err) : SCL_FAILED;
    CHECK(status == SCL_OK, "resscore: %s", err.message);
    if (status == SCL_OK) {
        const float *x = made_up(scl_find_value(g, "x"), NULL);
        image h = { .c = 2, .side = SIDE };
        for (int i = 0; i < 2 * SIDE * SIDE; i++)
            h.at[i % 2 * SIDE * SIDE + i / 2] = 2 * (double)x[i] - 1;
        h = conv_plain(g, &h, "", "convs.0", 1);
        for (int i = 1; i <= 5; i++)
            h = block_plain(g, &h, scl_arena_printf(&test_arena, "convs.%d.", i), false, i == 2 || i == 4);
        for (int i = 0; i <= 4; i++)
            h = block_plain(g, &h, scl_arena_printf(&test_arena, "deconvs.%d.", i), true, i == 1 || i == 3);
        h = conv_plain(g, &h, "", "deconvs.5", 1);
        double worst = 0, largest = 0;
        for (int i = 0; i < 2 * SIDE * SIDE; i++) {
            const double want = h.at[i % 2 * SIDE * SIDE + i / 2];
            worst = fmax(worst, fabs((double)score[i] - want));
            largest = fmax(largest, fabs(want));
        }
        CHECK(largest > 0.1 && worst <= 1e-5 * largest, "resscore: off by %g of %g", worst, largest);
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
    test_resscore(b);
    b->v->close(b);
    return finish("nets");
}
