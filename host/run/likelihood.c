/* The likelihood stage: the log-density of samples of the data under a network, by the probability-flow ODE
 * (score/likelihood.h).
 *
 * The density is that of what the flow makes of the prior at the smallest noise level, taken at the samples as
 * they are (Song et al. 2021, section 4.3).  Reported, as means over samples with their standard errors:
 *   nats_per_dim   -ln p(x) / D
 *   bits_per_dim   -ln p(x) / (D ln 2);  of bytes k plus 8: x = (k + u)/256 with uniform u, so that the probability
 *                  of the bytes is at least exp E_u ln (p(x) 256^-D), and the number is an upper bound of their
 *                  bits (Theis et al. 2016).  Of logits y the density is that of the pixels: p(x) = p(y) prod dy/dx
 * and the same of the true density, with the noise of the smallest level, where it is known.
 *
 * Files: metrics.jsonl, a line for each sample; log_density.npy f32[count], in nats; evaluation.json.  The lines
 * of samples that are done are kept by a resumed run: every number is rounded to float, which nine digits tell
 * exactly. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/npy.h"
#include "graph/arith.h"
#include "run/evaluate.h"
#include "run/events.h"
#include "run/field.h"
#include "run/flow.h"
#include "run/metrics.h"
#include "score/likelihood.h"
#include "score/mixture.h"
#include "score/ode.h"
#include "score/truth.h"

enum { SUB_DEQUANTISE = 0, SUB_PROBE = 1 }; /* of the stream; probe k: SUB_PROBE + k */
enum { LOG_DENSITY, NATS, BITS, VARIANCE, EVALUATIONS, COLUMNS };
static const char *const columns[COLUMNS] = { "log_density", "nats_per_dim", "bits_per_dim", "probe_variance",
                                              "evaluations" };
static const double ln2 = 0x1.62e42fefa39efp-1;

typedef struct measure {
    scl_stage_context *c;
    const scl_likelihood_config *config;
    scl_dataset *data;
    scl_field *field;
    scl_flow flow;
    scl_metrics *metrics;
    scl_events *events;
    scl_progress progress;
    scl_mixture truth;              /* with the scale of the last level; no components: not known */
    size_t D, count, done;          /* values of a sample; samples, those that are measured */
    int n, rows;                    /* of a group: samples, estimates of the log-density of each */
    double offset;                  /* bits a dimension that a byte has */
    double *state, *volume;         /* x [n,D], then the integrals [rows,n]; ln of dy/dx [n] */
    double *log_density, *variance; /* [count], nats; variance over a sample's probes */
    long least, most, evaluated;    /* evaluations of the network for a group; all so far */
} measure;

/* ---- the samples and their probes ---- */

/* Sample i of a group; behind the last sample it is that one again. */
static size_t sample_of(const measure *m, size_t first, int i)
{
    return first + (size_t)i < m->count ? first + (size_t)i : m->count - 1;
}

static void take_samples(measure *m, size_t first, float *scratch)
{
    scl_words w = { { 0 } };
    for (int i = 0; i < m->n; i++) {
        const size_t at = sample_of(m, first, i);
        scl_dataset_picture(m->data, at, scratch);
        m->volume[i] = 0;
        for (size_t d = 0; d < m->D; d++) {
            if (d % 4 == 0 && m->data->u8)
                w = scl_random(m->c->config->seed, (uint32_t)(d / 4), (uint32_t)at, 0, SCL_STREAM_LIKELIHOOD,
                               SUB_DEQUANTISE);
            m->state[(size_t)i * m->D + d] =
                scl_field_value(m->field, m->data->u8, scratch[d], w.w[d % 4], &m->volume[i]);
        }
    }
}

/* The four values from element d on of probe k of a sample. */
static void draw(const measure *m, size_t d, size_t sample, int k, float *z)
{
    const scl_words w = scl_random(m->c->config->seed, (uint32_t)(d / 4), (uint32_t)sample, 0, SCL_STREAM_LIKELIHOOD,
                                   (uint32_t)(SUB_PROBE + k));
    if (m->config->probe == SCL_PROBE_GAUSSIAN) {
        scl_normal2(w.w[0], w.w[1], &z[0], &z[1]);
        scl_normal2(w.w[2], w.w[3], &z[2], &z[3]);
        return;
    }
    for (int j = 0; j < 4; j++)
        z[j] = w.w[j] >> 31 ? 1.0f : -1.0f;
}

/* The vectors of every sample, for the whole way. */
static scl_status put_vectors(measure *m, size_t first, float *v, scl_err *err)
{
    const size_t D = m->D;
    const bool exact = m->flow.exact;
    for (int k = 0; k < m->flow.vectors; k++) {
        for (int i = 0; i < m->n; i++)
            for (size_t d = 0; d < D; d += 4) {
                float z[4] = { d == (size_t)k, d + 1 == (size_t)k, d + 2 == (size_t)k, d + 3 == (size_t)k };
                if (!exact)
                    draw(m, d, sample_of(m, first, i), k, z);
                memcpy(v + (size_t)i * D + d, z, sizeof *v * (D - d < 4 ? D - d : 4));
            }
        char name[32];
        snprintf(name, sizeof name, "trace.v.%d", k);
        SCL_TRY(scl_store_write(m->field->store, name, v, sizeof *v * (size_t)m->n * D, err));
    }
    return SCL_OK;
}

/* ---- the ODE ---- */

/* scl_flow_seen */
static scl_status seen(void *context, double t, scl_err *err)
{
    measure *m = context;
    char note[64];
    snprintf(note, sizeof note, "t = %.3f, evaluation %ld", t, m->flow.evaluations);
    scl_progress_update(&m->progress, (long)m->done, note);
    SCL_TRY(scl_stage_step(m->c, m->field->b, m->evaluated++, err));
    return *m->c->stop ? scl_stage_interrupted(m->c, -1, err) : SCL_OK;
}

/* scl_ode_function of x and the integrals. */
static scl_status slope(void *context, double t, const double *x, double *dx, scl_err *err)
{
    measure *m = context;
    return scl_flow_slope(&m->flow, t, x, dx, dx + (size_t)m->n * m->D, err);
}

/* Log-densities of the group: the prior at the end of the way and the integrals.  A line of metrics for each. */
static scl_status finish(measure *m, size_t first, scl_err *err)
{
    const size_t n = (size_t)m->n, D = m->D;
    const double *integral = m->state + n * D, sd = scl_sde_prior(&m->field->noise.sde);
    for (size_t i = 0; i < n && first + i < m->count; i++) {
        double sum = 0, square = 0;
        for (int k = 0; k < m->rows; k++)
            sum += integral[(size_t)k * n + i];
        for (int k = 0; k < m->rows; k++)
            square += (integral[(size_t)k * n + i] - sum / m->rows) * (integral[(size_t)k * n + i] - sum / m->rows);
        const double nats = (double)(float)(scl_log_prior(m->state + i * D, D, sd) + sum / m->rows + m->volume[i]);
        const double variance = m->rows > 1 ? (double)(float)(square / (m->rows - 1)) : (double)NAN;
        const double row[COLUMNS] = { [LOG_DENSITY] = nats,
                                      [NATS] = -nats / (double)D,
                                      [BITS] = m->offset - nats / ((double)D * ln2),
                                      [VARIANCE] = variance,
                                      [EVALUATIONS] = (double)m->flow.evaluations };
        if (!isfinite(nats))
            return scl_fail(err, SCL_FAILED, "the log-density of sample %zu is not finite", first + i);
        m->log_density[first + i] = nats;
        m->variance[first + i] = variance;
        SCL_TRY(scl_metrics_row(m->metrics, (long)(first + i), row, err));
        SCL_TRY(scl_events_scalars(m->events, (long)(first + i), columns, row, COLUMNS, err));
    }
    return SCL_OK;
}

static void count_evaluations(measure *m, long evaluations)
{
    m->least = m->least && m->least < evaluations ? m->least : evaluations;
    m->most = m->most > evaluations ? m->most : evaluations;
}

static scl_status measure_group(measure *m, size_t first, float *scratch, scl_err *err)
{
    const size_t integrals = (size_t)m->rows * (size_t)m->n, values = (size_t)m->n * m->D;
    const scl_likelihood_config *l = m->config;
    scl_ode ode = { .section = "likelihood",
                    .f = slope,
                    .context = m,
                    .rtol = l->rtol,
                    .atol = l->atol,
                    .most = l->max_evaluations };
    take_samples(m, first, scratch);
    SCL_TRY(put_vectors(m, first, scratch, err));
    memset(m->state + values, 0, sizeof *m->state * integrals);
    m->flow.evaluations = 0;
    m->flow.first = (int)first;
    const scl_status status =
        scl_ode_solve(&ode, m->state, values + integrals, m->flow.at[m->field->noise.levels - 1], m->flow.at[0], err);
    if (status != SCL_OK && status != SCL_INTERRUPTED)
        scl_err_context(err, "samples %zu to %zu", first, sample_of(m, first, m->n - 1));
    SCL_TRY(status);
    count_evaluations(m, m->flow.evaluations);
    return finish(m, first, err);
}

/* ---- what was measured before ---- */

/* Whole groups at the head of metrics.jsonl. */
static scl_status read_done(measure *m, scl_err *err)
{
    const char *path = scl_arena_printf(m->c->arena, "%s/metrics.jsonl", m->c->folder);
    char *text, *save = NULL;
    size_t size, n = 0;
    if (!m->c->resume || !scl_file_exists(path))
        return SCL_OK;
    SCL_TRY(scl_file_read(path, &text, &size, err));
    for (char *line = strtok_r(text, "\n", &save); line && n < m->count; line = strtok_r(NULL, "\n", &save)) {
        json_t *row = json_loads(line, 0, NULL), *step = json_object_get(row, "step"),
               *value = json_object_get(row, columns[LOG_DENSITY]),
               *variance = json_object_get(row, columns[VARIANCE]);
        const bool next = json_is_integer(step) && (size_t)json_integer_value(step) == n && json_is_number(value);
        if (next) {
            m->log_density[n] = (double)(float)json_number_value(value);
            m->variance[n++] = json_is_number(variance) ? (double)(float)json_number_value(variance) : (double)NAN;
            count_evaluations(m, (long)json_number_value(json_object_get(row, columns[EVALUATIONS])));
        }
        json_decref(row);
        if (!next)
            break;
    }
    free(text);
    m->done = n == m->count ? n : n - n % (size_t)m->n;
    return SCL_OK;
}

static scl_status measure_all(measure *m, scl_err *err)
{
    void *scratch;
    SCL_TRY(read_done(m, err));
    SCL_TRY(scl_metrics_open(&m->metrics, m->c->folder, columns, COLUMNS, (long)m->done - 1, err));
    SCL_TRY(scl_events_open_stage(&m->events, m->c, (long)m->done, err));
    SCL_TRY(scl_alloc_bytes(&scratch, sizeof(float) * (size_t)m->n * m->D, "the samples of a group", err));
    scl_status status = SCL_OK;
    scl_progress_start(&m->progress, m->c->stage->name, "sample", (long)m->done, (long)m->count);
    while (m->done < m->count && status == SCL_OK) {
        status = measure_group(m, m->done, scratch, err);
        if (status == SCL_OK)
            m->done = m->done + (size_t)m->n < m->count ? m->done + (size_t)m->n : m->count;
    }
    free(scratch);
    SCL_TRY(status);
    scl_progress_update(&m->progress, (long)m->done, NULL);
    scl_progress_end(&m->progress);
    return SCL_OK;
}

/* ---- opening ---- */

static scl_status check_shape(const measure *m, scl_err *err)
{
    const scl_net_config *n = &m->field->spec.net;
    const scl_dataset *d = m->data;
    if (d->height != n->height || d->width != n->width || d->channels != n->channels)
        return scl_fail(err, SCL_FAILED,
                        "the data are %dx%dx%d, the network takes %dx%dx%d (height x width x channels)", d->height,
                        d->width, d->channels, n->height, n->width, n->channels);
    if (d->u8 && m->c->stage->data.transform.dequantize != SCL_DEQUANTIZE_UNIFORM)
        return scl_fail(
            err, SCL_FAILED,
            "data.transform.dequantize: bytes have a density with uniform noise between them alone; uniform");
    return SCL_OK;
}

static scl_status open_flow(measure *m, scl_err *err)
{
    const scl_field *f = m->field;
    m->flow = (scl_flow){ .graph = f->graph,
                          .store = f->store,
                          .exec = f->exec,
                          .noise = &f->noise,
                          .n = m->n,
                          .vectors = scl_build_vectors(m->c->stage, &f->spec),
                          .width = m->D,
                          .exact = m->config->trace == SCL_TRACE_EXACT,
                          .observer = m->c->observer,
                          .stage = m->c->stage,
                          .seen = seen,
                          .context = m };
    m->rows = m->flow.exact ? 1 : m->flow.vectors;
    return scl_flow_open(&m->flow, m->c->arena, err);
}

static scl_status open_all(measure *m, scl_err *err)
{
    const scl_stage_context *c = m->c;
    const scl_data_config *data = &c->stage->data;
    void *block;
    SCL_TRY(scl_dataset_open(&m->data, data, m->config->split, err));
    const size_t most = (size_t)m->config->count;
    m->count = most && most < m->data->count ? most : m->data->count;
    m->n = m->count < (size_t)m->config->group ? (int)m->count : m->config->group;
    SCL_TRY(scl_field_open(&m->field, m->c, m->n, SCL_FIELD_TRACES, err));
    m->D = m->field->dimension;
    m->offset = m->data->u8 ? 8 : 0;
    SCL_TRY(check_shape(m, err));
    SCL_TRY(open_flow(m, err));
    if (scl_truth_components(data)) {
        const scl_mixture clean = scl_mixture_of(&data->points, c->arena);
        m->truth =
            scl_mixture_scaled(&clean, scl_noise_alpha(&m->field->noise, m->field->noise.levels - 1), c->arena);
    }
    SCL_TRY(SCL_TAKE_ARRAY(&m->log_density, c->arena, 2 * m->count, "log-densities", err));
    m->variance = m->log_density + m->count;
    m->volume = SCL_NEW_ARRAY(c->arena, double, m->n);
    SCL_TRY(scl_alloc_bytes(&block, sizeof(double) * (size_t)m->n * (m->D + (size_t)m->rows), "the state of an ODE",
                            err));
    m->state = block;
    scl_stage_note(m->c, "peak_bytes", "%zu", m->field->plan->peak_bytes + scl_store_bytes(m->field->store));
    scl_info("%s: %zu samples of %zu values under %s, groups of %d on %s, %d %s", c->stage->name, m->count, m->D,
             m->field->from_path, m->n, m->field->b->info.name, m->flow.vectors,
             m->flow.exact         ? "basis vectors"
             : m->flow.vectors > 1 ? "probes"
                                   : "probe");
    return SCL_OK;
}

/* ---- results ---- */

/* -log2 of the true density at each sample over D, and what the measured one is above it: pairs, whose difference
 * is known better than either. */
static scl_mean true_bits(const measure *m, scl_mean *above)
{
    const size_t D = m->D;
    double *point = SCL_NEW_ARRAY(m->c->arena, double, D + 2 * m->count), *bits = point + D, *more = bits + m->count;
    float *x = SCL_NEW_ARRAY(m->c->arena, float, D);
    for (size_t i = 0; i < m->count; i++) {
        scl_dataset_picture(m->data, i, x);
        for (size_t d = 0; d < D; d++)
            point[d] = x[d];
        const double nats =
            scl_mixture_log_density(&m->truth, point, m->field->noise.level[m->field->noise.levels - 1], NULL);
        bits[i] = -nats / ((double)D * ln2);
        more[i] = (nats - m->log_density[i]) / ((double)D * ln2);
    }
    *above = scl_mean_of(more, NULL, m->count, 1);
    return scl_mean_of(bits, NULL, m->count, 1);
}

static void add(scl_evaluation *e, const char *name, double value, double error, double truth)
{
    scl_evaluation_add(e, name, value, isfinite(error) ? error : -1, truth);
}

static void add_values(measure *m, scl_evaluation *e)
{
    const double bit = 1 / ((double)m->D * ln2);
    const scl_mean nats = scl_mean_of(m->log_density, m->variance, m->count, m->rows);
    scl_mean above, truth = { .value = NAN };
    if (m->truth.components)
        truth = true_bits(m, &above);
    add(e, "bits_per_dim", m->offset - nats.value * bit, nats.error * bit, truth.value);
    if (isfinite(nats.probe_error))
        add(e, "probe_error", nats.probe_error * bit, -1, NAN);
    add(e, "nats_per_dim", -nats.value / (double)m->D, nats.error / (double)m->D, truth.value * ln2);
    if (m->truth.components)
        add(e, "above_true", above.value, above.error, NAN);
    add(e, "evaluations", (double)m->most, -1, NAN);
}

static scl_status save(measure *m, scl_err *err)
{
    scl_evaluation e = { .c = m->c, .values = json_object(), .event_step = (long)m->count };
    float *x = SCL_NEW_ARRAY(m->c->arena, float, m->count);
    for (size_t i = 0; i < m->count; i++)
        x[i] = (float)m->log_density[i];
    const scl_npy a = { .dtype = SCL_NPY_F32, .rank = 1, .dim = { m->count }, .data = x };
    scl_status status = scl_npy_write(&a, scl_arena_printf(m->c->arena, "%s/log_density.npy", m->c->folder), err);
    add_values(m, &e);
    json_t *head = json_pack("{s:I, s:I, s:s, s:s, s:i, s:f}", "samples", (json_int_t)m->count, "dimension",
                             (json_int_t)m->D, "split", scl_config_choice("likelihood.split", (int)m->config->split),
                             "trace", scl_config_choice("likelihood.trace", (int)m->config->trace), "probes",
                             m->flow.exact ? 0 : m->flow.vectors, "offset", m->offset);
    if (status == SCL_OK)
        status = scl_evaluation_write(&e, head, err);
    json_decref(e.values);
    scl_stage_evaluations(m->c, m->most);
    scl_stage_note(m->c, "score_evaluations", "%ld", m->most);
    return status;
}

scl_status scl_stage_likelihood(scl_stage_context *c, scl_err *err)
{
    measure m = { .c = c, .config = &c->stage->likelihood };
    scl_status status = open_all(&m, err);
    if (status == SCL_OK)
        status = measure_all(&m, err);
    if (status == SCL_OK)
        status = save(&m, err);
    if (status != SCL_OK && status != SCL_INTERRUPTED)
        scl_err_context(err, "stage %s", c->stage->name);
    scl_metrics_close(m.metrics);
    scl_events_close(m.events);
    scl_field_close(m.field);
    scl_dataset_free(m.data);
    free(m.state);
    return status;
}
