/* The order of things: passes, the reference first where it is among the devices, each compared with the first; then the search on
 * every device that differs. */
#include "run/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cl/device.h"
#include "run/verify_parts.h"

typedef struct verifying {
    const scl_verify_options *o;
    scl_verify_result *result;
    char folder[256];
    int runs;                     /* folders used */
    scl_devices devices;
    scl_verify_building building;
    scl_err fault;                /* of the first device that failed */
} verifying;

static const char *run_folder(verifying *v)
{
    return scl_arena_printf(&v->result->arena, "%s/run-%d", v->folder, v->runs++);
}

static bool is_reference(const char *sel) { return !strcmp(sel, "reference"); }

static void add_pass(verifying *v, const char *sel, const char *what, bool guards)
{
    scl_verify_pass *p = &v->result->pass[v->result->n_pass++];
    *p = (scl_verify_pass){ .sel = sel, .what = what, .guards = guards, .out = v->o->out };
    if (!is_reference(sel))
        p->info = v->devices.info[atoi(sel)];
    if ((v->o->cold || v->o->warm) && !is_reference(sel))
        p->cache = scl_arena_printf(&v->result->arena, "%s/programs-%s", v->folder, sel);
}

/* The definitions have no compiler, no cache and no memory plan worth a second look. */
static void plan_passes(verifying *v)
{
    const scl_verify_options *o = v->o;
    v->result->pass = SCL_NEW_ARRAY(&v->result->arena, scl_verify_pass, 3 * o->n_device + 1);
    for (int i = 0; i < o->n_device; i++)
        if (is_reference(o->device[i]))
            add_pass(v, o->device[i], "", false);
    for (int i = 0; i < o->n_device; i++) {
        if (is_reference(o->device[i]))
            continue;
        add_pass(v, o->device[i], o->cold ? "cold cache" : "", false);
        if (o->warm)
            add_pass(v, o->device[i], "warm cache", false);
        if (o->guards)
            add_pass(v, o->device[i], "guards", true);
    }
}

static bool equal(const scl_verify_pass *first, const scl_verify_pass *p)
{
    int at, stage;
    bool comparable;
    return !p->broken[0] && !scl_verify_first(first, p, &at, &comparable) && scl_verify_same_results(first, p, &stage);
}

/* A device that computes wrong bits may well compute NaN: a stage that it ends so is no failure to compare, but what differs. */
static bool differs_before_failing(const scl_verify_result *r, const scl_verify_pass *p)
{
    int at;
    bool comparable;
    return r->first && scl_verify_first(r->first, p, &at, &comparable);
}

static bool device_failed(const scl_verify_result *r, const scl_verify_pass *p)
{
    for (const scl_verify_pass *q = r->pass; q < p; q++)
        if (q->ended && !strcmp(q->sel, p->sel))
            return true;
    return false;
}

/* What is one device's affair, the others are compared without it.  It is kept in case that all fail. */
static scl_status failed(verifying *v, scl_verify_pass *p, scl_status status, scl_err *fault, scl_err *err)
{
    if (status == SCL_INTERRUPTED) {
        if (err)
            *err = *fault;
        return status;
    }
    const bool differs = status == SCL_FAILED && differs_before_failing(v->result, p);
    if (differs)
        snprintf(p->failed, sizeof p->failed, "%s", fault->message);
    else
        scl_err_text(fault, p->failed, sizeof p->failed);
    if (!p->folder)
        p->folder = scl_verify_building_keep(&v->building, fault->message, &v->result->arena);
    scl_err_context(fault, "device %s%s%s", p->sel, p->what[0] ? ", " : "", p->what);
    p->ended = !differs;
    if (differs || (v->fault.code && !is_reference(p->sel))) {
        scl_err_clear(fault);
        return SCL_OK;
    }
    const bool own = !is_reference(p->sel) && (status == SCL_FAILED || status == SCL_NO_DEVICE);
    scl_err *to = own ? &v->fault : err;
    if (to)
        *to = *fault;
    return own ? SCL_OK : status;
}

static scl_status run_pass(verifying *v, scl_verify_pass *p, scl_err *err)
{
    scl_verify_result *r = v->result;
    const char *folder = run_folder(v);
    scl_err fault = { 0 };
    p->left = device_failed(r, p);
    if (!p->left) {
        if (p->cache)
            SCL_TRY(scl_file_make_folder(p->cache, err));
        const scl_status status = scl_verify_pass_run(p, v->o->config, folder, NULL, &fault);
        scl_verify_remove(folder);
        if (status != SCL_OK)
            SCL_TRY(failed(v, p, status, &fault, err));
    }
    if (!r->first && !p->ended && !p->left)
        r->first = p;
    p->equal = !p->left && !p->failed[0] && equal(r->first, p);
    if (v->o->passed)
        v->o->passed(v->o->user, p);
    return SCL_OK;
}

/* The pass on which the search goes on: the devices differ, and it is not said which one is wrong.  *done: something was found. */
static scl_status search_on(verifying *v, const scl_verify_pass *p, const scl_verify_unit *unit, scl_verify_found *f, scl_err *err)
{
    const char *folder = run_folder(v);
    const scl_verify_search s = { .options = v->o, .pass = p, .unit = unit, .found = f, .arena = &v->result->arena };
    f->device = p->info.name;
    f->index = p->info.index;
    f->pass = p->what;
    f->node = f->launch = -1;
    f->nodes = 0;
    scl_err fault = { 0 };
    const scl_status status = is_reference(p->sel) ? SCL_OK : scl_verify_search_run(&s, folder, &fault);
    scl_verify_remove(folder);
    if (status == SCL_FAILED) {        /* a device that is lost by now: what differs is known nevertheless */
        f->note = scl_arena_printf(&v->result->arena, "the search for the node did not end: %s", fault.message);
        scl_err_clear(&fault);
        return SCL_OK;
    }
    if (err)
        *err = fault;
    return status;
}

static scl_status find(verifying *v, const scl_verify_pass *p, scl_err *err)
{
    const scl_verify_pass *first = v->result->first;
    scl_verify_found *f = &v->result->found[v->result->n_found++];
    int at, stage;
    bool comparable;
    *f = (scl_verify_found){ .device = p->info.name, .index = p->info.index, .pass = p->what, .step = -1, .node = -1, .launch = -1,
                             .stage = "", .counts = "", .note = "" };
    const bool found = scl_verify_first(first, p, &at, &comparable) && at >= 0;
    if (!found) {
        const bool differs = !scl_verify_same_results(first, p, &stage);
        f->stage = differs ? p->stage[stage].name : "";
        f->note = comparable ? "every step on the device was equal; what was read back or written afterwards is not"
                             : "the devices deal their samples into different batches, so they cannot be compared step by step";
        return SCL_OK;
    }
    const scl_verify_unit *unit = &p->unit[at];
    f->stage = p->stage[unit->stage].name;
    f->counts = p->stage[unit->stage].counts;
    f->step = unit->step;
    f->first = unit->first;
    SCL_TRY(search_on(v, p, unit, f, err));
    const char *note = "all nodes of the step give the bits of their C definitions when they run one by one: it is only "
                       "together, one launch after the other, that they do not, or not every time";
    if (f->node < 0 && !is_reference(first->sel))
        SCL_TRY(search_on(v, first, unit, f, err));      /* the other one may be wrong */
    if (f->node < 0) {
        f->device = p->info.name;
        f->index = p->info.index;
        f->pass = p->what;
        f->note = f->note[0] ? f->note : note;
    }
    return SCL_OK;
}

/* Once for a device: what its first pass that differs shows. */
static scl_status find_all(verifying *v, scl_err *err)
{
    const scl_verify_result *r = v->result;
    v->result->found = SCL_NEW_ARRAY(&v->result->arena, scl_verify_found, r->n_pass + 1);
    for (int i = 1; i < r->n_pass; i++) {
        bool before = false;
        for (int k = 1; k < i; k++)
            before |= scl_verify_differs(&r->pass[k]) && !strcmp(r->pass[k].sel, r->pass[i].sel);
        if (scl_verify_differs(&r->pass[i]) && !before && !r->pass[i].broken[0])
            SCL_TRY(find(v, &r->pass[i], err));
    }
    return SCL_OK;
}

static scl_status run_all(verifying *v, scl_err *err)
{
    scl_verify_result *r = v->result;
    SCL_TRY(scl_devices_list(&v->devices, &r->arena, err));
    plan_passes(v);
    for (int i = 0; i < r->n_pass; i++)
        SCL_TRY(run_pass(v, &r->pass[i], err));
    const bool alone = !r->first;
    if (alone && err) {
        *err = v->fault;
        v->fault.log = NULL;
    }
    return alone ? v->fault.code : find_all(v, err);
}

scl_status scl_verify_run(const scl_verify_options *o, scl_verify_result *result, scl_err *err)
{
    verifying v = { .o = o, .result = result };
    *result = (scl_verify_result){ 0 };
    SCL_TRY(scl_verify_temporary(v.folder, err));
    scl_verify_building_watch(&v.building, o->out);
    const scl_status status = run_all(&v, err);
    scl_verify_building_end(&v.building);
    scl_err_clear(&v.fault);
    scl_verify_remove(v.folder);
    return status;
}

void scl_verify_free(scl_verify_result *result)
{
    for (int i = 0; i < result->n_pass; i++)
        scl_verify_pass_free(&result->pass[i]);
    scl_arena_free(&result->arena);
    *result = (scl_verify_result){ 0 };
}
