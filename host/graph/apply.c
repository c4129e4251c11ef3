/* scl_apply: an operator's table meets its arguments. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "graph/build.h"
#include "graph/expr.h"
#include "graph/signature.h"

const scl_op *scl_op_pointwise(void)
{
    static const scl_op *op;
    if (!op)
        op = scl_op_find("pointwise");
    return op;
}

static const char *shape_text(const scl_value *v, char *text, size_t size)
{
    size_t n = (size_t)snprintf(text, size, "%s[", scl_dtype_name(v->dtype));
    for (int d = 0; d < v->rank && n < size; d++)
        n += (size_t)snprintf(text + n, size - n, "%s%d", d ? "," : "", v->dim[d]);
    if (n < size)
        snprintf(text + n, size - n, "]");
    return text;
}

static scl_status misfit(const scl_node *n, const char *signature, const scl_value *v, scl_err *err)
{
    char text[96];
    return scl_fail(err, SCL_FAILED, "%s%s%s: input %s does not fit \"%s\"", n->scope, n->scope[0] ? ": " : "",
                    n->op->name, shape_text(v, text, sizeof text), signature);
}

/* Binds the letters of one input, or checks them where they are bound. */
static scl_status bind(scl_node *n, const char *signature, const scl_value *v, scl_err *err)
{
    const scl_sig s = scl_sig_parse(signature);
    if (v->dtype != s.dtype)
        return misfit(n, signature, v, err);
    for (int d = 0; d < s.rank; d++) {
        const scl_sig_dim *e = &s.dim[d];
        if (e->star) {
            int product = 1;
            for (int k = d; k < v->rank; k++)
                product *= v->dim[k];
            int *letter = &n->letter[e->letter - 'A'];
            if (*letter && *letter != product)
                return misfit(n, signature, v, err);
            if (!*letter) {
                n->star_rank = v->rank - d;
                for (int k = d; k < v->rank; k++)
                    n->star_dim[k - d] = v->dim[k];
                *letter = product;
            }
            return SCL_OK;
        }
        if (d >= v->rank)
            return misfit(n, signature, v, err);
        if (!e->letter) {
            if (v->dim[d] != e->number)
                return misfit(n, signature, v, err);
            continue;
        }
        int *letter = &n->letter[e->letter - 'A'];
        if (!*letter && v->dim[d] * e->div % e->mul == 0)
            *letter = v->dim[d] * e->div / e->mul;
        if (*letter * e->mul / e->div != v->dim[d])
            return misfit(n, signature, v, err);
    }
    return v->rank == s.rank ? SCL_OK : misfit(n, signature, v, err);
}

static const scl_arg *find_arg(const scl_arg *args, int n_args, const char *name, bool input)
{
    for (int i = 0; i < n_args; i++)
        if ((args[i].kind == 0) == input && !strcmp(args[i].name, name))
            return &args[i];
    return NULL;
}

static scl_status bind_attrs(scl_node *n, const scl_arg *args, int n_args, int *used, scl_err *err)
{
    for (int a = 0; a < scl_op_attrs(n->op); a++) {
        const scl_attr_sig s = scl_attr_sig_parse(n->op->attr[a]);
        const scl_arg *arg = find_arg(args, n_args, s.name, false);
        if (!arg && !s.has_default)
            return scl_fail(err, SCL_FAILED, "%s: attribute '%s' is missing", n->op->name, s.name);
        n->attr[a] = arg ? arg->attr : s.value;
        if (arg && s.kind == SCL_ATTR_REAL && arg->kind == 1)
            n->attr[a].f = (double)arg->attr.i;
        const double number = s.kind == SCL_ATTR_INT ? (double)n->attr[a].i : n->attr[a].f;
        if (s.kind != SCL_ATTR_TEXT && (number < s.lo || number > s.hi))
            return scl_fail(err, SCL_FAILED, "%s: %s = %g is out of range", n->op->name, s.name, number);
        if (s.kind == SCL_ATTR_INT && s.name[0] >= 'A' && s.name[0] <= 'Z' && !s.name[1])
            n->letter[s.name[0] - 'A'] = (int)n->attr[a].i;
        *used += arg != NULL;
    }
    return SCL_OK;
}

/* Which element of an input belongs to an element of the result (expression operators). */
static scl_index index_of(const scl_value *v, const scl_value *out)
{
    if (v->rank == out->rank && !memcmp(v->dim, out->dim, sizeof(int) * (size_t)v->rank))
        return SCL_INDEX_FULL;
    if (scl_value_count(v) == scl_value_count(out) && v->dim[0] == out->dim[0])
        return SCL_INDEX_FULL;
    if (v->rank == 1 && v->dim[0] == out->dim[0])
        return SCL_INDEX_SAMPLE;
    if (v->rank == 2 && v->dim[0] == out->dim[0])
        return SCL_INDEX_SAMPLE_CHANNEL;
    return v->rank == 1 && v->dim[0] == 1 ? SCL_INDEX_SCALAR : SCL_INDEX_CHANNEL;
}

/* How each input that the expression names is read; the result's shape is `out`. */
static scl_status index_inputs(scl_node *n, const scl_arg *const *arg_of, const scl_value *out, scl_err *err)
{
    const int channels = out->dim[out->rank - 1];
    for (int i = 0; i < n->n_in; i++) {
        const scl_value *v = n->in[i];
        const scl_index asked = arg_of[i]->index;
        if (!v || !scl_expr_uses(n->expr, n->in_name[i]))
            continue;
        n->in_index[i] = asked == SCL_INDEX_FULL ? index_of(v, out) : asked;
        n->in_offset[i] = arg_of[i]->offset;
        const int last = v->dim[v->rank - 1];
        bool fits = v->dtype == SCL_F32;
        switch (n->in_index[i]) {
        case SCL_INDEX_FULL: fits = fits && scl_value_count(v) == scl_value_count(out); break;
        case SCL_INDEX_SAMPLE: fits = fits && v->dim[0] == out->dim[0]; break;
        case SCL_INDEX_SAMPLE_CHANNEL:
            fits = fits && v->dim[0] == out->dim[0] && last >= n->in_offset[i] + channels;
            break;
        case SCL_INDEX_CHANNEL: fits = fits && last >= n->in_offset[i] + channels; break;
        case SCL_INDEX_SCALAR: fits = fits && last > n->in_offset[i]; break;
        }
        if (!fits)
            return misfit(n, n->in_name[i], v, err);
    }
    return SCL_OK;
}

static scl_status apply_pointwise(scl_node *n, scl_value **out, const scl_arg *args, int n_args, scl_err *err)
{
    scl_graph *g = n->graph;
    const scl_arg *expr = find_arg(args, n_args, "expr", false);
    if (!expr)
        return scl_fail(err, SCL_FAILED, "pointwise: attribute 'expr' is missing");
    n->attr[0] = expr->attr;
    scl_expr *parsed;
    SCL_TRY(scl_expr_parse(&parsed, g->arena, expr->attr.text, err));
    n->expr = parsed;
    const scl_value *largest = NULL;
    const scl_arg *arg_of[SCL_MAX_IN];
    for (int i = 0; i < n_args; i++) {
        if (args[i].kind != 0)
            continue;
        if (n->n_in == SCL_MAX_IN)
            return scl_fail(err, SCL_FAILED, "pointwise: more than %d inputs", SCL_MAX_IN);
        arg_of[n->n_in] = &args[i];
        n->in_name[n->n_in] = args[i].name;
        n->in[n->n_in++] = args[i].value;
        if (args[i].index == SCL_INDEX_FULL && (!largest || scl_value_count(args[i].value) > scl_value_count(largest)))
            largest = args[i].value;
    }
    if (!largest)
        return scl_fail(err, SCL_FAILED, "pointwise: no input of full size");
    out[0] = scl_value_new(g, NULL, SCL_F32, largest->rank, largest->dim);
    out[0]->producer = n;
    n->out[n->n_out++] = out[0];
    return index_inputs(n, arg_of, largest, err);
}

static scl_status make_outputs(scl_node *n, scl_value **out, scl_err *err)
{
    for (int o = 0; o < scl_op_outputs(n->op); o++) {
        const scl_sig s = scl_sig_parse(n->op->out[o]);
        int rank, dims[SCL_MAX_RANK];
        scl_sig_dims(&s, n, &rank, dims);
        for (int d = 0; d < rank; d++)
            if (dims[d] <= 0)
                return scl_fail(err, SCL_FAILED, "%s: a dimension of output '%s' is %d", n->op->name, s.name, dims[d]);
        scl_value *v = scl_value_new(n->graph, NULL, s.dtype, rank, dims);
        v->producer = n;
        v->producer_out = o;
        if (s.inplace[0]) {
            scl_value *in = n->in[scl_op_input_index(n->op, s.inplace)];
            if (in && (in->role == SCL_INTERMEDIATE || in->producer))
                return scl_fail(err, SCL_FAILED, "%s: '%s' is updated in place and must be persistent",
                                n->op->name, s.inplace);
            v->storage = in;
        }
        n->out[o] = out[o] = v;
    }
    n->n_out = scl_op_outputs(n->op);
    return SCL_OK;
}

static scl_status apply_table(scl_node *n, scl_value **out, const scl_arg *args, int n_args, scl_err *err)
{
    const scl_op *op = n->op;
    int used = 0;
    SCL_TRY(bind_attrs(n, args, n_args, &used, err));
    n->n_in = scl_op_inputs(op);
    const scl_arg *arg_of[SCL_MAX_IN];
    const scl_arg absent = { 0 };
    for (int i = 0; i < n->n_in; i++) {
        const scl_sig s = scl_sig_parse(op->in[i]);
        const scl_arg *arg = find_arg(args, n_args, s.name, true);
        arg_of[i] = arg ? arg : &absent;
        n->in_name[i] = scl_arena_strdup(n->graph->arena, s.name);
        used += arg != NULL;
        if (arg && arg->value) {
            n->in[i] = arg->value;
            SCL_TRY(bind(n, op->in[i], arg->value, err));
        } else if (!s.optional) {
            return scl_fail(err, SCL_FAILED, "%s: input '%s' is missing", op->name, s.name);
        }
    }
    if (used != n_args)
        return scl_fail(err, SCL_FAILED, "%s: an argument is not in its table", op->name);
    if (op->shape)
        SCL_TRY(op->shape(n, err));
    SCL_TRY(make_outputs(n, out, err));
    if (!op->expr)
        return SCL_OK;
    scl_expr *parsed;
    SCL_TRY(scl_expr_parse(&parsed, n->graph->arena, op->expr, err));
    n->expr = parsed;
    return index_inputs(n, arg_of, n->out[0], err);
}

scl_status scl_apply(scl_graph *g, scl_value **out, scl_err *err, const char *name, const scl_arg *args, int n_args)
{
    const scl_op *op = scl_op_find(name);
    if (!op)
        return scl_fail(err, SCL_FAILED, "no operator is called '%s'", name);
    scl_node *n = scl_node_new(g, op);
    if (!strcmp(name, "pointwise"))
        return apply_pointwise(n, out, args, n_args, err);
    return apply_table(n, out, args, n_args, err);
}

int scl_dim(const scl_node *n, char letter)
{
    assert(n->letter[letter - 'A'] > 0);
    return n->letter[letter - 'A'];
}

/* By its name alone: a plan asks for attributes thousands of times, so their defaults and ranges are not read. */
static int attr_index(const scl_node *n, const char *name)
{
    const size_t length = strlen(name);
    for (int a = 0; a < SCL_MAX_ATTR && n->op->attr[a]; a++)
        if (!strncmp(n->op->attr[a], name, length) && n->op->attr[a][length] == ' ')
            return a;
    return -1;
}

static scl_attr_value attr(const scl_node *n, const char *name)
{
    const int a = attr_index(n, name);
    assert(a >= 0);
    return n->attr[a];
}

long scl_attr_int(const scl_node *n, const char *name) { return attr(n, name).i; }
double scl_attr_real(const scl_node *n, const char *name) { return attr(n, name).f; }
const char *scl_attr_text(const scl_node *n, const char *name) { return attr(n, name).text; }

void scl_attr_set_text(scl_node *n, const char *name, const char *text)
{
    const int a = attr_index(n, name);
    if (a >= 0)
        n->attr[a].text = text;
}
