/* The slab of a plan: which values may share memory, and where each lies.
 *
 * Values that are not alive at the same time share bytes by placement.  In place: a pointwise node may write
 * its result over an input of full size that nothing reads later, as every element is read before the same
 * element is written, by the same work-item (cl/ops/pointwise.cl) or in the same block of the definition.
 * Then both are one block with one lifetime. */
#include "graph/slab.h"

#include "graph/build.h"

/* The input that dies in node n, the position-th of the program, and may become its result; NULL: none. */
static const scl_value *dying_input(const scl_node *n, int position, const scl_life *life)
{
    const scl_value *y = n->out[0];
    if (!scl_is_pointwise(n) || y->storage || y->role != SCL_INTERMEDIATE)
        return NULL;
    for (int k = 0; k < n->n_in; k++) {
        const scl_value *v = n->in[k];
        if (!v || v->role != SCL_INTERMEDIATE || v->storage || life[v->id].last != position)
            continue;
        bool same_element = scl_value_bytes(v) == scl_value_bytes(y);
        for (int j = 0; j < n->n_in;
             j++) /* read a second time by channel, it would be read after it was written */
            same_element &= n->in[j] != v || n->in_index[j] == SCL_INDEX_FULL;
        if (same_element)
            return v;
    }
    return NULL;
}

/* home[id]: the value whose block this one lives in (itself, unless it is written in place); its lifetime
 * covers both. */
static void share_blocks(const scl_program *p, scl_life *life, int *home)
{
    const scl_life *own = scl_lifetimes(p, p->arena);
    for (int i = 0; i < p->n_node; i++) {
        const scl_value *from = dying_input(p->node[i], i, own);
        if (!from)
            continue;
        const int y = p->node[i]->out[0]->id;
        home[y] = home[from->id];
        life[home[y]].last = own[y].last;
    }
}

/* Do the weights that a node prepares rest: persistent, and not updated by this graph? */
static bool weights_rest(const scl_program *p, const scl_node *n, const scl_impl *impl)
{
    for (int i = 0; i < n->n_in; i++) {
        const scl_value *v = impl->prepared_from >> i & 1u ? n->in[i] : NULL;
        if (!v)
            continue;
        if (v->role != SCL_PARAM && v->role != SCL_CONST)
            return false;
        for (int k = 0; k < p->graph->n_value; k++)
            if (p->graph->value[k]->storage == v)
                return false;
    }
    return true;
}

/* The nodes' workspaces, then what they prepare of their weights. */
static void add_scratch(const scl_program *p, const scl_device_info *device, const scl_choice *choice,
                        bool rest, scl_block *block)
{
    for (int i = 0; i < p->n_node; i++) {
        const scl_impl *impl = choice[i].impl;
        scl_block *work = &block[i], *prepared = &block[p->n_node + i];
        *work = *prepared = (scl_block){.life = {i, i}};
        if (impl && impl->workspace)
            work->bytes = impl->workspace(p->node[i], device, &choice[i].tune);
        if (impl && impl->prepared)
            prepared->bytes = impl->prepared(p->node[i], device, &choice[i].tune);
        if (prepared->bytes && rest && weights_rest(p, p->node[i], impl))
            prepared->life = (scl_life){0, p->n_node};
    }
}

/* Places copies of the blocks, as what a lifetime says else (which weights rest) stays true. */
static size_t place_apart(scl_block *block, int n, size_t align, size_t guard, scl_arena *arena)
{
    const size_t before = (guard + align - 1) / align * align;
    scl_block *wide = SCL_NEW_ARRAY(arena, scl_block, n ? n : 1);
    for (int i = 0; i < n; i++)
        wide[i] = (scl_block){.bytes = block[i].bytes ? block[i].bytes + guard : 0};
    const size_t bytes = scl_place_blocks(wide, n, align);
    for (int i = 0; i < n; i++)
        block[i].offset = before + wide[i].offset;
    return bytes ? before + bytes : 0;
}

/* guard 0: values that are not alive at the same time share bytes. */
static scl_slab place(const scl_program *p, const scl_device_info *device, const scl_choice *choice,
                      bool in_place, bool rest, size_t guard)
{
    const size_t align = device->align_bytes > 128 ? device->align_bytes : 128;
    scl_life *life = scl_lifetimes(p, p->arena);
    scl_slab slab = {.offset_of = SCL_NEW_ARRAY(p->arena, size_t, p->n_value)};
    scl_block *block = SCL_NEW_ARRAY(p->arena, scl_block, p->n_value + 2 * p->n_node);
    int *home = SCL_NEW_ARRAY(p->arena, int, p->n_value),
        *block_of = SCL_NEW_ARRAY(p->arena, int, p->n_value), n = 0;
    for (int i = 0; i < p->n_value; i++)
        home[i] = i;
    if (in_place)
        share_blocks(p, life, home);
    for (int i = 0; i < p->n_value; i++) {
        const scl_value *v = p->value[i];
        block_of[i] = -1;
        if (v->role != SCL_INTERMEDIATE || v->storage || life[i].first < 0 || home[i] != i)
            continue;
        block[n] = (scl_block){.bytes = scl_value_bytes(v), .life = life[i]};
        block_of[i] = n++;
    }
    slab.work = block + n;
    slab.prepared = slab.work + p->n_node;
    add_scratch(p, device, choice, rest, block + n);
    slab.bytes = guard ? place_apart(block, n + 2 * p->n_node, align, guard, p->arena)
                       : scl_place_blocks(block, n + 2 * p->n_node, align);
    for (int i = 0; i < p->n_value; i++)
        slab.offset_of[i] = block_of[home[i]] < 0 ? 0 : block[block_of[home[i]]].offset;
    return slab;
}

/* Placement is a heuristic: longer lifetimes may, rarely, leave wider gaps than they save. */
scl_slab scl_slab_place(const scl_program *p, const scl_device_info *device, const scl_choice *choice,
                        const scl_plan_options *options)
{
    const scl_slab apart = place(p, device, choice, false, options->weights_rest, 0);
    if (options->no_in_place)
        return apart;
    const scl_slab shared = place(p, device, choice, true, options->weights_rest, 0);
    return shared.bytes < apart.bytes ? shared : apart;
}

scl_slab scl_slab_place_apart(const scl_program *p, const scl_device_info *device, const scl_choice *choice,
                              const scl_plan_options *options)
{
    return place(p, device, choice, false, options->weights_rest, options->guard_bytes);
}
