/* The objective of a score network with its weights at rest: its mean over the reference, at every noise level by itself.
 *
 *   loss       mean over the levels; without noise, over the reference
 *   loss.1 ... the loss of each level, 1 the largest noise: weight(sigma) E loss(alpha x + sigma z)      (Song & Ermon 2019, eq. 5 and 6)
 *
 * with standard errors over the samples.  Noise is of a sample and a level, so losses of the same reference may be compared
 * number by number, whatever network or objective they are of. */
#include <math.h>
#include <string.h>

#include "graph/arith.h"
#include "run/build.h"
#include "run/evaluate.h"
#include "score/noise.h"
#include "score/truth.h"

enum { SUB_LOSS_NOISE = 2 };                 /* of the stream; 0 and 1: score/wasserstein.c, evaluate_fisher.c */
enum { POINTS_AT_ONCE = 4096, PICTURES_AT_ONCE = 32, SMALL = 64 };   /* a picture's activations take megabytes */

typedef struct measure {
    scl_evaluation *e;
    scl_backend *b;
    scl_checkpoint *from;                    /* NULL: a network without weights */
    scl_step_spec spec;
    scl_noise noise;
    scl_store *store;
    scl_exec *exec;
    size_t dimension;
    float *x, *z, *loss;                     /* [n, D], [n, D], [n] of a run */
    int32_t *label;
} measure;

static scl_status open_network(measure *m, scl_err *err)
{
    scl_stage_context *c = m->e->c;
    const int shape[3] = { m->e->height, m->e->width, m->e->channels };
    const char *path;
    m->spec = scl_build_spec(c->config, c->stage, shape, 1);
    m->dimension = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
    m->spec.n = m->spec.global_batch = m->dimension > SMALL ? PICTURES_AT_ONCE : POINTS_AT_ONCE;
    m->spec.accumulate = false;
    if (c->stage->model.net != SCL_NET_ANALYTIC) {
        SCL_TRY(scl_stage_find_checkpoint(c, &path, err));
        SCL_TRY(scl_checkpoint_open(&m->from, path, err));
    }
    if (m->from && m->from->ours) {
        const scl_checkpoint_info *info = &m->from->info;
        if (info->height != shape[0] || info->width != shape[1] || info->channels != shape[2])
            return scl_fail(err, SCL_FAILED, "the network takes samples of %dx%dx%d, the reference has %dx%dx%d", info->height,
                            info->width, info->channels, shape[0], shape[1], shape[2]);
        m->spec.net.conv = info->conv;
    }
    return scl_stage_open_device(c, &m->b, err);
}

static scl_status put(const measure *m, const char *name, const void *from, size_t bytes, scl_err *err)
{
    return scl_store_find(m->store, name).value ? scl_store_write(m->store, name, from, bytes, err) : SCL_OK;
}

static scl_status load(measure *m, scl_err *err)
{
    scl_stage_context *c = m->e->c;
    const scl_stage_config *stage = c->stage;
    const scl_plan_options options = scl_stage_plan_options(c, NULL);
    const scl_device_info device = scl_build_device(stage, &m->b->info);
    scl_graph *graph;
    scl_plan *plan;
    SCL_TRY(scl_step_losses(&graph, c->arena, &m->spec, "", err));
    SCL_TRY(scl_plan_make(&plan, c->arena, graph, &device, &options, err));
    SCL_TRY(scl_store_create_guarded(&m->store, m->b, &graph, 1, scl_observer_guard(c->observer), err));
    SCL_TRY(scl_exec_create(&m->exec, m->b, plan, m->store, NULL, err));
    SCL_TRY(scl_noise_write(m->store, &m->noise, err));
    SCL_TRY(scl_truth_write(m->store, &stage->data, err));
    return m->from ? scl_checkpoint_weights(m->from, m->store, stage->sample.weights == SCL_WEIGHTS_EMA ? "ema." : "", "", err) : SCL_OK;
}

/* Samples first ... of the reference, with their noise at a level; the last run is filled up with the last sample. */
static void fill(measure *m, size_t first, int level)
{
    const size_t D = m->dimension, n = (size_t)m->spec.n, last = m->e->real_set.count - 1;
    for (size_t i = 0; i < n; i++) {
        const size_t at = first + i < last ? first + i : last;
        m->label[i] = level;
        memcpy(m->x + i * D, m->e->real + at * D, sizeof *m->x * D);
        for (size_t d = 0; d < D; d += 4) {
            const scl_words w = scl_random(m->e->c->config->seed, (uint32_t)(d / 4), (uint32_t)at, (uint32_t)level,
                                           SCL_STREAM_EVALUATE, SUB_LOSS_NOISE);
            float z[4];
            scl_normal2(w.w[0], w.w[1], &z[0], &z[1]);
            scl_normal2(w.w[2], w.w[3], &z[2], &z[3]);
            memcpy(m->z + i * D + d, z, sizeof *z * (D - d < 4 ? D - d : 4));
        }
    }
}

/* Projections are drawn on the device: of the sample, and of the level as the step. */
static scl_status run(measure *m, size_t first, int level, scl_err *err)
{
    const size_t n = (size_t)m->spec.n, bytes = sizeof(float) * n * m->dimension;
    const uint64_t seed = (uint64_t)m->e->c->config->seed;
    const uint32_t counters[SCL_COUNTERS] = { [SCL_CNT_SEED_LO] = (uint32_t)seed, [SCL_CNT_SEED_HI] = (uint32_t)(seed >> 32),
                                              [SCL_CNT_STEP] = (uint32_t)level, [SCL_CNT_POSITION] = (uint32_t)first,
                                              [SCL_CNT_BATCH] = (uint32_t)n };
    fill(m, first, level);
    SCL_TRY(put(m, "given.x", m->x, bytes, err));
    SCL_TRY(put(m, "given.z", m->z, bytes, err));
    SCL_TRY(put(m, "given.label", m->label, sizeof *m->label * n, err));
    SCL_TRY(put(m, "counters", counters, sizeof counters, err));
    SCL_TRY(scl_stage_evaluation(m->e->c, first, m->exec, err));
    SCL_TRY(scl_exec_read(m->exec, "loss", m->loss, sizeof *m->loss * n, err));
    return *m->e->c->stop ? scl_stage_interrupted(m->e->c, -1, err) : SCL_OK;
}

/* Mean and squared standard error of a level. */
static scl_status level_of(measure *m, int level, double *mean, double *square, scl_err *err)
{
    const size_t count = m->e->real_set.count, n = (size_t)m->spec.n;
    double sum = 0, squares = 0;
    for (size_t first = 0; first < count; first += n) {
        SCL_TRY(run(m, first, level, err));
        for (size_t i = 0; i < n && first + i < count; i++) {
            sum += m->loss[i];
            squares += (double)m->loss[i] * m->loss[i];
        }
    }
    const double N = (double)count, spread = squares / N - (sum / N) * (sum / N);
    *mean = sum / N;
    *square = N > 1 && spread > 0 ? spread / (N - 1) : 0;
    return isfinite(*mean) ? SCL_OK : scl_fail(err, SCL_FAILED, "the loss of level %d is not finite", level + 1);
}

static scl_status levels(measure *m, scl_err *err)
{
    const int L = m->spec.objective.clean ? 1 : m->noise.levels;
    double mean, square, sum = 0, squares = 0;
    for (int i = 0; i < L; i++) {
        SCL_TRY(level_of(m, i, &mean, &square, err));
        if (L > 1)
            scl_evaluation_add(m->e, scl_arena_printf(m->e->c->arena, "loss.%d", i + 1), mean, sqrt(square), NAN);
        sum += mean / L;
        squares += square / L / L;
    }
    scl_evaluation_add(m->e, "loss", sum, sqrt(squares), NAN);
    return SCL_OK;
}

static scl_status measure_all(measure *m, scl_err *err)
{
    const scl_stage_config *stage = m->e->c->stage;
    scl_arena *arena = m->e->c->arena;
    SCL_TRY(scl_noise_of(&m->noise, arena, &stage->noise, stage->train.objective.anneal_power,
                         stage->train.objective.weighting == SCL_WEIGHTING_LIKELIHOOD, err));
    SCL_TRY(open_network(m, err));
    const size_t n = (size_t)m->spec.n;
    SCL_TRY(SCL_TAKE_ARRAY(&m->x, arena, n * m->dimension, "the samples of a run", err));
    SCL_TRY(SCL_TAKE_ARRAY(&m->z, arena, n * m->dimension, "the noise of a run", err));
    m->loss = SCL_NEW_ARRAY(arena, float, n);
    m->label = SCL_NEW_ARRAY(arena, int32_t, n);
    SCL_TRY(load(m, err));
    return levels(m, err);
}

scl_status scl_evaluation_loss(scl_evaluation *e, scl_err *err)
{
    measure m = { .e = e };
    const scl_status status = measure_all(&m, err);
    scl_exec_free(m.exec);
    scl_store_free(m.store);
    if (m.b)
        m.b->v->close(m.b);
    scl_checkpoint_close(m.from);
    return status;
}
