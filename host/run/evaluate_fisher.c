/* Fisher divergence: how far a network's score is from the true one, where the density is known.
 *
 *   fisher           1/2 E |s(x) - grad log p(x)|^2 over the reference                          (Hyvarinen 2005)
 *   fisher.inside    the same over points drawn uniformly in a box that lie in a mode: nearer to some mean than `radius` standard
 *   fisher.outside   deviations of its component; and over those in none: where there are no data to learn from
 *
 * With a level both scores are those of the density with its noise, and the reference gets that noise too. */
#include <math.h>

#include "graph/arith.h"
#include "run/evaluate.h"
#include "run/field.h"
#include "score/mixture.h"
#include "score/noise.h"

enum { SUB_BOX = 1, SUB_NOISE = 2 };         /* of the stream; 0: directions (score/wasserstein.c) */

typedef struct sums { double sum, square; size_t n; } sums;

static void count(sums *s, double v)
{
    s->sum += v;
    s->square += v * v;
    s->n++;
}

static void add(scl_evaluation *e, const char *name, const sums *s)
{
    const scl_estimate mean = scl_estimate_mean(s->sum, s->square, (double)s->n);
    if (s->n > 1)
        scl_evaluation_add(e, name, mean.value, mean.error, NAN);
}

/* Point i of the box, or the noise of point i. */
static void draw(const scl_evaluation *e, size_t i, size_t D, uint32_t sub, double scale, float *x)
{
    for (size_t d = 0; d < D; d += 4) {
        const scl_words w = scl_random(e->c->config->seed, (uint32_t)(d / 4), (uint32_t)i, 0, SCL_STREAM_EVALUATE, sub);
        float z[4];
        scl_normal2(w.w[0], w.w[1], &z[0], &z[1]);
        scl_normal2(w.w[2], w.w[3], &z[2], &z[3]);
        for (size_t k = 0; k < 4 && d + k < D; k++)
            x[d + k] = sub == SUB_BOX ? (float)(scale * (w.w[k] * 0x1p-31 - 1)) : x[d + k] + (float)(scale * (double)z[k]);
    }
}

typedef struct comparison {
    scl_evaluation *e;
    scl_field *field;
    scl_mixture truth;
    int level;                               /* the network's label */
    double sigma, alpha;                     /* of the level; 0 and 1: none */
} comparison;

static bool is_inside(const comparison *c, const double *x)
{
    const scl_mixture *m = &c->truth;
    for (int k = 0; k < m->components; k++) {
        double away = 0;
        for (int d = 0; d < m->dimension; d++)
            away += (x[d] - m->mean[k * m->dimension + d]) * (x[d] - m->mean[k * m->dimension + d]);
        const double radius = c->e->config->fisher.radius * sqrt(m->sigma[k] * m->sigma[k] + c->sigma * c->sigma);
        if (away < radius * radius)
            return true;
    }
    return false;
}

/* Half the squared distance of the two scores at each of the points: into whole, or by place. */
static scl_status compare(const comparison *c, const float *x, size_t n, sums *whole, sums *inside, sums *outside, scl_err *err)
{
    const size_t D = (size_t)c->truth.dimension;
    float *score;
    double *point = SCL_NEW_ARRAY(c->e->c->arena, double, 2 * D), *truth = point + D;
    SCL_TRY(SCL_TAKE_ARRAY(&score, c->e->c->arena, n * D, "scores", err));
    SCL_TRY(scl_field_values(c->field, x, n, c->level, score, err));
    for (size_t i = 0; i < n; i++) {
        double half = 0;
        for (size_t d = 0; d < D; d++)
            point[d] = x[i * D + d];
        scl_mixture_log_density(&c->truth, point, c->sigma, truth);
        for (size_t d = 0; d < D; d++)
            half += 0.5 * (score[i * D + d] - truth[d]) * (score[i * D + d] - truth[d]);
        count(whole ? whole : is_inside(c, point) ? inside : outside, half);
    }
    return SCL_OK;
}

static scl_status run(comparison *c, scl_err *err)
{
    scl_evaluation *e = c->e;
    const size_t D = (size_t)c->truth.dimension, n = e->real_set.count, m = (size_t)e->config->fisher.points;
    sums whole = { 0 }, inside = { 0 }, outside = { 0 };
    if (c->field->dimension != D)
        return scl_fail(err, SCL_FAILED, "the network takes points of %zu values, the mixture's have %zu",
                        c->field->dimension, D);
    float *x;
    SCL_TRY(SCL_TAKE_ARRAY(&x, e->c->arena, (n > m ? n : m) * D, "points to compare scores at", err));
    for (size_t i = 0; i < n * D; i++)
        x[i] = (float)(c->alpha * (double)e->real[i]);
    for (size_t i = 0; i < n && c->sigma > 0; i++)
        draw(e, i, D, SUB_NOISE, c->sigma, x + i * D);
    SCL_TRY(compare(c, x, n, &whole, NULL, NULL, err));
    for (size_t i = 0; i < m; i++)
        draw(e, i, D, SUB_BOX, e->config->fisher.box, x + i * D);
    SCL_TRY(compare(c, x, m, NULL, &inside, &outside, err));
    add(e, "fisher", &whole);
    add(e, "fisher.inside", &inside);
    add(e, "fisher.outside", &outside);
    return SCL_OK;
}

scl_status scl_evaluation_fisher(scl_evaluation *e, scl_err *err)
{
    const int level = e->config->fisher.level;
    const scl_mixture clean = scl_mixture_of(&e->c->stage->data.points, e->c->arena);
    scl_noise noise;
    SCL_TRY(scl_noise_of(&noise, e->c->arena, &e->c->stage->noise, 2.0, false, err));
    comparison c = { .e = e, .level = level ? level - 1 : noise.levels - 1,
                     .sigma = level ? noise.level[level - 1] : 0,
                     .alpha = level ? scl_noise_alpha(&noise, level - 1) : 1 };
    c.truth = scl_mixture_scaled(&clean, c.alpha, e->c->arena);
    SCL_TRY(scl_field_open(&c.field, e->c, SCL_FIELD_POINTS, SCL_FIELD_SCORE, err));
    const scl_status status = run(&c, err);
    scl_field_close(c.field);
    return status;
}
