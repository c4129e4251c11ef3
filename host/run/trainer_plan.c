/* How a training step's batch is dealt into runs, and the plans of those. */
#include "base/log.h"
#include "base/phase.h"
#include "run/fit.h"
#include "run/trainer_parts.h"

static void need(scl_runners *list, int n, bool ends)
{
    if (!scl_runners_find(list, n, ends))
        list->item[list->count++] = (scl_runner){.n = n, .ends = ends};
}

/* The runs that deal out `total` samples, `n` at a time. */
static void need_all(scl_runners *list, int total, int n)
{
    if (total > n)
        need(list, n, false);
    need(list, total % n ? total % n : n, true);
}

scl_runner *scl_runners_find(scl_runners *list, int n, bool ends)
{
    for (int i = 0; i < list->count; i++)
        if (list->item[i].n == n && list->item[i].ends == ends)
            return &list->item[i];
    return NULL;
}

static int least_of(int a, int b)
{
    return a < b ? a : b;
}

/* Runs of at most n samples. */
static void deal_into(scl_trainer *t, int n)
{
    t->spec.n = t->spec.micro_batch = n;
    t->spec.accumulate = n < t->stage->train.batch;
    t->eval_spec.n = t->held_out ? least_of(n, t->eval_spec.data_count) : n;
    t->spec.staged = t->streams ? least_of(n, (int)t->data->count) : 0;
    t->eval_spec.staged = t->streams ? t->eval_spec.n : 0;
}

static void make_specs(scl_trainer *t)
{
    const scl_dataset *d = t->data, *h = t->held_out;
    const int shape[3] = {d->height, d->width, d->channels};
    t->spec = scl_build_spec(t->config, t->stage, shape, (int)d->count);
    t->spec.data_float = d->f32 != NULL;
    if (t->options.conv)
        t->spec.net.conv = t->options.conv;
    t->eval_spec = t->spec;
    if (!h)
        return;
    t->eval_spec.data_count = (int)h->count;
    if (t->options.eval_images)
        t->eval_spec.data_count = least_of(t->options.eval_images, t->eval_spec.data_count);
    t->eval_spec.data_float = h->f32 != NULL;
}

static scl_status graph_of(const scl_trainer *t, bool eval, int n, scl_arena *arena, scl_graph **out,
                           scl_err *err)
{
    scl_step_spec spec = eval ? t->eval_spec : t->spec;
    spec.n = n;
    const int64_t since = scl_phase_begin();
    const scl_status status = eval ? scl_step_eval(out, arena, &spec, t->spec.ema ? "ema." : "", err)
                                   : scl_step_train(out, arena, &spec, err);
    scl_phase_end(SCL_PHASE_GRAPH, since);
    return status;
}

static scl_plan_options plan_options(const scl_trainer *t)
{
    scl_plan_options options = scl_build_plan_options(t->config, t->stage, t->options.tune, t->options.tuning);
    options.guard_bytes = scl_observer_guard(t->options.observer);
    return options;
}

/* scl_need_function: the run that ends a batch is the largest. */
static scl_status needed(void *context, int n, scl_need *out, scl_err *err)
{
    scl_trainer *t = context;
    scl_arena scratch = {0};
    scl_graph *graphs[2];
    int count = 0;
    const scl_plan_options options = plan_options(t);
    *out = (scl_need){0};
    deal_into(t, n);
    scl_status status = graph_of(t, false, least_of(n, (int)t->data->count), &scratch, &graphs[count++], err);
    if (status == SCL_OK && t->held_out)
        status = graph_of(t, true, t->eval_spec.n, &scratch, &graphs[count++], err);
    for (int i = 0; i < count && status == SCL_OK; i++)
        status = scl_need_plan(out, graphs[i], &t->device, &options, err);
    if (status == SCL_OK)
        status = scl_need_store(out, graphs, count, err);
    scl_arena_free(&scratch);
    return status;
}

/* The specs of the runs that a batch is dealt into. */
static scl_status choose_runs(scl_trainer *t, int *parts, scl_err *err)
{
    const int batch = t->stage->train.batch;
    t->device = scl_build_device(t->stage, &t->b->info);
    make_specs(t);
    t->streams = scl_trainer_must_stream(t);
    SCL_TRY(scl_fit_parts(parts, batch, t->stage->train.accumulate, &t->device, needed, t, err));
    deal_into(t, (batch + *parts - 1) / *parts);
    return SCL_OK;
}

scl_status scl_trainer_spec(scl_step_spec *out, scl_backend *b, const scl_config *config,
                            const scl_stage_config *stage, const scl_dataset *data,
                            const scl_dataset *held_out, const scl_trainer_options *options, scl_err *err)
{
    scl_trainer t = {
        .b = b, .config = config, .stage = stage, .data = data, .held_out = held_out, .options = *options};
    int parts;
    const scl_status status = choose_runs(&t, &parts, err);
    *out = t.spec;
    scl_arena_free(&t.arena);
    return status;
}

static scl_status plan_runner(scl_trainer *t, scl_runner *r, bool eval, scl_err *err)
{
    scl_plan_options options = plan_options(t);
    options.accumulate_only = !r->ends;
    scl_plan *plan;
    SCL_TRY(graph_of(t, eval, r->n, &t->arena, &r->graph, err));
    SCL_TRY(scl_plan_make(&plan, &t->arena, r->graph, &t->device, &options, err));
    r->plan = plan;
    t->slab_bytes = plan->peak_bytes > t->slab_bytes ? plan->peak_bytes : t->slab_bytes;
    return SCL_OK;
}

static scl_status load(scl_trainer *t, scl_runners *list, scl_err *err)
{
    for (int i = 0; i < list->count; i++)
        SCL_TRY(scl_exec_create(&list->item[i].exec, t->b, list->item[i].plan, t->store, t->slab, err));
    return SCL_OK;
}

scl_status scl_trainer_plan(scl_trainer *t, scl_err *err)
{
    const int batch = t->stage->train.batch, count = (int)t->data->count;
    int parts;
    SCL_TRY(choose_runs(t, &parts, err));
    if (parts > t->stage->train.accumulate)
        scl_info("%s: batch %d does not fit in %.0f MiB: dealt into %d micro-batches", t->stage->name, batch,
                 scl_fit_mib(&t->device), parts);
    need_all(&t->run, least_of(batch, count), t->spec.n);
    if (count % batch)
        need_all(&t->run, count % batch, t->spec.n);
    if (t->held_out)
        need_all(&t->eval, t->eval_spec.data_count, t->eval_spec.n);
    scl_graph *graphs[2 * SCL_RUNNERS_MOST];
    int n = 0;
    for (int i = 0; i < t->run.count; i++) {
        SCL_TRY(plan_runner(t, &t->run.item[i], false, err));
        graphs[n++] = t->run.item[i].graph;
    }
    for (int i = 0; i < t->eval.count; i++) {
        SCL_TRY(plan_runner(t, &t->eval.item[i], true, err));
        graphs[n++] = t->eval.item[i].graph;
    }
    t->params = scl_net_params(t->run.item[0].graph, "", &t->arena);
    t->conv = scl_net_conv(t->run.item[0].graph, &t->arena);
    SCL_TRY(scl_store_create_guarded(&t->store, t->b, graphs, n, scl_observer_guard(t->options.observer), err));
    SCL_TRY(t->b->v->alloc(t->b, t->slab_bytes ? t->slab_bytes : 1, &t->slab, err));
    SCL_TRY(load(t, &t->run, err));
    return load(t, &t->eval, err);
}
