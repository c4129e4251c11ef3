/* A fast kernel that computes something else never wins; one that is right and much faster does.  That no row
 * changes a bit is test_tuned_bits.c's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cl/device.h"
#include "cl/program.h"
#include "must.h"
#include "run/check.h"
#include "run/tuner.h"

enum { SKIPPED = 77, SMALL = 2, LARGE = 96, SIZE = 8 };

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
    CHECK(report.shapes == 1 && report.measured == 1 && report.wrong == 0 && report.seconds < 30,
          "%s: %d shapes, %d measured, %d wrong, %.1f s", algorithm, report.shapes, report.measured,
          report.wrong, report.seconds);
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
    test_fused(b, "direct", false);
    if (b->info.klass == SCL_CLASS_CPU && b->info.vector_width > 1)
        test_fused(b, "winograd2", true);
    test_planted(&b);
    b->v->close(b);
    return finish("tuner");
}
