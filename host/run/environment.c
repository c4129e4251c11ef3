/* environment.json: on what a run was computed, for reports and for whoever wants to repeat it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cl/device.h"
#include "cl/matrix.h"
#include "cl/probe.h"
#include "run/engine.h"
#include "run/json_text.h"
#include "run/versions.h"

/* The first line of a small file, without its newline; NULL: cannot be read.  In arena. */
static char *first_line(const char *path, scl_arena *arena)
{
    char *text;
    size_t size;
    if (!scl_file_exists(path) || scl_file_read(path, &text, &size, NULL) != SCL_OK)
        return NULL;
    text[strcspn(text, "\n")] = '\0';
    char *line = scl_arena_strdup(arena, text);
    free(text);
    return line;
}

/* The commit that a branch name means: a file of its own, or a line of packed-refs. */
static char *commit_of(const char *git, const char *ref, scl_arena *arena)
{
    char *line = first_line(scl_arena_printf(arena, "%s/%s", git, ref), arena);
    if (line)
        return line;
    char *text;
    size_t size;
    if (scl_file_read(scl_arena_printf(arena, "%s/packed-refs", git), &text, &size, NULL) != SCL_OK)
        return NULL;
    const char *found = strstr(text, scl_arena_printf(arena, " %s\n", ref));
    line = found && found - text >= 40 ? scl_arena_printf(arena, "%.40s", found - 40) : NULL;
    free(text);
    return line;
}

/* The commit of the repository that holds the config, if any: looked for in its folder and upwards, read
 * without git. */
static char *git_commit(const char *config_file, scl_arena *arena)
{
    char *folder = realpath(config_file, NULL);
    for (char *slash; folder && (slash = strrchr(folder, '/'));) {
        *slash = '\0';
        const char *git = scl_arena_printf(arena, "%s/.git", folder);
        if (!scl_file_exists(git))
            continue;
        char *link = first_line(git, arena); /* a worktree: "gitdir: PATH" */
        if (link && !strncmp(link, "gitdir: ", 8))
            git = link + 8;
        char *head = first_line(scl_arena_printf(arena, "%s/HEAD", git), arena);
        const char *common = first_line(scl_arena_printf(arena, "%s/commondir", git), arena);
        free(folder);
        if (!head || strncmp(head, "ref: ", 5) != 0)
            return head;
        return commit_of(common ? scl_arena_printf(arena, "%s/%s", git, common) : git, head + 5, arena);
    }
    free(folder);
    return NULL;
}

void scl_environment_start(scl_run *run)
{
    run->environment = json_load_file(scl_run_path(run, "environment.json"), 0, NULL);
    if (!json_is_object(run->environment)) {
        json_decref(run->environment);
        run->environment = json_object();
    }
    json_t *e = run->environment;
    struct utsname name;
    json_t *versions = scl_versions();
    json_object_update(e, versions);
    json_decref(versions);
    if (uname(&name) == 0)
        json_object_set_new(e, "system",
                            json_pack("{s:s, s:s, s:s, s:s}", "name", name.sysname, "release", name.release,
                                      "machine", name.machine, "host", name.nodename));
    json_object_set_new(e, "processors", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    json_object_set_new(e, "config", json_string(run->config->file));
    const char *commit = git_commit(run->config->file, &run->arena);
    if (commit)
        json_object_set_new(e, "git_commit", json_string(commit));
    json_t *tune = json_array();
    for (int i = 0; run->tune[i]; i++)
        json_array_append_new(tune, json_string(run->tune[i]));
    json_object_set_new(e, "tune", tune);
    if (!json_is_object(json_object_get(e, "stages")))
        json_object_set_new(e, "stages", json_object());
}

scl_status scl_environment_write(scl_run *run, scl_err *err)
{
    char *text = json_dumps(run->environment, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    if (!text)
        return scl_fail(err, SCL_FAILED, "environment.json cannot be written: a text in it is not UTF-8");
    const scl_status status =
        scl_file_write(scl_run_path(run, "environment.json"), text, strlen(text), NULL, err);
    free(text);
    return status;
}

/* The stage's own part; borrowed. */
static json_t *part_of(scl_stage_context *c)
{
    json_t *stages = json_object_get(c->run->environment, "stages"),
           *part = json_object_get(stages, c->stage->name);
    if (!part) {
        part = json_object();
        json_object_set_new(stages, c->stage->name, part);
    }
    return part;
}

void scl_stage_note(scl_stage_context *c, const char *key, const char *format, ...)
{
    char value[1 << 14];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    char *end;
    const long long number = strtoll(value, &end, 10);
    pthread_mutex_lock(&c->run->lock);
    json_object_set_new(part_of(c), key, value[0] && !*end ? json_integer(number) : scl_json_text(value));
    pthread_mutex_unlock(&c->run->lock);
}

void scl_stage_note_tuning(scl_stage_context *c, const scl_plan *plan)
{
    pthread_mutex_lock(&c->run->lock);
    json_t *part = part_of(c), *rows = json_object_get(part, "tuning_rows");
    if (!rows) {
        rows = json_array();
        json_object_set_new(part, "tuning_rows", rows);
    }
    for (int i = 0; i < plan->schedule.n_node; i++) {
        const scl_tuning_row *r = scl_plan_row(plan, i);
        if (!r)
            continue;
        json_t *row = json_pack("{s:s, s:i, s:s, s:I, s:I}", "shape", r->shape, "batch", r->batch, "choice",
                                r->choice, "ns", (json_int_t)r->ns, "default_ns", (json_int_t)r->default_ns);
        bool known = false;
        for (size_t k = 0; k < json_array_size(rows) && !known; k++)
            known = json_equal(json_array_get(rows, k), row);
        if (known)
            json_decref(row);
        else
            json_array_append_new(rows, row);
    }
    pthread_mutex_unlock(&c->run->lock);
}

/* Does this device give the bits of the C definitions?  If not, the run goes on, and says so everywhere. */
static scl_status probe(scl_stage_context *c, scl_backend *b, scl_err *err)
{
    scl_probe_result result = { .promised = true };
    char line[1024];
    if (b->info.klass == SCL_CLASS_REFERENCE)
        return SCL_OK;
    SCL_TRY(scl_probe_device(b, false, &result, err));
    scl_probe_text(b, &result, line, sizeof line);
    if (!result.promised)
        scl_warn("%s: %s", c->stage->name, line);
    scl_stage_note(c, "probe", "%s", line);
    return SCL_OK;
}

/* Which precision really runs: in the log and in environment.json. */
static scl_status use_precision(scl_stage_context *c, scl_backend *b, scl_err *err)
{
    const char *precision = scl_config_choice("precision", (int)c->config->precision);
    scl_matrix_result result;
    SCL_TRY(scl_matrix_use(b, precision, &result, err));
    if (!strcmp(precision, "f32"))
        return SCL_OK;
    if (result.unit)
        scl_info("%s: %s", c->stage->name, result.text);
    else
        scl_warn("%s: %s", c->stage->name, result.text);
    scl_stage_note(c, "precision", "%s", result.unit ? precision : "f32");
    scl_stage_note(c, "precision_of", "%s", result.text);
    return SCL_OK;
}

static scl_status note_device(scl_stage_context *c, const char *sel, const scl_device_info *d, scl_err *err)
{
    pthread_mutex_lock(&c->run->lock);
    json_t *device = json_object();
    json_object_set_new(device, "selected_by", scl_json_text(sel));
    json_object_set_new(device, "class", scl_json_text(scl_device_class_name(d->klass)));
    json_object_set_new(device, "platform", scl_json_text(d->platform));
    json_object_set_new(device, "name", scl_json_text(d->name));
    json_object_set_new(device, "vendor", scl_json_text(d->vendor));
    json_object_set_new(device, "driver", scl_json_text(d->driver));
    json_object_set_new(device, "version", scl_json_text(d->version));
    json_object_set_new(device, "compute_units", json_integer(d->compute_units));
    json_object_set_new(device, "global_bytes", json_integer((json_int_t)d->global_bytes));
    json_object_set_new(part_of(c), "device", device);
    const scl_status status = scl_environment_write(c->run, err);
    pthread_mutex_unlock(&c->run->lock);
    return status;
}

scl_status scl_stage_open_device(scl_stage_context *c, scl_backend **out, scl_err *err)
{
    const char *sel = c->stage->device ? c->stage->device : c->config->device;
    SCL_TRY(scl_device_open(sel, out, err));
    if (c->config->launch_limit)
        (*out)->launch_limit = c->config->launch_limit;
    scl_status status = probe(c, *out, err);
    if (status == SCL_OK)
        status = use_precision(c, *out, err);
    if (status == SCL_OK)
        status = note_device(c, sel, &(*out)->info, err);
    if (status != SCL_OK) {
        (*out)->v->close(*out);
        *out = NULL;
        return status;
    }
    const scl_run_watch *w = c->run->options->watch;
    if (w)
        w->opened(w->user, c->stage->name, *out);
    return SCL_OK;
}
