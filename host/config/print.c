/* The resolved config as YAML, and what decides a stage's result. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

typedef struct text {
    scl_arena *arena;
    char *at;
    size_t used, size;
} text;

static void put(text *t, const char *line)
{
    const size_t n = strlen(line);
    if (t->used + n + 1 > t->size) {
        const size_t size = 2 * (t->used + n + 1) + 4096;
        char *larger = scl_arena_alloc(t->arena, size);
        if (t->used)
            memcpy(larger, t->at, t->used);
        t->at = larger;
        t->size = size;
    }
    memcpy(t->at + t->used, line, n + 1);
    t->used += n;
}

#define PUT(t, ...) put((t), scl_arena_printf((t)->arena, __VA_ARGS__))

/* Not every key of a stage stands in its file: sections and a device that it inherits do not. */
static bool inherited(const scl_key *key, const void *base)
{
    if (key->section != SCL_SECTION_STAGE || key->flags & SCL_KEY_KINDS)
        return false;
    const scl_stage_config *stage = base;
    return (!strcmp(key->name, "device") && !stage->own_device) || (!strcmp(key->name, "data") && !stage->own_data) ||
           (!strcmp(key->name, "model") && !stage->own_model) || (!strcmp(key->name, "noise") && !stage->own_noise);
}

static void put_section(text *t, scl_section section, scl_stage_kind kind, const void *base, int indent);

static void put_stages(text *t, const scl_config *config, int indent)
{
    for (int i = 0; i < config->n_stage; i++) {
        PUT(t, "%*s%s:\n", indent, "", scl_yaml_text(config->stage[i].name, t->arena));
        put_section(t, SCL_SECTION_STAGE, config->stage[i].kind, &config->stage[i], indent + 2);
    }
}

static void put_tune(text *t, const scl_config *config)
{
    if (config->n_tune)
        put(t, "tune:\n");
    for (int i = 0; i < config->n_tune; i++) {
        if (i == 0 || strcmp(config->tune[i].op, config->tune[i - 1].op))
            PUT(t, "  %s:\n", scl_yaml_text(config->tune[i].op, t->arena));
        PUT(t, "    %s: %d\n", scl_yaml_text(config->tune[i].param, t->arena), config->tune[i].value);
    }
}

static void put_section(text *t, scl_section section, scl_stage_kind kind, const void *base, int indent)
{
    const scl_key *key;
    for (int i = 0; (key = scl_key_at(i)); i++) {
        if (key->section != section || !scl_key_of_kind(key, kind) || inherited(key, base))
            continue;
        if (key->type == SCL_KEY_TUNE) {
            put_tune(t, base);
        } else if (key->type == SCL_KEY_STAGES || key->type == SCL_KEY_SECTION) {
            PUT(t, "%*s%s:\n", indent, "", key->name);
            if (key->type == SCL_KEY_STAGES)
                put_stages(t, base, indent + 2);
            else
                put_section(t, scl_key_subsection(key), kind, (const char *)base + key->offset, indent + 2);
        } else {
            const char *value = scl_key_print(key, base, t->arena);
            if (value[0])
                PUT(t, "%*s%s: %s\n", indent, "", key->name, value);
        }
    }
}

char *scl_config_text(const scl_config *config, scl_arena *arena)
{
    text t = { .arena = arena };
    put_section(&t, SCL_SECTION_ROOT, SCL_STAGE_TRAIN, config, 0);
    return t.at;
}

static json_t *section_json(scl_section section, scl_stage_kind kind, const void *base, scl_arena *arena);

static json_t *stages_json(const scl_config *config, scl_arena *arena)
{
    json_t *stages = json_object();
    for (int i = 0; i < config->n_stage; i++)
        json_object_set_new(stages, config->stage[i].name,
                            section_json(SCL_SECTION_STAGE, config->stage[i].kind, &config->stage[i], arena));
    return stages;
}

static json_t *tune_json(const scl_config *config)
{
    json_t *ops = json_object();
    for (int i = 0; i < config->n_tune; i++) {
        json_t *op = json_object_get(ops, config->tune[i].op);
        if (!op)
            json_object_set_new(ops, config->tune[i].op, op = json_object());
        json_object_set_new(op, config->tune[i].param, json_integer(config->tune[i].value));
    }
    return ops;
}

static json_t *list_json(const scl_key *key, const void *base, scl_arena *arena)
{
    json_t *list = json_array();
    const scl_stage_config *stage = base;
    const unsigned set = key->type == SCL_KEY_SET ? *(const unsigned *)((const char *)base + key->offset) : 0;
    const char *choice;
    bool available;
    for (int i = 0; key->type == SCL_KEY_NAMES && i < stage->n_needs; i++)
        json_array_append_new(list, json_string(stage->needs[i]));
    for (int i = 0; set && (choice = scl_key_choice(key, i, &available, arena)); i++)
        if (set >> i & 1u)
            json_array_append_new(list, json_string(choice));
    return list;
}

static json_t *ints_json(const scl_ints *ints)
{
    json_t *list = json_array();
    for (int i = 0; i < ints->n; i++)
        json_array_append_new(list, json_integer(ints->at[i]));
    return list;
}

static json_t *reals_json(const scl_reals *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->rows; i++) {
        json_t *row = json_array();
        for (int k = 0; k < r->cols; k++)
            json_array_append_new(row, json_real(r->at[i * r->cols + k]));
        json_array_append_new(list, r->cols > 1 ? json_incref(row) : json_incref(json_array_get(row, 0)));
        json_decref(row);
    }
    return list;
}

static json_t *value_json(const scl_key *key, scl_stage_kind kind, const void *base, scl_arena *arena)
{
    const void *field = (const char *)base + key->offset;
    const char *word;
    switch (key->type) {
    case SCL_KEY_BOOL: return json_boolean(*(const bool *)field);
    case SCL_KEY_INT:
        if (*(const int *)field == 0 && scl_key_range(key).word[0])
            return json_string(scl_key_range(key).word);
        return json_integer(*(const int *)field);
    case SCL_KEY_INT64: return json_integer((json_int_t)*(const uint64_t *)field);
    case SCL_KEY_REAL:
        if (!(*(const double *)field > 0) && scl_key_range(key).word[0])
            return json_string(scl_key_range(key).word);
        return json_real(*(const double *)field);
    case SCL_KEY_TEXT:
    case SCL_KEY_PATH:
        word = *(const char *const *)field;
        return word ? json_string(word) : json_null();
    case SCL_KEY_CHOICE: return json_string(scl_key_print(key, base, arena));
    case SCL_KEY_SET:
    case SCL_KEY_NAMES: return list_json(key, base, arena);
    case SCL_KEY_INTS:
        if (!((const scl_ints *)field)->n && scl_key_range(key).word[0])
            return json_string(scl_key_range(key).word);
        return ints_json(field);
    case SCL_KEY_REALS: return reals_json(field);
    case SCL_KEY_SECTION: return section_json(scl_key_subsection(key), kind, field, arena);
    case SCL_KEY_STAGES: return stages_json(base, arena);
    case SCL_KEY_TUNE: return tune_json(base);
    }
    return json_null();
}

static json_t *section_json(scl_section section, scl_stage_kind kind, const void *base, scl_arena *arena)
{
    const scl_key *key;
    json_t *object = json_object();
    for (int i = 0; (key = scl_key_at(i)); i++)
        if (key->section == section && scl_key_of_kind(key, kind) && !inherited(key, base))
            json_object_set_new(object, key->name, value_json(key, kind, base, arena));
    return object;
}

char *scl_config_json(const scl_config *config, scl_arena *arena)
{
    json_t *object = section_json(SCL_SECTION_ROOT, SCL_STAGE_TRAIN, config, arena);
    char *dumped = json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    char *copy = scl_arena_printf(arena, "%s\n", dumped ? dumped : "null");
    free(dumped);
    json_decref(object);
    return copy;
}

static void put_inputs(text *t, scl_section section, const scl_stage_config *stage, const void *base, const char *path,
                       bool with_steps)
{
    const scl_key *key;
    for (int i = 0; (key = scl_key_at(i)); i++) {
        if (key->section != section || !scl_key_of_kind(key, stage->kind) || key->flags & SCL_KEY_NEUTRAL)
            continue;
        if (section == SCL_SECTION_ROOT && (key->type == SCL_KEY_SECTION || key->type == SCL_KEY_STAGES))
            continue;            /* the stage has its own resolved copies */
        if (!with_steps && section == SCL_SECTION_STAGE && !strcmp(key->name, "steps"))
            continue;
        /* samples have the shape and range of the data, but, unless some are known, no image of it */
        if (stage->kind == SCL_STAGE_SAMPLE && section == SCL_SECTION_DATA && key->type != SCL_KEY_SECTION &&
            !scl_sample_reads_data(&stage->sample))
            continue;
        if (key->type == SCL_KEY_SECTION)
            put_inputs(t, scl_key_subsection(key), stage, (const char *)base + key->offset,
                       scl_arena_printf(t->arena, "%s%s.", path, key->name), with_steps);
        else
            PUT(t, "%s%s = %s\n", path, key->name, scl_key_print(key, base, t->arena));
    }
}

char *scl_config_stage_inputs(const scl_config *config, const scl_stage_config *stage, bool with_steps,
                              scl_arena *arena)
{
    text t = { .arena = arena };
    put_inputs(&t, SCL_SECTION_ROOT, stage, config, "", with_steps);
    put_inputs(&t, SCL_SECTION_STAGE, stage, stage, "", with_steps);
    return t.at;
}
