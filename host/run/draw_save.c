/* The files of a sample stage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "graph/arith.h"
#include "run/draw.h"
#include "run/events.h"
#include "run/picture.h"

static const char *in_folder(scl_draw *s, const char *name)
{
    return scl_arena_printf(s->c->arena, "%s/%s", s->c->folder, name);
}

static scl_pictures pictures(const scl_draw *s, const float *x, size_t count)
{
    const scl_net_config *n = &s->spec.net;
    return (scl_pictures){ .x = x, .count = count, .height = n->height, .width = n->width, .channels = n->channels };
}

/* A known picture as pixels: whole, or (open) with what is not known of it in grey. */
static void show_known(const scl_draw *s, int i, bool open, float *to)
{
    const float *known = scl_draw_known_of(s, i);
    const size_t C = (size_t)s->spec.net.channels;
    for (size_t p = 0; p < s->pixels; p += C) {
        float mean = 0;
        for (size_t k = 0; k < C; k++) {
            to[p + k] = s->spec.net.logit ? scl_sigmoid(known[p + k]) : known[p + k];
            mean += to[p + k];
        }
        for (size_t k = 0; k < C && open; k++)
            to[p + k] = s->how.grey ? mean / (float)C : s->mask[p + k] > 0 ? to[p + k] : 0.5f;
    }
}

/* A row for each known picture: what is known of it, the samples, the picture. */
static scl_status known_grid(scl_draw *s, const char *path, scl_err *err)
{
    const int per = s->config->condition.per_image, count = s->config->count, columns = per + 2;
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(float) * s->pixels * (size_t)columns * (size_t)s->n_known, "the grid of samples", err));
    float *grid = memory;
    for (int i = 0; i < s->n_known; i++) {
        float *row = grid + (size_t)i * (size_t)columns * s->pixels;
        const int here = count - i * per < per ? count - i * per : per;
        show_known(s, i * per, true, row);
        memcpy(row + s->pixels, s->x + (size_t)i * (size_t)per * s->pixels, sizeof *row * (size_t)here * s->pixels);
        show_known(s, i * per, false, row + (size_t)(columns - 1) * s->pixels);
    }
    const scl_pictures p = pictures(s, grid, (size_t)columns * (size_t)s->n_known);
    const scl_status status = scl_picture_grid(&p, columns, 2, path, err);
    free(memory);
    return status;
}

static scl_status save_grid(scl_draw *s, scl_err *err)
{
    const scl_pictures p = pictures(s, s->x, (size_t)s->config->count);
    const char *path = in_folder(s, "grid.png");
    const bool rows = s->spec.guide && s->config->condition.class.n != 1;
    const int columns = s->how.columns > 0 ? s->how.columns : rows ? scl_draw_of_class(s) : 0;
    return s->how.known ? known_grid(s, path, err) : scl_picture_grid(&p, columns, 2, path, err);
}

static scl_status save_array(scl_draw *s, const float *x, const char *name, int rows, int count, scl_err *err)
{
    const scl_net_config *n = &s->spec.net;
    scl_npy a = { .dtype = SCL_NPY_F32, .data = (void *)x };
    if (rows)
        a.dim[a.rank++] = (size_t)rows;
    a.dim[a.rank++] = (size_t)count;
    a.dim[a.rank++] = (size_t)n->height;
    a.dim[a.rank++] = (size_t)n->width;
    a.dim[a.rank++] = (size_t)n->channels;
    return scl_npy_write(&a, in_folder(s, name), err);
}

/* A sample of one pixel is a point, of which there is no picture. */
static bool are_points(const scl_draw *s) { return s->spec.net.height == 1 && s->spec.net.width == 1; }

static scl_status save_trajectory(scl_draw *s, scl_err *err)
{
    const scl_pictures p = pictures(s, s->trajectory, (size_t)s->rows * (size_t)s->columns);
    if (!are_points(s))
        SCL_TRY(scl_picture_grid(&p, s->columns, 2, in_folder(s, "trajectory.png"), err));
    return s->config->save & SCL_SAVE_NPY ? save_array(s, s->trajectory, "trajectory.npy", s->rows, s->columns, err) : SCL_OK;
}

/* At the step of the weights that drew them. */
static scl_status show_pictures(scl_draw *s, scl_err *err)
{
    static const char *const names[] = { "grid", "trajectory" };
    const long step = s->from && s->from->ours ? s->from->info.step : 0;
    scl_events *events;
    SCL_TRY(scl_events_open_stage(&events, s->c, step, err));
    scl_status status = SCL_OK;
    for (int i = 0; i < 2 && events && status == SCL_OK; i++) {
        const char *path = in_folder(s, scl_arena_printf(s->c->arena, "%s.png", names[i]));
        if (scl_file_exists(path))
            status = scl_events_picture(events, step, names[i], path, err);
    }
    scl_events_close(events);
    return status;
}

scl_status scl_draw_save(scl_draw *s, scl_err *err)
{
    const unsigned what = s->config->save;
    const bool pictured = !are_points(s);
    const scl_pictures p = pictures(s, s->x, (size_t)s->config->count);
    if (s->how.known)
        SCL_TRY(scl_draw_compare_known(s, err));
    if (what & SCL_SAVE_GRID && pictured)
        SCL_TRY(save_grid(s, err));
    if (what & SCL_SAVE_IMAGES && pictured)
        SCL_TRY(scl_picture_files(&p, 0, p.count, in_folder(s, "images"), err));
    if (s->trajectory)
        SCL_TRY(save_trajectory(s, err));
    const char *npy = in_folder(s, "samples.npy");
    char checksum[65];
    SCL_TRY(save_array(s, s->x, "samples.npy", 0, s->config->count, err));
    SCL_TRY(scl_checksum_file(npy, checksum, err));
    scl_stage_result(s->c, checksum);
    if (!(what & SCL_SAVE_NPY))
        remove(npy);
    SCL_TRY(show_pictures(s, err));
    scl_info("%s: samples are in %s", s->c->stage->name, s->c->folder);
    return SCL_OK;
}
