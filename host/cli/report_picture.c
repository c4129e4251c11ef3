/* The pictures of a stage. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/page.h"
#include "cli/report.h"
#include "score/sampler.h"

enum { MOST_SAMPLES = 32 };

/* {"file", "bytes", "uri"}; uri is left out when the page's room is spent. */
static json_t *picture(const char *folder, const char *name, report_room *room, scl_arena *arena)
{
    char *bytes;
    size_t size;
    if (scl_file_read(scl_arena_printf(arena, "%s/%s", folder, name), &bytes, &size, NULL) != SCL_OK)
        return NULL;
    json_t *o = json_pack("{s:s, s:I}", "file", name, "bytes", (json_int_t)size);
    if (size <= room->picture_bytes) {
        room->picture_bytes -= size;
        json_object_set_new(o, "uri", cli_page_png(bytes, size));
    }
    free(bytes);
    return o;
}

static int is_png(const struct dirent *e)
{
    const size_t n = strlen(e->d_name);
    return n > 4 && e->d_name[0] != '.' && !strcmp(e->d_name + n - 4, ".png");
}

/* Rows of trajectory.png: the noise that is left after each, and what it is of. */
static void trajectory(const scl_stage_config *stage, json_t *o, scl_arena *arena)
{
    scl_noise noise;
    scl_sampler sampler;
    if (!stage || scl_noise_of(&noise, arena, &stage->noise, 2.0, false, NULL) != SCL_OK)
        return;
    json_t *sigma = json_array();
    const int columns = stage->sample.count < 8 ? stage->sample.count : 8;
    if (scl_sampler_adapts(&stage->sample)) {
        for (int i = 0; i < noise.levels; i++)
            json_array_append_new(sigma, json_real(noise.level[i]));
    } else if (scl_sampler_make(&sampler, &stage->sample, &noise, NULL) == SCL_OK) {
        for (int i = 0; i < sampler.total; i++) {
            const scl_update u = scl_sampler_at(&sampler, i);
            if (u.row >= 0)
                json_array_append_new(sigma, json_real(noise.level[u.level]));
        }
    }
    json_object_set_new(o, "columns", json_integer(columns));
    json_object_set_new(o, "sigma", sigma);
}

/* samples/step-NNN.png: at most MOST_SAMPLES of them, first and last included. */
static void over_training(const char *folder, report_room *room, json_t *stage, scl_arena *arena)
{
    struct dirent **entry;
    const char *samples = scl_arena_printf(arena, "%s/samples", folder);
    const int n = scandir(samples, &entry, is_png, alphasort), shown = n < MOST_SAMPLES ? n : MOST_SAMPLES;
    json_t *list = json_array();
    for (int i = 0; i < shown; i++) {
        const int at = shown < 2 ? 0 : (int)((long)i * (n - 1) / (shown - 1));
        long step = 0;
        json_t *p = sscanf(entry[at]->d_name, "step-%ld", &step) == 1 ? picture(samples, entry[at]->d_name, room, arena) : NULL;
        if (!p)
            continue;
        json_object_set_new(p, "step", json_integer(step));
        json_array_append_new(list, p);
    }
    for (int i = 0; i < n; i++)
        free(entry[i]);
    if (n >= 0)
        free(entry);
    json_object_set_new(stage, "samples", list);
}

void report_pictures(const char *folder, const scl_stage_config *config, report_room *room, json_t *stage, scl_arena *arena)
{
    struct dirent **entry;
    json_t *list = json_array();
    const int n = scandir(folder, &entry, is_png, alphasort);
    for (int i = 0; i < n; i++) {
        json_t *p = picture(folder, entry[i]->d_name, room, arena);
        if (p && !strcmp(entry[i]->d_name, "trajectory.png")) {
            trajectory(config, p, arena);
            json_object_set_new(stage, "trajectory", p);
        } else if (p) {
            json_array_append_new(list, p);
        }
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
    json_object_set_new(stage, "pictures", list);
    over_training(folder, room, stage, arena);
}
