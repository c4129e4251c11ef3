/* The table for people, editors and man. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

/* Lines are collected in a memory file: they are many, and only printed. */
typedef struct page {
    FILE *file;
    char *text;
    size_t size;
} page;

static char *end(page *p, scl_arena *arena)
{
    fclose(p->file);
    char *copy = scl_arena_strdup(arena, p->text ? p->text : "");
    free(p->text);
    return copy;
}

static void text_section(page *p, scl_section section, int kinds, const char *path, scl_arena *arena)
{
    const scl_key *key;
    for (int i = 0; (key = scl_key_at(i)); i++) {
        if (key->section != section ||
            (section == SCL_SECTION_STAGE && (kinds ? !(key->flags & kinds) : key->flags & SCL_KEY_KINDS)))
            continue;
        const char *whole = scl_arena_printf(arena, "%s%s", path, key->name);
        if (key->type == SCL_KEY_SECTION && (section != SCL_SECTION_STAGE || kinds)) {
            fprintf(p->file, "\n%s: %s\n", whole, key->help);
            text_section(p, scl_key_subsection(key), 0, scl_arena_printf(arena, "%s.", whole), arena);
            continue;
        }
        fprintf(p->file, "  %-40s %s\n", whole, key->help);
        fprintf(p->file, "  %-40s   %s%s%s\n", "", scl_key_expects(key, arena),
                key->fallback && key->fallback[0] ? "; default " : "", key->fallback ? key->fallback : "");
    }
}

char *scl_schema_text(scl_arena *arena)
{
    page p = { 0 };
    p.file = open_memstream(&p.text, &p.size);
    if (!p.file)
        return scl_arena_strdup(arena, "");
    fprintf(p.file, "A config is a map of these keys.\n\n");
    text_section(&p, SCL_SECTION_ROOT, 0, "", arena);
    fprintf(p.file, "\nEvery stage:\n");
    text_section(&p, SCL_SECTION_STAGE, 0, "stages.NAME.", arena);
    scl_stage_kind kind;
    int flag;
    for (int i = 0; scl_key_kind(i, &kind, &flag); i++) {
        fprintf(p.file, "\nStages of kind %s:\n", scl_config_choice("stage.kind", (int)kind));
        text_section(&p, SCL_SECTION_STAGE, flag, "stages.NAME.", arena);
    }
    return end(&p, arena);
}

static void man_section(page *p, scl_section section, int kinds, const char *path, scl_arena *arena)
{
    const scl_key *key;
    for (int i = 0; (key = scl_key_at(i)); i++) {
        if (key->section != section ||
            (section == SCL_SECTION_STAGE && (kinds ? !(key->flags & kinds) : key->flags & SCL_KEY_KINDS)))
            continue;
        fprintf(p->file, ".TP\n.B %s%s\n%s.\n", path, key->name, key->help);
        if (key->type == SCL_KEY_SECTION && (section != SCL_SECTION_STAGE || kinds)) {
            man_section(p, scl_key_subsection(key), 0, scl_arena_printf(arena, "%s%s.", path, key->name), arena);
            continue;
        }
        fprintf(p->file, "Takes %s.\n", scl_key_expects(key, arena));
        if (key->fallback && key->fallback[0])
            fprintf(p->file, "Default: %s.\n", key->fallback);
    }
}

char *scl_schema_man(scl_arena *arena)
{
    page p = { 0 };
    p.file = open_memstream(&p.text, &p.size);
    if (!p.file)
        return scl_arena_strdup(arena, "");
    fprintf(p.file,
            ".TH SCORECL-CONFIG 5 \"\" \"scorecl " SCL_VERSION "\"\n"
            ".SH NAME\nscorecl-config \\- the config of a ScoreCL run\n"
            ".SH DESCRIPTION\nOne YAML file is one experiment. Anchors, aliases and merge keys work; ${NAME} and\n"
            "${NAME:-default} take environment variables; paths are relative to the config's folder.\n"
            ".SH KEYS\n");
    man_section(&p, SCL_SECTION_ROOT, 0, "", arena);
    fprintf(p.file, ".SH EVERY STAGE\n");
    man_section(&p, SCL_SECTION_STAGE, 0, "", arena);
    scl_stage_kind kind;
    int flag;
    for (int i = 0; scl_key_kind(i, &kind, &flag); i++) {
        fprintf(p.file, ".SH STAGES OF KIND %s\n", scl_config_choice("stage.kind", (int)kind));
        man_section(&p, SCL_SECTION_STAGE, flag, "", arena);
    }
    fprintf(p.file, ".SH SEE ALSO\n.BR scorecl (1)\n");
    return end(&p, arena);
}

static json_t *object_of(scl_section section, scl_stage_kind kind, scl_arena *arena);

static json_t *choices(const scl_key *key, scl_arena *arena)
{
    json_t *list = json_array();
    const char *choice;
    bool available;
    for (int i = 0; (choice = scl_key_choice(key, i, &available, arena)); i++)
        if (available)
            json_array_append_new(list, json_string(choice));
    return list;
}

static json_t *number_schema(const scl_key *key)
{
    const scl_range r = scl_key_range(key);
    json_t *type = json_pack("{s:s}", "type", key->type == SCL_KEY_REAL ? "number" : "integer");
    json_object_set_new(type, r.open_low ? "exclusiveMinimum" : "minimum", json_real(r.low));
    json_object_set_new(type, r.open_high ? "exclusiveMaximum" : "maximum", json_real(r.high));
    return r.word[0] ? json_pack("{s:[{s:s}, o]}", "anyOf", "const", r.word, type) : type;
}

static json_t *stages_schema(scl_arena *arena)
{
    json_t *kinds = json_array();
    scl_stage_kind kind;
    int flag;
    for (int i = 0; scl_key_kind(i, &kind, &flag); i++)
        json_array_append_new(kinds, object_of(SCL_SECTION_STAGE, kind, arena));
    return json_pack("{s:s, s:i, s:{s:o}}", "type", "object", "minProperties", 1, "additionalProperties",
                     "anyOf", kinds);
}

static json_t *key_schema(const scl_key *key, scl_stage_kind kind, scl_arena *arena)
{
    json_t *s = NULL;
    switch (key->type) {
    case SCL_KEY_BOOL: s = json_pack("{s:s}", "type", "boolean"); break;
    case SCL_KEY_TEXT: s = json_pack("{s:[s, s]}", "type", "string", "integer"); break;
    case SCL_KEY_PATH: s = json_pack("{s:s}", "type", "string"); break;
    case SCL_KEY_CHOICE:
        s = !strcmp(key->name, "kind") ? json_pack("{s:s}", "const", scl_config_choice("stage.kind", (int)kind))
                                 : json_pack("{s:o}", "enum", choices(key, arena));
        break;
    case SCL_KEY_SET: s = json_pack("{s:s, s:{s:o}}", "type", "array", "items", "enum", choices(key, arena)); break;
    case SCL_KEY_INTS:
        s = json_pack("{s:[o, {s:s, s:o}]}", "anyOf", number_schema(key), "type", "array", "items",
                      number_schema(key));
        break;
    case SCL_KEY_NAMES: s = json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string"); break;
    case SCL_KEY_REALS: s = json_pack("{s:[s, s]}", "type", "number", "array"); break;
    case SCL_KEY_SECTION: s = object_of(scl_key_subsection(key), kind, arena); break;
    case SCL_KEY_STAGES: s = stages_schema(arena); break;
    case SCL_KEY_TUNE:
        s = json_pack("{s:s, s:{s:s, s:{s:s}}}", "type", "object", "additionalProperties", "type", "object",
                      "additionalProperties", "type", "integer");
        break;
    case SCL_KEY_INT:
    case SCL_KEY_INT64:
    case SCL_KEY_REAL: s = number_schema(key); break;
    }
    json_object_set_new(s, "description", json_string(key->help));
    if (key->fallback && key->fallback[0] && key->fallback[0] != '[') {
        json_t *value = json_loads(key->fallback, JSON_DECODE_ANY, NULL);   /* a number or true, false */
        json_object_set_new(s, "default", value ? value : json_string(key->fallback));
    }
    return s;
}

static json_t *object_of(scl_section section, scl_stage_kind kind, scl_arena *arena)
{
    json_t *properties = json_object(), *required = json_array();
    const scl_key *key;
    for (int i = 0; (key = scl_key_at(i)); i++) {
        if (key->section != section || !scl_key_of_kind(key, kind))
            continue;
        json_object_set_new(properties, key->name, key_schema(key, kind, arena));
        if (!strcmp(key->name, "kind") || key->type == SCL_KEY_STAGES)
            json_array_append_new(required, json_string(key->name));
    }
    return json_pack("{s:s, s:o, s:b, s:o}", "type", "object", "properties", properties,
                     "additionalProperties", 0, "required", required);
}

char *scl_schema_json(scl_arena *arena)
{
    json_t *root = object_of(SCL_SECTION_ROOT, SCL_STAGE_TRAIN, arena);
    json_object_set_new(root, "$schema", json_string("http://json-schema.org/draft-07/schema#"));
    json_object_set_new(root, "title", json_string("ScoreCL config"));
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    char *copy = scl_arena_printf(arena, "%s\n", text ? text : "{}");
    free(text);
    json_decref(root);
    return copy;
}
