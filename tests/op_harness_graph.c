/* The graph of a case: the operator on persistent inputs, with batch_root behind it where the case asks for
 * it. */
#include <stdlib.h>
#include <string.h>

#include "op_run.h"

enum { MAX_ARGS = SCL_MAX_IN + SCL_MAX_ATTR + 1, MAX_TEXT = 256 };

/* The text after "name=" in a list "a=1 b=2"; NULL: not there. */
static const char *find_setting(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *p = list; p && *p; p += strcspn(p, " ") + strspn(p + strcspn(p, " "), " "))
        if (!strncmp(p, name, length) && p[length] == '=')
            return p + length + 1;
    return NULL;
}

static scl_arg attr_of(t_run *r, const scl_attr_sig *s, const char *text)
{
    char *copy = scl_arena_strdup(&r->arena, text);
    copy[strcspn(copy, " ")] = 0;
    return (scl_arg){ .name = scl_arena_strdup(&r->arena, s->name), .kind = (int)s->kind,
                      .attr = { .i = strtol(copy, NULL, 0), .f = strtod(copy, NULL), .text = copy } };
}

/* Attributes from the case's list; those that are one letter from its dimensions. */
static int add_attrs(t_run *r, const scl_op *op, const char *settings, scl_arg *args, int n)
{
    for (int a = 0; a < scl_op_attrs(op); a++) {
        const scl_attr_sig s = scl_attr_sig_parse(op->attr[a]);
        const char *text = find_setting(settings, s.name);
        const bool letter = s.name[0] >= 'A' && s.name[0] <= 'Z' && !s.name[1];
        if (text)
            args[n++] = attr_of(r, &s, text);
        else if (letter && r->letter[s.name[0] - 'A'] && op == r->table)
            args[n++] = (scl_arg){ .name = scl_arena_strdup(&r->arena, s.name), .kind = 1,
                                   .attr = { .i = r->letter[s.name[0] - 'A'] } };
    }
    return n;
}

static bool updated_in_place(const scl_op *op, const char *input)
{
    for (int o = 0; o < scl_op_outputs(op); o++)
        if (!strcmp(scl_sig_parse(op->out[o]).inplace, input))
            return true;
    return false;
}

static scl_status make_value(t_run *r, scl_graph *g, const t_tensor *t, int samples, scl_value **out,
                             scl_err *err)
{
    int dims[SCL_MAX_RANK];
    memcpy(dims, t->dims, sizeof dims);
    if (t->by_sample)
        dims[0] = samples;
    const bool acc = !strcmp(t->sig.name, "acc");
    const scl_role role = acc ? SCL_ACCUM : updated_in_place(r->table, t->sig.name) ? SCL_STATE : SCL_INPUT;
    return scl_value_get(g, out, role, t->sig.name, t->sig.dtype, t->rank, dims, err);
}

/* The accumulator has the shape of the operator's first output. */
static scl_status make_accumulator(t_run *r, scl_graph *g, int input, scl_value **out, scl_err *err)
{
    const t_tensor *like = &r->tensor[r->n_in];
    return scl_value_get(g, out, SCL_ACCUM, r->tensor[input].sig.name, SCL_F32, like->rank, like->dims, err);
}

static void index_of(const t_run *r, scl_arg *arg)
{
    for (int i = 0; i < T_MAX_INDEX && r->c->index[i].name; i++)
        if (!strcmp(r->c->index[i].name, arg->name)) {
            arg->index = r->c->index[i].index;
            arg->offset = r->c->index[i].offset;
        }
}

static scl_status add_root(t_run *r, t_built *b, scl_err *err)
{
    scl_arg args[MAX_ARGS] = { SCL_IN("stack", b->node->out[0]), SCL_IN("counters", scl_counters(b->graph)) };
    const scl_op *op = scl_op_find("batch_root");
    if (!op)
        return scl_fail(err, SCL_FAILED, "there is no batch_root");
    const int n = add_attrs(r, op, r->c->root, args, 2);
    scl_value **root = &b->value[r->n_in + b->node->n_out];
    T_TRY(scl_apply(b->graph, root, err, "batch_root", args, n));
    scl_output(*root, "root");
    return SCL_OK;
}

scl_status t_build(t_run *r, t_built *out, const t_build_options *o, scl_err *err)
{
    *out = (t_built){ .graph = scl_graph_new(&r->arena, "case") };
    scl_graph *g = out->graph;
    g->global_batch = (int)r->counters[SCL_CNT_BATCH];
    g->accumulate = o->accumulate;
    scl_arg args[MAX_ARGS];
    int n = 0;
    for (int i = 0; i < r->n_in; i++) {
        const t_tensor *t = &r->tensor[i];
        if (o->accumulate && !strcmp(t->sig.name, "acc"))
            T_TRY(make_accumulator(r, g, i, &out->value[i], err));
        else if (t->given)
            T_TRY(make_value(r, g, t, o->samples, &out->value[i], err));
        else
            continue;
        args[n] = SCL_IN(scl_arena_strdup(&r->arena, t->sig.name), out->value[i]);
        index_of(r, &args[n++]);
    }
    if (r->c->expr)
        args[n++] = SCL_TEXT("expr", r->c->expr);
    else
        n = add_attrs(r, r->table, r->c->attrs, args, n);
    scl_value *made[SCL_MAX_OUT];
    T_TRY(scl_apply(g, made, err, r->table->name, args, n));
    out->node = made[0]->producer;
    for (int k = 0; k < out->node->n_out; k++) {
        out->value[r->n_in + k] = made[k];
        scl_output(made[k], r->table->out[k]
                                ? scl_arena_strdup(&r->arena, scl_sig_parse(r->table->out[k]).name)
                                : "out");
    }
    return o->root ? add_root(r, out, err) : SCL_OK;
}

void t_inputs(const t_run *r, const t_built *b, int first_sample, t_bundle *in)
{
    in->n = 0;
    for (int i = 0; i < r->n_in; i++) {
        const t_tensor *t = &r->tensor[i];
        if (!b->value[i] || !t->given)
            continue;
        const size_t skip = t->by_sample ? t->bytes / (size_t)t->dims[0] * (size_t)first_sample : 0;
        in->item[in->n++] = (t_data){ b->value[i], (unsigned char *)t->data + skip };
    }
}
