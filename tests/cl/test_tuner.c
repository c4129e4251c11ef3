/* Tuning changes no result: a small network trained with rows of many kinds ends with the same bits; a fast
 * kernel that computes something else never wins; one that is right and much faster does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cl/device.h"
#include "cl/program.h"
#include "failures.h"
#include "must.h"
#include "run/trainer.h"
#include "run/tuner.h"

enum { SKIPPED = 77, SMALL = 2, LARGE = 96, IMAGES = 24, SIZE = 8, STEPS = 3 };
static char root[] = "/tmp/scl-tuner-XXXXXX";

static scl_config *config;
static unsigned char pixels[IMAGES * SIZE * SIZE];

static void make_config(void)
{
    static const char text[] =
        "data: { path: nowhere, transform: { size: 8, channels: 1 } }\nmodel: { ngf: 4 }\nnoise: { levels: 3 "
        "}\n"
        "stages: { train: { kind: train, batch: 12, steps: 3, eval: { every: never } } }\n";
    scl_config_errors errors = {0};
    scl_err err = {0};
    must(scl_config_parse(text, strlen(text), "test", NULL, NULL, 0, &config, &errors, &err), &err);
    scl_config_errors_free(&errors);
    for (int i = 0; i < IMAGES * SIZE * SIZE; i++)
        pixels[i] = (unsigned char)(i * 37 % 251);
}

/* sha256 is not needed: all weights and state, one behind the other. */
static unsigned char *train(scl_backend *b, const scl_tuning *rows, size_t *bytes, int *used)
{
    scl_dataset data = {.count = IMAGES, .height = SIZE, .width = SIZE, .channels = 1, .u8 = pixels};
    const scl_trainer_options options = {.tuning = rows};
    scl_trainer *t;
    scl_err err = {0};
    must(scl_trainer_create(&t, b, config, &config->stage[0], &data, NULL, &options, &err), &err);
    must(scl_trainer_init(t, &err), &err);
    for (long step = 0; step < STEPS; step++)
        must(scl_trainer_step(t, step, &err), &err);
    must(scl_trainer_finish(t, &err), &err);
    scl_store *store = scl_trainer_store(t);
    unsigned char *all = NULL;
    *bytes = 0;
    for (int i = 0; i < scl_store_count(store); i++) {
        const scl_value *v = scl_store_at(store, i).value;
        const size_t n = scl_value_bytes(v);
        if (v->role != SCL_PARAM && v->role != SCL_STATE)
            continue;
        all = realloc(all, *bytes + n);
        must(scl_store_read(store, v->name, all + *bytes, n, &err), &err);
        *bytes += n;
    }
    *used = 0;
    for (int i = 0; scl_trainer_plan_at(t, i); i++)
        for (int k = 0; k < scl_trainer_plan_at(t, i)->schedule.n_node; k++)
            *used += scl_plan_row(scl_trainer_plan_at(t, i), k) != NULL;
    scl_trainer_free(t);
    return all;
}

/* The graphs that the training above runs. */
static void graphs_of(scl_arena *arena, scl_tuner_list *list)
{
    const int shape[3] = {SIZE, SIZE, 1};
    const scl_step_spec spec = scl_build_spec(config, &config->stage[0], shape, IMAGES);
    scl_err err = {0};
    const scl_plan_options plan = scl_build_plan_options(config, &config->stage[0], NULL, NULL);
    must(scl_tuner_graphs(&config->stage[0], &spec, &plan, arena, list, &err), &err);
}

/* A row for every shape but the expressions', whose kernels are one each: the pick-th of its choices, from
 * the last on. */
static void make_rows(scl_backend *b, int pick, scl_tuning *rows)
{
    scl_arena arena = {0};
    scl_tuner_list list;
    scl_plan *plan;
    scl_err err = {0};
    scl_choice choice[64];
    char text[SCL_CHOICE_TEXT];
    graphs_of(&arena, &list);
    must(scl_plan_make(&plan, &arena, list.graph[0].graph, &b->info, &list.graph[0].plan, &err), &err);
    for (int i = 0; i < plan->schedule.n_node; i++) {
        const scl_node *n = plan->schedule.step[i].node;
        const int count = scl_choice_list(choice, 64, n, &b->info);
        if (n->expr || count < 2)
            continue;
        scl_tuning_row row = {
            .choice = scl_choice_text(&choice[count - 1 - pick % (count - 1)], text, sizeof text)};
        row.shape = scl_tuning_shape(n, &row.batch, &arena);
        scl_tuning_put(rows, &row);
    }
    scl_arena_free(&arena);
}

static void test_same_bits(scl_backend *b)
{
    size_t bytes, n;
    int used;
    unsigned char *want = train(b, NULL, &bytes, &used);
    CHECK(bytes > 10000 && used == 0, "%zu bytes, %d rows", bytes, used);
    for (int pick = 0; pick < 3; pick++) {
        scl_tuning rows = {0};
        scl_arena arena = {0};
        make_rows(b, pick, &rows);
        if (pick == 2) { /* measured ones, over what there is, and one that names nothing */
            scl_tuner_list list;
            scl_tuner_report report;
            scl_err err = {0};
            const scl_tuner_options options = {.seconds = 4};
            graphs_of(&arena, &list);
            must(scl_tuner_run(b, list.graph, list.n, &options, &rows, &report, &err), &err);
            CHECK(report.measured > 0 && report.wrong == 0 && report.seconds < 30,
                  "%d measured, %d wrong, %.1f s", report.measured, report.wrong, report.seconds);
            CHECK(scl_tuner_knows(&b->info, list.graph, list.n, &rows), "what was measured is not known");
            rows.row[0].choice = "direct WG=3";
        }
        unsigned char *got = train(b, &rows, &n, &used);
        CHECK(used > 50, "%d nodes by %d rows", used, rows.n_row);
        CHECK(n == bytes && !memcmp(want, got, n), "rows of kind %d change the result", pick);
        free(got);
        scl_tuning_free(&rows);
        scl_arena_free(&arena);
    }
    free(want);
}

/* pointwise.cl with a line behind its head, in a folder that stands in for the kernels of the binary. */
static void plant(const char *line)
{
    scl_arena arena = {0};
    char path[160];
    unsetenv("SCL_KERNEL_DIR");
    const char *text = scl_source_find("ops/pointwise.cl", &arena), *at = strstr(text, "    HOISTED\n");
    CHECK(at, "ops/pointwise.cl has no line HOISTED any more");
    snprintf(path, sizeof path, "%s/ops", root);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/ops/pointwise.cl", root);
    FILE *f = fopen(path, "w");
    CHECK(f && at && fprintf(f, "%.*s%s%s", (int)(at - text), text, line, at) > 0, "cannot write %s", path);
    if (f)
        fclose(f);
    setenv("SCL_KERNEL_DIR", root, 1);
    scl_arena_free(&arena);
}

/* What the tuner makes of a chain of arithmetic on `samples` times 64 KB, and whether its row is the default.
 */
static bool tune_expression(scl_backend **b, int samples, scl_tuner_report *report, char *choice, size_t size)
{
    scl_arena arena = {0};
    scl_err err = {0};
    scl_tuning rows = {0};
    scl_value *x, *y;
    scl_choice first;
    char text[SCL_CHOICE_TEXT];
    (*b)->v->close(*b); /* programs of the other source are in its memory */
    must(scl_device_open("auto", b, &err), &err);
    scl_graph *g = scl_graph_new(&arena, "test");
    must(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(samples, 16, 16, 64), &err), &err);
    must(SCL_POINTWISE(g, &y, &err, "fma(x, fma(x, x, 0.5), 0.25)", SCL_IN("x", x)), &err);
    scl_output(y, "y");
    const scl_tuner_graph graph = {.graph = g, .runs = 1};
    const scl_tuner_options options = {.seconds = 60};
    must(scl_tuner_run(*b, &graph, 1, &options, &rows, report, &err), &err);
    CHECK(rows.n_row == 1 && scl_choice_list(&first, 1, g->node[0], &(*b)->info) == 1, "%d rows", rows.n_row);
    snprintf(choice, size, "%s", rows.n_row ? rows.row[0].choice : "");
    const bool same = !strcmp(choice, scl_choice_text(&first, text, sizeof text));
    scl_tuning_free(&rows);
    scl_arena_free(&arena);
    return same;
}

static void test_planted(scl_backend **b)
{
    scl_tuner_report report;
    char choice[SCL_CHOICE_TEXT];
    const bool gpu = (*b)->info.klass == SCL_CLASS_GPU;
    /* does nothing, or leaves something out, with every vector width but the default's */
    plant(gpu ? "#if VEC != 4\n    return;\n#endif\n" : "#if VEC != 16\n    return;\n#endif\n");
    CHECK(tune_expression(b, LARGE, &report, choice, sizeof choice) ||
              strstr(choice, gpu ? "VEC=4" : "VEC=16"),
          "a kernel that does nothing wins: %s", choice);
    CHECK(report.wrong > 0, "no choice was found wrong");
    plant(gpu ? "#if VEC != 4\n    if (get_global_id(0) == 0 && n == 0)\n        return;\n#endif\n"
              : "#if VEC != 16\n    if (get_global_id(0) == 0 && n == 0)\n        return;\n#endif\n");
    tune_expression(b, LARGE, &report, choice, sizeof choice);
    CHECK(strstr(choice, gpu ? "VEC=4" : "VEC=16") && report.wrong > 0,
          "a kernel that leaves something out wins: %s", choice);
    /* the default wastes its time: whoever does not must win */
    plant(gpu ? "#if VEC == 4\n    for (volatile int k = 0; k < 20000; k++)\n        ;\n#endif\n"
              : "#if VEC == 16\n    for (volatile int k = 0; k < 20000; k++)\n        ;\n#endif\n");
    CHECK(!tune_expression(b, LARGE, &report, choice, sizeof choice) && !strstr(choice, "VEC=16"),
          "a slow default stays: %s", choice);
    CHECK(report.wrong == 0 && report.faster == 1, "%d wrong, %d faster", report.wrong, report.faster);
    /* a default that is wrong: where the C definition can be asked, a right one takes its place */
    plant(gpu ? "#if VEC == 4\n    return;\n#endif\n" : "#if VEC == 16\n    return;\n#endif\n");
    CHECK(!tune_expression(b, SMALL, &report, choice, sizeof choice) && !strstr(choice, "VEC=16") &&
              report.wrong > 0,
          "a wrong default stays: %s", choice);
    unsetenv("SCL_KERNEL_DIR");
}

/* Convolutions that a plan has fused with their neighbours are measured as they are, their weights at rest:
 * all choices have the bits of the C definitions, and the plan finds the row. */
static void test_fused(scl_backend *b, const char *algorithm, bool input)
{
    scl_arena arena = {0};
    scl_err err = {0};
    scl_tuning rows = {0};
    scl_tuner_report report;
    scl_value *x, *w, *k, *y;
    scl_plan *plan;
    scl_graph *g = scl_graph_new(&arena, "test");
    must(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(2, SIZE, SIZE, 16), &err), &err);
    must(scl_value_get(g, &w, SCL_PARAM, "w", SCL_F32, SCL_DIMS(3, 3, 16, 16), &err), &err);
    must(scl_value_get(g, &k, SCL_PARAM, "k", SCL_F32, SCL_DIMS(16), &err), &err);
    if (input)
        must(SCL_POINTWISE(g, &y, &err, "elu(fma(x, k, 0.5))", SCL_IN("x", x), SCL_CHANNEL("k", k, 0)), &err);
    must(SCL_APPLY(g, &y, &err, "conv2d", SCL_IN("x", input ? y : x), SCL_IN("w", w), SCL_IN("bias", k),
                   SCL_TEXT("algorithm", algorithm)),
         &err);
    must(SCL_POINTWISE(g, &y, &err, "y + sigmoid(x)", SCL_IN("y", y), SCL_IN("x", x)), &err);
    scl_output(y, "y");
    scl_tuner_graph graph = {.graph = g, .runs = 1, .plan = {.fuse_input = true, .weights_rest = true}};
    const scl_tuner_options options = {.seconds = 10};
    must(scl_tuner_run(b, &graph, 1, &options, &rows, &report, &err), &err);
    CHECK(report.shapes == 1 && report.measured == 1 && report.wrong == 0,
          "%s: %d shapes, %d measured, %d wrong", algorithm, report.shapes, report.measured, report.wrong);
    CHECK(rows.n_row == 1 && strstr(rows.row[0].shape, " post=") &&
              !strstr(rows.row[0].shape, " pre=") == !input,
          "%s: %s", algorithm, rows.n_row ? rows.row[0].shape : "no row");
    graph.plan.tuning = &rows;
    must(scl_plan_make(&plan, &arena, g, &b->info, &graph.plan, &err), &err);
    CHECK(plan->schedule.n_node == 1 && plan->schedule.n_prepare == 1 && scl_plan_row(plan, 0),
          "%s: %d nodes, %d launches of preparation", algorithm, plan->schedule.n_node,
          plan->schedule.n_prepare);
    scl_tuning_free(&rows);
    scl_arena_free(&arena);
}

int main(void)
{
    scl_backend *b;
    if (scl_device_open("auto", &b, NULL) != SCL_OK) {
        printf("skipped: there is no OpenCL device\n");
        return SKIPPED;
    }
    CHECK(mkdtemp(root), "no folder");
    setenv("XDG_CACHE_HOME", root, 1);
    make_config();
    test_same_bits(b);
    test_fused(b, "direct", false);
    if (b->info.klass == SCL_CLASS_CPU && b->info.vector_width > 1)
        test_fused(b, "winograd2", true);
    test_planted(&b);
    b->v->close(b);
    scl_config_free(config);
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    CHECK(system(command) == 0, "cannot remove %s", root);
    if (!failures)
        printf("tuner: all checks passed\n");
    return failures != 0;
}
