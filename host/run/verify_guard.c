/* Bands round every buffer of a run.  Where one is broken, the launches are run again one by one: the first after which the band
 * does not hold is the kernel that writes outside of its buffers. */
#include <stdio.h>
#include <string.h>

#include "graph/inspect.h"
#include "run/verify_parts.h"

/* The launch that breaks a band; -1: none does when they run one at a time. */
static scl_status find_launch(scl_exec *exec, const scl_band *band, int *found, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_backend *b = scl_exec_backend(exec);
    scl_store *store = scl_exec_store(exec);
    const scl_schedule *s = scl_schedule_by_launch(&scl_exec_plan(exec)->schedule, &arena);
    const int n = scl_store_count(store);
    scl_binding *binding = SCL_NEW_ARRAY(&arena, scl_binding, n + 1);
    scl_loaded *loaded = NULL;
    *found = -1;
    for (int i = 0; i < n; i++)
        binding[i] = scl_store_at(store, i);
    scl_status status = b->v->load(b, s, scl_exec_slab(exec), binding, n, &loaded, err);
    if (status == SCL_OK)
        status = scl_bands_fill(b, band, 1, err);
    for (int i = 0; i < s->n_node && *found < 0 && status == SCL_OK; i++) {
        int which;
        size_t byte;
        status = b->v->run(b, loaded, i, i + 1, err);
        if (status == SCL_OK)
            status = scl_bands_check(b, band, 1, &which, &byte, err);
        if (status == SCL_OK && which >= 0)
            *found = i;
    }
    if (loaded)
        b->v->unload(b, loaded);
    scl_arena_free(&arena);
    return status;
}

static scl_status name_it(scl_exec *exec, const scl_band *band, size_t byte, char *broken, size_t size, scl_err *err)
{
    char where[512];
    int at;
    scl_band_text(band, byte, where, sizeof where);
    SCL_TRY(find_launch(exec, band, &at, err));
    if (at < 0) {
        snprintf(broken, size, "something writes outside of its buffers: %s; no launch does when they run one at a time", where);
        return SCL_OK;
    }
    const scl_launch *l = &scl_exec_plan(exec)->schedule.launch[at];
    snprintf(broken, size, "kernel %s (%s/%s.cl, of %s%s%s) writes outside of its buffers: %s", l->kernel ? l->kernel : "of CLBlast",
             l->source ? "generated" : "ops", l->family, l->node->op->name, l->node->scope[0] ? " at " : "", l->node->scope, where);
    return SCL_OK;
}

scl_status scl_verify_guarded(scl_exec *exec, char *broken, size_t size, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_backend *b = scl_exec_backend(exec);
    scl_band *band;
    int n, which = -1;
    size_t byte;
    broken[0] = 0;
    scl_bands_of(exec, &arena, &band, &n);
    scl_status status = scl_bands_fill(b, band, n, err);
    if (status == SCL_OK)
        status = scl_exec_run(exec, err);
    if (status == SCL_OK)
        status = scl_bands_check(b, band, n, &which, &byte, err);
    if (status == SCL_OK && which >= 0)
        status = name_it(exec, &band[which], byte, broken, size, err);
    scl_arena_free(&arena);
    return status != SCL_OK ? status : broken[0] ? SCL_DIFFERENT : SCL_OK;
}
