/* Which node is wrong?
 *
 * Up to the step that differs everything is as it should be.  That step is run again on the same device, in the same plan (fused
 * kernels, results written in place, tuned choices: whatever differs may differ only with them), but node by node.  A node's inputs
 * are read before it runs, its outputs right behind it: at that moment they are whole, whatever shares their memory later.  Then its C
 * definition, and those of the expressions that the plan fused into it, compute the same outputs from the same inputs.  So no second
 * plan has to be matched with this one (another device may have fused other nodes), nobody has to be trusted but the definitions of
 * the bits, and the first node whose outputs differ is wrong: all before it were right, and its inputs are theirs.  Outputs that are
 * written in part (stacks of sums) begin with the same bytes on both sides. */
#include <stdlib.h>
#include <string.h>

#include "graph/inspect.h"
#include "run/verify_parts.h"

typedef struct searching {
    const scl_verify_search *s;
    const scl_config *config;
} searching;

/* A node's values in host memory. */
typedef struct values {
    void *in[SCL_MAX_IN], *before[SCL_MAX_OUT], *got[SCL_MAX_OUT], *expected[SCL_MAX_OUT];
} values;

static void release(values *v)
{
    for (int i = 0; i < SCL_MAX_IN; i++)
        free(v->in[i]);
    for (int o = 0; o < SCL_MAX_OUT; o++) {
        free(v->before[o]);
        free(v->got[o]);
        free(v->expected[o]);
    }
}

static scl_status read_place(scl_exec *exec, const scl_place *place, void **out, scl_err *err)
{
    const scl_region from = scl_exec_place(exec, place);
    if (!from.bytes)
        return SCL_OK;
    if (!*out)
        SCL_TRY(scl_alloc_bytes(out, from.bytes, "a node's values", err));
    return scl_exec_backend(exec)->v->read(scl_exec_backend(exec), from, *out, err);
}

/* Runs step i of the schedule; fills v. */
static scl_status run_node(scl_exec *exec, int i, values *v, scl_err *err)
{
    const struct scl_step *step = &scl_exec_plan(exec)->schedule.step[i];
    const scl_node *n = step->node;
    for (int k = 0; k < n->n_in; k++)
        SCL_TRY(read_place(exec, &step->in[k], &v->in[k], err));
    for (int o = 0; o < n->n_out; o++) {
        SCL_TRY(read_place(exec, &step->out[o], &v->before[o], err));
        SCL_TRY(read_place(exec, &step->out[o], &v->expected[o], err));
    }
    SCL_TRY(scl_exec_run_steps(exec, i, i + 1, err));
    for (int o = 0; o < n->n_out; o++)
        SCL_TRY(read_place(exec, &step->out[o], &v->got[o], err));
    return scl_node_define(n, v->in, v->expected, err);
}

static bool differs(const scl_node *n, const values *v)
{
    for (int o = 0; o < n->n_out; o++)
        if (v->got[o] && memcmp(v->got[o], v->expected[o], scl_value_bytes(n->out[o])) != 0)
            return true;
    return false;
}

/* The memory of the node's values as it was before it ran. */
static scl_status restore(scl_exec *exec, int i, const values *v, scl_err *err)
{
    const struct scl_step *step = &scl_exec_plan(exec)->schedule.step[i];
    scl_backend *b = scl_exec_backend(exec);
    for (int k = 0; k < step->node->n_in; k++)
        if (v->in[k])
            SCL_TRY(b->v->write(b, scl_exec_place(exec, &step->in[k]), v->in[k], err));
    for (int o = 0; o < step->node->n_out; o++)
        if (v->before[o])
            SCL_TRY(b->v->write(b, scl_exec_place(exec, &step->out[o]), v->before[o], err));
    return SCL_OK;
}

static const char *list(scl_arena *arena, const char *before, const char *text)
{
    return before[0] ? scl_arena_printf(arena, "%s, %s", before, text) : scl_arena_strdup(arena, text);
}

static void describe(const scl_verify_search *s, scl_exec *exec, int i, const values *v)
{
    const scl_schedule *schedule = &scl_exec_plan(exec)->schedule;
    const struct scl_step *step = &schedule->step[i];
    const scl_node *n = step->node;
    scl_verify_found *f = s->found;
    char text[160];
    f->node = i;
    f->nodes = schedule->n_node;
    f->id = n->id;
    f->op = scl_arena_strdup(s->arena, n->op->name);
    f->scope = scl_arena_strdup(s->arena, n->scope);
    f->inputs = f->outputs = f->launches = "";
    f->bits = SCL_NEW_ARRAY(s->arena, scl_bits, n->n_out + 1);
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k]) {
            scl_node_value_text(n, -1 - k, text, sizeof text);
            f->inputs = list(s->arena, f->inputs, text);
        }
    for (int o = 0; o < n->n_out; o++) {
        scl_node_value_text(n, o, text, sizeof text);
        f->outputs = list(s->arena, f->outputs, text);
        const char *name = scl_arena_printf(s->arena, "%.*s", (int)strcspn(text, " "), text);
        const scl_value *y = n->out[o];
        const scl_bits bits = scl_bits_compare(name, y->dtype, y->rank, y->dim, v->got[o], v->expected[o]);
        if (bits.differ)
            f->bits[f->n_bits++] = bits;
    }
    f->n_launch = step->n_launch;
    f->launch = step->n_launch == 1 ? 0 : -1;
    for (int k = 0; k < step->n_launch; k++) {
        const scl_launch *l = &schedule->launch[step->first_launch + k];
        f->launches = list(s->arena, f->launches, l->kernel ? l->kernel : "CLBlast");
    }
}

static scl_status look_at(const scl_verify_search *s, scl_exec *exec, int i, bool *found, scl_err *err)
{
    values v = { { 0 }, { 0 }, { 0 }, { 0 } };
    const scl_node *n = scl_exec_plan(exec)->schedule.step[i].node;
    scl_status status = run_node(exec, i, &v, err);
    *found = status == SCL_OK && differs(n, &v);
    if (*found) {
        describe(s, exec, i, &v);
        status = restore(exec, i, &v, err);
        if (status == SCL_OK)
            status = scl_verify_reproduce(s, exec, i, v.got, v.expected, err);
    }
    release(&v);
    return status;
}

/* scl_observer.run: SCL_DIFFERENT ends the pass, as it has what it looked for or there is nothing to be found. */
static scl_status search(void *user, const scl_stage_config *stage, long step, int first, scl_exec *exec, scl_err *err)
{
    const searching *q = user;
    const scl_verify_search *s = q->s;
    const bool any = s->pass->stage[s->unit->stage].trains;      /* a step of training is one, however its batch is dealt */
    const bool here = !strcmp(stage->name, q->config->stage[s->unit->stage].name) && step == s->unit->step &&
                      (any || first == s->unit->first);
    const bool past = s->found->nodes && !here;
    bool found = false;
    if (past)
        return SCL_DIFFERENT;
    if (!here)
        return scl_exec_run(exec, err);
    s->found->nodes = scl_exec_plan(exec)->schedule.n_node;
    s->found->first = first;
    for (int i = 0; i < s->found->nodes && !found; i++)
        SCL_TRY(look_at(s, exec, i, &found, err));
    return found ? SCL_DIFFERENT : SCL_OK;
}

scl_status scl_verify_search_run(const scl_verify_search *s, const char *folder, scl_err *err)
{
    scl_verify_pass again = { .sel = s->pass->sel, .what = s->pass->what, .guards = s->pass->guards, .cache = s->pass->cache };
    searching q = { .s = s, .config = s->options->config };
    const scl_observer observer = { .guard_bytes = again.guards ? SCL_VERIFY_GUARD_BYTES : 0, .run = search, .user = &q };
    const scl_status status = scl_verify_pass_run(&again, s->options->config, folder, &observer, err);
    scl_verify_pass_free(&again);
    return status == SCL_DIFFERENT ? SCL_OK : status;
}
