/* Checkpoints and metrics: layouts, what is refused and how it is said, rotation, damaged files. */
#include "check.h"

#include <math.h>
#include <sys/stat.h>

#include "base/log.h"
#include "run/checkpoint.h"
#include "run/layout.h"
#include "run/metrics.h"

static char log_text[4096];
static void keep_line(void *user, scl_log_level level, const char *line)
{
    (void)user, (void)level;
    snprintf(log_text + strlen(log_text), sizeof log_text - strlen(log_text), "%s\n", line);
}

#define SAYS(where, text) CHECK(strstr(where, text), "'%s' is not in: %s", text, where)

/* A network of one convolution, one linear layer and an embedding, with Adam's state. */
typedef struct network {
    scl_graph *graph;
    scl_store *store;
} network;

static void add(scl_graph *g, scl_role role, const char *name, int rank, const int *dims)
{
    scl_value *v;
    CHECK(scl_value_get(g, &v, role, name, SCL_F32, rank, dims, NULL) == SCL_OK, "%s", name);
}

static network make_network(scl_backend *b, int width, bool with_state)
{
    static const char *const prefix[] = { "", "ema.", "adam.m.", "adam.v." };
    network n = { .graph = scl_graph_new(&test_arena, "test") };
    scl_err err = { 0 };
    for (int i = 0; i < (with_state ? 4 : 1); i++) {
        const scl_role role = i ? SCL_STATE : SCL_PARAM;
        add(n.graph, role, scl_arena_printf(&test_arena, "%sbegin_conv.weight", prefix[i]),
            SCL_DIMS(3, 1, 2, width));
        add(n.graph, role, scl_arena_printf(&test_arena, "%sbegin_conv.bias", prefix[i]), SCL_DIMS(width));
        add(n.graph, role, scl_arena_printf(&test_arena, "%sout.weight", prefix[i]), SCL_DIMS(width, 2));
        add(n.graph, role, scl_arena_printf(&test_arena, "%snorm.embed.weight", prefix[i]), SCL_DIMS(2, 6));
    }
    add(n.graph, SCL_STATE, "ring", SCL_DIMS(4, 4));
    CHECK(scl_store_create(&n.store, b, &n.graph, 1, &err) == SCL_OK, "%s", err.message);
    return n;
}

static void fill(const network *n, float first)
{
    for (int i = 0; i < scl_store_count(n->store); i++) {
        const scl_value *v = scl_store_at(n->store, i).value;
        float x[64];
        for (size_t e = 0; e < scl_value_count(v); e++)
            x[e] = first + (float)(100 * i) + (float)e;
        CHECK(scl_store_write(n->store, v->name, x, scl_value_bytes(v), NULL) == SCL_OK, "%s", v->name);
    }
}

static const scl_checkpoint_info some_info = {
    .step = 7,
    .seed = 0xfedcba9876543210u,
    .counters = { 1, 2, 0xffffffffu },
    .arithmetic = 1,
    .height = 8,
    .width = 10,
    .channels = 2,
    .net = "ncsn ngf=4",
    .conv = "direct",
    .stage = "train",
    .config = "seed: 1\n",
    .config_hash = "abc",
    .data_sha256 = "def",
    .eval_loss = 1.0 / 3.0,
    .best_loss = 0.1,
    .best_step = 5,
};

static void test_round_trip(scl_backend *b)
{
    network n = make_network(b, 4, true), m = make_network(b, 4, true);
    scl_err err = { 0 };
    scl_checkpoint *c = NULL;
    char checksum[65], again[65];
    const char *path = in_root("one.safetensors");
    fill(&n, 0.5f);
    CHECK(scl_checkpoint_write(path, n.store, &some_info, checksum, &err) == SCL_OK, "%s", err.message);
    CHECK(scl_checkpoint_open(&c, path, &err) == SCL_OK, "%s", err.message);
    if (!c)
        return;
    const scl_checkpoint_info *i = &c->info;
    CHECK(c->ours && i->step == 7 && i->seed == some_info.seed &&
              !memcmp(i->counters, some_info.counters, sizeof i->counters) && i->height == 8 &&
              i->width == 10 && i->channels == 2 && i->eval_loss == 1.0 / 3.0 && i->best_loss == 0.1 &&
              i->best_step == 5,
          "numbers of the metadata");
    CHECK(!strcmp(i->config, "seed: 1\n") && !strcmp(i->stage, "train") && !strcmp(i->conv, "direct"),
          "texts of the metadata");
    CHECK(c->file->n == 16 && !scl_safetensors_find(c->file, "ring"), "%d tensors", c->file->n);
    /* HWIO (3,1,2,4) becomes OIHW (4,2,3,1): element (h, 0, i, o) moves to (o, i, h, 0). */
    const scl_tensor *t = scl_safetensors_find(c->file, "begin_conv.weight");
    float file[24], device[24];
    CHECK(t && t->rank == 4 && t->dim[0] == 4 && t->dim[1] == 2 && t->dim[2] == 3 && t->dim[3] == 1,
          "shape of the convolution");
    scl_tensor_f32(t, file);
    CHECK(scl_store_read(n.store, "begin_conv.weight", device, sizeof device, NULL) == SCL_OK, "read");
    for (int h = 0; h < 3; h++)
        for (int in = 0; in < 2; in++)
            for (int o = 0; o < 4; o++)
                CHECK(file[(o * 2 + in) * 3 + h] == device[(h * 2 + in) * 4 + o], "element %d %d %d", h, in,
                      o);
    t = scl_safetensors_find(c->file, "out.weight");
    CHECK(t && t->dim[0] == 2 && t->dim[1] == 4, "linear layers lie as [out, in]");
    t = scl_safetensors_find(c->file, "norm.embed.weight");
    CHECK(t && t->dim[0] == 2 && t->dim[1] == 6, "embeddings lie as they are");
    CHECK(scl_checkpoint_restore(c, m.store, &err) == SCL_OK, "%s", err.message);
    CHECK(scl_checkpoint_write(in_root("two.safetensors"), m.store, &some_info, again, &err) == SCL_OK, "%s",
          err.message);
    CHECK(!strcmp(checksum, again), "what was restored has another checksum");
    scl_checkpoint_close(c);
    scl_store_free(n.store);
    scl_store_free(m.store);
}

static void test_weights(scl_backend *b)
{
    network n = make_network(b, 4, true), plain = make_network(b, 4, false), wide = make_network(b, 5, true);
    scl_err err = { 0 };
    scl_checkpoint *c = NULL, *official = NULL;
    float raw[4], ema[4], got[4];
    fill(&n, 3.0f);
    CHECK(scl_checkpoint_write(in_root("w.safetensors"), n.store, &some_info, NULL, &err) == SCL_OK, "%s",
          err.message);
    CHECK(scl_checkpoint_write(in_root("plain.safetensors"), plain.store, &some_info, NULL, &err) == SCL_OK,
          "%s", err.message);
    CHECK(scl_checkpoint_open(&c, in_root("w.safetensors"), &err) == SCL_OK, "%s", err.message);
    CHECK(scl_checkpoint_open(&official, in_root("plain.safetensors"), &err) == SCL_OK, "%s", err.message);
    scl_store_read(n.store, "begin_conv.bias", raw, sizeof raw, NULL);
    scl_store_read(n.store, "ema.begin_conv.bias", ema, sizeof ema, NULL);
    CHECK(memcmp(raw, ema, sizeof raw) != 0, "the test's own values");
    CHECK(scl_checkpoint_weights(c, plain.store, "ema.", "", &err) == SCL_OK, "%s", err.message);
    scl_store_read(plain.store, "begin_conv.bias", got, sizeof got, NULL);
    CHECK(!memcmp(got, ema, sizeof got), "averaged weights");
    CHECK(scl_checkpoint_weights(c, plain.store, "", "", &err) == SCL_OK, "%s", err.message);
    scl_store_read(plain.store, "begin_conv.bias", got, sizeof got, NULL);
    CHECK(!memcmp(got, raw, sizeof got), "plain weights");
    CHECK(scl_checkpoint_weights(official, plain.store, "ema.", "", &err) == SCL_OK, "%s", err.message);
    SAYS(log_text, "has no averaged weights");
    CHECK(scl_checkpoint_restore(official, n.store, &err) == SCL_FAILED,
          "weights alone were taken for a state");
    SAYS(err.message, "ema.begin_conv.bias [4] is missing in the file");
    SAYS(err.message, "and 7 more");
    err = (scl_err){ 0 };
    CHECK(scl_checkpoint_restore(c, wide.store, &err) == SCL_FAILED, "another network was accepted");
    SAYS(err.message, "begin_conv.weight is [4,2,3,1] in the file, [5,2,3,1] here");
    SAYS(err.message, "ncsn ngf=4");
    scl_checkpoint_close(c);
    scl_checkpoint_close(official);
    scl_store_free(n.store);
    scl_store_free(plain.store);
    scl_store_free(wide.store);
}

static long newest(const char *folder, long most)
{
    scl_checkpoint *c;
    scl_err err = { 0 };
    CHECK(scl_checkpoints_newest(folder, most, &c, &err) == SCL_OK, "%s", err.message);
    const long step = c ? c->info.step : -1;
    scl_checkpoint_close(c);
    return step;
}

static void test_folder(scl_backend *b)
{
    network n = make_network(b, 4, true);
    const char *folder = in_root("checkpoints"), *path;
    scl_err err = { 0 };
    CHECK(newest(folder, -1) == -1, "something in a folder that is not there");
    for (long step = 10; step <= 50; step += 10) {
        scl_checkpoint_info info = some_info;
        info.step = step;
        info.best_step = step == 20 ? 20 : 21;
        fill(&n, (float)step);
        CHECK(scl_checkpoints_save(folder, n.store, &info, 2, NULL, &err) == SCL_OK, "%s", err.message);
    }
    static const struct {
        int step;
        bool there;
    } kept[] = { { 10, false }, { 20, true }, { 30, false }, { 40, true }, { 50, true } };
    for (int i = 0; i < 5; i++)
        CHECK(scl_file_exists(in_root("checkpoints/step-%08d.safetensors", kept[i].step)) == kept[i].there,
              "step %d", kept[i].step);
    CHECK(scl_checkpoints_find(folder, "best", &test_arena, &path, &err) == SCL_OK, "%s", err.message);
    CHECK(scl_checkpoints_find(folder, "latest", &test_arena, &path, &err) == SCL_OK, "%s", err.message);
    CHECK(scl_checkpoints_find(folder, "step-40", &test_arena, &path, &err) == SCL_OK, "%s", err.message);
    CHECK(scl_checkpoints_find(folder, "step-30", &test_arena, &path, &err) == SCL_FAILED, "step-30 is gone");
    SAYS(err.message, "step-50, step-40, step-20");
    CHECK(newest(folder, -1) == 50 && newest(folder, 45) == 40, "the newest");
    /* Cut short, and changed in the middle. */
    CHECK(truncate(in_root("checkpoints/step-%08d.safetensors", 50), 1000) == 0, "truncate");
    log_text[0] = '\0';
    CHECK(newest(folder, -1) == 40, "after step 50 was cut short");
    SAYS(log_text, "step-00000050.safetensors");
    FILE *f = fopen(in_root("checkpoints/step-%08d.safetensors", 40), "r+b");
    fseek(f, -5, SEEK_END);
    const int before = fgetc(f);
    fseek(f, -5, SEEK_END);
    fputc(before ^ 1, f);
    fclose(f);
    CHECK(newest(folder, -1) == 20, "after a bit of step 40 was changed");
    SAYS(log_text, "does not fit its checksum");
    scl_store_free(n.store);
}

static void test_metrics(void)
{
    static const char *const columns[] = { "loss", "eval_loss" };
    scl_metrics *m;
    scl_err err = { 0 };
    const char *folder = in_root("metrics");
    mkdir(folder, 0755);
    CHECK(scl_metrics_open(&m, folder, columns, 2, -1, &err) == SCL_OK, "%s", err.message);
    for (long step = 10; step <= 40; step += 10)
        CHECK(scl_metrics_row(m, step, (const double[]){ (double)step / 3, step == 20 ? 0.5 : NAN }, &err) ==
                  SCL_OK,
              "%s", err.message);
    scl_metrics_close(m);
    const char *csv = get_file(in_root("metrics/metrics.csv"));
    CHECK(!strcmp(csv, "step,loss,eval_loss\n10,3.33333333,\n20,6.66666667,0.5\n30,10,\n40,13.3333333,\n"),
          "%s", csv);
    /* A process was killed while it wrote the line of step 50; the run goes on from step 20. */
    FILE *f = fopen(in_root("metrics/metrics.jsonl"), "a");
    fputs("{\"step\": 50, \"lo", f);
    fclose(f);
    CHECK(scl_metrics_open(&m, folder, columns, 2, 20, &err) == SCL_OK, "%s", err.message);
    CHECK(scl_metrics_row(m, 30, (const double[]){ 1, INFINITY }, &err) == SCL_OK, "%s", err.message);
    scl_metrics_close(m);
    const char *json = get_file(in_root("metrics/metrics.jsonl"));
    CHECK(
        !strcmp(
            json,
            "{\"step\": 10, \"loss\": 3.33333333}\n{\"step\": 20, \"loss\": 6.66666667, \"eval_loss\": 0.5}\n"
            "{\"step\": 30, \"loss\": 1, \"eval_loss\": null}\n"),
        "%s", json);
    csv = get_file(in_root("metrics/metrics.csv"));
    CHECK(!strcmp(csv, "step,loss,eval_loss\n10,3.33333333,\n20,6.66666667,0.5\n30,1,\n"), "%s", csv);
}

int main(void)
{
    scl_backend *b;
    if (!mkdtemp(root) || scl_reference_open(&b, NULL) != SCL_OK)
        return 1;
    scl_log_set_sink(keep_line, NULL);
    test_round_trip(b);
    test_weights(b);
    test_folder(b);
    test_metrics();
    b->v->close(b);
    return finish("checkpoints");
}
