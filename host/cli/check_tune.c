/* tune.OP.PARAM against the registry: an operator, a tunable of it, a value among its candidates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "config/errors.h"
#include "graph/op.h"

/* "; did you mean 'X'?" of the registry, or "". */
static const char *suggestion(const char *op, scl_arena *arena)
{
    const char *names[256];
    int n = 0;
    for (; n < 256 && scl_op_at(n); n++)
        names[n] = scl_op_at(n)->name;
    const char *near = scl_nearest(op, names, n);
    return near ? scl_arena_printf(arena, "; did you mean '%s'?", near) : "";
}

scl_status cli_check_op(const char *op, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_status status = SCL_OK;
    if (!scl_op_find(op))
        status = scl_fail(err, SCL_BAD_CONFIG, "there is no operator '%s'%s", op, suggestion(op, &arena));
    scl_arena_free(&arena);
    return status;
}

/* The candidates "1|16|64" of a parameter in "WG=1|16|64 VEC=2|4", or NULL. */
static const char *candidates(const char *tune, const char *param, scl_arena *arena)
{
    const size_t length = strlen(param);
    for (const char *p = tune; p && *p; p += strspn(p, " ")) {
        const size_t word = strcspn(p, " ");
        if (word > length && !strncmp(p, param, length) && p[length] == '=')
            return scl_arena_printf(arena, "%.*s", (int)(word - length - 1), p + length + 1);
        p += word;
    }
    return NULL;
}

static bool is_candidate(const char *list, int value)
{
    for (const char *p = list; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (strtol(p, NULL, 10) == value)
            return true;
    return false;
}

/* The values of both lists, each once. */
static const char *unite(const char *list, const char *more, scl_arena *arena)
{
    for (const char *p = more; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL) {
        const int value = (int)strtol(p, NULL, 10);
        if (!list[0] || !is_candidate(list, value))
            list = scl_arena_printf(arena, "%s%s%d", list, list[0] ? "|" : "", value);
    }
    return list;
}

static scl_status check_one(const scl_config *config, const scl_tune_config *t, scl_arena *arena, scl_err *err)
{
    const char *key = scl_arena_printf(arena, "tune.%s.%s", t->op, t->param), *all = "", *there = "";
    const scl_op *op = scl_op_find(t->op);
    if (!op)
        return scl_config_fail(config, err, SCL_BAD_CONFIG, key, "there is no operator '%s'%s", t->op,
                               suggestion(t->op, arena));
    bool found = false;
    for (int i = 0; i < SCL_MAX_IMPL && op->impl[i].launch; i++) {
        const char *list = candidates(op->impl[i].tune, t->param, arena);
        if (list && is_candidate(list, t->value))
            return SCL_OK;
        if (list)
            there = unite(there, list, arena);
        found = found || list;
        if (op->impl[i].tune)
            all = scl_arena_printf(arena, "%s%s%s", all, all[0] ? "; " : "", op->impl[i].tune);
    }
    if (found)
        return scl_config_fail(config, err, SCL_BAD_CONFIG, key, "%d is no candidate; there are %s", t->value, there);
    return scl_config_fail(config, err, SCL_BAD_CONFIG, key, "%s has no such tunable; it has %s", t->op,
                           all[0] ? all : "none");
}

scl_status cli_check_tune(const scl_config *config, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_status status = SCL_OK;
    for (int i = 0; i < config->n_tune && status == SCL_OK; i++)
        status = check_one(config, &config->tune[i], &arena, err);
    scl_arena_free(&arena);
    return status;
}
