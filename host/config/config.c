#include "config/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "config/schema.h"

/* -o stages.NAME.… must name a stage of the file; a new one would only complain that it has no kind. */
static bool stage_exists(const scl_tree *root, const scl_override *o, scl_faults *faults)
{
    const scl_tree *stages = scl_tree_get(root, "stages");
    if (strncmp(o->key, "stages.", 7) || !stages || stages->kind != SCL_TREE_MAP)
        return true;
    const char *name = scl_arena_printf(faults->arena, "%.*s", (int)strcspn(o->key + 7, "."), o->key + 7);
    if (scl_tree_get(stages, name))
        return true;
    const char *near = scl_nearest(name, stages->key, stages->n);
    const scl_place place = { scl_arena_printf(faults->arena, "-o %s=%s", o->key, o->value), 1, 1 };
    scl_fault(faults, place, o->key, "unknown stage '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
              near ? "'?" : "");
    return false;
}

/* --device SEL: plain text, and it wins over the stages' own. */
static void override_device(scl_tree *root, const char *value, scl_faults *faults)
{
    const scl_place place = { "--device", 1, 1 };
    scl_tree *leaf = SCL_NEW(faults->arena, scl_tree), *stages = scl_tree_get(root, "stages");
    *leaf = (scl_tree){ .kind = SCL_TREE_SCALAR, .place = place, .quoted = true,
                        .text = scl_arena_strdup(faults->arena, value) };
    scl_tree_set(root, "device", place, leaf, faults->arena);
    for (int i = 0; stages && stages->kind == SCL_TREE_MAP && i < stages->n; i++)
        if (stages->child[i]->kind == SCL_TREE_MAP)
            scl_tree_remove(stages->child[i], "device");
}

static void override_all(scl_tree *root, const scl_override *overrides, int n, scl_faults *faults)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(overrides[i].key, "--device"))
            override_device(root, overrides[i].value, faults);
        else if (stage_exists(root, &overrides[i], faults))
            scl_tree_override(root, overrides[i].key, overrides[i].value, faults);
    }
}

static const char *name_of(const char *file, scl_arena *arena)
{
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file, *dot = strrchr(base, '.');
    return dot && dot != base ? scl_arena_printf(arena, "%.*s", (int)(dot - base), base)
                              : scl_arena_strdup(arena, base);
}

scl_status scl_config_parse(const char *text, size_t length, const char *file, const char *folder,
                            const scl_override *overrides, int n_overrides, scl_config **out, scl_config_errors *errors,
                            scl_err *err)
{
    *out = NULL;
    scl_config *config = calloc(1, sizeof *config);
    if (!config)
        return scl_fail(err, SCL_FAILED, "not enough host memory for the config");
    config->file = scl_arena_strdup(&config->arena, file);
    config->name = name_of(file, &config->arena);
    config->places = SCL_NEW(&config->arena, struct scl_config_places);
    scl_faults faults = { .errors = errors, .err = err, .arena = &config->arena, .hint = "", .folder = folder };
    scl_tree *root = scl_tree_parse(text, length, config->file, &faults);
    if (root)
        override_all(root, overrides, n_overrides, &faults);
    if (root && errors->n == 0) {
        scl_config_fill(config, root, &faults);
        scl_config_check(config, &faults);
    }
    if (errors->n > 0) {
        scl_config_free(config);
        return SCL_BAD_CONFIG;
    }
    *out = config;
    return SCL_OK;
}

scl_status scl_config_read(const char *file, const scl_override *overrides, int n_overrides, scl_config **out,
                           scl_config_errors *errors, scl_err *err)
{
    char *text = NULL, *current = NULL;
    size_t length = 0;
    scl_err fault = { 0 };
    *out = NULL;
    if (scl_file_read(file, &text, &length, &fault) != SCL_OK) {
        scl_arena arena = { 0 };
        scl_faults faults = { .errors = errors, .err = err, .arena = &arena, .hint = "" };
        scl_fault(&faults, (scl_place){ file, 1, 1 }, "", "%s", fault.message);
        scl_err_clear(&fault);
        scl_arena_free(&arena);
        return SCL_BAD_CONFIG;
    }
    scl_arena arena = { 0 };
    const char *slash = strrchr(file, '/');
    const char *folder = slash ? scl_arena_printf(&arena, "%.*s", (int)(slash - file) + 1, file) : ".";
    if (folder[0] != '/' && (current = getcwd(NULL, 0)))
        folder = scl_arena_printf(&arena, "%s/%s", current, folder);
    const scl_status status = scl_config_parse(text, length, file, folder, overrides, n_overrides, out, errors, err);
    free(current);
    free(text);
    scl_arena_free(&arena);
    return status;
}

void scl_config_free(scl_config *config)
{
    if (!config)
        return;
    scl_arena arena = config->arena;
    scl_arena_free(&arena);
    free(config);
}

const scl_stage_config *scl_config_stage(const scl_config *config, const char *name)
{
    for (int i = 0; i < config->n_stage; i++)
        if (!strcmp(config->stage[i].name, name))
            return &config->stage[i];
    return NULL;
}

static bool needs(const scl_stage_config *s, const char *name)
{
    for (int i = 0; i < s->n_needs; i++)
        if (!strcmp(s->needs[i], name))
            return true;
    return false;
}

const scl_stage_config *scl_config_drawer(const scl_config *config, const scl_stage_config *train)
{
    for (int i = 0; i < config->n_stage && train->kind == SCL_STAGE_TRAIN && train->model.net != SCL_NET_CLASSIFIER; i++) {
        const scl_stage_config *s = &config->stage[i];
        if (s->kind == SCL_STAGE_SAMPLE && needs(s, train->name) && !scl_checkpoint_is_file(s->sample.checkpoint) &&
            s->sample.condition.task == SCL_CONDITION_NOTHING && !scl_stage_classifier(s) && s->model.net != SCL_NET_ANALYTIC)
            return s;
    }
    return NULL;
}

void scl_config_stage_hash(const scl_config *config, const scl_stage_config *stage, bool with_steps, char hex[65])
{
    scl_arena arena = { 0 };
    const char *text = scl_config_stage_inputs(config, stage, with_steps, &arena);
    scl_sha256_of(text, strlen(text), hex);
    scl_arena_free(&arena);
}

scl_status scl_config_fail(const scl_config *config, scl_err *err, scl_status code, const char *key,
                           const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    const scl_place place = scl_place_of(config, key);
    return scl_fail_at(err, code, place.file, place.line, place.col, "%s: %s", key, message);
}
