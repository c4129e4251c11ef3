/* The evaluate stage: what the samples are like, or how good the score is.  Results: evaluation.json, the log, neighbours.png. */
#include "run/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "run/events.h"
#include "run/picture.h"
#include "score/mixture.h"

void scl_evaluation_add(scl_evaluation *e, const char *name, double value, double error, double truth)
{
    json_t *v = json_object();
    if (!e->not_finite && (!isfinite(value) || isnan(error) || isinf(error)))
        e->not_finite = name;
    json_object_set_new(v, "value", json_real(value));
    const char *text = scl_arena_printf(e->c->arena, "%s: %-20s %.6g", e->c->stage->name, name, value);
    if (error >= 0) {
        json_object_set_new(v, "error", json_real(error));
        text = scl_arena_printf(e->c->arena, "%s +- %.2g", text, error);
    }
    if (isfinite(truth)) {
        json_object_set_new(v, "true", json_real(truth));
        text = scl_arena_printf(e->c->arena, "%s (true: %.6g)", text, truth);
    }
    json_object_set_new(e->values, name, v);
    scl_info("%s", text);
}

/* A distance is named by what it compares: frechet of pixels or points, frechet_classifier of a classifier's
 * features. */
static void add(scl_evaluation *e, const char *name, scl_estimate v)
{
    const bool features = e->config->features == SCL_FEATURES_CLASSIFIER;
    scl_evaluation_add(e, features ? scl_arena_printf(e->c->arena, "%s_classifier", name) : name, v.value,
                       v.error, NAN);
}

/* Mean over all values, and the mean over the coordinates of their variances; errors from the spread over samples. */
static scl_status moments(scl_evaluation *e, scl_err *err)
{
    const scl_set *s = &e->made_set;
    const size_t n = s->count, D = (size_t)s->width;
    if (n < 2)
        return scl_fail(err, SCL_FAILED, "moments need at least 2 samples, not %zu", n);
    double *mean = SCL_NEW_ARRAY(e->c->arena, double, D), whole = 0, means = 0, sum = 0, square = 0;
    for (size_t i = 0; i < n * D; i++)
        mean[i % D] += s->x[i] / (double)n;
    for (size_t d = 0; d < D; d++)
        whole += mean[d] / (double)D;
    for (size_t i = 0; i < n; i++) {
        double away = 0, level = 0;
        for (size_t d = 0; d < D; d++) {
            const double v = s->x[i * D + d] - mean[d];
            away += v * v / (double)D;
            level += s->x[i * D + d] / (double)D;
        }
        means += (level - whole) * (level - whole);
        sum += away;
        square += away * away;
    }
    const double N = (double)n, variance = sum / (N - 1);
    scl_evaluation_add(e, "mean", whole, sqrt(means / (N - 1) / N), NAN);
    scl_evaluation_add(e, "variance", variance, scl_estimate_mean(sum, square, N).error, NAN);
    return SCL_OK;
}

/* Share of the samples that are nearest to each mean. */
static void modes(scl_evaluation *e)
{
    const scl_mixture m = scl_mixture_of(&e->c->stage->data.points, e->c->arena);
    const size_t n = e->made_set.count;
    size_t count[SCL_MOST_COMPONENTS] = { 0 };
    double *x = SCL_NEW_ARRAY(e->c->arena, double, m.dimension);
    for (size_t i = 0; i < n; i++) {
        for (int d = 0; d < m.dimension; d++)
            x[d] = e->made[i * (size_t)m.dimension + (size_t)d];
        count[scl_mixture_nearest(&m, x, NULL)]++;
    }
    for (int k = 0; k < m.components; k++) {
        const double p = (double)count[k] / (double)n;
        scl_evaluation_add(e, scl_arena_printf(e->c->arena, "modes.%d", k), p, sqrt(p * (1 - p) / (double)n), m.weight[k]);
    }
}

static scl_status distances(scl_evaluation *e, scl_err *err)
{
    const scl_evaluate_config *c = e->config;
    const unsigned what = c->metrics;
    const scl_set *made = &e->made_view, *real = &e->real_view;
    const volatile sig_atomic_t *stop = e->c->stop;
    scl_estimate a = { .error = -1 }, b;
    if (what & SCL_METRIC_FRECHET) {
        SCL_TRY(scl_frechet_distance(&a.value, real, made, stop, err));
        add(e, "frechet", a);
    }
    if (what & SCL_METRIC_KERNEL) {
        SCL_TRY(scl_kernel_distance(&a, real, made, c->blocks, stop, err));
        add(e, "kid", a);
    }
    if (what & SCL_METRIC_PRECISION_RECALL) {
        SCL_TRY(scl_precision_recall(&a, &b, real, made, c->neighbours, stop, err));
        add(e, "precision", a);
        add(e, "recall", b);
    }
    if (what & SCL_METRIC_WASSERSTEIN) {
        SCL_TRY(scl_sliced_wasserstein(&a, real, made, c->projections, e->c->config->seed, stop, err));
        add(e, "wasserstein", a);
    }
    return SCL_OK;
}

scl_status scl_evaluation_neighbours(scl_evaluation *e, scl_err *err)
{
    enum { ROWS = 10 };
    const size_t D = (size_t)e->made_set.width;
    const int k = e->config->neighbours, columns = k + 1;
    scl_set first = e->made_view;
    first.count = first.count < ROWS ? first.count : ROWS;
    if ((size_t)k > e->real_set.count)
        return scl_fail(err, SCL_FAILED, "%d neighbours among %zu pictures", k, e->real_set.count);
    int *index = SCL_NEW_ARRAY(e->c->arena, int, first.count * (size_t)k);
    double *distance = SCL_NEW_ARRAY(e->c->arena, double, first.count * (size_t)k), sum = 0, square = 0;
    float *x;
    SCL_TRY(SCL_TAKE_ARRAY(&x, e->c->arena, first.count * (size_t)columns * D, "the pictures of the nearest neighbours", err));
    scl_nearest_rows(&first, &e->real_view, k, false, index, distance);
    for (size_t i = 0; i < first.count; i++) {
        memcpy(x + i * (size_t)columns * D, e->made + i * D, sizeof *x * D);
        for (int j = 0; j < k; j++)
            memcpy(x + (i * (size_t)columns + 1 + (size_t)j) * D, e->real + (size_t)index[i * (size_t)k + (size_t)j] * D, sizeof *x * D);
        sum += distance[i * (size_t)k];
        square += distance[i * (size_t)k] * distance[i * (size_t)k];
    }
    const double n = (double)first.count, spread = square / n - (sum / n) * (sum / n);
    add(e, "nearest", (scl_estimate){ sum / n, n > 1 ? sqrt((spread > 0 ? spread : 0) / (n - 1)) : -1 });
    const scl_pictures p = { .x = x, .count = first.count * (size_t)columns, .height = e->height, .width = e->width,
                             .channels = e->channels };
    return scl_picture_grid(&p, columns, 2, scl_arena_printf(e->c->arena, "%s/neighbours.png", e->c->folder), err);
}

static scl_status evaluate(scl_evaluation *e, scl_err *err)
{
    const unsigned what = e->config->metrics;
    SCL_TRY(scl_evaluation_read(e, err));
    if (e->made)
        scl_info("%s: %zu samples of %s, %zu of the reference", e->c->stage->name, e->made_set.count, e->made_from, e->real_set.count);
    SCL_TRY(scl_evaluation_look(e, err));
    if (what & SCL_METRIC_MOMENTS)
        SCL_TRY(moments(e, err));
    if (what & SCL_METRIC_MODES)
        modes(e);
    if (what & SCL_METRIC_FISHER)
        SCL_TRY(scl_evaluation_fisher(e, err));
    if (what & SCL_METRIC_CLASSES)
        scl_evaluation_classes(e);
    if (what & SCL_METRIC_LOSS)
        SCL_TRY(scl_evaluation_loss(e, err));
    if (what & SCL_METRIC_DENSITY)
        SCL_TRY(scl_evaluation_density(e, err));
    SCL_TRY(distances(e, err));
    return what & SCL_METRIC_NEIGHBOURS ? scl_evaluation_neighbours(e, err) : SCL_OK;
}

/* The values as scalars, and the picture of the neighbours. */
static scl_status show_values(scl_evaluation *e, scl_err *err)
{
    const char *picture = scl_arena_printf(e->c->arena, "%s/neighbours.png", e->c->folder), *name;
    scl_events *events;
    json_t *value;
    SCL_TRY(scl_events_open_stage(&events, e->c, e->event_step, err));
    scl_status status = SCL_OK;
    json_object_foreach(e->values, name, value) {
        const double number = json_number_value(json_object_get(value, "value"));
        if (status == SCL_OK)
            status = scl_events_scalars(events, e->event_step, &name, &number, 1, err);
    }
    if (status == SCL_OK && events && scl_file_exists(picture))
        status = scl_events_picture(events, e->event_step, "neighbours", picture, err);
    scl_events_close(events);
    return status;
}

scl_status scl_evaluation_write(scl_evaluation *e, json_t *head, scl_err *err)
{
    json_object_set(head, "values", e->values);
    char *text = e->not_finite ? NULL : json_dumps(head, JSON_INDENT(2) | JSON_PRESERVE_ORDER), hex[65];
    json_decref(head);
    if (e->not_finite)
        return scl_fail(err, SCL_FAILED, "%s, or its error, is not finite", e->not_finite);
    if (!text)
        return scl_fail(err, SCL_FAILED, "not enough host memory for evaluation.json");
    const char *path = scl_arena_printf(e->c->arena, "%s/evaluation.json", e->c->folder);
    const scl_status status = scl_file_write(path, text, strlen(text), NULL, err);
    scl_sha256_of(text, strlen(text), hex);
    scl_stage_result(e->c, hex);
    free(text);
    return status == SCL_OK ? show_values(e, err) : status;
}

scl_status scl_stage_evaluate(scl_stage_context *c, scl_err *err)
{
    scl_evaluation e = { .c = c, .config = &c->stage->evaluate, .values = json_object() };
    scl_status status = evaluate(&e, err);
    if (status == SCL_INTERRUPTED)
        status = scl_stage_interrupted(c, -1, err);
    if (status == SCL_OK)
        status = scl_evaluation_write(&e, json_pack("{s:i, s:i, s:s}", "samples", (int)e.made_set.count, "reference",
                                                    (int)e.real_set.count, "features",
                                                    scl_config_choice("stage.features", (int)e.config->features)), err);
    if (status != SCL_OK && status != SCL_INTERRUPTED)
        scl_err_context(err, "stage %s", c->stage->name);
    json_decref(e.values);
    free(e.made);
    free(e.real);
    free(e.made_class);
    free(e.real_class);
    free(e.made_features);
    free(e.real_features);
    return status;
}
