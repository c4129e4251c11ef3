#include "config/tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/env.h"

enum { MOST_NODES = 200000, MOST_DEPTH = 64 };

typedef struct anchor {
    const char *name;
    scl_tree *node;              /* NULL: still open */
    struct anchor *older;
} anchor;

typedef struct reader {
    yaml_parser_t parser;
    const char *file;
    int col0, nodes, depth;
    scl_faults *faults;
    anchor *anchors;
    bool failed;                 /* nothing sensible can follow */
} reader;

static scl_place place_of(const reader *r, yaml_mark_t mark)
{
    if (r->col0)                 /* an override is one line; its end may be reported as a second one */
        return (scl_place){ r->file, 1, r->col0 + 1 + (mark.line == 0 ? (int)mark.column : 0) };
    return (scl_place){ r->file, (int)mark.line + 1, (int)mark.column + 1 };
}

static void stop(reader *r, yaml_mark_t mark, const char *message)
{
    if (!r->failed)
        scl_fault(r->faults, place_of(r, mark), r->faults->hint, "%s", message);
    r->failed = true;
}

static bool next(reader *r, yaml_event_t *event)
{
    if (r->failed)
        return false;
    if (yaml_parser_parse(&r->parser, event))
        return true;
    const yaml_mark_t mark = r->parser.problem_mark.line || r->parser.problem_mark.column || !r->parser.context
                                 ? r->parser.problem_mark : r->parser.context_mark;
    scl_fault(r->faults, place_of(r, mark), r->faults->hint, "YAML: %s%s%s",
              r->parser.problem ? r->parser.problem : "out of memory", r->parser.context ? " " : "",
              r->parser.context ? r->parser.context : "");
    r->failed = true;
    return false;
}

static scl_tree *new_node(reader *r, scl_tree_kind kind, scl_place place)
{
    scl_tree *node = SCL_NEW(r->faults->arena, scl_tree);
    node->kind = kind;
    node->place = place;
    r->nodes++;
    return node;
}

static void append(scl_tree *node, const char *key, scl_place key_place, scl_tree *child, scl_arena *arena)
{
    if (node->n == node->cap) {
        const int cap = node->cap ? 2 * node->cap : 8;
        scl_tree **children = SCL_NEW_ARRAY(arena, scl_tree *, cap);
        const char **keys = SCL_NEW_ARRAY(arena, const char *, cap);
        scl_place *places = SCL_NEW_ARRAY(arena, scl_place, cap);
        if (node->n) {
            memcpy(children, node->child, sizeof *children * (size_t)node->n);
            memcpy(keys, node->key, sizeof *keys * (size_t)node->n);
            memcpy(places, node->key_place, sizeof *places * (size_t)node->n);
        }
        node->child = children;
        node->key = keys;
        node->key_place = places;
        node->cap = cap;
    }
    node->key[node->n] = key;
    node->key_place[node->n] = key_place;
    node->child[node->n++] = child;
}

static int find(const scl_tree *map, const char *key)
{
    for (int i = 0; map->kind == SCL_TREE_MAP && i < map->n; i++)
        if (!strcmp(map->key[i], key))
            return i;
    return -1;
}

scl_tree *scl_tree_get(const scl_tree *map, const char *key)
{
    const int i = find(map, key);
    return i < 0 ? NULL : map->child[i];
}

void scl_tree_set(scl_tree *map, const char *key, scl_place place, scl_tree *value, scl_arena *arena)
{
    const int i = find(map, key);
    if (i < 0) {
        append(map, scl_arena_strdup(arena, key), place, value, arena);
        return;
    }
    map->child[i] = value;
    map->key_place[i] = place;
}

void scl_tree_remove(scl_tree *map, const char *key)
{
    const int i = find(map, key);
    if (i < 0)
        return;
    for (int j = i + 1; j < map->n; j++) {
        map->child[j - 1] = map->child[j];
        map->key[j - 1] = map->key[j];
        map->key_place[j - 1] = map->key_place[j];
    }
    map->n--;
}

static scl_tree *copy(reader *r, const scl_tree *from, yaml_mark_t mark)
{
    scl_tree *to = new_node(r, from->kind, from->place);
    to->text = from->text;
    to->quoted = from->quoted;
    if (r->nodes > MOST_NODES) {
        stop(r, mark, "aliases make the document too large");
        return to;
    }
    for (int i = 0; i < from->n && !r->failed; i++)
        append(to, from->key[i], from->key_place[i], copy(r, from->child[i], mark), r->faults->arena);
    return to;
}

static scl_tree *read_node(reader *r, const yaml_event_t *event);

static scl_tree *read_alias(reader *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    for (const anchor *a = r->anchors; a; a = a->older) {
        if (strcmp(a->name, name))
            continue;
        if (a->node)
            return copy(r, a->node, event->start_mark);
        stop(r, event->start_mark, scl_arena_printf(r->faults->arena, "alias *%s stands inside its own anchor", name));
        return NULL;
    }
    stop(r, event->start_mark, scl_arena_printf(r->faults->arena, "alias *%s has no anchor before it", name));
    return NULL;
}

/* Merge key: the keys of a map, or of each map of a list, that are not there yet. */
static void merge(reader *r, scl_tree *into, const scl_tree *from, yaml_mark_t mark)
{
    if (from->kind == SCL_TREE_LIST) {
        for (int i = 0; i < from->n; i++)
            merge(r, into, from->child[i], mark);
        return;
    }
    if (from->kind != SCL_TREE_MAP) {
        scl_fault(r->faults, place_of(r, mark), "<<", "must be a map or a list of maps");
        return;
    }
    for (int i = 0; i < from->n; i++)
        if (find(into, from->key[i]) < 0)
            append(into, from->key[i], from->key_place[i], copy(r, from->child[i], mark), r->faults->arena);
}

static void read_pair(reader *r, scl_tree *map, scl_tree *merged, const yaml_event_t *key_event)
{
    const scl_place place = place_of(r, key_event->start_mark);
    if (key_event->type != YAML_SCALAR_EVENT) {
        stop(r, key_event->start_mark, "a key must be a plain word");
        return;
    }
    char *key = scl_arena_strdup(r->faults->arena, (const char *)key_event->data.scalar.value);
    scl_env_unveil(key);
    yaml_event_t event;
    if (!next(r, &event))
        return;
    scl_tree *child = read_node(r, &event);
    yaml_event_delete(&event);
    if (!child)
        return;
    const int before = find(map, key);
    if (!strcmp(key, "<<"))
        append(merged, key, place, child, r->faults->arena);
    else if (before >= 0)
        scl_fault(r->faults, place, key, "given twice, first in line %d", map->key_place[before].line);
    else
        append(map, key, place, child, r->faults->arena);
}

static void read_map(reader *r, scl_tree *map, yaml_mark_t mark)
{
    scl_tree merged = { .kind = SCL_TREE_LIST };
    yaml_event_t event;
    while (next(r, &event)) {
        const bool end = event.type == YAML_MAPPING_END_EVENT;
        if (!end)
            read_pair(r, map, &merged, &event);
        yaml_event_delete(&event);
        if (end)
            break;
    }
    for (int i = 0; i < merged.n && !r->failed; i++)
        merge(r, map, merged.child[i], mark);
}

static void read_list(reader *r, scl_tree *list)
{
    yaml_event_t event;
    while (next(r, &event)) {
        const bool end = event.type == YAML_SEQUENCE_END_EVENT;
        scl_tree *child = end ? NULL : read_node(r, &event);
        yaml_event_delete(&event);
        if (end)
            break;
        if (child)
            append(list, "", child->place, child, r->faults->arena);
    }
}

static scl_tree *read_scalar(reader *r, const yaml_event_t *event)
{
    scl_tree *node = new_node(r, SCL_TREE_SCALAR, place_of(r, event->start_mark));
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    scl_env_unveil((char *)event->data.scalar.value);
    node->text = scl_env_expand((const char *)event->data.scalar.value, node->place, r->faults);
    return node;
}

static scl_tree *read_node(reader *r, const yaml_event_t *event)
{
    const yaml_mark_t mark = event->start_mark;
    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(r, event);
    if (r->nodes > MOST_NODES || r->depth > MOST_DEPTH) {
        stop(r, mark, "the document is nested too deeply or too large");
        return NULL;
    }
    const char *name = event->type == YAML_SCALAR_EVENT           ? (const char *)event->data.scalar.anchor
                       : event->type == YAML_SEQUENCE_START_EVENT ? (const char *)event->data.sequence_start.anchor
                       : event->type == YAML_MAPPING_START_EVENT  ? (const char *)event->data.mapping_start.anchor
                                                                  : NULL;
    anchor *a = NULL;
    if (name) {
        a = SCL_NEW(r->faults->arena, anchor);
        *a = (anchor){ .name = scl_arena_strdup(r->faults->arena, name), .older = r->anchors };
        r->anchors = a;
    }
    scl_tree *node = NULL;
    r->depth++;
    if (event->type == YAML_SCALAR_EVENT) {
        node = read_scalar(r, event);
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        node = new_node(r, SCL_TREE_LIST, place_of(r, mark));
        read_list(r, node);
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        node = new_node(r, SCL_TREE_MAP, place_of(r, mark));
        read_map(r, node, mark);
    } else {
        stop(r, mark, "unexpected end");
    }
    r->depth--;
    if (a)
        a->node = node;
    return node;
}

/* One document with one node. */
static scl_tree *read_document(reader *r)
{
    scl_tree *root = NULL;
    int documents = 0;
    yaml_event_t event;
    bool end = false;
    while (!end && next(r, &event)) {
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT: break;
        case YAML_STREAM_END_EVENT: end = true; break;
        case YAML_DOCUMENT_START_EVENT:
            if (documents++)
                stop(r, event.start_mark, "a second document; one file is one experiment");
            break;
        default: root = read_node(r, &event); break;
        }
        yaml_event_delete(&event);
    }
    return r->failed ? NULL : root;
}

static scl_tree *parse(const char *text, size_t length, reader *r)
{
    static const char mark[] = "\xef\xbb\xbf";     /* which some editors put in front of UTF-8 */
    if (length >= 3 && !memcmp(text, mark, 3)) {
        text += 3;
        length -= 3;
    }
    scl_place bad = { r->file, 1, 1 + r->col0 };
    const int byte = scl_utf8_fault(text, length, &bad.line, &bad.col);
    if (byte >= 0) {
        scl_fault(r->faults, bad, r->faults->hint, "byte 0x%02x is not UTF-8", byte);
        return NULL;
    }
    if (!yaml_parser_initialize(&r->parser)) {
        scl_fault(r->faults, bad, "", "out of memory");
        return NULL;
    }
    text = scl_env_veil(text, length, &length, r->faults->arena);
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, length);
    const int before = r->faults->errors->n;
    scl_tree *root = read_document(r);
    yaml_parser_delete(&r->parser);
    if (!root && r->faults->errors->n == before && !r->failed)
        return NULL;
    return root;
}

scl_tree *scl_tree_parse(const char *text, size_t length, const char *file, scl_faults *faults)
{
    reader r = { .file = file, .faults = faults };
    const int before = faults->errors->n;
    scl_tree *root = parse(text, length, &r);
    if (root && scl_tree_is_null(root))
        root = NULL;
    if (!root && faults->errors->n == before)
        scl_fault(faults, (scl_place){ file, 1, 1 }, "", "the file is empty");
    if (root && root->kind != SCL_TREE_MAP) {
        scl_fault(faults, root->place, "", "a config is a map of keys, not %s", scl_tree_describe(root, faults->arena));
        root = NULL;
    }
    return root;
}

scl_tree *scl_tree_parse_value(const char *text, const char *file, int col0, const char *path, scl_faults *faults)
{
    reader r = { .file = file, .faults = faults, .col0 = col0 };
    const char *hint = faults->hint;
    const int before = faults->errors->n;
    faults->hint = path;
    scl_tree *root = parse(text, strlen(text), &r);
    faults->hint = hint;
    if (!root && faults->errors->n == before) {
        root = new_node(&r, SCL_TREE_SCALAR, (scl_place){ file, 1, 1 + col0 });
        root->text = "";
    }
    return root;
}

bool scl_tree_is_null(const scl_tree *node)
{
    return node->kind == SCL_TREE_SCALAR && !node->quoted &&
           (!node->text[0] || !strcmp(node->text, "~") || !strcmp(node->text, "null"));
}

const char *scl_tree_describe(const scl_tree *node, scl_arena *arena)
{
    if (node->kind == SCL_TREE_LIST)
        return "a list";
    if (node->kind == SCL_TREE_MAP)
        return "a map";
    return scl_tree_is_null(node)
               ? "nothing"
               : scl_arena_printf(arena, "%s'%.80s'", node->quoted ? "the text " : "", node->text);
}

void scl_tree_override(scl_tree *root, const char *key, const char *value, scl_faults *faults)
{
    char *path = scl_arena_strdup(faults->arena, key), *rest = path, *dot;
    const char *file = scl_arena_printf(faults->arena, "-o %s=%s", key, value);
    const scl_place place = { file, 1, 1 };
    scl_tree *leaf = scl_tree_parse_value(value, file, (int)strlen(key) + 1, key, faults);
    if (!leaf)
        return;
    scl_tree *map = root;
    while ((dot = strchr(rest, '.'))) {
        *dot = 0;
        scl_tree *child = scl_tree_get(map, rest);
        if (!child || scl_tree_is_null(child)) {
            child = SCL_NEW(faults->arena, scl_tree);
            *child = (scl_tree){ .kind = SCL_TREE_MAP, .place = place };
            scl_tree_set(map, rest, place, child, faults->arena);
        } else if (child->kind != SCL_TREE_MAP) {
            scl_fault(faults, place, key, "'%s' is %s and has no keys", rest, scl_tree_describe(child, faults->arena));
            return;
        }
        map = child;
        rest = dot + 1;
    }
    scl_tree_set(map, rest, place, leaf, faults->arena);
}
