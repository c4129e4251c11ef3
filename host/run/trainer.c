#include "run/trainer_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/optim.h"
#include "score/schedule.h"

scl_store *scl_trainer_store(scl_trainer *t) { return t->store; }
const scl_net_config *scl_trainer_net(const scl_trainer *t) { return &t->spec.net; }
const char *scl_trainer_conv(const scl_trainer *t) { return t->conv; }
size_t scl_trainer_peak_bytes(const scl_trainer *t) { return t->slab_bytes + scl_store_bytes(t->store); }

const scl_plan *scl_trainer_plan_at(const scl_trainer *t, int i)
{
    const int k = i - t->run.count;
    return k < 0 ? t->run.item[i].plan : k < t->eval.count ? t->eval.item[k].plan : NULL;
}

static long steps_per_epoch(const scl_trainer *t)
{
    return ((long)t->data->count + t->stage->train.batch - 1) / t->stage->train.batch;
}

/* The samples of step `step`'s global batch: the last of an epoch may be smaller. */
static int batch_of(const scl_trainer *t, long step)
{
    const long first = step % steps_per_epoch(t) * t->stage->train.batch, rest = (long)t->data->count - first;
    return rest < t->stage->train.batch ? (int)rest : t->stage->train.batch;
}

static scl_status write(scl_trainer *t, const char *name, const void *from, size_t bytes, scl_err *err)
{
    return scl_store_write(t->store, name, from, bytes, err);
}

scl_status scl_trainer_create(scl_trainer **out, scl_backend *b, const scl_config *config,
                              const scl_stage_config *stage, const scl_dataset *data,
                              const scl_dataset *held_out, const scl_trainer_options *options, scl_err *err)
{
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_trainer), "training", err));
    scl_trainer *t = memory;
    *t = (scl_trainer){ .b = b,
                        .config = config,
                        .stage = stage,
                        .data = data,
                        .held_out = held_out,
                        .options = *options,
                        .epoch = -1,
                        .last_step = -1,
                        .sent_step = -1 };
    scl_status status = scl_trainer_plan(t, err);
    if (status == SCL_OK)
        status = scl_trainer_upload(t, err);
    if (status != SCL_OK) {
        scl_trainer_free(t);
        return status;
    }
    *out = t;
    return SCL_OK;
}

void scl_trainer_free(scl_trainer *t)
{
    if (!t)
        return;
    scl_trainer_settle_data(t);
    for (int i = 0; i < t->run.count; i++)
        scl_exec_free(t->run.item[i].exec);
    for (int i = 0; i < t->eval.count; i++)
        scl_exec_free(t->eval.item[i].exec);
    scl_stream_close(t->stream);
    t->b->v->release(t->b, t->slab);
    scl_store_free(t->store);
    scl_arena_free(&t->arena);
    free(t);
}

scl_status scl_trainer_init(scl_trainer *t, scl_err *err)
{
    for (int i = 0; i < t->params.n; i++) {
        const scl_param *p = &t->params.item[i];
        const size_t bytes = scl_value_bytes(p->value);
        void *data;
        SCL_TRY(scl_alloc_bytes(&data, bytes, p->name, err));
        scl_param_init(p, i, t->config->seed, data);
        const scl_status status = write(t, p->name, data, bytes, err);
        free(data);
        SCL_TRY(status);
    }
    return scl_trainer_reset_ema(t, err);
}

scl_status scl_trainer_reset_ema(scl_trainer *t, scl_err *err)
{
    for (int i = 0; i < t->params.n && t->spec.ema; i++) {
        const char *name = t->params.item[i].name;
        const scl_binding from = scl_store_find(t->store, name);
        const scl_binding to = scl_store_find(t->store, scl_arena_printf(&t->arena, "ema.%s", name));
        SCL_TRY(t->b->v->copy(t->b, to.region, from.region, err));
    }
    return SCL_OK;
}

void scl_trainer_counters(const scl_trainer *t, long step, uint32_t counters[SCL_COUNTERS])
{
    memset(counters, 0, sizeof(uint32_t) * SCL_COUNTERS);
    counters[SCL_CNT_SEED_LO] = (uint32_t)t->config->seed;
    counters[SCL_CNT_SEED_HI] = (uint32_t)(t->config->seed >> 32);
    counters[SCL_CNT_STEP] = (uint32_t)step;
    counters[SCL_CNT_BATCH] = (uint32_t)batch_of(t, step);
    counters[SCL_CNT_FIRST] = (uint32_t)(step % steps_per_epoch(t) * t->stage->train.batch);
    counters[SCL_CNT_SLOT] = (uint32_t)(step % SCL_RING_ROWS);
}

/* What the device needs to know before the runs of a step: order of the epoch, coefficients, 1/N. */
static scl_status prepare(scl_trainer *t, long step, scl_err *err)
{
    SCL_TRY(scl_trainer_set_epoch(t, step / steps_per_epoch(t), err));
    float coef[SCL_COEFS];
    scl_optim_coefs(&t->stage->train, step, coef);
    const float inv = (float)(1.0 / batch_of(t, step));
    SCL_TRY(write(t, "coef", coef, sizeof coef, err));
    return write(t, "inv_batch", &inv, sizeof inv, err);
}

/* Deals the `total` samples of a step into runs of n; each sees its position.  nonfinite: looks for the node instead (text, size). */
static scl_status deal(scl_trainer *t, scl_runners *list, long step, int total, int n, uint32_t *counters,
                       char *nonfinite, size_t size, scl_err *err)
{
    for (int position = 0; position < total; position += n) {
        const int samples = total - position < n ? total - position : n;
        counters[SCL_CNT_POSITION] = (uint32_t)position;
        SCL_TRY(scl_trainer_send(t, list == &t->eval, step, position, samples, counters, err));
        SCL_TRY(write(t, "counters", counters, sizeof(uint32_t) * SCL_COUNTERS, err));
        scl_runner *r = scl_runners_find(list, samples, position + samples == total);
        if (!nonfinite) {
            SCL_TRY(scl_observe_run(list == &t->run ? t->options.observer : NULL, t->stage, step, position, r->exec, err));
            continue;
        }
        SCL_TRY(scl_exec_find_nonfinite(r->exec, nonfinite, size, err));
        if (strncmp(nonfinite, "no node", 7) != 0)
            return SCL_OK;
    }
    return SCL_OK;
}

/* The flag is set: replays that step node by node; nothing was updated since. */
static scl_status fail_nonfinite(scl_trainer *t, uint32_t flag, scl_err *err)
{
    const long step = (long)flag - 1;
    char text[256];
    uint32_t counters[SCL_COUNTERS];
    SCL_TRY(t->b->v->finish(t->b, err));
    SCL_TRY(prepare(t, step, err));
    scl_trainer_counters(t, step, counters);
    SCL_TRY(deal(t, &t->run, step, batch_of(t, step), t->spec.n, counters, text, sizeof text, err));
    return scl_fail(err, SCL_FAILED, "the loss or a gradient is not finite at step %ld: %s", step + 1, text);
}

static scl_status settle(scl_trainer *t, int slot, scl_err *err)
{
    if (!t->pending[slot])
        return SCL_OK;
    SCL_TRY(t->b->v->wait(t->b, &t->ticket[slot], NULL, err));
    t->pending[slot] = false;
    return t->flag[slot] ? fail_nonfinite(t, t->flag[slot], err) : SCL_OK;
}

scl_status scl_trainer_step(scl_trainer *t, long step, scl_err *err)
{
    const int slot = (int)(step % SCL_STEPS_AHEAD);
    SCL_TRY(settle(t, slot, err));
    SCL_TRY(prepare(t, step, err));
    uint32_t counters[SCL_COUNTERS];
    scl_trainer_counters(t, step, counters);
    SCL_TRY(deal(t, &t->run, step, batch_of(t, step), t->spec.n, counters, NULL, 0, err));
    const scl_region flag = scl_store_find(t->store, "flag").region;
    SCL_TRY(t->b->v->read_start(t->b, flag, &t->flag[slot], &t->ticket[slot], err));
    t->pending[slot] = true;
    t->last_step = step;
    return SCL_OK;
}

scl_status scl_trainer_finish(scl_trainer *t, scl_err *err)
{
    /* The older of the two first: it names the first step that failed. */
    for (int i = 1; i <= SCL_STEPS_AHEAD && t->last_step >= 0; i++)
        SCL_TRY(settle(t, (int)((t->last_step + i) % SCL_STEPS_AHEAD), err));
    return t->b->v->finish(t->b, err);
}

scl_status scl_trainer_record_start(scl_trainer *t, scl_err *err)
{
    scl_region row = scl_store_find(t->store, "ring").region;
    row.bytes = sizeof t->row;
    row.offset += (size_t)(t->last_step % SCL_RING_ROWS) * row.bytes;
    return t->b->v->read_start(t->b, row, t->row, &t->row_ticket, err);
}

scl_status scl_trainer_record_take(scl_trainer *t, bool wait, bool *ready, scl_step_record *out, scl_err *err)
{
    *ready = true;
    SCL_TRY(t->b->v->wait(t->b, &t->row_ticket, wait ? NULL : ready, err));
    *out = (scl_step_record){ .loss = t->row[0], .norm = t->row[1], .scale = t->row[2] };
    return SCL_OK;
}

scl_status scl_trainer_evaluate(scl_trainer *t, float *loss, float *accuracy, scl_err *err)
{
    uint32_t counters[SCL_COUNTERS] = { [SCL_CNT_SEED_LO] = (uint32_t)t->config->seed,
                                        [SCL_CNT_SEED_HI] = (uint32_t)(t->config->seed >> 32),
                                        [SCL_CNT_BATCH] = (uint32_t)t->eval_spec.data_count };
    const float inv = (float)(1.0 / t->eval_spec.data_count);
    SCL_TRY(write(t, "inv_batch", &inv, sizeof inv, err));
    SCL_TRY(deal(t, &t->eval, 0, t->eval_spec.data_count, t->eval_spec.n, counters, NULL, 0, err));
    const int total = t->eval_spec.data_count, n = t->eval_spec.n;
    const scl_runner *last = scl_runners_find(&t->eval, total % n ? total % n : n, true);
    SCL_TRY(scl_exec_read(last->exec, "eval.loss", loss, sizeof *loss, err));
    *accuracy = NAN;
    if (t->spec.objective.loss && !strcmp(t->spec.objective.loss, "cross_entropy"))
        SCL_TRY(scl_exec_read(last->exec, "eval.accuracy", accuracy, sizeof *accuracy, err));
    if (isfinite(*loss))
        return SCL_OK;
    char text[256];
    SCL_TRY(deal(t, &t->eval, 0, total, n, counters, text, sizeof text, err));
    return scl_fail(err, SCL_FAILED, "the held-out loss is not finite after step %ld: %s", t->last_step + 1, text);
}
