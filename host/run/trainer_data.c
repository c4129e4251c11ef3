/* How pictures get to the device: the whole set once, or the samples of each run ahead of it. */
#include "base/log.h"
#include "base/phase.h"
#include "data/permutation.h"
#include "run/trainer_parts.h"
#include "score/noise.h"
#include "score/truth.h"

static scl_status write(scl_trainer *t, const char *name, const void *from, size_t bytes, scl_err *err)
{
    return scl_store_write(t->store, name, from, bytes, err);
}

static const void *elements(const scl_dataset *d)
{
    return d->u8 ? (const void *)d->u8 : d->f32;
}

/* Half of the memory is for data; streaming costs a copy of each batch, and the set stays in host memory in
 * both cases. */
bool scl_trainer_must_stream(const scl_trainer *t)
{
    const size_t train = scl_dataset_bytes(t->data);
    const size_t held =
        t->held_out ? scl_dataset_bytes(t->held_out) / t->held_out->count * (size_t)t->eval_spec.data_count
                    : 0;
    const scl_device_info *d = &t->device;
    if (t->stage->data.residence != SCL_RESIDENCE_AUTO)
        return t->stage->data.residence == SCL_RESIDENCE_STREAM;
    if (d->max_alloc_bytes && (train > d->max_alloc_bytes || held > d->max_alloc_bytes))
        return true;
    return d->global_bytes && train + held > d->global_bytes / 2;
}

static scl_status upload_noise(scl_trainer *t, scl_err *err)
{
    scl_noise noise;
    SCL_TRY(scl_noise_of(&noise, &t->arena, &t->stage->noise, t->stage->train.objective.anneal_power,
                         t->stage->train.objective.weighting == SCL_WEIGHTING_LIKELIHOOD, err));
    SCL_TRY(scl_noise_write(t->store, &noise, err));
    return scl_truth_write(t->store, &t->stage->data, err);
}

/* Classes, where the loss reads them. */
static scl_status write_classes(scl_trainer *t, const char *name, const scl_dataset *d, size_t n, scl_err *err)
{
    return scl_store_find(t->store, name).value ? write(t, name, d->label, sizeof *d->label * n, err) : SCL_OK;
}

static scl_status send_classes(scl_trainer *t, const char *name, const int32_t *from, int samples, scl_ticket *ticket, scl_err *err)
{
    scl_region to = scl_store_find(t->store, name).region;
    if (!scl_store_find(t->store, name).value)
        return SCL_OK;
    to.bytes = sizeof *from * (size_t)samples;
    return t->b->v->write_start(t->b, to, from, ticket, err);
}

/* 0, 1, 2 ...: held-out samples, and those of a run, lie in the order in which they are read. */
static scl_status upload_identity(scl_trainer *t, const char *name, int n, scl_err *err)
{
    int32_t *order;
    SCL_TRY(SCL_TAKE_ARRAY(&order, &t->arena, n, "the order of samples", err));
    for (int i = 0; i < n; i++)
        order[i] = i;
    return write(t, name, order, sizeof *order * (size_t)n, err);
}

static scl_status start_stream(scl_trainer *t, scl_err *err)
{
    SCL_TRY(upload_identity(t, "order", t->spec.staged, err));
    if (t->held_out)
        SCL_TRY(upload_identity(t, "eval.order", t->eval_spec.staged, err));
    scl_info("%s: the data stay in host memory (%.1f MiB); batches are sent ahead of the steps",
             t->stage->name, (double)scl_dataset_bytes(t->data) / (1 << 20));
    return scl_stream_open(&t->stream, t->data, t->config->seed, t->stage->train.batch, t->spec.staged, err);
}

static scl_status upload(scl_trainer *t, scl_err *err)
{
    SCL_TRY(upload_noise(t, err));
    if (t->streams)
        return start_stream(t, err);
    for (int i = 0; i < 2; i++)
        SCL_TRY(SCL_TAKE_ARRAY(&t->order[i], &t->arena, t->data->count, "the order of an epoch", err));
    SCL_TRY(write(t, "data", elements(t->data), scl_dataset_bytes(t->data), err));
    SCL_TRY(write_classes(t, "class", t->data, t->data->count, err));
    if (!t->held_out)
        return SCL_OK;
    const size_t n = (size_t)t->eval_spec.data_count;
    SCL_TRY(write(t, "eval.data", elements(t->held_out),
                  scl_dataset_bytes(t->held_out) / t->held_out->count * n, err));
    SCL_TRY(write_classes(t, "eval.class", t->held_out, n, err));
    return upload_identity(t, "eval.order", (int)n, err);
}

scl_status scl_trainer_upload(scl_trainer *t, scl_err *err)
{
    const int64_t since = scl_phase_begin();
    const scl_status status = upload(t, err);
    scl_phase_end(SCL_PHASE_DATA, since);
    return status;
}

/* Two orders on the host: the one on its way to the device is left alone. */
scl_status scl_trainer_set_epoch(scl_trainer *t, long epoch, scl_err *err)
{
    if (t->streams || epoch == t->epoch)
        return SCL_OK;
    const int slot = (int)(epoch % 2);
    const scl_region to = scl_store_find(t->store, "order").region;
    SCL_TRY(t->b->v->wait(t->b, &t->order_ticket[slot], NULL, err));
    const int64_t since = scl_phase_begin();
    scl_permutation(t->config->seed, (uint32_t)epoch, t->order[slot], (int32_t)t->data->count);
    scl_phase_end(SCL_PHASE_DATA, since);
    SCL_TRY(t->b->v->write_start(t->b, to, t->order[slot], &t->order_ticket[slot], err));
    t->epoch = epoch;
    return SCL_OK;
}

/* At most `most` parts stay on their way to the device. */
static scl_status settle_parts(scl_trainer *t, unsigned most, scl_err *err)
{
    while (t->sent - t->arrived > most) {
        SCL_TRY(t->b->v->wait(t->b, &t->part_ticket[t->arrived % SCL_STREAM_PARTS], NULL, err));
        SCL_TRY(t->b->v->wait(t->b, &t->class_ticket[t->arrived % SCL_STREAM_PARTS], NULL, err));
        scl_stream_release(t->stream);
        t->arrived++;
    }
    return SCL_OK;
}

static scl_status send_held_out(scl_trainer *t, int position, int samples, scl_err *err)
{
    const size_t each = scl_dataset_bytes(t->held_out) / t->held_out->count;
    scl_region to = scl_store_find(t->store, "eval.data").region;
    to.bytes = each * (size_t)samples;
    SCL_TRY(t->b->v->wait(t->b, &t->held_ticket, NULL, err));
    SCL_TRY(t->b->v->wait(t->b, &t->held_class_ticket, NULL, err));
    if (t->held_out->label)
        SCL_TRY(send_classes(t, "eval.class", t->held_out->label + position, samples, &t->held_class_ticket, err));
    return t->b->v->write_start(t->b, to, (const char *)elements(t->held_out) + each * (size_t)position,
                                &t->held_ticket, err);
}

void scl_trainer_settle_data(scl_trainer *t)
{
    scl_err ignored = {0};
    settle_parts(t, 0, &ignored);
    t->b->v->wait(t->b, &t->held_ticket, NULL, &ignored);
    t->b->v->wait(t->b, &t->held_class_ticket, NULL, &ignored);
    for (int i = 0; i < 2; i++)
        t->b->v->wait(t->b, &t->order_ticket[i], NULL, &ignored);
    scl_err_clear(&ignored);
}

static scl_status send_part(scl_trainer *t, bool eval, long step, int position, int samples,
                            uint32_t *counters, scl_err *err)
{
    if (!t->streams)
        return SCL_OK;
    counters[SCL_CNT_FIRST] = 0u - (uint32_t)position; /* what was sent begins at entry 0 of the order */
    if (eval)
        return send_held_out(t, position, samples, err);
    const bool follows =
        step == t->sent_step ? position > t->sent_position : step == t->sent_step + 1 && !position;
    SCL_TRY(settle_parts(t, follows ? SCL_STREAM_PARTS / 2 - 1 : 0, err));
    const void *from;
    scl_region to = scl_store_find(t->store, "data").region;
    scl_stream_take(t->stream, step, position, &from, &to.bytes);
    SCL_TRY(t->b->v->write_start(t->b, to, from, &t->part_ticket[t->sent % SCL_STREAM_PARTS], err));
    if (scl_stream_classes(t->stream))
        SCL_TRY(send_classes(t, "class", scl_stream_classes(t->stream), samples, &t->class_ticket[t->sent % SCL_STREAM_PARTS], err));
    t->sent++;
    t->sent_step = step;
    t->sent_position = position;
    return SCL_OK;
}

scl_status scl_trainer_send(scl_trainer *t, bool eval, long step, int position, int samples,
                            uint32_t *counters, scl_err *err)
{
    const int64_t since = t->streams ? scl_phase_begin() : 0;
    const scl_status status = send_part(t, eval, step, position, samples, counters, err);
    scl_phase_end(SCL_PHASE_DATA, since);
    return status;
}
