/* The parameters of a built network: list, order, start values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/arith.h"
#include "graph/op.h"
#include "model/net.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(((const scl_param *)a)->name, ((const scl_param *)b)->name);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* The weight beside a bias (or the weight itself); NULL: there is none. */
static const scl_value *weight_beside(const scl_graph *g, const scl_value *v)
{
    if (!ends_with(v->name, ".bias"))
        return v;
    scl_arena scratch = { 0 };
    const char *name = scl_arena_printf(&scratch, "%.*sweight", (int)(strlen(v->name) - strlen("bias")), v->name);
    const scl_value *w = scl_find_value(g, name);
    scl_arena_free(&scratch);
    return w;
}

/* A bias starts like the weight beside it: U(+-1/sqrt(fan_in)), PyTorch's default. */
static int fan_in(const scl_graph *g, const scl_value *v)
{
    if (v->rank == 4)
        return v->dim[0] * v->dim[1] * v->dim[2];
    if (v->rank == 2)
        return v->dim[0];
    const scl_value *w = weight_beside(g, v);
    return w && w != v ? fan_in(g, w) : 1;
}

/* A weight for each channel: group normalisation's. */
static bool is_group_norm(const scl_graph *g, const scl_value *v)
{
    const scl_value *w = weight_beside(g, v);
    return w && w->rank == 1;
}

/* Is a convolution or linear layer of this scope in the list?  Derivatives have the scope of what they differentiate. */
static bool is_listed(const char *list, const char *scope)
{
    const size_t n = strlen(scope);
    for (const char *p = list; (p = strstr(p, scope)); p += n)
        if ((p == list || p[-1] == ' ') && p[n] == '=')
            return true;
    return false;
}

const char *scl_net_conv(const scl_graph *g, scl_arena *arena)
{
    const char *list = "";
    for (int i = 0; i < g->n_node; i++) {
        const scl_node *n = g->node[i];
        const bool layer = !strcmp(n->op->name, "conv2d") || !strcmp(n->op->name, "conv2d_dx") ||
                           !strcmp(n->op->name, "linear");
        if (layer && n->scope[0] && !is_listed(list, n->scope))
            list = scl_arena_printf(arena, "%s%s%s=%s", list, list[0] ? " " : "", n->scope,
                                    scl_attr_text(n, "algorithm"));
    }
    return list;
}

/* How a parameter starts, which its name tells. */
static scl_param start_of(const scl_graph *g, scl_value *v, const char *name)
{
    scl_param p = { .name = name, .value = v };
    if (ends_with(name, "embed.weight"))
        p.init = SCL_PARAM_NORM_ROWS;
    else if (ends_with(name, ".gamma") || ends_with(name, ".alpha"))
        p.init = SCL_PARAM_NEAR_ONE;
    else if (ends_with(name, ".beta"))
        p.init = SCL_PARAM_ZERO;
    else if (ends_with(name, ".scale"))
        p.init = SCL_PARAM_ONE;
    else if (ends_with(name, ".shift"))
        p.init = SCL_PARAM_ZERO;
    else if (is_group_norm(g, v))
        p.init = ends_with(name, ".weight") ? SCL_PARAM_ONE : SCL_PARAM_ZERO;
    else
        p.fan_in = fan_in(g, v);
    return p;
}

scl_param_list scl_net_params(const scl_graph *g, const char *prefix, scl_arena *arena)
{
    scl_param_list list = { 0 };
    list.item = SCL_NEW_ARRAY(arena, scl_param, g->n_value);
    for (int i = 0; i < g->n_value; i++) {
        scl_value *v = g->value[i];
        if (v->role != SCL_PARAM || strncmp(v->name, prefix, strlen(prefix)) != 0)
            continue;
        list.item[list.n++] = start_of(g, v, v->name + strlen(prefix));
    }
    qsort(list.item, (size_t)list.n, sizeof *list.item, by_name);
    return list;
}

SCL_FAST_REF void scl_param_init(const scl_param *p, int index, unsigned long long seed, float *data)
{
    const size_t count = scl_value_count(p->value);
    const int last = p->value->dim[p->value->rank - 1];
    const float bound = p->fan_in ? (float)(1.0 / sqrt((double)p->fan_in)) : 0.0f;
    for (size_t e = 0; e < count; e += 4) {
        const scl_words word = scl_random(seed, (uint32_t)(e / 4), (uint32_t)index, 0, SCL_STREAM_INIT, 0);
        float normal[4] = { 0 };
        if (p->init == SCL_PARAM_NORM_ROWS || p->init == SCL_PARAM_NEAR_ONE) {
            scl_normal2(word.w[0], word.w[1], &normal[0], &normal[1]);
            scl_normal2(word.w[2], word.w[3], &normal[2], &normal[3]);
        }
        for (size_t k = 0; k < 4 && e + k < count; k++) {
            const bool beta = (int)((e + k) % (size_t)last) >= last / 3 * 2;
            const float near_one = fmaf(0.02f, normal[k], 1.0f);
            float start = 0.0f;
            switch (p->init) {
            case SCL_PARAM_UNIFORM: start = bound * fmaf(2.0f, scl_uniform(word.w[k]), -1.0f); break;
            case SCL_PARAM_NORM_ROWS: start = beta ? 0.0f : near_one; break;
            case SCL_PARAM_NEAR_ONE: start = near_one; break;
            case SCL_PARAM_ONE: start = 1.0f; break;
            case SCL_PARAM_ZERO: break;
            }
            data[e + k] = scl_flush(start);
        }
    }
}
