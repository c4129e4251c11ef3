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

/* The last unit of the step of unit i. */
static int end_of_step(const scl_verify_pass *p, int i)
{
    while (i + 1 < p->n_unit && p->unit[i + 1].stage == p->unit[i].stage && p->unit[i + 1].step == p->unit[i].step)
        i++;
    return i;
}

/* Batches are dealt differently: what training leaves behind whole steps is the same nevertheless; samples of a batch are not. */
static bool first_by_step(const scl_verify_pass *a, const scl_verify_pass *b, int *at)
{
    int i = 0, k = 0;
    *at = -1;
    while (i < a->n_unit && k < b->n_unit) {
        i = end_of_step(a, i);
        k = end_of_step(b, k);
        if (a->unit[i].stage != b->unit[k].stage || a->unit[i].step != b->unit[k].step)
            return false;
        const bool trains = a->stage[a->unit[i].stage].trains;
        if (trains && strcmp(a->unit[i].state, b->unit[k].state) != 0) {
            *at = k;
            return true;
        }
        i++;
        k++;
    }
    return false;
}

bool scl_verify_first(const scl_verify_pass *a, const scl_verify_pass *b, int *at, bool *comparable)
{
    const int n = b->failed[0] && b->n_unit < a->n_unit ? b->n_unit : a->n_unit;
    *comparable = b->failed[0] ? b->n_unit <= a->n_unit : a->n_unit == b->n_unit;
    for (int i = 0; i < n && *comparable; i++)
        *comparable = same_run(&a->unit[i], &b->unit[i]);
    if (!*comparable)
        return first_by_step(a, b, at);
    for (int i = 0; i < n; i++)
        if (strcmp(a->unit[i].all, b->unit[i].all) != 0) {
            *at = i;
            return true;
        }
    *at = -1;
    return false;
}

bool scl_verify_same_results(const scl_verify_pass *a, const scl_verify_pass *b, int *stage)
{
    for (*stage = 0; *stage < a->n_stage; ++*stage)
        if (strcmp(a->stage[*stage].checksum, b->stage[*stage].checksum) != 0)
            return false;
    return true;
}
