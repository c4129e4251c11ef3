/* state.json: what is known of every stage. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "run/engine.h"

static const char *const status_names[] = { "pending", "running", "finished", "failed", "interrupted" };

const char *scl_stage_status_name(scl_stage_status status) { return status_names[status]; }

int scl_stage_index(const scl_config *config, const char *name)
{
    for (int i = 0; i < config->n_stage; i++)
        if (!strcmp(config->stage[i].name, name))
            return i;
    return -1;
}

static const char *text_of(scl_run *run, const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));
    return scl_arena_strdup(&run->arena, text ? text : "");
}

static void read_stage(scl_run *run, const json_t *entry, scl_stage_state *s)
{
    const char *status = text_of(run, entry, "status");
    for (int i = 0; i < (int)(sizeof status_names / sizeof *status_names); i++)
        if (!strcmp(status, status_names[i]))
            s->status = (scl_stage_status)i;
    s->inputs = text_of(run, entry, "inputs");
    s->inputs_hash = text_of(run, entry, "inputs_sha256");
    s->files = text_of(run, entry, "files_sha256");
    s->files_seen = text_of(run, entry, "files_seen");
    s->result = text_of(run, entry, "result");
    s->finished = text_of(run, entry, "finished");
    s->error = text_of(run, entry, "error");
    s->steps = (long)json_integer_value(json_object_get(entry, "steps"));
    s->evaluations = (long)json_integer_value(json_object_get(entry, "score_evaluations"));
    s->seconds = json_number_value(json_object_get(entry, "seconds"));
    /* A process that is gone left it so: nobody else holds the lock. */
    if (s->status == SCL_STAGE_RUNNING)
        s->status = SCL_STAGE_INTERRUPTED;
}

scl_status scl_state_read(scl_run *run, scl_err *err)
{
    run->state = SCL_NEW_ARRAY(&run->arena, scl_stage_state, run->config->n_stage);
    json_decref(run->other);
    run->other = json_object();
    for (int i = 0; i < run->config->n_stage; i++)
        read_stage(run, NULL, &run->state[i]);
    const char *path = scl_run_path(run, "state.json");
    if (!scl_file_exists(path))
        return SCL_OK;
    json_error_t why;
    json_t *root = json_load_file(path, 0, &why);
    const json_t *stages = json_object_get(root, "stages");
    if (!json_is_object(stages)) {
        json_decref(root);
        return scl_fail(err, SCL_FAILED, "'%s' is corrupt%s%s: remove it to begin anew in this folder", path,
                        root ? "" : ": ", root ? "" : why.text);
    }
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)stages, name, entry)
    {
        const int i = scl_stage_index(run->config, name);
        if (i >= 0)
            read_stage(run, entry, &run->state[i]);
        else
            json_object_set(run->other, name, entry);
    }
    json_decref(root);
    return SCL_OK;
}

static void put(json_t *entry, const char *key, const char *text)
{
    if (text && text[0])
        json_object_set_new(entry, key, json_string(text));
}

static json_t *stage_json(const scl_stage_state *s)
{
    json_t *entry = json_object();
    put(entry, "status", status_names[s->status]);
    put(entry, "inputs_sha256", s->inputs_hash);
    put(entry, "finished", s->finished);
    json_object_set_new(entry, "seconds", json_real(s->seconds));
    if (s->steps)
        json_object_set_new(entry, "steps", json_integer(s->steps));
    if (s->evaluations)
        json_object_set_new(entry, "score_evaluations", json_integer(s->evaluations));
    put(entry, "result", s->result);
    put(entry, "error", s->error);
    put(entry, "files_sha256", s->files);
    put(entry, "files_seen", s->files_seen);
    put(entry, "inputs", s->inputs);
    return entry;
}

scl_status scl_state_write(scl_run *run, scl_err *err)
{
    json_t *stages = json_object();
    for (int i = 0; i < run->config->n_stage; i++)
        json_object_set_new(stages, run->config->stage[i].name, stage_json(&run->state[i]));
    json_object_update_missing(stages, run->other);
    json_t *root = json_pack("{s:s, s:i, s:o}", "scorecl", SCL_VERSION, "arithmetic", run->config->arithmetic,
                             "stages", stages);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    json_decref(root);
    if (!text)
        return scl_fail(err, SCL_FAILED, "state.json cannot be written: a text in it is not UTF-8");
    const scl_status status = scl_file_write(scl_run_path(run, "state.json"), text, strlen(text), NULL, err);
    free(text);
    return status;
}
