/* guard - what stands between the gradients and the optimisers.
 *
 *   grad_guard  norm  = sqrt(sumsq);  scale = min(1, div(clip, norm + 1e-6)), 1 where clip is 0
 *               flag  = step + 1 at the first loss or norm that is not finite; a set flag stays
 *   record      ring[slot] = { loss, norm, scale, step }, the step as an integer's bits
 *
 * A set flag turns every later optimiser step into nothing, so the host may look at it late: the loss is read back without
 * stalling the queue.  sumsq: operator sumsq_chain.  Kernels: cl/ops/guard.cl.  Oracles and cases: tests/ops/guard.c. */
#include <string.h>

#include "graph/arith.h"
#include "graph/op.h"
#include "graph/optim.h"

static bool not_finite(float x) { return (scl_bits_of(x) & 0x7f800000u) == 0x7f800000u; }

static void ref_guard(const scl_node *n, const scl_host_values *v)
{
    (void)n;
    const float sumsq = *(const float *)v->in[0], loss = *(const float *)v->in[1];
    const uint32_t step = ((const uint32_t *)v->in[2])[SCL_CNT_STEP], before = *(const uint32_t *)v->in[4];
    const float size = not_finite(sumsq) ? sumsq : scl_flush(scl_sqrt(sumsq)),
                clip = ((const float *)v->in[3])[SCL_COEF_CLIP];
    const float ratio = scl_div(clip, size + CLIP_EDGE);
    *(float *)v->out[0] = clip > 0.0f && ratio < 1.0f ? scl_flush(ratio) : 1.0f;
    *(float *)v->out[1] = size;
    *(uint32_t *)v->out[2] = before == 0 && (not_finite(sumsq) || not_finite(loss)) ? step + 1 : before;
}

static void ref_record(const scl_node *n, const scl_host_values *v)
{
    const size_t R = (size_t)scl_dim(n, 'R'), S = (size_t)scl_dim(n, 'S');
    const uint32_t *counters = v->in[4];
    if (v->out[0] != v->in[0])
        memcpy(v->out[0], v->in[0], sizeof(float) * R * S);
    uint32_t *row = (uint32_t *)v->out[0] + counters[SCL_CNT_SLOT] % R * S;
    memcpy(&row[SCL_RECORD_LOSS], v->in[1], sizeof *row);
    memcpy(&row[SCL_RECORD_NORM], v->in[2], sizeof *row);
    memcpy(&row[SCL_RECORD_SCALE], v->in[3], sizeof *row);
    row[SCL_RECORD_STEP] = counters[SCL_CNT_STEP];
}

static scl_status shape_record(scl_node *n, scl_err *err)
{
    if (scl_dim(n, 'S') < SCL_RECORD_SIZE)
        return scl_fail(err, SCL_FAILED, "record: a row of the ring needs %d values", SCL_RECORD_SIZE);
    return SCL_OK;
}

static scl_status launch_guard(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "grad_guard", scl_groups(1, 1, 1, 1), SCL_BUF(sumsq), SCL_BUF(loss), SCL_BUF(counters),
                      SCL_BUF(coef), SCL_BUF(flag), SCL_BUF(scale), SCL_BUF(norm), SCL_BUF(flag_out));
}

static scl_status launch_record(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "record", scl_groups(1, 1, 1, 1), SCL_BUF(loss), SCL_BUF(norm), SCL_BUF(scale),
                      SCL_BUF(counters), SCL_BUF(ring_out), SCL_I32(R, scl_dim(n, 'R')), SCL_I32(S, scl_dim(n, 'S')));
}

static const scl_op op_grad_guard = {
    .name = "grad_guard", .family = "guard", .brief = "gradient norm, clipping factor, flag of what is not finite",
    .formula = "norm = sqrt(sumsq); scale = min(1, clip/(norm + 1e-6))",
    .in = { "sumsq f32[1] > 0", "loss f32[1]", "counters u32[16]", "coef f32[16]", "flag u32[1]" },
    .out = { "scale f32[1]", "norm f32[1]", "flag_out u32[1] @flag" },
    .ref = ref_guard, .impl = { { .name = "single", .launch = launch_guard } },
};

static const scl_op op_record = {
    .name = "record", .family = "guard", .brief = "writes a step's loss, norm and scale into the metrics ring",
    .formula = "ring[slot] = { loss, norm, scale, step }",
    .in = { "ring f32[R,S]", "loss f32[1]", "norm f32[1]", "scale f32[1]", "counters u32[16]" },
    .out = { "ring_out f32[R,S] @ring" },
    .shape = shape_record, .ref = ref_record, .impl = { { .name = "single", .launch = launch_record } },
};

scl_family scl_family_guard = { &op_grad_guard, &op_record, NULL };
