#include "run/fingerprint.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "graph/graph.h"
#include "run/build.h"
#include "run/run.h"

enum { SIDE = 8, PIXELS = SIDE * SIDE, TRAIN = 32, HELD_OUT = 8, CLASSES = 4, COLOURED = 24 };

/* ---- the pictures ---- */

/* A blob whose place depends on the number of the picture; integers alone. */
static void draw(unsigned char *to, int number, int channels)
{
    for (int p = 0; p < PIXELS * channels; p++) {
        const int pixel = p / channels, c = p % channels;
        const int dx = pixel % SIDE - (number + 2 * c) % 7, dy = pixel / SIDE - number / 7 % SIDE;
        const int light = 250 - (9 + 3 * c) * (dx * dx + dy * dy);
        to[p] = (unsigned char)(light > 0 ? light : (17 * number + 5 * p) % 23);
    }
}

static scl_status write_idx(const char *folder, const char *name, const unsigned char *data, int count, int side, scl_err *err)
{
    char path[4200];
    unsigned char file[16 + TRAIN * PIXELS] = { 0, 0, 8, side ? 3 : 1, 0, 0, 0, (unsigned char)count, 0, 0, 0, (unsigned char)side,
                                                0, 0, 0, (unsigned char)side };
    const size_t head = side ? 16 : 8, bytes = (size_t)count * (size_t)(side ? side * side : 1);
    memcpy(file + head, data, bytes);
    snprintf(path, sizeof path, "%s/grey/%s-ubyte", folder, name);
    return scl_file_write(path, file, head + bytes, NULL, err);
}

static scl_status write_pictures(const char *folder, scl_err *err)
{
    char path[4200];
    unsigned char grey[TRAIN * PIXELS], classes[TRAIN], colour[COLOURED * PIXELS * 3];
    for (int i = 0; i < TRAIN; i++) {
        draw(grey + i * PIXELS, i, 1);
        classes[i] = (unsigned char)(i * 7 / 3 % CLASSES);
    }
    for (int i = 0; i < COLOURED; i++)
        draw(colour + i * PIXELS * 3, i, 3);
    snprintf(path, sizeof path, "%s/grey", folder);
    SCL_TRY(scl_file_make_folder(path, err));
    SCL_TRY(write_idx(folder, "train-images-idx3", grey, TRAIN, SIDE, err));
    SCL_TRY(write_idx(folder, "train-labels-idx1", classes, TRAIN, 0, err));
    SCL_TRY(write_idx(folder, "t10k-images-idx3", grey, HELD_OUT, SIDE, err));
    SCL_TRY(write_idx(folder, "t10k-labels-idx1", classes, HELD_OUT, 0, err));
    snprintf(path, sizeof path, "%s/colour.npy", folder);
    const scl_npy array = { .dtype = SCL_NPY_U8, .rank = 4, .dim = { COLOURED, SIDE, SIDE, 3 }, .data = colour };
    return scl_npy_write(&array, path, err);
}

/* ---- a config ---- */

void scl_fingerprint_list(scl_fingerprint *out, const scl_graph *graph)
{
    for (int i = 0; i < graph->n_node; i++) {
        const char *name = graph->node[i]->op->name;
        int k = 0;
        while (k < out->n_operator && strcmp(out->operator_[k], name) != 0)
            k++;
        if (k == out->n_operator && k < SCL_FINGERPRINT_OPERATORS)
            out->operator_[out->n_operator++] = name;
    }
}

static scl_status list_stage(scl_fingerprint *out, const scl_config *config, const scl_stage_config *stage, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_graph *graph;
    const scl_status status = scl_build_graph(&graph, &arena, config, stage, NULL, err);
    if (status == SCL_OK)
        scl_fingerprint_list(out, graph);
    scl_arena_free(&arena);
    return status;
}

/* What a stage left in its folder. */
static scl_status sum_stage(scl_fingerprint *out, scl_arena *arena, const char *folder, const scl_stage_config *stage,
                            scl_err *err)
{
    static const struct { const char *what, *file; } result[] = {
        [SCL_STAGE_TRAIN] = { "weights", "checkpoints/latest.safetensors" },
        [SCL_STAGE_SAMPLE] = { "samples", "samples.npy" },
        [SCL_STAGE_LIKELIHOOD] = { "densities", "log_density.npy" },
    };
    char path[4400];
    if (stage->kind >= sizeof result / sizeof *result || !result[stage->kind].what)
        return scl_fail(err, SCL_FAILED, "stage '%s' has no checksum", stage->name);
    if (out->n == SCL_FINGERPRINT_MOST)
        return scl_fail(err, SCL_FAILED, "more than %d stages", SCL_FINGERPRINT_MOST);
    struct scl_fingerprint_sum *s = &out->sum[out->n++];
    s->what = result[stage->kind].what;
    s->of = scl_arena_strdup(arena, stage->name);
    snprintf(path, sizeof path, "%s/run/%s/%s", folder, stage->name, result[stage->kind].file);
    return scl_checksum_file(path, s->checksum, err);
}

static void drop(void *user, scl_log_level level, const char *line)
{
    (void)user, (void)level, (void)line;
}

static scl_status run(scl_fingerprint *out, scl_arena *arena, const char *folder, const scl_config *config, scl_err *err)
{
    char where[4200];
    snprintf(where, sizeof where, "%s/run", folder);
    const scl_run_options options = { .out = where, .jobs = 1 };
    scl_log_set_sink(drop, NULL);
    scl_status status = scl_run_config(config, &options, err);
    scl_log_set_sink(NULL, NULL);
    if (status == SCL_INTERRUPTED && err) {        /* what the stages advise is of a folder that is removed */
        scl_err_clear(err);
        scl_fail(err, status, "interrupted");
    }
    for (int i = 0; i < config->n_stage && status == SCL_OK; i++) {
        const scl_stage_config *stage = &config->stage[config->order[i]];
        status = sum_stage(out, arena, folder, stage, err);
        if (status == SCL_OK)
            status = list_stage(out, config, stage, err);
    }
    return status;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

scl_status scl_fingerprint_config(scl_fingerprint *out, scl_arena *arena, const char *name, const char *text,
                                  const char *device, scl_err *err)
{
    const char *tmp = getenv("TMPDIR");
    char folder[4096];
    *out = (scl_fingerprint){ 0 };
    if ((size_t)snprintf(folder, sizeof folder, "%s/scorecl-fingerprint-XXXXXX", tmp && *tmp ? tmp : "/tmp") >= sizeof folder ||
        !mkdtemp(folder))
        return scl_fail(err, SCL_FAILED, "cannot make a folder in %s; TMPDIR names another place", tmp && *tmp ? tmp : "/tmp");
    const scl_override on = { .key = "--device", .value = device };
    scl_config *config = NULL;
    scl_config_errors errors = { 0 };
    scl_status status = write_pictures(folder, err);
    if (status == SCL_OK)
        status = scl_config_parse(text, strlen(text), name, folder, &on, 1, &config, &errors, err);
    if (status == SCL_OK)
        status = run(out, arena, folder, config, err);
    if (status != SCL_OK)
        scl_err_context(err, "%s", name);
    scl_config_free(config);
    scl_config_errors_free(&errors);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}
