#include "graph/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/phase.h"
#include "graph/build.h"
#include "graph/choice.h"
#include "graph/launcher.h"
#include "graph/slab.h"

/* A later reader of a value that was updated in place would see the new one. */
static scl_status check_updates(const scl_program *p, scl_err *err)
{
    scl_arena scratch = { 0 };
    bool *updated = SCL_NEW_ARRAY(&scratch, bool, p->n_value);
    scl_status status = SCL_OK;
    for (int i = 0; i < p->n_node && status == SCL_OK; i++) {
        const scl_node *n = p->node[i];
        for (int k = 0; k < n->n_in && status == SCL_OK; k++)
            if (n->in[k] && updated[n->in[k]->id])
                status = scl_fail(err, SCL_FAILED, "%s reads '%s' after it was updated in place", n->op->name,
                                  n->in[k]->name);
        for (int o = 0; o < n->n_out; o++)
            if (n->out[o]->storage)
                updated[n->out[o]->storage->id] = true;
    }
    scl_arena_free(&scratch);
    return status;
}

static scl_status check_memory(const scl_plan *plan, scl_err *err)
{
    const scl_device_info *d = &plan->device;
    const double mib = 1.0 / (1 << 20);
    if (d->max_alloc_bytes && plan->peak_bytes > d->max_alloc_bytes)
        return scl_fail(err, SCL_FAILED,
                        "graph %s does not fit on %s: its slab takes %.1f MiB, the device allows "
                        "blocks of %.1f MiB; a smaller batch or 'accumulate' lowers it",
                        plan->graph->name, d->name, (double)plan->peak_bytes * mib,
                        (double)d->max_alloc_bytes * mib);
    if (d->global_bytes && plan->peak_bytes + plan->persistent_bytes > d->global_bytes)
        return scl_fail(err, SCL_FAILED,
                        "graph %s does not fit on %s: slab %.1f MiB and persistent values %.1f MiB, "
                        "the device has %.1f MiB; a smaller batch or 'accumulate' lowers it",
                        plan->graph->name, d->name, (double)plan->peak_bytes * mib,
                        (double)plan->persistent_bytes * mib, (double)d->global_bytes * mib);
    return SCL_OK;
}

/* Puts the launches that are no part of a run behind the others: those of the weights of nodes whose steps keep them. */
static void split_preparation(scl_schedule *s, const scl_block *prepared, scl_arena *arena)
{
    scl_launch *launch = SCL_NEW_ARRAY(arena, scl_launch, s->n_launch ? s->n_launch : 1);
    int *range = SCL_NEW_ARRAY(arena, int, 2 * s->n_node + 2);      /* where a node's launches of either kind begin */
    int kept = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < s->n_node; i++) {
            struct scl_step *step = &s->step[i];
            const bool rests = prepared[i].life.last > prepared[i].life.first;
            const int begin = kept;
            for (int k = step->first_launch; k < step->first_launch + step->n_launch; k++)
                if ((rests && s->launch[k].prepares) == (pass == 1))
                    launch[kept++] = s->launch[k];
            range[2 * i + pass] = begin;
        }
    for (int i = 0; i < s->n_node; i++) {
        s->step[i].first_launch = range[2 * i];
        s->step[i].n_launch = (i + 1 < s->n_node ? range[2 * i + 2] : range[1]) - range[2 * i];
    }
    s->n_prepare = s->n_node ? kept - range[1] : 0;
    s->launch = launch;
}

static scl_status make_schedule(scl_plan *plan, const scl_program *p, const scl_choice *choice,
                                const scl_slab *slab, scl_err *err)
{
    const scl_device_info *device = &plan->device;
    scl_schedule *s = &plan->schedule;
    s->slab_bytes = plan->peak_bytes = slab->bytes;
    SCL_TRY(check_memory(plan, err)); /* before any launch is laid out: what is too large has no launches */
    s->n_node = p->n_node;
    s->step = SCL_NEW_ARRAY(p->arena, struct scl_step, p->n_node);
    scl_launcher q = { .arena = p->arena, .device = device, .offset_of = slab->offset_of };
    for (int i = 0; i < p->n_node; i++) {
        const scl_node *n = p->node[i];
        struct scl_step *step = &s->step[i];
        step->node = n;
        step->first_launch = q.n_launch;
        for (int k = 0; k < n->n_in; k++)
            step->in[k] = scl_value_place(&q, n->in[k]);
        for (int o = 0; o < n->n_out; o++)
            step->out[o] = scl_value_place(&q, n->out[o]);
        if (!choice[i].impl)
            continue;
        q.choice = &choice[i];
        q.work_offset = slab->work[i].offset;
        q.work_bytes = slab->work[i].bytes;
        q.prepared_offset = slab->prepared[i].offset;
        q.prepared_bytes = slab->prepared[i].bytes;
        const scl_status status = choice[i].impl->launch(&q, n, err);
        if (status != SCL_OK) {
            scl_err_context(err, "plan of %s%s%s", n->op->name, n->scope[0] ? " at " : "", n->scope);
            return status;
        }
        step->n_launch = q.n_launch - step->first_launch;
    }
    s->launch = q.launch;
    s->n_launch = q.n_launch;
    split_preparation(s, slab->prepared, p->arena);
    return SCL_OK;
}

/* Keeps what it did only where the placement is smaller too. */
static void recompute(scl_program *p, scl_choice **choice, scl_slab *slab, const scl_device_info *device,
                      const scl_plan_options *options)
{
    scl_program with = *p;
    with.node = SCL_NEW_ARRAY(p->arena, scl_node *, p->n_node + 1);
    memcpy(with.node, p->node, sizeof *p->node * (size_t)p->n_node);
    scl_choice *chosen = SCL_NEW_ARRAY(p->arena, scl_choice, p->n_node + 1);
    memcpy(chosen, *choice, sizeof *chosen * (size_t)p->n_node);
    chosen = scl_pass_recompute(&with, chosen, device);
    const scl_slab lower = scl_slab_place(&with, device, chosen, options);
    if (lower.bytes >= slab->bytes)
        return;
    *p = with;
    *choice = chosen;
    *slab = lower;
}

/* Choices, places, recomputing and what is fused along, of a program whose nodes are in the order in which
 * they run. */
static scl_status place(scl_program *p, scl_choice **choice, scl_slab *slab, const scl_device_info *device,
                        const scl_plan_options *options, scl_err *err)
{
    *choice = SCL_NEW_ARRAY(p->arena, scl_choice, p->n_node);
    for (int i = 0; i < p->n_node && device->klass != SCL_CLASS_REFERENCE; i++)
        SCL_TRY(scl_choose(&(*choice)[i], p->node[i], device, options, err));
    *slab = scl_slab_place(p, device, *choice, options);
    if (options->recompute)
        recompute(p, choice, slab, device, options);
    if (options->no_fuse || options->no_fuse_along || device->klass == SCL_CLASS_REFERENCE)
        return SCL_OK;
    scl_pass_fuse_along(p, device, options);
    for (int i = 0; i < p->n_node; i++)
        SCL_TRY(scl_choose(&(*choice)[i], p->node[i], device, options, err));
    *slab = scl_slab_place(p, device, *choice, options);
    return SCL_OK;
}

/* Passes, order and choices. */
static scl_status run_passes(scl_program *p, scl_choice **choice, scl_slab *slab, const scl_device_info *device,
                             const scl_plan_options *options, scl_err *err)
{
    const scl_graph *graph = p->graph;
    p->n_node = graph->n_node;
    p->n_value = graph->n_value;
    p->value = graph->value;
    p->node = SCL_NEW_ARRAY(p->arena, scl_node *, graph->n_node);
    if (graph->n_node)
        memcpy(p->node, graph->node, sizeof *p->node * (size_t)graph->n_node);
    scl_pass_live(p, options->accumulate_only);
    scl_pass_common(p);
    if (!options->no_fuse)
        scl_pass_fuse(p);
    if (!options->no_fuse && device->klass != SCL_CLASS_REFERENCE)
        scl_pass_fuse_sides(p, device, options);
    SCL_TRY(check_updates(p, err));
    scl_program ordered = *p;
    const bool lower = !options->no_order && scl_pass_order(&ordered);
    SCL_TRY(place(p, choice, slab, device, options, err));
    if (!lower)
        return SCL_OK;
    scl_choice *chosen;
    scl_slab other;
    SCL_TRY(place(&ordered, &chosen, &other, device, options, err));
    if (other.bytes >= slab->bytes)
        return SCL_OK;
    *p = ordered;
    *choice = chosen;
    *slab = other;
    return SCL_OK;
}

/* Everything but the launches.  Guards come last: they must not sway what is chosen by the bytes that it takes. */
static scl_status lay_out(scl_program *p, scl_choice **choice, scl_slab *slab, const scl_device_info *device,
                          const scl_plan_options *options, scl_err *err)
{
    SCL_TRY(run_passes(p, choice, slab, device, options, err));
    if (options->guard_bytes)
        *slab = scl_slab_place_apart(p, device, *choice, options);
    return SCL_OK;
}

static const scl_plan_options none = { 0 };

scl_status scl_plan_measure(size_t *slab_bytes, scl_graph *graph, const scl_device_info *device,
                            const scl_plan_options *options, scl_err *err)
{
    scl_arena scratch = { 0 };
    scl_program p = { .arena = &scratch, .graph = graph };
    scl_choice *choice;
    scl_slab slab = { 0 };
    const int64_t since = scl_phase_begin();
    const scl_status status = lay_out(&p, &choice, &slab, device, options ? options : &none, err);
    *slab_bytes = slab.bytes;
    scl_arena_free(&scratch);
    scl_phase_end(SCL_PHASE_PLAN, since);
    return status;
}

/* Says which choice the device cannot build, and what is taken in its place; the reason stays in err where nothing is left. */
static bool take_another(const scl_choice *choice, const scl_node *n, const scl_plan *plan, const scl_plan_options *options,
                         scl_err *err)
{
    char text[SCL_CHOICE_TEXT], other[SCL_CHOICE_TEXT];
    scl_choice next;
    scl_err none_left = { 0 };
    if (!scl_choice_refuse(choice, n, &plan->device))
        return false;
    const bool found = scl_choose(&next, n, &plan->device, options, &none_left) == SCL_OK;
    scl_err_clear(&none_left);
    if (!found)
        return false;
    scl_warn("%s: %s of %s does not build: %s%s%s%.400s; %s is taken instead: the same bits, perhaps slower",
             plan->device.name, scl_choice_text(choice, text, sizeof text), n->op->name, err->file, err->file[0] ? ": " : "",
             err->context, err->message, scl_choice_text(&next, other, sizeof other));
    scl_err_clear(err);
    return true;
}

/* Does the device take every launch?  *again: one was refused, and the plan has to be made without it. */
static scl_status try_launches(const scl_plan *plan, const scl_plan_options *options, bool *again, scl_err *err)
{
    const scl_schedule *s = &plan->schedule;
    scl_builder *b = plan->device.builder;
    *again = false;
    for (int i = 0; b && !options->candidate_index && i < s->n_launch; i++) {
        scl_err fault = { 0 };
        const int64_t since = scl_phase_begin();
        const scl_status status = b->builds(b, &s->launch[i], &fault);
        scl_phase_end(SCL_PHASE_PROGRAMS, since);
        if (status == SCL_OK)
            continue;
        int k = 0;
        while (k < s->n_node && s->step[k].node != s->launch[i].node)
            k++;
        *again = k < s->n_node && take_another(&plan->choice[k], s->launch[i].node, plan, options, &fault);
        if (*again)
            return SCL_OK;
        if (err)
            *err = fault;
        else
            scl_err_clear(&fault);
        return status;
    }
    return SCL_OK;
}

static scl_status make_once(scl_plan **out, scl_arena *arena, scl_graph *graph, const scl_device_info *device,
                            const scl_plan_options *options, scl_err *err)
{
    scl_plan *plan = SCL_NEW(arena, scl_plan);
    plan->graph = graph;
    plan->device = *device;
    scl_program p = { .arena = arena, .graph = graph };
    scl_choice *choice;
    scl_slab slab;
    SCL_TRY(lay_out(&p, &choice, &slab, device, options, err));
    plan->choice = choice;
    plan->schedule.record = options->record;
    for (int i = 0; i < graph->n_value; i++)
        if (graph->value[i]->role != SCL_INTERMEDIATE)
            plan->persistent_bytes += scl_value_bytes(graph->value[i]);
    SCL_TRY(make_schedule(plan, &p, choice, &slab, err));
    *out = plan;
    return SCL_OK;
}

scl_status scl_plan_make(scl_plan **out, scl_arena *arena, scl_graph *graph, const scl_device_info *device,
                         const scl_plan_options *options, scl_err *err)
{
    bool again = true;
    while (again) {
        const int64_t since = scl_phase_begin();
        const scl_status status = make_once(out, arena, graph, device, options ? options : &none, err);
        scl_phase_end(SCL_PHASE_PLAN, since);
        SCL_TRY(status);
        SCL_TRY(try_launches(*out, options ? options : &none, &again, err));
    }
    return SCL_OK;
}
