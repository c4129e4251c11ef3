/* Which of several launches is wrong?  Between them there are no C definitions: transforms and scratch memory have none.  So another
 * compiler bears witness: another device, or the same one without optimisation.  Where its launches end in the bits that the C
 * definition gives, what it has in memory after each of them is what should be there. */
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "run/replay_json.h"

typedef struct traces { int n; unsigned char **wrong, **right; } traces;

static scl_status traces_new(traces *t, const scl_replay *r, scl_arena *arena, scl_err *err)
{
    t->wrong = SCL_NEW_ARRAY(arena, unsigned char *, r->schedule.n_launch);
    t->right = SCL_NEW_ARRAY(arena, unsigned char *, r->schedule.n_launch);
    for (; t->n < r->schedule.n_launch; t->n++)
        for (int side = 0; side < 2; side++) {
            void *memory;
            SCL_TRY(scl_alloc_bytes(&memory, r->schedule.slab_bytes, "the memory of kernel launches", err));
            (side ? t->right : t->wrong)[t->n] = memory;
        }
    return SCL_OK;
}

static void traces_free(traces *t, int most)
{
    for (int k = 0; k < most; k++) {
        free(t->wrong ? t->wrong[k] : NULL);
        free(t->right ? t->right[k] : NULL);
    }
}

/* Buffers that a launch leaves in different states. */
static bool place_differs(const scl_place *p, const unsigned char *a, const unsigned char *b)
{
    return p->in == SCL_PLACE_SLAB && memcmp(a + p->offset, b + p->offset, p->bytes) != 0;
}

static int first_wrong(const scl_replay *r, const traces *t)
{
    for (int k = 0; k < t->n; k++)
        for (int a = 0; a < r->schedule.launch[k].n_arg; a++)
            if (place_differs(&r->schedule.launch[k].place[a], t->wrong[k], t->right[k]))
                return k;
    return -1;
}

/* The buffers that launch k writes, or should: as float where they hold whole ones, which is what scratch memory holds. */
static void keep_checks(scl_replay *r, int k, const unsigned char *before, const traces *t)
{
    const scl_launch *l = &r->schedule.launch[k];
    r->check = SCL_NEW_ARRAY(&r->arena, scl_replay_check, l->n_arg);
    r->n_check = 0;
    for (int a = 0; a < l->n_arg; a++) {
        const scl_place *p = &l->place[a];
        if (p->in != SCL_PLACE_SLAB || (!place_differs(p, before, t->right[k]) && !place_differs(p, t->wrong[k], t->right[k])))
            continue;
        const bool floats = p->bytes % sizeof(float) == 0;
        r->check[r->n_check++] = (scl_replay_check){ .name = l->arg[a].name, .offset = p->offset, .dtype = floats ? SCL_F32 : SCL_U8,
                                                     .rank = 1, .dim = { (int)(floats ? p->bytes / sizeof(float) : p->bytes) } };
    }
}

void scl_replay_alone(scl_replay *r, int k)
{
    r->schedule.launch[0] = r->schedule.launch[k];
    r->schedule.step[0] = r->schedule.step[k];
    r->schedule.step[0].first_launch = 0;
    r->options[0] = r->options[k];
    r->own[0] = r->own[k];
    r->generated[0] = r->generated[k];
    r->schedule.n_launch = r->schedule.n_node = 1;
    for (int b = 0; b < r->n_block; b++) {
        scl_replay_block *block = &r->block[b];
        block->unused = true;
        for (int a = 0; a < r->schedule.launch[0].n_arg; a++) {
            const scl_place *p = &r->schedule.launch[0].place[a];
            if (p->in == SCL_PLACE_SLAB && p->offset >= block->offset && p->offset < block->offset + block->bytes)
                block->unused = false;
        }
    }
}

static void keep_launch(scl_replay *r, int k, const traces *t)
{
    const size_t bytes = r->schedule.slab_bytes;
    if (k > 0)
        memcpy(r->before, t->right[k - 1], bytes);
    keep_checks(r, k, r->before, t);
    memcpy(r->expected, t->right[k], bytes);
    memcpy(r->got, t->wrong[k], bytes);
    scl_replay_alone(r, k);
}

scl_status scl_replay_narrow(scl_replay *r, scl_backend *wrong, scl_backend *witness, const char *more, bool *found, scl_err *err)
{
    scl_arena arena = { 0 };
    traces t = { 0 };
    const int n = r->schedule.n_launch;
    *found = false;
    scl_status status = traces_new(&t, r, &arena, err);
    if (status == SCL_OK)
        status = scl_replay_run(r, wrong, "", t.wrong, NULL, NULL, 0, err);
    if (status == SCL_OK)
        status = scl_replay_run(r, witness, more, t.right, NULL, NULL, 0, err);
    if (status == SCL_OK && !scl_replay_compare(r, t.right[n - 1], NULL)) {
        const int k = first_wrong(r, &t);
        *found = k >= 0;
        if (*found)
            keep_launch(r, k, &t);
    }
    traces_free(&t, n);
    scl_arena_free(&arena);
    return status;
}
