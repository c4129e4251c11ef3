/* A sampler's updates on the device, one after the other. */
#include <math.h>
#include <string.h>

#include "graph/arith.h"
#include "run/draw.h"

scl_status scl_draw_put(scl_draw_batch *r, const char *name, const void *data, size_t bytes, scl_err *err)
{
    return scl_store_find(r->store, name).value ? scl_store_write(r->store, name, data, bytes, err) : SCL_OK;
}

scl_status scl_draw_set_level(const scl_draw *s, scl_draw_batch *r, int level, scl_err *err)
{
    (void)s;
    scl_arena scratch = { 0 };
    int32_t *label = SCL_NEW_ARRAY(&scratch, int32_t, r->n);
    for (int i = 0; i < r->n; i++)
        label[i] = level;
    const scl_status status = scl_store_write(r->store, "sample.label", label, sizeof *label * (size_t)r->n, err);
    scl_arena_free(&scratch);
    return status;
}

/* Samples of a row of interpolations start alike. */
static void start_of(const scl_draw *s, uint32_t i, float *x)
{
    const uint64_t seed = s->c->config->seed;
    const scl_sample_init init = scl_sampler_init(s->config);
    const scl_reals *range = &s->config->sampler.range;
    const float low = init == SCL_INIT_UNIFORM ? scl_flush((float)range->at[0]) : 0.0f;
    const float scale = init == SCL_INIT_PRIOR ? scl_flush((float)scl_sde_prior(&s->noise.sde))
                        : init == SCL_INIT_UNIFORM ? (float)(range->at[1] - range->at[0]) : 1.0f;
    for (size_t e = 0; e < s->pixels; e += 4) {
        const scl_words w = scl_random(seed, (uint32_t)(e / 4), i, 0, SCL_STREAM_INIT, 1);
        float v[4] = { scl_uniform(w.w[0]), scl_uniform(w.w[1]), scl_uniform(w.w[2]), scl_uniform(w.w[3]) };
        if (init != SCL_INIT_UNIFORM) {
            scl_normal2(w.w[0], w.w[1], &v[0], &v[1]);
            scl_normal2(w.w[2], w.w[3], &v[2], &v[3]);
        }
        for (size_t k = 0; k < 4 && e + k < s->pixels; k++)
            x[e + k] = scl_flush(fmaf(scale, v[k], low));
    }
}

void scl_draw_start(const scl_draw *s, int first, int n, float *x)
{
    for (int i = 0; i < n; i++)
        start_of(s, (uint32_t)(s->how.columns > 0 ? (first + i) / s->how.columns : first + i), x + (size_t)i * s->pixels);
}

/* Samples that are not finite, or far beyond anything that the noise reaches, stop the stage. */
static scl_status look(const scl_draw *s, int slot, scl_err *err)
{
    const double most = 1e4 * (1 + s->noise.level[0]);
    const float *sumsq = s->slot[slot].sumsq;
    for (int i = 0; i < s->slot[slot].n; i++) {
        const double rms = sqrt((double)sumsq[i] / (double)s->pixels);
        if (rms <= most)
            continue;
        const int update = s->slot[slot].update;
        return scl_fail(err, SCL_FAILED, "sample %d %s at noise level %d, step %d: its root mean square is %g; a smaller step may help",
                        s->slot[slot].first + i, isfinite(rms) ? "explodes" : "is not finite", scl_sampler_at(&s->sampler, update).level,
                        update, rms);
    }
    return SCL_OK;
}

static scl_status wait_for(scl_draw *s, int slot, scl_err *err)
{
    if (!s->slot[slot].pending)
        return SCL_OK;
    s->slot[slot].pending = false;
    if (s->slot[slot].ticket.event)          /* a device that reads at once has none */
        SCL_TRY(s->b->v->wait(s->b, &s->slot[slot].ticket, NULL, err));
    s->slot[slot].ticket = (scl_ticket){ 0 };
    return look(s, slot, err);
}

scl_status scl_draw_settle(scl_draw *s, scl_err *err)
{
    scl_status status = SCL_OK;
    for (int i = 0; i < SCL_DRAW_AHEAD; i++) {
        const scl_status one = wait_for(s, (int)((s->done + i) % SCL_DRAW_AHEAD), status == SCL_OK ? err : NULL);
        status = status == SCL_OK ? one : status;
    }
    for (int i = 0; s->kept && i < s->rows; i++)
        if (s->kept[i].event) {
            const scl_status one = s->b->v->wait(s->b, &s->kept[i], NULL, status == SCL_OK ? err : NULL);
            s->kept[i] = (scl_ticket){ 0 };
            status = status == SCL_OK ? one : status;
        }
    return status;
}

scl_status scl_draw_keep(scl_draw *s, scl_draw_batch *r, int first, int row, scl_err *err)
{
    if (!s->trajectory || first >= s->columns || row < 0)
        return SCL_OK;
    float *to = s->trajectory + ((size_t)row * (size_t)s->columns + (size_t)first) * s->pixels;
    scl_region x = scl_store_find(r->store, "sample.x").region;
    x.bytes = sizeof(float) * (size_t)(s->columns - first < r->n ? s->columns - first : r->n) * s->pixels;
    if (s->kept[row].event)
        SCL_TRY(s->b->v->wait(s->b, &s->kept[row], NULL, err));
    return s->b->v->read_start(s->b, x, to, &s->kept[row], err);
}

static scl_status put_coefficients(scl_draw *s, scl_draw_batch *r, const scl_update *u, scl_err *err)
{
    const bool again = s->config->condition.noise == SCL_KNOWN_LEVEL || !(u->after > 0);
    float coef[SCL_SAMPLE_COEFS] = { [SCL_SAMPLE_STEP] = (float)u->drift,   [SCL_SAMPLE_NOISE] = (float)u->noise,
                                     [SCL_SAMPLE_SNR] = (float)u->snr,      [SCL_SAMPLE_BEFORE] = (float)u->before,
                                     [SCL_SAMPLE_AFTER] = (float)u->after,  [SCL_SAMPLE_AGAIN] = again ? 1.0f : 0.0f,
                                     [SCL_SAMPLE_SCALE] = (float)u->scale,  [SCL_SAMPLE_ALPHA_BEFORE] = (float)u->alpha_before,
                                     [SCL_SAMPLE_ALPHA_AFTER] = (float)u->alpha_after };
    for (int i = 0; i < SCL_SAMPLE_COEFS; i++)
        coef[i] = scl_flush(coef[i]);
    return scl_store_write(r->store, "sample.coef", coef, sizeof coef, err);
}

/* Enqueues one score evaluation with its update, at most SCL_DRAW_AHEAD in front of the device. */
static scl_status update(scl_draw *s, scl_draw_batch *r, int first, int i, const scl_update *u, scl_err *err)
{
    const uint64_t seed = s->c->config->seed;
    const uint32_t counters[SCL_COUNTERS] = { [SCL_CNT_SEED_LO] = (uint32_t)seed, [SCL_CNT_SEED_HI] = (uint32_t)(seed >> 32),
                                              [SCL_CNT_STEP] = (uint32_t)i, [SCL_CNT_BATCH] = (uint32_t)r->n,
                                              [SCL_CNT_SAMPLE] = (uint32_t)first };
    const int slot = (int)(s->done % SCL_DRAW_AHEAD);
    SCL_TRY(scl_stage_step(s->c, s->b, s->done, err));
    SCL_TRY(wait_for(s, slot, err));
    SCL_TRY(scl_store_write(r->store, "counters", counters, sizeof counters, err));
    SCL_TRY(put_coefficients(s, r, u, err));
    if (s->how.known)
        SCL_TRY(scl_draw_put_known_counters(s, r, first, i, u->level, err));
    SCL_TRY(scl_observe_run(s->c->observer, s->c->stage, i, first, r->exec, err));
    s->slot[slot].update = i;
    s->slot[slot].first = first;
    s->slot[slot].n = r->n;
    SCL_TRY(s->b->v->read_start(s->b, scl_exec_region(r->exec, "sample.sumsq"), s->slot[slot].sumsq, &s->slot[slot].ticket, err));
    s->slot[slot].pending = true;
    scl_progress_update(&s->progress, ++s->done, NULL);
    return *s->c->stop ? scl_stage_interrupted(s->c, -1, err) : SCL_OK;
}

scl_status scl_draw_chain(scl_draw *s, scl_draw_batch *r, int first, scl_err *err)
{
    float *x = s->x + (size_t)first * s->pixels;
    const size_t bytes = sizeof(float) * (size_t)r->n * s->pixels;
    int level = -1;
    scl_draw_start(s, first, r->n, x);
    SCL_TRY(scl_store_write(r->store, "sample.x", x, bytes, err));
    if (s->how.known || s->how.columns > 0)
        SCL_TRY(scl_draw_put_known(s, r, first, err));
    for (int i = 0; i < s->sampler.total; i++) {
        const scl_update u = scl_sampler_at(&s->sampler, i);
        if (u.level != level)
            SCL_TRY(scl_draw_set_level(s, r, level = u.level, err));
        SCL_TRY(update(s, r, first, i, &u, err));
        SCL_TRY(scl_draw_keep(s, r, first, u.row, err));
    }
    SCL_TRY(scl_draw_settle(s, err));
    s->least = s->most = s->sampler.total;
    return scl_store_read(r->store, "sample.x", x, bytes, err);
}
