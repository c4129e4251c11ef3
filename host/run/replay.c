#include "run/replay_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/kernels.h"
#include "cl/lost.h"
#include "graph/inspect.h"

enum { ALIGN = 4096, BAND = 512, PATTERN = 0x41 };

void scl_replay_free(scl_replay *r)
{
    free(r->before);
    free(r->expected);
    free(r->got);
    json_decref(r->about);
    scl_arena_free(&r->arena);
    *r = (scl_replay){ 0 };
}

/* ---- taking launches out of a run ---- */

/* Device memory that an argument reaches. */
typedef struct extent { scl_region region; const char *name; int memory, block; } extent;   /* memory: numbered as it is met first */

static const char *place_name(scl_arena *arena, const scl_launch *l, int a)
{
    return scl_arena_printf(arena, "%s", l->arg[a].kind == SCL_ARG_VALUE ? l->arg[a].value : l->arg[a].name);
}

static int by_place(const void *a, const void *b)
{
    const extent *const *x = a, *const *y = b;
    const scl_region *r = &(*x)->region, *s = &(*y)->region;
    if ((*x)->memory != (*y)->memory)
        return (*x)->memory < (*y)->memory ? -1 : 1;
    return r->offset != s->offset ? (r->offset < s->offset ? -1 : 1) : r->bytes < s->bytes ? 1 : r->bytes > s->bytes ? -1 : 0;
}

/* Extents that overlap become one block; home[b]: where block b begins on the device. */
static void make_blocks(scl_replay *r, extent **order, int n, scl_region *home)
{
    size_t top = BAND;
    qsort(order, (size_t)n, sizeof *order, by_place);
    for (int i = 0; i < n; i++) {
        const scl_region *e = &order[i]->region;
        scl_region *last = r->n_block ? &home[r->n_block - 1] : NULL;
        if (last && last->memory == e->memory && e->offset < last->offset + last->bytes) {
            const size_t end = e->offset + e->bytes;
            last->bytes = end > last->offset + last->bytes ? end - last->offset : last->bytes;
        } else {
            r->block[r->n_block].name = order[i]->name;
            home[r->n_block++] = *e;
        }
        order[i]->block = r->n_block - 1;
    }
    for (int k = 0; k < r->n_block; k++) {
        r->block[k].bytes = home[k].bytes;
        r->block[k].offset = (top + ALIGN - 1) / ALIGN * ALIGN;
        top = r->block[k].offset + home[k].bytes + BAND;
    }
    r->schedule.slab_bytes = top;
}

static scl_status take_launch(scl_replay *r, scl_backend *b, const scl_launch *from, int k, scl_err *err)
{
    scl_launch *to = &r->schedule.launch[k];
    scl_node *node = SCL_NEW(&r->arena, scl_node);      /* messages ask for its operator; the run's own ends before this does */
    const char *source;
    if (!from->kernel)
        return scl_fail(err, SCL_FAILED, "a product by CLBlast cannot be replayed");
    SCL_TRY(scl_kernel_text(b, from, &r->arena, &source, &r->own[k], &r->options[k], err));
    node->op = from->node->op;
    node->scope = scl_arena_strdup(&r->arena, from->node->scope);
    *to = *from;
    to->node = node;
    to->family = scl_arena_strdup(&r->arena, from->family);
    to->kernel = scl_arena_strdup(&r->arena, from->kernel);
    to->source = source;
    r->generated[k] = from->source != NULL;
    to->options = scl_arena_strdup(&r->arena, from->options);
    for (int a = 0; a < to->n_arg; a++) {
        to->arg[a].name = scl_arena_strdup(&r->arena, from->arg[a].name);
        to->arg[a].value = from->arg[a].value ? scl_arena_strdup(&r->arena, from->arg[a].value) : NULL;
        to->arg[a].text = NULL;
    }
    r->schedule.step[k] = (struct scl_step){ .node = node, .first_launch = k, .n_launch = 1 };
    return SCL_OK;
}

static scl_status images(scl_replay *r, scl_err *err)
{
    unsigned char **const all[] = { &r->before, &r->expected, &r->got };
    for (int i = 0; i < 3; i++) {
        void *memory;
        SCL_TRY(scl_alloc_bytes(&memory, r->schedule.slab_bytes, "the memory of a kernel launch", err));
        memset(memory, PATTERN, r->schedule.slab_bytes);
        *all[i] = memory;
    }
    return SCL_OK;
}

/* The launches of a step.  Those that prepared weights which rest have run long ago; they come first here, as the fault may be theirs.
 * In arena; n: how many. */
static const scl_launch **launches_of(const scl_schedule *s, int step, scl_arena *arena, int *n)
{
    const struct scl_step *from = &s->step[step];
    const scl_launch **out = SCL_NEW_ARRAY(arena, const scl_launch *, from->n_launch + s->n_prepare + 1);
    *n = 0;
    for (int i = s->n_launch - s->n_prepare; i < s->n_launch; i++)
        if (s->launch[i].node == from->node)
            out[(*n)++] = &s->launch[i];
    for (int i = 0; i < from->n_launch; i++)
        out[(*n)++] = &s->launch[from->first_launch + i];
    return out;
}

scl_status scl_replay_take(scl_replay *r, scl_exec *exec, int step, scl_err *err)
{
    scl_backend *b = scl_exec_backend(exec);
    int n;
    *r = (scl_replay){ 0 };
    const scl_launch **launch = launches_of(&scl_exec_plan(exec)->schedule, step, &r->arena, &n);
    if (!n)
        return scl_fail(err, SCL_FAILED, "there are no kernel launches to replay on %s", b->info.name);
    r->schedule = (scl_schedule){ .n_launch = n, .n_node = n };
    r->schedule.launch = SCL_NEW_ARRAY(&r->arena, scl_launch, n);
    r->schedule.step = SCL_NEW_ARRAY(&r->arena, struct scl_step, n);
    r->options = SCL_NEW_ARRAY(&r->arena, const char *, n);
    r->own = SCL_NEW_ARRAY(&r->arena, const char *, n);
    r->generated = SCL_NEW_ARRAY(&r->arena, bool, n);
    extent *e = SCL_NEW_ARRAY(&r->arena, extent, n * SCL_MAX_LAUNCH_ARGS), **order;
    order = SCL_NEW_ARRAY(&r->arena, extent *, n * SCL_MAX_LAUNCH_ARGS);
    r->block = SCL_NEW_ARRAY(&r->arena, scl_replay_block, n * SCL_MAX_LAUNCH_ARGS);
    scl_region *home = SCL_NEW_ARRAY(&r->arena, scl_region, n * SCL_MAX_LAUNCH_ARGS);
    int used = 0;
    for (int k = 0; k < n; k++) {
        const scl_launch *l = launch[k];
        SCL_TRY(take_launch(r, b, l, k, err));
        for (int a = 0; a < l->n_arg; a++) {
            extent *x = &e[k * SCL_MAX_LAUNCH_ARGS + a];
            x->region = scl_exec_place(exec, &l->place[a]);
            x->name = place_name(&r->arena, l, a);
            x->memory = used;
            for (int i = used - 1; i >= 0; i--)
                if (order[i]->region.memory == x->region.memory)
                    x->memory = order[i]->memory;
            if (x->region.bytes)
                order[used++] = x;
        }
    }
    make_blocks(r, order, used, home);
    for (int k = 0; k < n; k++)
        for (int a = 0; a < r->schedule.launch[k].n_arg; a++) {
            const extent *x = &e[k * SCL_MAX_LAUNCH_ARGS + a];
            scl_place *p = &r->schedule.launch[k].place[a];
            *p = (scl_place){ .in = x->region.bytes ? SCL_PLACE_SLAB : SCL_PLACE_NONE, .bytes = x->region.bytes };
            if (x->region.bytes)
                p->offset = r->block[x->block].offset + (x->region.offset - home[x->block].offset);
        }
    SCL_TRY(images(r, err));
    for (int i = 0; i < r->n_block; i++)
        if (scl_device_hangs(b->info.index))
            memset(r->before + r->block[i].offset, 0, r->block[i].bytes);
        else
            SCL_TRY(b->v->read(b, home[i], r->before + r->block[i].offset, err));
    return SCL_OK;
}

scl_status scl_replay_take_hung(scl_replay *r, scl_exec *exec, scl_err *err)
{
    const scl_schedule *s = &scl_exec_plan(exec)->schedule;
    const scl_launch *hung = scl_kernel_hung(scl_exec_backend(exec));
    scl_arena arena = { 0 };
    int step = -1, at = -1, n;
    for (int i = 0; i < s->n_node && at < 0 && hung; i++) {
        const scl_launch **launch = launches_of(s, i, &arena, &n);
        for (int k = 0; k < n && at < 0; k++)
            if (launch[k] == hung)
                step = i, at = k;
    }
    scl_arena_free(&arena);
    *r = (scl_replay){ 0 };
    if (at < 0)
        return scl_fail(err, SCL_FAILED, "the launch that hangs is no part of the step");
    SCL_TRY(scl_replay_take(r, exec, step, err));
    scl_replay_alone(r, at);
    r->fault = SCL_REPLAY_HANG;
    return SCL_OK;
}

/* Where an output of the step lies in the image: where the argument of the same place does. */
static bool output_offset(scl_replay *r, const scl_exec *exec, int step, int o, size_t *offset)
{
    const scl_schedule *s = &scl_exec_plan(exec)->schedule;
    const scl_region want = scl_exec_place(exec, &s->step[step].out[o]);
    int n;
    const scl_launch **launch = launches_of(s, step, &r->arena, &n);
    for (int k = 0; k < n; k++) {
        for (int a = 0; a < launch[k]->n_arg; a++) {
            const scl_region at = scl_exec_place(exec, &launch[k]->place[a]);
            if (!at.bytes || at.memory != want.memory || want.offset < at.offset ||
                want.offset + want.bytes > at.offset + at.bytes)
                continue;
            *offset = r->schedule.launch[k].place[a].offset + (want.offset - at.offset);
            return true;
        }
    }
    return false;
}

scl_status scl_replay_expect(scl_replay *r, const scl_exec *exec, int step, void *const *got, void *const *expected, scl_err *err)
{
    const scl_node *n = scl_exec_plan(exec)->schedule.step[step].node;
    char text[160];
    r->check = SCL_NEW_ARRAY(&r->arena, scl_replay_check, n->n_out ? n->n_out : 1);
    for (int o = 0; o < n->n_out; o++) {
        const scl_value *v = n->out[o];
        scl_replay_check c = { .dtype = v->dtype, .rank = v->rank };
        if (!output_offset(r, exec, step, o, &c.offset))
            continue;      /* no launch reaches it */
        scl_node_value_text(n, o, text, sizeof text);
        c.name = scl_arena_printf(&r->arena, "%.*s", (int)strcspn(text, " "), text);
        memcpy(c.dim, v->dim, sizeof c.dim);
        memcpy(r->got + c.offset, got[o], scl_value_bytes(v));
        memcpy(r->expected + c.offset, expected[o], scl_value_bytes(v));
        r->check[r->n_check++] = c;
    }
    return r->n_check ? SCL_OK : scl_fail(err, SCL_FAILED, "no launch of %s writes its outputs", n->op->name);
}

/* ---- running them ---- */

/* The first byte of a band that changed. */
static bool band_broken(const scl_replay *r, const unsigned char *image, const char *kernel, char *text, size_t size)
{
    size_t from = 0;
    for (int i = 0; i <= r->n_block; i++) {
        const size_t to = i < r->n_block ? r->block[i].offset : r->schedule.slab_bytes;
        for (size_t k = from; k < to; k++)
            if (image[k] != PATTERN) {
                const bool behind = i > 0 && (i == r->n_block || k - from < to - k);
                snprintf(text, size, "kernel %s writes outside of its buffers: byte %zu %s buffer '%s'", kernel,
                         behind ? k - from : to - k, behind ? "behind" : "before", r->block[behind ? i - 1 : i].name);
                return true;
            }
        from = i < r->n_block ? r->block[i].offset + r->block[i].bytes : from;
    }
    return false;
}

static scl_status run_loaded(const scl_replay *r, scl_backend *b, scl_memory *slab, scl_loaded *loaded, unsigned char *const *after,
                             bool *broken, char *text, size_t size, scl_err *err)
{
    const scl_region all = { slab, 0, r->schedule.slab_bytes };
    void *image;
    SCL_TRY(b->v->write(b, all, r->before, err));
    SCL_TRY(scl_alloc_bytes(&image, all.bytes, "the memory of a kernel launch", err));
    scl_status status = SCL_OK;
    for (int k = 0; k < r->schedule.n_launch && status == SCL_OK; k++) {
        status = b->v->run(b, loaded, k, k + 1, err);
        if (status == SCL_OK)
            status = b->v->read(b, all, image, err);
        if (status == SCL_OK && broken && !*broken)
            *broken = band_broken(r, image, r->schedule.launch[k].kernel, text, size);
        if (status == SCL_OK && after && after[k])
            memcpy(after[k], image, all.bytes);
    }
    free(image);
    return status;
}

scl_status scl_replay_run(const scl_replay *r, scl_backend *b, const char *more, unsigned char *const *after, bool *broken,
                          char *text, size_t size, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_schedule s = r->schedule;
    scl_memory *slab = NULL;
    scl_loaded *loaded = NULL;
    s.launch = SCL_NEW_ARRAY(&arena, scl_launch, s.n_launch);
    for (int k = 0; k < s.n_launch; k++) {
        s.launch[k] = r->schedule.launch[k];
        if (more[0])
            s.launch[k].options = scl_arena_printf(&arena, "%s %s", s.launch[k].options, more);
    }
    if (broken)
        *broken = false;
    scl_status status = b->info.klass == SCL_CLASS_REFERENCE
                            ? scl_fail(err, SCL_BAD_CONFIG, "the reference device has no kernels to replay")
                            : b->v->alloc(b, s.slab_bytes, &slab, err);
    if (status == SCL_OK)
        status = b->v->load(b, &s, slab, NULL, 0, &loaded, err);
    if (status == SCL_OK)
        status = run_loaded(r, b, slab, loaded, after, broken, text, size, err);
    if (loaded)
        b->v->unload(b, loaded);
    b->v->release(b, slab);
    scl_arena_free(&arena);
    return status;
}

size_t scl_replay_compare(const scl_replay *r, const unsigned char *image, scl_bits *bits)
{
    size_t differ = 0;
    for (int i = 0; i < r->n_check; i++) {
        const scl_replay_check *c = &r->check[i];
        const scl_bits b =
            scl_bits_compare(c->name, c->dtype, c->rank, c->dim, image + c->offset, r->expected + c->offset);
        differ += b.differ;
        if (bits)
            bits[i] = b;
    }
    return differ;
}
