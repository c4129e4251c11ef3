/* A run directory as one object: what the page shows. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/report.h"
#include "run/json_text.h"

enum { BUCKETS = 1500, LOG_LINES = 300 };

static json_t *file_text(const char *path)
{
    char *bytes;
    size_t size;
    if (!scl_file_exists(path) || scl_file_read(path, &bytes, &size, NULL) != SCL_OK)
        return json_null();
    json_t *j = scl_json_text_of(bytes, size);
    free(bytes);
    return j;
}

/* The process that computes holds the lock as long as it lives. */
static bool in_use(const char *lock)
{
    const int fd = open(lock, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool free_now = flock(fd, LOCK_SH | LOCK_NB) == 0;
    close(fd);
    return !free_now;
}

/* The end of the log, and when each stage was begun last ("TIME NAME runs: ..."). */
static void add_log(const char *path, json_t *run)
{
    char *bytes;
    size_t size;
    json_t *lines = json_array(), *begun = json_object();
    json_object_set_new(run, "log", lines);
    json_object_set_new(run, "begun", begun);
    if (!scl_file_exists(path) || scl_file_read(path, &bytes, &size, NULL) != SCL_OK)
        return;
    long all = 0, at = 0;
    for (const char *p = bytes; (p = memchr(p, '\n', (size_t)(bytes + size - p))); p++)
        all++;
    for (char *line = bytes, *end; (end = memchr(line, '\n', (size_t)(bytes + size - line))); line = end + 1, at++) {
        *end = '\0';
        char when[64], name[256], what[16];
        if (sscanf(line, "%63s %255s %15s", when, name, what) == 3 && (!strcmp(what, "runs:") || !strcmp(what, "goes")))
            json_object_set_new(begun, name, json_string(when));
        if (at >= all - LOG_LINES)
            json_array_append_new(lines, scl_json_text_of(line, (size_t)(end - line)));
    }
    json_object_set_new(run, "log_lines", json_integer(all));
    free(bytes);
}

/* What a report shows of a profile: totals, operators, blocks; not its single kernels. */
static json_t *profile(const char *path)
{
    json_t *p = json_load_file(path, 0, NULL), *stage;
    size_t i;
    if (!json_is_object(p)) {
        json_decref(p);
        return NULL;
    }
    json_array_foreach(json_object_get(p, "stages"), i, stage)
    {
        static const char *const large[] = { "kernels", "functions", "timeline", "plans" };
        for (int k = 0; k < 4; k++)
            json_object_del(stage, large[k]);
    }
    return p;
}

static void add_stage(const char *folder, const char *name, const scl_config *config, report_room *room, json_t *stages,
                      scl_arena *arena)
{
    json_t *stage = json_pack("{s:s}", "name", name);
    const char *path = scl_arena_printf(arena, "%s/%s", folder, name);
    json_t *metrics = report_curves(scl_arena_printf(arena, "%s/metrics.jsonl", path), BUCKETS);
    if (metrics)
        json_object_set_new(stage, "metrics", metrics);
    json_t *values = json_load_file(scl_arena_printf(arena, "%s/evaluation.json", path), 0, NULL);
    if (values)
        json_object_set_new(stage, "evaluation", values);
    report_pictures(path, config ? scl_config_stage(config, name) : NULL, room, stage, arena);
    json_array_append_new(stages, stage);
}

static json_t *stages_of(const char *folder, const scl_config *config, const json_t *state, report_room *room, scl_arena *arena)
{
    json_t *stages = json_array(), *entry;
    const char *name;
    for (int i = 0; config && i < config->n_stage; i++)
        add_stage(folder, config->stage[i].name, config, room, stages, arena);
    json_object_foreach(json_object_get(state, "stages"), name, entry)
    {
        /* Names come from a file: none may lead out of the run directory. */
        if ((!config || !scl_config_stage(config, name)) && !strchr(name, '/') && name[0] != '.')
            add_stage(folder, name, NULL, room, stages, arena);
    }
    return stages;
}

static scl_config *config_of(const char *path)
{
    scl_config *config = NULL;
    scl_config_errors errors = { 0 };
    scl_config_read(path, NULL, 0, &config, &errors, NULL);
    scl_config_errors_free(&errors);
    return config;
}

static const char *name_of(const char *folder, scl_arena *arena)
{
    char *real = realpath(folder, NULL);
    const char *slash = real ? strrchr(real, '/') : NULL, *name = scl_arena_strdup(arena, slash && slash[1] ? slash + 1 : folder);
    free(real);
    return name;
}

static json_t *run_json(const char *folder, const scl_config *config, report_room *room, scl_arena *arena)
{
    json_t *run = json_object();
    const char *name = name_of(folder, arena), *yaml = scl_arena_printf(arena, "%s/config.yaml", folder);
    json_object_set_new(run, "name", scl_json_text(name));
    json_object_set_new(run, "folder", scl_json_text(folder));
    json_object_set_new(run, "running", json_boolean(in_use(scl_arena_printf(arena, "%s/lock", folder))));
    json_object_set_new(run, "config_text", file_text(yaml));
    if (config)
        json_object_set_new(run, "config", json_loads(scl_config_json(config, arena), 0, NULL));
    json_t *state = json_load_file(scl_arena_printf(arena, "%s/state.json", folder), 0, NULL);
    json_t *environment = json_load_file(scl_arena_printf(arena, "%s/environment.json", folder), 0, NULL);
    json_object_set_new(run, "state", state ? state : json_object());
    json_object_set_new(run, "environment", environment ? environment : json_object());
    add_log(scl_arena_printf(arena, "%s/log.txt", folder), run);
    json_object_set_new(run, "stages", stages_of(folder, config, json_object_get(run, "state"), room, arena));
    json_t *p = profile(scl_arena_printf(arena, "%s/profile/profile.json", folder));
    p = p ? p : profile(scl_arena_printf(arena, "%s/profile.json", folder));
    if (p)
        json_object_set_new(run, "profile", p);
    return run;
}

scl_status report_run(const char *folder, report_room *room, json_t **out, scl_err *err)
{
    scl_arena arena = { 0 };
    const char *yaml = scl_arena_printf(&arena, "%s/config.yaml", folder);
    scl_status status = SCL_OK;
    if (!scl_file_exists(yaml))
        status = scl_fail(err, SCL_FAILED, "'%s' is no run directory: it has no config.yaml", folder);
    scl_config *config = status == SCL_OK ? config_of(yaml) : NULL;
    if (status == SCL_OK)
        *out = run_json(folder, config, room, &arena);
    scl_config_free(config);
    scl_arena_free(&arena);
    return status;
}

scl_status report_all(const char *const *run, int n, bool follow, json_t **out, scl_err *err)
{
    char made[32];
    const time_t now = time(NULL);
    struct tm parts;
    strftime(made, sizeof made, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    json_t *runs = json_array();
    scl_status status = SCL_OK;
    for (int i = 0; i < n && status == SCL_OK; i++) {
        report_room room = { REPORT_PICTURE_BYTES / (size_t)n };
        json_t *one = NULL;
        status = report_run(run[i], &room, &one, err);
        if (one)
            json_array_append_new(runs, one);
    }
    *out = json_pack("{s:s, s:s, s:b, s:o}", "made", made, "version", SCL_VERSION, "follow", follow, "runs", runs);
    if (status != SCL_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}

static uint64_t mix(uint64_t h, uint64_t v) { return (h ^ v) * 0x100000001b3u; }

static uint64_t stamp(const char *folder, int depth, uint64_t h)
{
    struct dirent **entry;
    const int n = scandir(folder, &entry, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        scl_arena arena = { 0 };
        struct stat s;
        const char *path = scl_arena_printf(&arena, "%s/%s", folder, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.' && !stat(path, &s)) {
            h = S_ISDIR(s.st_mode) && depth > 0 ? stamp(path, depth - 1, h) : h;
            h = mix(mix(mix(h, (uint64_t)s.st_mtim.tv_sec), (uint64_t)s.st_mtim.tv_nsec), (uint64_t)s.st_size);
        }
        scl_arena_free(&arena);
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
    return h;
}

uint64_t report_stamp(const char *const *run, int n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (int i = 0; i < n; i++) {
        scl_arena arena = { 0 };
        h = mix(stamp(run[i], 2, h), in_use(scl_arena_printf(&arena, "%s/lock", run[i])));
        scl_arena_free(&arena);
    }
    return h;
}
