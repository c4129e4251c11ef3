/* Tuning changes no result: a small network trained with rows of many kinds, measured ones too, ends with the
 * same bits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/device.h"
#include "must.h"
#include "run/check.h"
#include "run/trainer.h"
#include "run/tuner.h"

enum { SKIPPED = 77, IMAGES = 24, SIZE = 8, STEPS = 3 };

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
            scl_tuner_report report = {0};
            scl_err err = {0};
            const scl_tuner_options options = {.seconds = 4};
            graphs_of(&arena, &list);
            for (int turn = 0; turn < 10 && !report.measured; turn++) /* others may run beside it */
                must(scl_tuner_run(b, list.graph, list.n, &options, &rows, &report, &err), &err);
            CHECK(report.measured > 0 && report.wrong == 0, "%d measured, %d wrong", report.measured,
                  report.wrong);
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
    b->v->close(b);
    scl_config_free(config);
    return finish("tuned bits");
}
