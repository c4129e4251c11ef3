/* A reproducer of a wrong node: its launches alone, of several the one that is wrong where a witness can tell, in a folder. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cl/device.h"
#include "run/replay.h"
#include "run/verify_parts.h"

const char *scl_verify_free_folder(const char *out, scl_arena *arena)
{
    const char *folder = out;
    for (int i = 2; scl_file_exists(folder); i++)
        folder = scl_arena_printf(arena, "%s-%d", out, i);
    return folder;
}

static json_t *about(const scl_verify_search *s)
{
    const scl_verify_found *f = s->found;
    return json_pack("{s:s, s:s, s:I, s:i, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:s}", "config", s->options->config->file, "stage", f->stage,
                     "step", (json_int_t)f->step + 1, "first_sample", f->first, "position", f->node, "nodes", f->nodes, "node", f->id,
                     "operator", f->op, "scope", f->scope, "inputs", f->inputs, "outputs", f->outputs, "launches", f->launches);
}

/* Does it go wrong on its own, too?  A reproducer keeps what it gave here. */
static scl_status try_alone(scl_replay *r, scl_backend *b, bool *wrong, scl_err *err)
{
    scl_arena arena = { 0 };
    const int n = r->schedule.n_launch;
    unsigned char **after = SCL_NEW_ARRAY(&arena, unsigned char *, n);
    void *last;
    scl_status status = scl_alloc_bytes(&last, r->schedule.slab_bytes, "the memory of a kernel launch", err);
    after[n - 1] = last;
    if (status == SCL_OK)
        status = scl_replay_run(r, b, "", after, NULL, NULL, 0, err);
    *wrong = status == SCL_OK && scl_replay_compare(r, after[n - 1], NULL) > 0;
    free(last);
    scl_arena_free(&arena);
    return status;
}

/* Another device's compiler, then this one's without optimisation.  What a witness cannot do is no fault of anybody's. */
static void narrow(const scl_verify_search *s, scl_replay *r, scl_backend *b)
{
    bool found = false;
    scl_err ignored = { 0 };
    const int n = r->schedule.n_launch;
    const char *kernel[64];
    for (int k = 0; k < n && k < 64; k++)
        kernel[k] = r->schedule.launch[k].kernel;
    for (int i = 0; i <= s->options->n_device && !found && n > 1; i++) {
        const char *sel = i < s->options->n_device ? s->options->device[i] : s->pass->sel;
        scl_backend *witness;
        if (i < s->options->n_device && (!strcmp(sel, "reference") || !strcmp(sel, s->pass->sel)))
            continue;
        if (scl_device_open(sel, &witness, &ignored) == SCL_OK) {
            scl_replay_narrow(r, b, witness, i < s->options->n_device ? "" : "-cl-opt-disable", &found, &ignored);
            witness->v->close(witness);
        }
        scl_err_clear(&ignored);
    }
    for (int k = 0; k < n && k < 64 && found && s->found->launch < 0; k++)
        if (kernel[k] == r->schedule.launch[0].kernel)
            s->found->launch = k;
}

static scl_status keep(const scl_verify_search *s, scl_replay *r, scl_exec *exec, scl_err *err)
{
    scl_verify_found *f = s->found;
    scl_backend *b = scl_exec_backend(exec);
    SCL_TRY(try_alone(r, b, &f->reproduces, err));
    r->reproduces = f->reproduces;
    f->n_launch = r->schedule.n_launch;      /* with those that prepared weights which rest */
    f->launch = f->n_launch == 1 ? 0 : -1;
    if (f->reproduces)
        narrow(s, r, b);
    r->about = about(s);
    f->folder = scl_verify_free_folder(s->options->out, s->arena);
    SCL_TRY(scl_replay_save(r, f->folder, b, err));
    f->launches = "";
    for (int k = 0; k < r->schedule.n_launch; k++) {
        const scl_launch *l = &r->schedule.launch[k];
        f->launches = scl_arena_printf(s->arena, "%s%s%s (%s/%s.cl, global %zux%zux%zu, local %zux%zux%zu, %s)", f->launches, k ? ", " : "",
                                       l->kernel, r->generated[k] ? "generated" : "ops", l->family, l->grid.global[0],
                                       l->grid.global[1], l->grid.global[2], l->grid.local[0], l->grid.local[1],
                                       l->grid.local[2], r->own[k][0] ? r->own[k] : "no options");
    }
    return SCL_OK;
}

scl_status scl_verify_reproduce(const scl_verify_search *s, scl_exec *exec, int step, void *const *got, void *const *expected,
                                scl_err *err)
{
    scl_replay r = { 0 };
    scl_err own = { 0 };
    scl_status status = scl_replay_take(&r, exec, step, &own);
    if (status == SCL_OK)
        status = scl_replay_expect(&r, exec, step, got, expected, &own);
    if (status == SCL_OK)
        status = keep(s, &r, exec, &own);
    if (status != SCL_OK) {        /* the finding stands without one */
        s->found->folder = NULL;
        s->found->note = scl_arena_printf(s->arena, "there is no reproducer: %s", own.message);
    }
    scl_err_clear(&own);
    scl_replay_free(&r);
    (void)err;
    return SCL_OK;
}

void scl_verify_reproduce_hang(scl_verify_pass *p, const scl_config *config, const scl_stage_config *stage, long step,
                               scl_exec *exec, const char *message)
{
    scl_replay r;
    const char *folder = scl_verify_free_folder(p->out, &p->arena);
    if (scl_replay_take_hung(&r, exec, NULL) == SCL_OK) {
        const scl_node *n = r.schedule.launch->node;
        r.said = message;
        r.about = json_pack("{s:s, s:s, s:I, s:s, s:s}", "config", config->file, "stage", stage->name, "step",
                            (json_int_t)step + 1, "operator", n->op->name, "scope", n->scope);
        if (scl_replay_save(&r, folder, scl_exec_backend(exec), NULL) == SCL_OK)
            p->folder = folder;
    }
    scl_replay_free(&r);
}
