/* What the launches of a plan are, copied while the plan is there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/build.h"
#include "graph/choice.h"
#include "graph/expr.h"
#include "graph/signature.h"
#include "run/profile_parts.h"

int scl_profile_plan_of(const scl_profile_stage *p, const void *loaded)
{
    for (int i = p->n_plan - 1; i >= 0; i--)
        if (p->plan[i].loaded == loaded)
            return i;
    return -1;
}

/* Room for one more in an array of the stage's arena. */
static void *room(scl_arena *arena, void *items, int n, int *cap, size_t size)
{
    if (n < *cap)
        return items;
    *cap = *cap ? 2 * *cap : 64;
    void *bigger = scl_arena_alloc(arena, size * (size_t)*cap);
    if (n)
        memcpy(bigger, items, size * (size_t)n);
    return bigger;
}

static json_t *value_json(const scl_value *v)
{
    if (!v)
        return json_null();
    char number[24];
    snprintf(number, sizeof number, "%%%d", v->id);
    json_t *shape = json_array();
    for (int d = 0; d < v->rank; d++)
        json_array_append_new(shape, json_integer(v->dim[d]));
    const bool named = v->role != SCL_INTERMEDIATE || v->output;
    return json_pack("{s:s, s:s, s:o}", "name", named && v->name ? v->name : number, "dtype",
                     scl_dtype_name(v->dtype), "shape", shape);
}

static json_t *values_json(scl_value *const *v, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, value_json(v[i]));
    return list;
}

/* "32,28,28,16 > 32,28,28,16": the first input and the first output. */
static const char *shape_of(const scl_node *n, scl_arena *arena)
{
    const scl_value *v[2] = {n->n_in ? n->in[0] : NULL, n->n_out ? n->out[0] : NULL};
    const char *text = "";
    for (int i = 0; i < 2; i++)
        for (int d = 0; v[i] && d < v[i]->rank; d++)
            text = scl_arena_printf(arena, "%s%s%d", text, d ? "," : i ? " > " : "", v[i]->dim[d]);
    return text;
}

static const char *expression_of(const scl_node *n, scl_arena *arena)
{
    const scl_expr *own = n->expr, *pre = n->pre, *post = n->post;
    const char *text = own ? scl_expr_text(own, arena) : NULL;
    if (pre)
        text = scl_arena_printf(arena, "%s%sx = %s", text ? text : "", text ? "; " : "",
                                scl_expr_text(pre, arena));
    if (post)
        text = scl_arena_printf(arena, "%s%s%s", text ? text : "", text ? "; y -> " : "y -> ",
                                scl_expr_text(post, arena));
    return text;
}

/* By the operator's own formula; NAN: it has none. */
static double flops_of(const scl_node *n)
{
    return n->op->flops ? scl_cost(n, n->op->flops) : NAN;
}

/* The same; without a formula (pointwise): every input read and every output written once. */
static double bytes_of(const scl_node *n)
{
    double bytes = 0;
    if (n->op->bytes)
        return scl_cost(n, n->op->bytes);
    for (int i = 0; i < n->n_in; i++)
        bytes += n->in[i] ? (double)scl_value_bytes(n->in[i]) : 0;
    for (int o = 0; o < n->n_out; o++)
        bytes += (double)scl_value_bytes(n->out[o]);
    return bytes;
}

/* The node's place among those of equal scope and operator before it. */
static int occurrence(const scl_schedule *s, int step)
{
    int k = 0;
    for (int i = 0; i < step; i++)
        k += s->step[i].node->op == s->step[step].node->op &&
             !strcmp(s->step[i].node->scope, s->step[step].node->scope);
    return k;
}

static scl_profile_row *add_row(scl_profile_stage *p, const scl_plan *plan, int step, const char *plan_name,
                                const char *kernel)
{
    const scl_schedule *s = &plan->schedule;
    const scl_node *n = s->step[step].node;
    p->row = room(&p->arena, p->row, p->n_row, &p->cap_row, sizeof *p->row);
    scl_profile_row *r = &p->row[p->n_row++];
    *r = (scl_profile_row){.plan = plan_name,
                           .scope = scl_arena_strdup(&p->arena, n->scope),
                           .op = n->op->name,
                           .kernel = scl_arena_strdup(&p->arena, kernel),
                           .node = n->id,
                           .implementation = "",
                           .options = "",
                           .flops = flops_of(n),
                           .bytes = bytes_of(n),
                           .expression = expression_of(n, &p->arena),
                           .shape = shape_of(n, &p->arena),
                           .inputs = values_json(n->in, n->n_in),
                           .outputs = values_json(n->out, n->n_out),
                           .tuning = json_object()};
    r->key = scl_arena_printf(&p->arena, "%s/%s/%s.%d/%s", plan_name, r->scope, r->op, occurrence(s, step),
                              kernel);
    const scl_choice *c = plan->choice ? &plan->choice[step] : NULL;
    if (c && c->impl) {
        r->implementation = c->impl->name;
        for (int i = 0; i < c->tune.n; i++)
            json_object_set_new(r->tuning, c->tune.name[i], json_integer(c->tune.value[i]));
    }
    return r;
}

/* The rows of a step's launches: one for each kernel. */
static void add_step(scl_profile_stage *p, const scl_plan *plan, scl_profile_plan *to, int step, int first,
                     int end)
{
    const int from = p->n_row;
    const scl_schedule *s = &plan->schedule;
    for (int i = first; i < end; i++) {
        const scl_launch *l = &s->launch[i];
        const char *kernel = l->kernel ? l->kernel : "clblast_gemm";
        int r = from;
        while (r < p->n_row && strcmp(p->row[r].kernel, kernel) != 0)
            r++;
        if (r == p->n_row) {
            scl_profile_row *row = add_row(p, plan, step, to->name, kernel);
            row->options = scl_arena_strdup(&p->arena, l->options ? l->options : "");
            memcpy(row->global, l->grid.global, sizeof row->global);
            memcpy(row->local, l->grid.local, sizeof row->local);
        }
        to->row[i] = r;
    }
    for (int r = from; r < p->n_row; r++) {
        p->row[r].node_first = from;
        p->row[r].node_rows = p->n_row - from;
    }
}

typedef struct interval {
    size_t begin, end;
    int first, last;
} interval;

static int by_begin(const void *a, const void *b)
{
    const size_t x = ((const interval *)a)->begin, y = ((const interval *)b)->begin;
    return x < y ? -1 : x > y;
}

static void touch(interval *list, int *n, const scl_place *place, int step, bool stays, int last)
{
    if (place->in != SCL_PLACE_SLAB || !place->bytes)
        return;
    list[(*n)++] = (interval){place->offset, place->offset + place->bytes, step, stays ? last : step};
}

/* The blocks of the slab, each with the steps in which it is alive: from the one that wrote it to the last
 * that reads it. */
static int blocks_of(const scl_schedule *s, interval *all, int *of)
{
    int n = 0;
    for (int i = 0; i < s->n_node; i++) {
        const struct scl_step *step = &s->step[i];
        for (int o = 0; o < step->node->n_out; o++) {
            touch(all, &n, &step->out[o], i, step->node->out[o]->output, s->n_node - 1);
            of[step->node->out[o]->id] = step->out[o].in == SCL_PLACE_SLAB ? n : 0;
        }
        for (int k = 0; k < step->node->n_in; k++) {
            const scl_value *v = step->node->in[k];
            if (v && v->producer && of[v->id] && all[of[v->id] - 1].last < i)
                all[of[v->id] - 1].last = i;
        }
        for (int l = step->first_launch; l < step->first_launch + step->n_launch; l++)
            for (int a = 0; a < s->launch[l].n_arg; a++)
                if (s->launch[l].arg[a].kind == SCL_ARG_WORK || s->launch[l].arg[a].kind == SCL_ARG_PREPARED)
                    touch(all, &n, &s->launch[l].place[a], i, false, 0);
    }
    return n;
}

/* Bytes of the blocks that are alive in a step; those that share bytes count once. */
static size_t alive(const interval *all, int n, int step)
{
    size_t bytes = 0, upto = 0;
    for (int k = 0; k < n; k++) {
        if (all[k].first > step || all[k].last < step)
            continue;
        const size_t begin = all[k].begin > upto ? all[k].begin : upto;
        bytes += all[k].end > begin ? all[k].end - begin : 0;
        upto = all[k].end > upto ? all[k].end : upto;
    }
    return bytes;
}

/* [[node, bytes of the slab alive while it runs], ...] */
static json_t *live_of(const scl_plan *plan)
{
    const scl_schedule *s = &plan->schedule;
    scl_arena scratch = {0};
    json_t *list = json_array();
    size_t most = 0;
    for (int i = 0; i < s->n_node; i++)
        most += (size_t)s->step[i].node->n_out;
    for (int i = 0; i < s->n_launch; i++)
        most += (size_t)s->launch[i].n_arg;
    interval *all = SCL_NEW_ARRAY(&scratch, interval, most + 1);
    int *of =
        SCL_NEW_ARRAY(&scratch, int, plan->graph->n_value + 1); /* 1 + the index of a value's block in all */
    const int n = blocks_of(s, all, of);
    qsort(all, (size_t)n, sizeof *all, by_begin);
    for (int i = 0; i < s->n_node; i++)
        json_array_append_new(list, json_pack("[i,I]", s->step[i].node->id, (json_int_t)alive(all, n, i)));
    scl_arena_free(&scratch);
    return list;
}

/* "train"; the second plan of a graph of that name: "train.2". */
static const char *name_of(scl_profile_stage *p, const char *graph)
{
    int same = 1;
    for (int i = 0; i < p->n_plan; i++)
        same +=
            !strncmp(p->plan[i].name, graph, strlen(graph)) && strchr(".", p->plan[i].name[strlen(graph)]);
    return same > 1 ? scl_arena_printf(&p->arena, "%s.%d", graph, same) : scl_arena_strdup(&p->arena, graph);
}

void scl_profile_loaded(void *user, const scl_plan *plan, const scl_loaded *loaded)
{
    scl_profile_stage *p = user;
    const scl_schedule *s = &plan->schedule;
    const char *name = name_of(p, plan->graph->name);
    p->plan = room(&p->arena, p->plan, p->n_plan, &p->cap_plan, sizeof *p->plan);
    scl_profile_plan *to = &p->plan[p->n_plan++];
    const bool launches = s->n_launch > 0;
    p->recorded |= s->record && plan->device.has_command_buffer;
    *to = (scl_profile_plan){.name = name,
                             .loaded = loaded,
                             .n_nodes = s->n_node,
                             .slab_bytes = plan->peak_bytes,
                             .n_launches = launches ? s->n_launch - s->n_prepare : s->n_node,
                             .first_row = p->n_row,
                             .persistent_bytes = plan->persistent_bytes,
                             .live = live_of(plan)};
    to->row = SCL_NEW_ARRAY(&p->arena, int, (launches ? s->n_launch : s->n_node) + 1);
    for (int i = 0; i < s->n_node; i++) {
        if (launches) {
            add_step(p, plan, to, i, s->step[i].first_launch, s->step[i].first_launch + s->step[i].n_launch);
            continue;
        }
        to->row[i] = p->n_row;
        scl_profile_row *r = add_row(p, plan, i, name, s->step[i].node->op->name);
        r->node_first = p->n_row - 1;
        r->node_rows = 1;
    }
    /* Preparation is no part of a step; a profile that begins in time never sees it. */
    for (int i = s->n_launch - s->n_prepare; i < s->n_launch; i++)
        to->row[i] = -1;
}
