/* Algorithm clblast: columns (im2col) times weights by CLBlast, in chunks of samples so that the columns stay
 * within 64 MiB (or are one sample's).  Its order of sums is its own: within a tolerance of the definition,
 * not its bits.  The weight gradient of a run is one sum; it is kept in slot 0 of the stack, all other slots
 * zero, which is what batch_root needs to find it. */
#include "ops/conv_shape.h"

enum { MOST_COLUMNS = 64 << 20, ALIGN = 4096 }; /* ALIGN: no device asks for more of a buffer's offset */

static bool is_pointwise(const scl_conv_shape *s) { return s->R == 1 && s->S == 1; }
static size_t divide_up(size_t n, size_t by) { return (n + by - 1) / by; }

static int samples_of_chunk(const scl_conv_shape *s)
{
    const size_t sample = sizeof(float) * (size_t)s->H * s->W * s->R * s->S * s->C,
                 most = MOST_COLUMNS / sample;
    return most < 1 ? 1 : most > (size_t)s->N ? s->N : (int)most;
}

static size_t columns_bytes(const scl_conv_shape *s)
{
    const size_t bytes = sizeof(float) * (size_t)samples_of_chunk(s) * s->H * s->W * s->R * s->S * s->C;
    return is_pointwise(s) ? 0 : divide_up(bytes, ALIGN) * ALIGN;
}

static size_t weights_bytes(const scl_conv_shape *s)
{
    return sizeof(float) * (size_t)s->R * s->S * s->C * s->K;
}

bool scl_conv_gemm_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device, (void)tune;
    return scl_conv_is(n, "clblast");
}

size_t scl_conv_gemm_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device, (void)tune;
    const scl_conv_shape s = scl_conv_shape_of(n);
    return columns_bytes(&s) + (s.flipped && !is_pointwise(&s) ? weights_bytes(&s) : 0);
}

size_t scl_conv_dw_gemm_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device, (void)tune;
    const scl_conv_shape s = scl_conv_shape_of(n);
    return columns_bytes(&s) + weights_bytes(&s);
}

static scl_grid rows_grid(const scl_launcher *q, size_t rows, size_t taps)
{
    const size_t WG = (size_t)scl_tune_get(scl_launcher_tune(q), "WG");
    return scl_groups(WG, divide_up(rows, WG), taps, 1);
}

/* The operand [rows of the chunk][taps*C] of the product: the columns, or the tensor itself for a 1x1 kernel.
 */
static scl_status columns_of(scl_launcher *q, const scl_node *n, const scl_conv_shape *s, int n0, int rows,
                             scl_gemm *gemm, scl_err *err)
{
    gemm->lda = s->R * s->S * s->C;
    gemm->a = SCL_BUF_AS(a, s->in);
    gemm->a_offset = (size_t)n0 * s->H * s->W * (size_t)s->C;
    if (is_pointwise(s))
        return SCL_OK;
    gemm->a = SCL_WORK(a, 0, columns_bytes(s));
    gemm->a_offset = 0;
    return SCL_LAUNCH(q, n, err, "conv_columns", rows_grid(q, (size_t)rows, (size_t)(s->R * s->S)),
                      SCL_BUF_AS(x, s->in), SCL_WORK(columns, 0, columns_bytes(s)), SCL_I32(n0, n0),
                      SCL_I32(pixels, rows), SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(C, s->C),
                      SCL_I32(R, s->R), SCL_I32(S, s->S), SCL_I32(dilation, s->dilation));
}

scl_status scl_conv_gemm_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape shape = scl_conv_shape_of(n), *s = &shape;
    const int P = s->H * s->W, taps = s->R * s->S, chunk = samples_of_chunk(s);
    scl_gemm gemm = { .n = s->K,
                      .k = taps * s->C,
                      .alpha = 1.0f,
                      .b = SCL_BUF_AS(b, s->weights),
                      .ldb = s->K,
                      .c = SCL_BUF_AS(c, s->out),
                      .ldc = s->K };
    if (s->flipped && is_pointwise(s)) {
        gemm.tb = true;
        gemm.ldb = s->C;
    } else if (s->flipped) {
        gemm.b = SCL_WORK(b, columns_bytes(s), weights_bytes(s));
        SCL_TRY(SCL_LAUNCH(q, n, err, "conv_flip", rows_grid(q, (size_t)(taps * s->C), 1),
                           SCL_BUF_AS(w, s->weights), SCL_WORK(flipped, columns_bytes(s), weights_bytes(s)),
                           SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(taps, taps)));
    }
    for (int n0 = 0; n0 < s->N; n0 += chunk) {
        gemm.m = (s->N - n0 < chunk ? s->N - n0 : chunk) * P;
        gemm.c_offset = (size_t)n0 * P * (size_t)s->K;
        SCL_TRY(columns_of(q, n, s, n0, gemm.m, &gemm, err));
        SCL_TRY(scl_launch_gemm(q, n, err, &gemm));
    }
    const int rows = s->N * P;
    scl_launch_arg bias = SCL_BUF_AS(bias, s->has_bias ? "bias" : s->weights);
    return SCL_LAUNCH(q, n, err, "conv_finish", rows_grid(q, (size_t)rows, 1), bias, SCL_BUF_AS(y, s->out),
                      SCL_I32(rows, rows), SCL_I32(K, s->K), SCL_I32(has_bias, s->has_bias));
}

scl_status scl_conv_dw_gemm_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape shape = scl_conv_shape_of(n), *s = &shape;
    const int P = s->H * s->W, rows = s->R * s->S * s->C, chunk = samples_of_chunk(s);
    const size_t at = columns_bytes(s), bytes = weights_bytes(s);
    scl_gemm gemm = { .ta = true,
                      .m = rows,
                      .n = s->K,
                      .alpha = 1.0f,
                      .b = SCL_BUF_AS(b, s->weights),
                      .ldb = s->K,
                      .c = SCL_WORK(c, at, bytes),
                      .ldc = s->K };
    for (int n0 = 0; n0 < s->N; n0 += chunk) {
        gemm.k = (s->N - n0 < chunk ? s->N - n0 : chunk) * P;
        gemm.b_offset = (size_t)n0 * P * (size_t)s->K;
        gemm.beta = n0 ? 1.0f : 0.0f;
        SCL_TRY(columns_of(q, n, s, n0, gemm.k, &gemm, err));
        SCL_TRY(scl_launch_gemm(q, n, err, &gemm));
    }
    return SCL_LAUNCH(q, n, err, "conv_deposit", rows_grid(q, (size_t)rows, 1), SCL_WORK(sum, at, bytes),
                      SCL_BUF(counters), SCL_BUF_AS(stack, s->out), SCL_I32(rows, rows), SCL_I32(K, s->K),
                      SCL_I32(T, scl_dim(n, 'T')));
}
