/* Oracles and cases of the guard and of the metrics ring. */
#include <math.h>
#include <string.h>

#include "graph/optim.h"
#include "op_harness.h"

static void clip_at_one(const t_case *t) { t_f32_in(t, "coef")[SCL_COEF_CLIP] = 1.0f; }
static void no_clip(const t_case *t) { t_f32_in(t, "coef")[SCL_COEF_CLIP] = 0.0f; }

static void bad_loss(const t_case *t)
{
    clip_at_one(t);
    t_f32_in(t, "loss")[0] = NAN;
}

static void oracle_guard(const t_case *t)
{
    const double norm = sqrt(t_f64(t, "sumsq")[0]), clip = t_f64(t, "coef")[SCL_COEF_CLIP],
                 ratio = clip / (norm + 1e-6);
    t_f64(t, "norm")[0] = norm;
    t_f64(t, "scale")[0] = clip > 0 && ratio < 1 ? ratio : 1.0;
    const uint32_t before = t_u32(t, "flag")[0];
    t_u32_out(t, "flag_out")[0] = before == 0 && !isfinite(t_f64(t, "loss")[0])
                                      ? t_u32(t, "counters")[SCL_CNT_STEP] + 1
                                      : before;
}

static void oracle_record(const t_case *t)
{
    const double *ring = t_f64(t, "ring");
    double *after = t_f64(t, "ring_out");
    const uint32_t *counters = t_u32(t, "counters");
    for (size_t i = 0; i < t_count(t, "ring"); i++)
        after[i] = ring[i];
    float step;
    memcpy(&step, &counters[SCL_CNT_STEP], sizeof step);
    double *row = after + counters[SCL_CNT_SLOT] * (uint32_t)t_dim(t, 'S');
    row[SCL_RECORD_LOSS] = t_f64(t, "loss")[0];
    row[SCL_RECORD_NORM] = t_f64(t, "norm")[0];
    row[SCL_RECORD_SCALE] = t_f64(t, "scale")[0];
    row[SCL_RECORD_STEP] = (double)step;
}

static const t_case cases_guard[] = {
    { "clipped",   "", .fill = { { "flag", 0 }, { "sumsq", 49 } }, .prepare = clip_at_one },      /* norm 7: scale 1/7        */
    { "unclipped", "", .fill = { { "flag", 0 }, { "sumsq", 0.25 } }, .prepare = clip_at_one },    /* below the limit: 1       */
    { "no_limit",  "", .fill = { { "flag", 0 }, { "sumsq", 49 } }, .prepare = no_clip },          /* clip 0 clips nothing     */
    { "zero",      "", .fill = { { "flag", 0 }, { "sumsq", 0 } }, .prepare = clip_at_one },       /* root of 0                */
    { "not_finite", "", .fill = { { "flag", 0 }, { "sumsq", 4 } }, .prepare = bad_loss, .counters = "step=6" },   /* flag 7   */
    { "second",    "", .fill = { { "flag", 3 }, { "sumsq", 4 } }, .prepare = bad_loss, .counters = "step=6" },    /* stays 3  */
};

static const t_case cases_record[] = {
    { "first_row", "R=4 S=4", .counters = "slot=0 step=1", .raw = true },
    { "last_row",  "R=5 S=6", .counters = "slot=4 step=70000", .raw = true },      /* rows longer than a record; the rest stays */
};

static const t_op ops[] = { T_OP(grad_guard, oracle_guard, cases_guard), T_OP(record, oracle_record, cases_record) };
OP_TESTS(guard, ops)
