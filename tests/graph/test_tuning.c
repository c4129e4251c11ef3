/* Tuning rows as data: text and back, finding, shipped rows, and what a plan makes of rows that fit and that
 * do not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failures.h"
#include "graph/choice.h"

static const scl_device_info cpu = {.klass = SCL_CLASS_CPU,
                                    .name = "Some Processor",
                                    .vendor = "Vendor",
                                    .compute_units = 2,
                                    .vector_width = 16,
                                    .max_work_group = 4096,
                                    .local_bytes = 1 << 20,
                                    .align_bytes = 128};

static void test_text(void)
{
    scl_arena arena = {0};
    scl_tuning t = {0}, again = {0}, none = {0};
    scl_tuning_put(&t, &(scl_tuning_row){"conv2d C=3 H=8", 32, "direct WG=1 VEC=16", 1500, 2500});
    scl_tuning_put(&t, &(scl_tuning_row){"adam D=576", 0, "chunks WG=1 VEC=4", 0, 0});
    scl_tuning_put(&t, &(scl_tuning_row){"conv2d C=3 H=8", 32, "direct WG=1 VEC=8", 1400, 2500});
    CHECK(t.n_row == 2 && !strcmp(t.row[0].choice, "direct WG=1 VEC=8"),
          "a newer row replaces the older: %d rows", t.n_row);
    const char *text = scl_tuning_text(&t, &arena);
    CHECK(scl_tuning_read(&again, text) && !strcmp(scl_tuning_text(&again, &arena), text),
          "text and back: %s", text);
    CHECK(again.n_row == 2 && again.row[0].ns == 1400 && again.row[0].default_ns == 2500, "times are kept");
    /* every cut, and every line with a field less or more */
    for (size_t n = 0; n < strlen(text); n++) {
        char *cut = scl_arena_printf(&arena, "%.*s", (int)n, text);
        CHECK(!scl_tuning_read(&none, cut) && none.n_row == 0, "a text cut at byte %zu is read", n);
    }
    const char *const broken[] = {"tuning rows 1\n32\t1\t2\tdirect\n",
                                  "tuning rows 1\nx\t1\t2\tdirect\tconv2d\n",
                                  "tuning rows 1\n32\t-1\t2\tdirect\tconv2d\n",
                                  "tuning rows 1\n32\t1\t2\tdirect\tconv2d\tmore\n",
                                  "tuning rows 0\nmore\n",
                                  "tuning rows -1\n",
                                  "something else\n",
                                  "tuning rows 1\n99999999999\t1\t2\tdirect\tconv2d\n"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        CHECK(!scl_tuning_read(&none, broken[i]) && none.n_row == 0, "text %zu is no table", i);
    scl_tuning_free(&t);
    scl_tuning_free(&again);
    scl_tuning_free(&none);
    scl_tuning_free(&none);
    scl_arena_free(&arena);
}

static void test_find(void)
{
    scl_tuning t = {0};
    scl_tuning_put(&t, &(scl_tuning_row){"a", 64, "for 64", 0, 0});
    scl_tuning_put(&t, &(scl_tuning_row){"a", 8, "for 8", 0, 0});
    scl_tuning_put(&t, &(scl_tuning_row){"ab", 20, "another", 0, 0});
    CHECK(!strcmp(scl_tuning_find(&t, "a", 8)->choice, "for 8"), "the exact batch");
    CHECK(!strcmp(scl_tuning_find(&t, "a", 40)->choice, "for 64"),
          "the nearest batch by ratio: 64 is to 40 as 8 is to 5");
    CHECK(!strcmp(scl_tuning_find(&t, "a", 12)->choice, "for 8"), "the nearest batch");
    CHECK(!scl_tuning_find(&t, "b", 8) && !scl_tuning_exact(&t, "a", 20) && !scl_tuning_find(NULL, "a", 8),
          "no row");
    scl_tuning_free(&t);
}

static void test_shipped(void)
{
    const scl_shipped_row rows[] = {
        {SCL_CLASS_CPU, "", "", "conv2d", "any"},
        {SCL_CLASS_GPU, "", "", "conv2d", "gpu"},
        {SCL_CLASS_CPU, "vend", "", "conv2d R=1 S=1", "vendor"},
        {SCL_CLASS_CPU, "", "some proc", "conv2d C=3", "device"},
        {SCL_CLASS_CPU, "", "", "conv2d_dx", "another operator"},
    };
    const char *shape = "conv2d C=3 R=1 S=1 W=8";
    const char *const order[] = {"device", "vendor", "any"};
    for (int i = 0; i < 4; i++) {
        const scl_shipped_row *r = scl_tuning_shipped(rows, 5, &cpu, shape, i);
        CHECK(i < 3 ? r && !strcmp(r->choice, order[i]) : !r, "shipped row %d is %s", i,
              r ? r->choice : "none");
    }
    CHECK(!strcmp(scl_tuning_shipped(rows, 5, &cpu, "conv2d C=30 R=1 S=11", 0)->choice, "any"),
          "words fit as a whole");
    int n;
    const scl_shipped_row *own = scl_shipped_rows(&n);
    for (int i = 0; i < n; i++) {
        char op[64];
        snprintf(op, sizeof op, "%.*s", (int)strcspn(own[i].shape, " "), own[i].shape);
        CHECK(scl_op_find(op), "a shipped row is for '%s', which is no operator", op);
    }
}

/* What a plan chooses for the only node of g under a row and forced settings. */
static const char *planned(scl_graph *g, const scl_device_info *device, const char *row_choice,
                           const char *const *forced, bool *by_row)
{
    static char text[SCL_CHOICE_TEXT];
    scl_arena arena = {0};
    scl_tuning t = {0};
    scl_err err = {0};
    scl_plan *plan;
    scl_tuning_row row = {.choice = row_choice};
    row.shape = scl_tuning_shape(g->node[0], &row.batch, &arena);
    scl_tuning_put(&t, &row);
    const scl_plan_options options = {.tuning = &t, .tune = forced};
    const scl_status status = scl_plan_make(&plan, &arena, g, device, &options, &err);
    CHECK(status == SCL_OK, "%s", err.message);
    text[0] = 0;
    *by_row = false;
    if (status == SCL_OK) {
        scl_choice_text(&plan->choice[0], text, sizeof text);
        *by_row = scl_plan_row(plan, 0) != NULL;
    }
    scl_err_clear(&err);
    scl_tuning_free(&t);
    scl_arena_free(&arena);
    return text;
}

static void test_plan(void)
{
    scl_arena arena = {0};
    scl_err err = {0};
    scl_graph *g = scl_graph_new(&arena, "test");
    scl_value *x, *y[2];
    scl_choice list[64];
    char first[SCL_CHOICE_TEXT], last[SCL_CHOICE_TEXT];
    bool by_row;
    CHECK(!scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(3, 8, 8, 16), &err) &&
              !SCL_APPLY(g, y, &err, "pixel_stats", SCL_IN("x", x)),
          "%s", err.message);
    scl_output(y[0], "mean");
    scl_output(y[1], "variance");
    const int n = scl_choice_list(list, 64, g->node[0], &cpu);
    CHECK(n > 2, "%d choices", n);
    scl_choice_text(&list[0], first, sizeof first);
    scl_choice_text(&list[n - 1], last, sizeof last);
    for (int i = 0; i < n; i++) {
        char text[SCL_CHOICE_TEXT];
        scl_choice back;
        scl_choice_text(&list[i], text, sizeof text);
        CHECK(scl_choice_named(&back, g->node[0], &cpu, text), "'%s' is not found by its text", text);
        CHECK(!strcmp(planned(g, &cpu, text, NULL, &by_row), text) && by_row, "a row with '%s' is not used",
              text);
    }
    const char *const wrong[] = {"",
                                 "nothing",
                                 "channels",
                                 "channels VEC=3 WG=1",
                                 "channels VEC=16",
                                 "channels WG=1 VEC=16",
                                 "channels VEC=16 WG=1 MORE=1",
                                 "channels VEC=16 WG=1 ",
                                 "channels VEC=-16 WG=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!strcmp(planned(g, &cpu, wrong[i], NULL, &by_row), first) && !by_row, "a row with '%s' is used",
              wrong[i]);
    /* what fits another device only: groups of 64 are too large here */
    scl_device_info small = cpu;
    small.max_work_group = 1;
    CHECK(strstr(last, "WG=64") && !strcmp(planned(g, &small, last, NULL, &by_row), first) && !by_row,
          "a row for another device is used: %s", last);
    /* what is forced wins; a row that agrees with it stays */
    const char *const force1[] = {"pixel_stats.WG=1", NULL}, *const force64[] = {"pixel_stats.WG=64", NULL};
    CHECK(strstr(planned(g, &cpu, last, force1, &by_row), "WG=1") && !by_row,
          "a row wins over what is forced");
    CHECK(!strcmp(planned(g, &cpu, last, force64, &by_row), last) && by_row,
          "a row that agrees is passed over");
    scl_err_clear(&err);
    scl_arena_free(&arena);
}

/* A node taken out of its graph has the shape, the choices and the bits of the node. */
static void test_isolate(void)
{
    scl_arena arena = {0};
    scl_err err = {0};
    scl_graph *g = scl_graph_new(&arena, "test"), *one;
    scl_value *x, *k, *y, *same;
    CHECK(!scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(3, 8, 8, 16), &err) &&
              !scl_value_get(g, &k, SCL_INPUT, "k", SCL_F32, SCL_DIMS(3), &err) &&
              !SCL_POINTWISE(g, &y, &err, "fma(a, b, k)", SCL_IN("a", x), SCL_IN("b", x), SCL_IN("k", k)) &&
              !SCL_POINTWISE(g, &same, &err, "fma(p, q, r)", SCL_IN("p", x), SCL_IN("q", y), SCL_IN("r", k)),
          "%s", err.message);
    CHECK(!scl_graph_isolate(&one, &arena, g->node[0], &err), "%s", err.message);
    int n[3];
    const char *a = scl_tuning_shape(g->node[0], &n[0], &arena),
               *b = scl_tuning_shape(one->node[0], &n[1], &arena);
    const char *c = scl_tuning_shape(g->node[1], &n[2], &arena);
    CHECK(!strcmp(a, b) && n[0] == 3 && n[1] == 3, "the shape changes: %s, %s", a, b);
    CHECK(!strcmp(a, c), "names of inputs are no part of a shape: %s, %s", a, c);
    CHECK(one->n_node == 1 && one->n_value == 3 && one->node[0]->in[0] == one->node[0]->in[1], "%d values",
          one->n_value);
    CHECK(one->node[0]->out[0]->output && g->n_node == 2, "the graph itself is left alone");
    scl_err_clear(&err);
    scl_arena_free(&arena);
}

enum { N = 2, H = 5, W = 6, C = 8, COUNT = N * H * W * C };

/* y of a graph by the C definitions; every input has the numbers that belong to `seed_of` its name. */
static void define(scl_graph *g, const char *name, int (*seed_of)(const char *, void *), void *user, float *y)
{
    scl_arena arena = {0};
    scl_err err = {0};
    scl_backend *b;
    scl_plan *plan;
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    const scl_plan_options apart = {.no_fuse = true};
    CHECK(!scl_reference_open(&b, &err) && !scl_plan_make(&plan, &arena, g, &b->info, &apart, &err) &&
              !scl_store_create(&store, b, &g, 1, &err) &&
              !scl_exec_create(&exec, b, plan, store, NULL, &err),
          "%s", err.message);
    for (int i = 0; i < scl_store_count(store); i++) {
        const scl_value *v = scl_store_at(store, i).value;
        const int seed = seed_of(v->name, user);
        float *data = SCL_NEW_ARRAY(&arena, float, scl_value_count(v));
        for (int k = 0; k < (int)scl_value_count(v); k++)
            data[k] = (float)((k * 37 + seed * 101) % 64 - 32) / 16.0f;
        CHECK(!scl_store_write(store, v->name, data, scl_value_bytes(v), &err), "%s", err.message);
    }
    CHECK(!scl_exec_run(exec, &err) && !scl_exec_read(exec, name, y, sizeof(float) * COUNT, &err), "%s",
          err.message);
    scl_exec_free(exec);
    scl_store_free(store);
    b->v->close(b);
    scl_err_clear(&err);
    scl_arena_free(&arena);
}

static int by_first_letter(const char *name, void *user)
{
    (void)user;
    return name[0];
}

/* Of the node that reads the value under this name. */
static int by_node(const char *name, void *user)
{
    const scl_node *n = user;
    for (int i = 0; i < n->n_in; i++)
        if (!strcmp(n->in_name[i], name))
            return n->in[i]->name[0];
    return 0;
}

/* A convolution between a normalisation and a residual sum, of which a plan makes one node. */
static const scl_node *fused_conv(scl_graph *g, const char *sum, const scl_plan_options *options,
                                  scl_arena *arena)
{
    scl_value *x, *s, *w, *b, *r, *h, *y;
    scl_err err = {0};
    scl_plan *plan;
    CHECK(!scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, H, W, C), &err) &&
              !scl_value_get(g, &s, SCL_INPUT, "s", SCL_F32, SCL_DIMS(N, 3 * C), &err) &&
              !scl_value_get(g, &w, SCL_PARAM, "w", SCL_F32, SCL_DIMS(3, 3, C, C), &err) &&
              !scl_value_get(g, &b, SCL_PARAM, "b", SCL_F32, SCL_DIMS(C), &err) &&
              !scl_value_get(g, &r, SCL_INPUT, "r", SCL_F32, SCL_DIMS(N, H, W, C), &err) &&
              !SCL_POINTWISE(g, &h, &err, "elu(fma(p, q, 0.5))", SCL_IN("p", x),
                             SCL_SAMPLE_CHANNEL("q", s, C)) &&
              !SCL_APPLY(g, &y, &err, "conv2d", SCL_IN("x", h), SCL_IN("w", w), SCL_IN("bias", b),
                         SCL_TEXT("algorithm", "winograd2")) &&
              !SCL_POINTWISE(g, &y, &err, sum, SCL_IN("a", y), SCL_IN("b", r)),
          "%s", err.message);
    scl_output(y, "y");
    CHECK(!scl_plan_make(&plan, arena, g, &cpu, options, &err), "%s", err.message);
    CHECK(plan->schedule.n_node == 1, "%d nodes", plan->schedule.n_node);
    scl_err_clear(&err);
    return plan->schedule.step[plan->schedule.n_node - 1].node;
}

/* What is fused into a node is a part of its shape; on its own it has the same choices, and taken apart the
 * same bits.  Its rows are found by a plan that fuses in the same way. */
static void test_isolate_fused(void)
{
    scl_arena arena = {0};
    scl_err err = {0};
    scl_graph *g = scl_graph_new(&arena, "test"), *other = scl_graph_new(&arena, "other"), *one, *apart;
    scl_tuning rows = {0};
    scl_plan_options options = {.fuse_input = true};
    scl_choice list[64];
    char text[SCL_CHOICE_TEXT];
    float want[COUNT], got[COUNT];
    scl_tuning_row row = {0};
    int n;
    const scl_node *node = fused_conv(g, "a + b", &options, &arena);
    CHECK(!scl_graph_isolate(&one, &arena, node, &err) &&
              !scl_graph_isolate_apart(&apart, &arena, node, &err),
          "%s", err.message);
    row.shape = scl_tuning_shape(node, &row.batch, &arena);
    CHECK(strstr(row.shape, " pre=") && strstr(row.shape, " post=") && row.batch == N, "shape %s", row.shape);
    CHECK(!strcmp(row.shape, scl_tuning_shape(one->node[0], &n, &arena)), "alone it is another shape");
    CHECK(strcmp(row.shape, scl_tuning_shape(fused_conv(other, "a - b", &options, &arena), &n, &arena)) != 0,
          "another expression, the same shape");
    CHECK(one->n_node == 1 && apart->n_node == 3 && one->node[0]->in[1]->role == SCL_PARAM, "%d and %d nodes",
          one->n_node, apart->n_node);
    const int count = scl_choice_list(list, 64, node, &cpu);
    CHECK(count > 1 && scl_choice_list(list, 64, one->node[0], &cpu) == count, "%d choices", count);
    define(g, "y", by_first_letter, NULL, want);
    define(apart, "out0", by_node, (void *)node, got);
    CHECK(!memcmp(want, got, sizeof want), "taken apart it has other bits");
    row.choice = scl_choice_text(&list[count - 1], text, sizeof text);
    scl_tuning_put(&rows, &row);
    scl_plan *plan;
    options.tuning = &rows;
    CHECK(!scl_plan_make(&plan, &arena, g, &cpu, &options, &err) && scl_plan_row(plan, 0), "%s", err.message);
    scl_tuning_free(&rows);
    scl_err_clear(&err);
    scl_arena_free(&arena);
}

/* The same of statistics that a normalisation is applied along with. */
static void test_isolate_along(void)
{
    scl_arena arena = {0};
    scl_err err = {0};
    scl_graph *g = scl_graph_new(&arena, "test"), *one, *apart;
    scl_value *x, *rows, *s[6], *y;
    scl_plan *plan;
    float want[COUNT], got[COUNT];
    int n, batch;
    CHECK(!scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, H, W, C), &err) &&
              !scl_value_get(g, &rows, SCL_PARAM, "rows", SCL_F32, SCL_DIMS(1, 3 * C), &err) &&
              !SCL_APPLY(g, s, &err, "norm_stats", SCL_IN("x", x), SCL_IN("rows", rows)) &&
              !SCL_POINTWISE(g, &y, &err, "elu(fma(p - m, a, fma(k, p, b)))", SCL_IN("p", x),
                             SCL_SAMPLE_CHANNEL("m", s[0], 0), SCL_SAMPLE_CHANNEL("a", s[4], 0),
                             SCL_SAMPLE_CHANNEL("b", s[5], 0), SCL_CHANNEL("k", rows, C)),
          "%s", err.message);
    scl_output(y, "y");
    CHECK(!scl_plan_make(&plan, &arena, g, &cpu, NULL, &err), "%s", err.message);
    const scl_node *node = plan->schedule.step[0].node;
    CHECK(plan->schedule.n_node == 1 && node->n_out == 7, "%d nodes, %d results", plan->schedule.n_node,
          node->n_out);
    CHECK(!scl_graph_isolate(&one, &arena, node, &err) &&
              !scl_graph_isolate_apart(&apart, &arena, node, &err),
          "%s", err.message);
    const char *shape = scl_tuning_shape(node, &batch, &arena);
    CHECK(strstr(shape, " along=") && !strcmp(shape, scl_tuning_shape(one->node[0], &n, &arena)), "shape %s",
          shape);
    CHECK(one->n_node == 1 && apart->n_node == 2, "%d and %d nodes", one->n_node, apart->n_node);
    CHECK(scl_candidate_count(one->node[0], &cpu) == scl_candidate_count(node, &cpu), "other choices");
    define(g, "y", by_first_letter, NULL, want);
    define(apart, "out6", by_node, (void *)node, got);
    CHECK(!memcmp(want, got, sizeof want), "taken apart it has other bits");
    scl_err_clear(&err);
    scl_arena_free(&arena);
}

/* Tiles made for GPUs run on a CPU, but the tuner need not try them there, unless a device has nothing else. */
static void test_for_gpus(void)
{
    scl_arena arena = {0};
    scl_plan_options options = {.fuse_input = true};
    scl_device_info scalar = cpu, gpu = cpu;
    scl_choice list[512];
    scalar.vector_width = 1;
    gpu.klass = SCL_CLASS_GPU;
    const scl_node *node = fused_conv(scl_graph_new(&arena, "test"), "a + b", &options, &arena);
    const struct { const scl_device_info *device; bool first, others; } want[] = {
        {&cpu, false, false}, {&scalar, true, true}, {&gpu, true, true}};
    for (int d = 0; d < 3; d++) {
        const int n = scl_choice_list(list, 512, node, want[d].device);
        CHECK(n > 0 && list[0].impl->for_gpus == want[d].first, "device %d: %d choices", d, n);
        for (int i = 1; i < n; i++)
            CHECK(list[i].impl->for_gpus == want[d].others, "device %d: choice %d is %s", d, i, list[i].impl->name);
        bool runs = false;
        scl_choice c;
        for (int i = 0; scl_choice_at(&c, node, want[d].device, i); i++)
            runs |= c.impl->for_gpus;
        CHECK(runs, "device %d: a GPU's tile can no longer be asked for", d);
    }
    scl_arena_free(&arena);
}

int main(void)
{
    test_text();
    test_find();
    test_shipped();
    test_plan();
    test_isolate();
    test_isolate_fused();
    test_isolate_along();
    test_for_gpus();
    if (!failures)
        printf("tuning rows: all checks passed\n");
    return failures != 0;
}
