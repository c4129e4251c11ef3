/* Rows of kernels summed over functions, operators and blocks of the network. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "run/profile_parts.h"

typedef struct group {
    const char *name;
    scl_profile_cost cost;
    int nodes, last_node; /* last_node: node_first of the row added last */
    scl_series call;
    json_t *ops; /* functions: the operators that launch them */
} group;

typedef struct groups {
    group *item;
    int n, cap;
    scl_profile_stage *p;
} groups;

double scl_profile_part(const scl_profile_stage *p, const scl_profile_row *r)
{
    double all = 0;
    for (int i = r->node_first; i < r->node_first + r->node_rows; i++)
        all += p->row[i].total;
    return all > 0 ? r->total / all : 1.0 / r->node_rows;
}

/* What is known of both; NAN is nothing. */
static double plus(double a, double b)
{
    return isnan(a) ? b : isnan(b) ? a : a + b;
}

static double runs_per_step(const scl_profile_stage *p, const scl_profile_row *r)
{
    for (int i = 0; i < p->n_plan; i++)
        if (p->plan[i].name == r->plan)
            return p->n_step ? (double)p->plan[i].runs / p->n_step : 0;
    return 0;
}

static scl_profile_cost cost_of(const scl_profile_stage *p, const scl_profile_row *r)
{
    const double factor = scl_profile_part(p, r) * runs_per_step(p, r);
    return (scl_profile_cost){.calls = r->calls,
                              .total = r->total,
                              .flops = r->flops * factor,
                              .bytes = r->bytes * factor,
                              .step = r->step};
}

static group *group_of(groups *g, const char *name)
{
    for (int i = 0; i < g->n; i++)
        if (!strcmp(g->item[i].name, name))
            return &g->item[i];
    if (g->n == g->cap) {
        g->cap = g->cap ? 2 * g->cap : 64;
        group *bigger = SCL_NEW_ARRAY(&g->p->arena, group, g->cap);
        if (g->n)
            memcpy(bigger, g->item, sizeof *bigger * (size_t)g->n);
        g->item = bigger;
    }
    group *to = &g->item[g->n++];
    *to = (group){
        .name = scl_arena_strdup(&g->p->arena, name),
        .last_node = -1,
        .cost = {.flops = NAN, .bytes = NAN, .step = SCL_NEW_ARRAY(&g->p->arena, double, g->p->n_step + 1)}};
    return to;
}

static void add_row(groups *g, const char *name, const scl_profile_row *r)
{
    group *to = group_of(g, name);
    const scl_profile_cost c = cost_of(g->p, r);
    to->nodes += to->last_node != r->node_first;
    to->last_node = r->node_first;
    to->cost.calls += c.calls;
    to->cost.total += c.total;
    to->cost.flops = plus(to->cost.flops, c.flops);
    to->cost.bytes = plus(to->cost.bytes, c.bytes);
    for (int i = 0; i < g->p->n_step; i++)
        to->cost.step[i] += c.step[i];
}

static int longest_first(const void *a, const void *b)
{
    const double x = ((const group *)a)->cost.total, y = ((const group *)b)->cost.total;
    return x < y ? 1 : x > y ? -1 : strcmp(((const group *)a)->name, ((const group *)b)->name);
}

static void sort(groups *g)
{
    if (g->n)
        qsort(g->item, (size_t)g->n, sizeof *g->item, longest_first);
}

/* A row that nothing ran of (a plan of the evaluation, say) is in no sum. */
static bool ran(const scl_profile_row *r)
{
    return r->calls > 0;
}

static scl_status functions(scl_profile_stage *p, const scl_profile_sums *s, json_t *list, scl_err *err)
{
    groups g = {.p = p};
    scl_status status = SCL_OK;
    for (int i = 0; i < p->n_row && status == SCL_OK; i++) {
        const scl_profile_row *r = &p->row[i];
        if (!ran(r))
            continue;
        add_row(&g, r->kernel, r);
        group *to = group_of(&g, r->kernel);
        to->ops = to->ops ? to->ops : json_object();
        json_object_set_new(to->ops, r->op, json_true());
        for (size_t k = 0; k < r->call.n && status == SCL_OK; k++)
            status = scl_series_add(&to->call, r->call.at[k], err);
    }
    sort(&g);
    for (int i = 0; i < g.n; i++) {
        json_t *ops = json_array(), *row, *unused;
        const char *op;
        json_object_foreach(g.item[i].ops, op, unused) json_array_append_new(ops, json_string(op));
        row = json_pack("{s:s, s:o, s:i}", "kernel", g.item[i].name, "operators", ops, "nodes",
                        g.item[i].nodes);
        scl_profile_put_cost(p, s, &g.item[i].cost, row);
        json_object_set_new(row, "call_s", scl_spread(g.item[i].call.at, g.item[i].call.n));
        json_array_append_new(list, row);
        json_decref(g.item[i].ops);
        scl_series_free(&g.item[i].call);
    }
    return status;
}

static void operators(scl_profile_stage *p, const scl_profile_sums *s, json_t *list)
{
    groups g = {.p = p};
    for (int i = 0; i < p->n_row; i++)
        if (ran(&p->row[i]))
            add_row(&g, p->row[i].op, &p->row[i]);
    sort(&g);
    for (int i = 0; i < g.n; i++) {
        const scl_op *op = scl_op_find(g.item[i].name);
        json_t *row = json_pack("{s:s, s:s*, s:i}", "operator", g.item[i].name, "brief", op ? op->brief : NULL, "nodes",
                                g.item[i].nodes);
        scl_profile_put_cost(p, s, &g.item[i].cost, row);
        json_array_append_new(list, row);
    }
}

/* "res1.0.conv1" counts in res1, res1.0 and res1.0.conv1. */
static void blocks(scl_profile_stage *p, const scl_profile_sums *s, json_t *list)
{
    groups g = {.p = p};
    for (int i = 0; i < p->n_row; i++) {
        const scl_profile_row *r = &p->row[i];
        char name[512];
        if (!ran(r))
            continue;
        for (size_t end = 0;; end++) {
            if (r->scope[end] && r->scope[end] != '.')
                continue;
            snprintf(name, sizeof name, "%.*s", (int)end, r->scope);
            add_row(&g, name, r);
            if (!r->scope[end])
                break;
        }
    }
    sort(&g);
    for (int i = 0; i < g.n; i++) {
        const char *name = g.item[i].name, *dot = strrchr(name, '.');
        int depth = 0;
        for (const char *c = name; *c; c++)
            depth += *c == '.';
        json_t *row = json_pack("{s:s, s:o, s:i, s:i}", "block", name, "parent",
                                dot ? json_stringn(name, (size_t)(dot - name)) : json_null(), "depth", depth,
                                "nodes", g.item[i].nodes);
        scl_profile_put_cost(p, s, &g.item[i].cost, row);
        json_array_append_new(list, row);
    }
}

static int row_longest_first(const void *a, const void *b)
{
    const scl_profile_row *x = *(const scl_profile_row *const *)a, *y = *(const scl_profile_row *const *)b;
    return x->total < y->total ? 1 : x->total > y->total ? -1 : strcmp(x->key, y->key);
}

static json_t *sizes(const size_t v[3])
{
    return json_pack("[I,I,I]", (json_int_t)v[0], (json_int_t)v[1], (json_int_t)v[2]);
}

static json_t *kernel_json(scl_profile_stage *p, const scl_profile_sums *s, const scl_profile_row *r)
{
    json_t *row = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s?, s:O, s:O, s:s, s:O, s:s, s:o, s:o}", "key",
                            r->key, "plan", r->plan, "node", r->node, "scope", r->scope, "operator", r->op,
                            "kernel", r->kernel, "expression", r->expression, "inputs", r->inputs, "outputs",
                            r->outputs, "implementation", r->implementation, "tuning", r->tuning, "options",
                            r->options, "global", sizes(r->global), "local", sizes(r->local));
    const scl_profile_cost c = cost_of(p, r);
    scl_profile_put_cost(p, s, &c, row);
    json_object_set_new(row, "call_s", scl_spread(r->call.at, r->call.n));
    return row;
}

/* index: of each row of the stage, its place in the list; -1: it did not run. */
static json_t *kernels(scl_profile_stage *p, const scl_profile_sums *s, int *index)
{
    const scl_profile_row **order = SCL_NEW_ARRAY(&p->arena, const scl_profile_row *, p->n_row + 1);
    json_t *list = json_array();
    int n = 0;
    for (int i = 0; i < p->n_row; i++) {
        index[i] = -1;
        if (ran(&p->row[i]))
            order[n++] = &p->row[i];
    }
    qsort(order, (size_t)n, sizeof *order, row_longest_first);
    for (int i = 0; i < n; i++) {
        index[order[i] - p->row] = i;
        json_array_append_new(list, kernel_json(p, s, order[i]));
    }
    return list;
}

typedef struct timing {
    const scl_profile_stage *p;
    const int *index, *transfer;
    int step;
    int64_t begin;
    json_t *list;
} timing;

static scl_status take(void *user, const scl_profile_item *i, scl_err *err)
{
    timing *t = user;
    (void)err;
    if (i->event->step != t->step || scl_profile_rejected(i))
        return SCL_OK;
    if (!t->begin)
        t->begin = i->stamp[SCL_STAMP_START];
    const int row = i->row ? t->index[i->row - t->p->row] : -1 - t->transfer[i->event->command];
    json_array_append_new(t->list,
                          json_pack("[i,f,f]", row, 1e-9 * (double)(i->stamp[SCL_STAMP_START] - t->begin),
                                    1e-9 * (double)(i->stamp[SCL_STAMP_END] - t->begin)));
    return SCL_OK;
}

scl_status scl_profile_groups(scl_profile_stage *p, const scl_profile_sums *s, json_t *stage, scl_err *err)
{
    int *index = SCL_NEW_ARRAY(&p->arena, int, p->n_row + 1), transfer[SCL_COMMANDS] = {0}, n = 0;
    json_t *function = json_array(), *operator_ = json_array(), *block = json_array();
    for (int i = SCL_COMMAND_WRITE; i < SCL_COMMANDS; i++)
        transfer[i] = s->moved[i].calls ? n++ : -1;
    timing t = {.p = p, .index = index, .transfer = transfer, .step = s->median_step, .list = json_array()};
    json_object_set_new(stage, "timeline", t.list);
    json_object_set_new(stage, "functions", function);
    json_object_set_new(stage, "operators", operator_);
    json_object_set_new(stage, "blocks", block);
    SCL_TRY(functions(p, s, function, err));
    operators(p, s, operator_);
    blocks(p, s, block);
    json_object_set_new(stage, "kernels", kernels(p, s, index)); /* last: it sorts the rows' own numbers */
    return scl_profile_replay(p, take, &t, err);
}
