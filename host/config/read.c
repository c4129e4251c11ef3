/* From the tree to the typed config, by the table. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

static void fill(scl_config *config, scl_section section, scl_stage_kind kind, const scl_tree *node, const char *path,
                 void *base, scl_faults *faults);

static void set_defaults(scl_section section, scl_stage_kind kind, void *base, scl_faults *faults)
{
    const scl_key *key;
    for (int i = 0; (key = scl_key_at(i)); i++) {
        if (key->section != section || !scl_key_of_kind(key, kind))
            continue;
        scl_key_default(key, base, faults);
        if (key->type == SCL_KEY_SECTION)
            set_defaults(scl_key_subsection(key), kind, (char *)base + key->offset, faults);
    }
}

void scl_place_add(scl_config *config, const char *path, scl_place place)
{
    struct scl_config_places *p = config->places;
    if (p->n == p->cap) {
        const int cap = p->cap ? 2 * p->cap : 64;
        void *larger = scl_arena_alloc(&config->arena, sizeof *p->at * (size_t)cap);
        if (p->n)
            memcpy(larger, p->at, sizeof *p->at * (size_t)p->n);
        p->at = larger;
        p->cap = cap;
    }
    p->at[p->n].path = path;
    p->at[p->n++].place = place;
}

scl_place scl_place_of(const scl_config *config, const char *path)
{
    size_t length = strlen(path);
    for (;;) {
        for (int i = 0; i < config->places->n; i++)
            if (strlen(config->places->at[i].path) == length && !strncmp(config->places->at[i].path, path, length))
                return config->places->at[i].place;
        while (length > 0 && path[length - 1] != '.')
            length--;
        if (length == 0)
            return (scl_place){ config->file, 1, 1 };
        length--;
    }
}

static const char *below(const char *path, const char *key, scl_arena *arena)
{
    return path[0] ? scl_arena_printf(arena, "%s.%s", path, key) : key;
}

/* A key of this name further down: "optimizer.lr"; NULL: none. */
static const char *deeper(scl_section section, scl_stage_kind kind, const char *name, scl_arena *arena)
{
    const scl_key *key;
    for (int i = 0; (key = scl_key_at(i)); i++) {
        if (key->section != section || key->type != SCL_KEY_SECTION || !scl_key_of_kind(key, kind))
            continue;
        const scl_section sub = scl_key_subsection(key);
        if (scl_key_find(sub, kind, name))
            return scl_arena_printf(arena, "%s.%s", key->name, name);
        const char *found = deeper(sub, kind, name, arena);
        if (found)
            return scl_arena_printf(arena, "%s.%s", key->name, found);
    }
    return NULL;
}

static void unknown(scl_section section, scl_stage_kind kind, const char *name, scl_place place, const char *path,
                    scl_faults *faults)
{
    scl_stage_kind other;
    int flag;
    for (int i = 0; section == SCL_SECTION_STAGE && scl_key_kind(i, &other, &flag); i++)
        if (scl_key_find(section, other, name)) {
            scl_fault(faults, place, path, "a key of %s stages, not of %s stages",
                      scl_config_choice("stage.kind", (int)other),
                      scl_config_choice("stage.kind", (int)kind));
            return;
        }
    const char *names[64];
    const scl_key *key;
    int n = 0;
    for (int i = 0; (key = scl_key_at(i)); i++)
        if (key->section == section && scl_key_of_kind(key, kind) && n < 64)
            names[n++] = key->name;
    const char *near = scl_nearest(name, names, n);
    if (!near)
        near = deeper(section, kind, name, faults->arena);
    scl_fault(faults, place, path, "unknown key%s%s%s", near ? "; did you mean '" : "", near ? near : "",
              near ? "'?" : "");
}

static bool is_map(const scl_tree *node, const char *path, scl_faults *faults)
{
    if (node->kind == SCL_TREE_MAP)
        return true;
    scl_fault(faults, node->place, path, "must be a map of keys, not %s", scl_tree_describe(node, faults->arena));
    return false;
}

/* tune.OP.PARAM: which operators there are is not known down here; the plan refuses an unknown one. */
static void fill_tune(scl_config *config, const scl_tree *node, scl_faults *faults)
{
    int n = 0;
    if (!is_map(node, "tune", faults))
        return;
    for (int i = 0; i < node->n; i++)
        n += node->child[i]->kind == SCL_TREE_MAP ? node->child[i]->n : 0;
    config->tune = SCL_NEW_ARRAY(&config->arena, scl_tune_config, n + 1);
    for (int i = 0; i < node->n; i++) {
        const char *op = node->key[i], *path = below("tune", op, faults->arena);
        if (!is_map(node->child[i], path, faults))
            continue;
        for (int j = 0; j < node->child[i]->n; j++) {
            const scl_tree *value = node->child[i]->child[j];
            const char *param = node->child[i]->key[j], *whole = below(path, param, faults->arena);
            char *end = NULL;
            const long number = value->kind == SCL_TREE_SCALAR ? strtol(value->text, &end, 10) : 0;
            scl_place_add(config, whole, value->place);
            if (!end || end == value->text || *end || number < 0 || number > 1 << 20)
                scl_fault(faults, value->place, whole, "must be an integer from 0 to 1048576, not %s",
                          scl_tree_describe(value, faults->arena));
            else
                config->tune[config->n_tune++] = (scl_tune_config){ op, param, (int)number };
        }
    }
}

static bool name_is_valid(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
            return false;
    return name[0] && name[0] != '-' && strlen(name) <= 64;
}

static void fill_stage(scl_config *config, scl_stage_config *stage, const scl_tree *node, const char *path,
                       scl_faults *faults)
{
    const scl_key *kind = scl_key_find(SCL_SECTION_STAGE, SCL_STAGE_TRAIN, "kind");
    const scl_tree *given = scl_tree_get(node, "kind");
    const int before = faults->errors->n;
    if (!given)
        scl_fault(faults, node->place, below(path, "kind", faults->arena), "missing; give one of %s",
                  scl_key_available(kind, faults->arena));
    else
        scl_key_read(kind, given, below(path, "kind", faults->arena), stage, faults);
    if (faults->errors->n != before)
        return;                  /* without a kind nothing is known of the other keys */
    stage->kind_is_known = true;
    stage->data = config->data;
    stage->model = config->model;
    stage->noise = config->noise;
    const scl_key *key;
    for (int i = 0; (key = scl_key_at(i)); i++) {
        if (key->section != SCL_SECTION_STAGE || !scl_key_of_kind(key, stage->kind) || key == kind)
            continue;
        const bool inherited = key->type == SCL_KEY_SECTION && !(key->flags & SCL_KEY_KINDS);
        scl_key_default(key, stage, faults);
        if (key->type == SCL_KEY_SECTION && !inherited)
            set_defaults(scl_key_subsection(key), stage->kind, (char *)stage + key->offset, faults);
    }
    fill(config, SCL_SECTION_STAGE, stage->kind, node, path, stage, faults);
    stage->own_device = scl_tree_get(node, "device") != NULL;
    stage->own_data = scl_tree_get(node, "data") != NULL;
    stage->own_model = scl_tree_get(node, "model") != NULL;
    stage->own_noise = scl_tree_get(node, "noise") != NULL;
    if (!stage->own_device)
        stage->device = config->device;
}

static void fill_stages(scl_config *config, const scl_tree *node, scl_faults *faults)
{
    if (!is_map(node, "stages", faults))
        return;
    config->stage = SCL_NEW_ARRAY(&config->arena, scl_stage_config, node->n + 1);
    for (int i = 0; i < node->n; i++) {
        const char *path = below("stages", node->key[i], faults->arena);
        scl_place_add(config, path, node->key_place[i]);
        if (!name_is_valid(node->key[i])) {
            scl_fault(faults, node->key_place[i], path,
                      "a stage's name is a folder: letters, digits, _ and -, at most 64");
            continue;
        }
        scl_stage_config *stage = &config->stage[config->n_stage++];
        stage->name = node->key[i];
        if (is_map(node->child[i], path, faults))
            fill_stage(config, stage, node->child[i], path, faults);
    }
}

static void fill(scl_config *config, scl_section section, scl_stage_kind kind, const scl_tree *node, const char *path,
                 void *base, scl_faults *faults)
{
    if (!is_map(node, path, faults))
        return;
    for (int i = 0; i < node->n; i++) {
        const char *whole = below(path, node->key[i], faults->arena);
        const scl_key *key = scl_key_find(section, kind, node->key[i]);
        scl_place_add(config, whole, node->child[i]->place);
        if (!key)
            unknown(section, kind, node->key[i], node->key_place[i], whole, faults);
        else if (key->type == SCL_KEY_SECTION)
            fill(config, scl_key_subsection(key), kind, node->child[i], whole, (char *)base + key->offset, faults);
        else if (key->type == SCL_KEY_TUNE)
            fill_tune(config, node->child[i], faults);
        else if (key->type != SCL_KEY_STAGES && !(section == SCL_SECTION_STAGE && !strcmp(key->name, "kind")))
            scl_key_read(key, node->child[i], whole, base, faults);
    }
}

void scl_config_fill(scl_config *config, const scl_tree *root, scl_faults *faults)
{
    set_defaults(SCL_SECTION_ROOT, SCL_STAGE_TRAIN, config, faults);
    fill(config, SCL_SECTION_ROOT, SCL_STAGE_TRAIN, root, "", config, faults);
    const scl_tree *stages = scl_tree_get(root, "stages");
    if (stages && !scl_tree_is_null(stages) && !(stages->kind == SCL_TREE_MAP && stages->n == 0))
        fill_stages(config, stages, faults);      /* last: stages start from the experiment's sections */
    else
        scl_fault(faults, stages ? stages->place : root->place, "stages", "there are none; nothing would be done");
}
