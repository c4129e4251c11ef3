/* scorecl ops: the registry of operators, for people and machines. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config/errors.h"
#include "graph/op.h"

static void list(const char *title, const char *const *rows, int most)
{
    for (int i = 0; i < most && rows[i]; i++)
        printf("  %-10s %s\n", i ? "" : title, rows[i]);
}

static void show(const scl_op *op)
{
    printf("%s: %s\n  %-10s host/ops/%s.c, cl/ops/%s.cl, tests/ops/%s.c\n", op->name,
           op->brief ? op->brief : "", "family", op->family, op->family, op->family);
    if (op->formula)
        printf("  %-10s %s\n", "formula", op->formula);
    list("in", op->in, SCL_MAX_IN);
    list("out", op->out, SCL_MAX_OUT);
    list("attributes", op->attr, SCL_MAX_ATTR);
    if (op->expr)
        printf("  %-10s %s\n", "expression", op->expr);
    for (int i = 0; i < SCL_MAX_IMPL && op->impl[i].launch; i++)
        printf("  %-10s %s%s%s\n", i ? "" : "runs as", op->impl[i].name, op->impl[i].tune ? ": " : "",
               op->impl[i].tune ? op->impl[i].tune : "");
    if (op->flops || op->bytes)
        printf("  %-10s %s flops, %s bytes\n", "cost", op->flops ? op->flops : "?", op->bytes ? op->bytes : "?");
    const char *otherwise = op->constant ? "zero" : op->expr ? "of the expression" : "none";
    printf("  %-10s vjp %s, jvp %s\n", "derivative", op->vjp ? "yes" : otherwise, op->jvp ? "yes" : otherwise);
}

static json_t *strings(const char *const *rows, int most)
{
    json_t *array = json_array();
    for (int i = 0; i < most && rows[i]; i++)
        json_array_append_new(array, json_string(rows[i]));
    return array;
}

static json_t *to_json(const scl_op *op)
{
    return json_pack("{s:s, s:s, s:s*, s:s*, s:o, s:o, s:o, s:b, s:b}", "name", op->name, "family",
                     op->family, "brief", op->brief, "formula", op->formula, "in",
                     strings(op->in, SCL_MAX_IN), "out", strings(op->out, SCL_MAX_OUT), "attributes",
                     strings(op->attr, SCL_MAX_ATTR), "vjp", op->vjp != NULL, "jvp", op->jvp != NULL);
}

static scl_status unknown(const char *name, scl_err *err)
{
    const char *names[256];
    int n = 0;
    for (; n < 256 && scl_op_at(n); n++)
        names[n] = scl_op_at(n)->name;
    const char *near = scl_nearest(name, names, n);
    return scl_fail(err, SCL_BAD_CONFIG, "there is no operator '%s'%s%s%s", name,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

scl_status scl_cli_ops(int argc, char **argv, scl_err *err)
{
    const char *json_file = NULL;
    bool done;
    int n;
    const cli_flag flags[] = {
        { "json", 0, CLI_TEXT, &json_file, "FILE", "the result for machines (-: standard output)" },
        { 0 },
    };
    const cli_command command = { "[NAME]", "Lists the operators; with a name, everything about one of them.", flags, 0, 1 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    if (n == 1 && !scl_op_find(argv[1]))
        return unknown(argv[1], err);
    json_t *report = json_array();
    const scl_op *op;
    for (int i = 0; (op = scl_op_at(i)); i++) {
        if (n == 1 && strcmp(op->name, argv[1]))
            continue;
        json_array_append_new(report, to_json(op));
        if (!cli_shows_text(json_file))
            continue;
        if (n == 1)
            show(op);
        else
            printf("%-18s %-12s %s\n", op->name, op->family, op->brief ? op->brief : "");
    }
    if (json_file)
        return cli_write_json(json_file, report, err);
    json_decref(report);
    return SCL_OK;
}
