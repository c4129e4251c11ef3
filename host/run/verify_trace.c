/* What is kept of a pass: a sum of the state behind every run, and of what stages made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "run/verify_parts.h"

static scl_status add(scl_exec *exec, scl_region from, const char *name, scl_sha256 *sum, scl_err *err)
{
    void *data;
    if (!from.bytes)
        return SCL_OK;
    SCL_TRY(scl_alloc_bytes(&data, from.bytes, "the state of a run", err));
    scl_backend *b = scl_exec_backend(exec);
    const scl_status status = b->v->read(b, from, data, err);
    if (status == SCL_OK) {
        scl_sha256_add(sum, name, strlen(name) + 1);
        scl_sha256_add(sum, data, from.bytes);
    }
    free(data);
    return status;
}

/* What the graph updates in place lives on.  Sums under way exist where a batch is dealt into parts, and results are the
 * device's own affair when it is dealt differently: both are in `all` alone. */
scl_status scl_verify_digest(scl_exec *exec, scl_verify_unit *out, scl_err *err)
{
    const scl_graph *g = scl_exec_plan(exec)->graph;
    scl_sha256 state, all;
    scl_sha256_init(&state);
    scl_sha256_init(&all);
    for (int i = 0; i < g->n_value; i++) {
        const scl_value *v = g->value[i], *to = v->storage;
        if (to && to->role != SCL_ACCUM)
            SCL_TRY(add(exec, scl_store_find(scl_exec_store(exec), to->name).region, to->name, &state, err));
        else if (to)
            SCL_TRY(add(exec, scl_store_find(scl_exec_store(exec), to->name).region, to->name, &all, err));
        else if (v->output)
            SCL_TRY(add(exec, scl_exec_region(exec, v->name), v->name, &all, err));
    }
    scl_sha256_end(&state, out->state);
    scl_sha256_add(&all, out->state, sizeof out->state);
    scl_sha256_end(&all, out->all);
    return SCL_OK;
}

static bool same_run(const scl_verify_unit *a, const scl_verify_unit *b)
{
    return a->stage == b->stage && a->step == b->step && a->first == b->first;
}

/* Units from i to end (excluded) of a pass: those of one stage. */
typedef struct part { const scl_verify_pass *p; int i, end; bool last; } part;

static part part_at(const scl_verify_pass *p, int i)
{
    part s = { .p = p, .i = i, .end = i };
    while (s.end < p->n_unit && p->unit[s.end].stage == p->unit[i].stage)
        s.end++;
    s.last = s.end == p->n_unit;
    return s;
}

/* The last unit of the step of unit i. */
static int end_of_step(const part *s)
{
    int i = s->i;
    while (i + 1 < s->end && s->p->unit[i + 1].step == s->p->unit[i].step)
        i++;
    return i;
}

/* Batches are dealt differently: what training leaves behind whole steps is the same nevertheless; samples of a batch are not. */
static bool first_by_step(part a, part b, int *at)
{
    for (; a.i < a.end && b.i < b.end; a.i++, b.i++) {
        a.i = end_of_step(&a);
        b.i = end_of_step(&b);
        if (a.p->unit[a.i].step != b.p->unit[b.i].step)
            return false;
        if (strcmp(a.p->unit[a.i].state, b.p->unit[b.i].state) != 0) {
            *at = b.i;
            return true;
        }
    }
    return false;
}

static bool dealt_alike(part a, part b)
{
    const int n = a.end - a.i, m = b.end - b.i;
    bool alike = n == m || (b.p->failed[0] && b.last && m < n);
    for (; alike && b.i < b.end; a.i++, b.i++)
        alike = same_run(&a.p->unit[a.i], &b.p->unit[b.i]);
    return alike;
}

/* In one stage.  How many runs a solver takes depends on what it computes: they are alike up to the first that differs. */
static bool first_in_stage(part a, part b, int *at, bool *comparable)
{
    const scl_verify_stage *stage = &b.p->stage[b.p->unit[b.i].stage];
    if (!dealt_alike(a, b)) {
        *comparable = *comparable && !stage->dealt;
        if (stage->trains)
            return first_by_step(a, b, at);
        if (stage->dealt)
            return false;
    }
    for (; a.i < a.end && b.i < b.end && same_run(&a.p->unit[a.i], &b.p->unit[b.i]); a.i++, b.i++)
        if (strcmp(a.p->unit[a.i].all, b.p->unit[b.i].all) != 0) {
            *at = b.i;
            return true;
        }
    return false;
}

bool scl_verify_first(const scl_verify_pass *a, const scl_verify_pass *b, int *at, bool *comparable)
{
    *at = -1;
    *comparable = true;
    for (int i = 0, k = 0; i < a->n_unit && k < b->n_unit && a->unit[i].stage == b->unit[k].stage;) {
        const part p = part_at(a, i), q = part_at(b, k);
        if (first_in_stage(p, q, at, comparable))
            return true;
        i = p.end;
        k = q.end;
    }
    return false;
}

bool scl_verify_same_results(const scl_verify_pass *a, const scl_verify_pass *b, int *stage)
{
    for (*stage = 0; *stage < a->n_stage; ++*stage)
        if (strcmp(a->stage[*stage].checksum, b->stage[*stage].checksum) != 0)
            return false;
    return true;
}
