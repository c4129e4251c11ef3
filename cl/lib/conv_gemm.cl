// What stands around CLBlast's product: columns (im2col), flipped weights, bias and flush, the run's weight gradient as
// a leaf.  The order of sums is CLBlast's own: equal to the definition within a tolerance, not in bits.
// Needs WG, lib/math.cl.
#ifndef LIB_CONV_GEMM_CL
#define LIB_CONV_GEMM_CL

// columns[pixel][tap][c] of so many samples from sample n0 on.  A work-item per pixel and tap.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void conv_columns(global const float *restrict x, global float *restrict columns, const int n0, const int pixels,
                         const int H, const int W, const int C, const int R, const int S, const int dilation)
{
    const int p = (int)get_global_id(0), tap = (int)get_global_id(1), ky = tap / S;
    if (p >= pixels)
        return;
    const int row = p / W, ys = row % H + (ky - R / 2) * dilation, xs = p - row * W + (tap - ky * S - S / 2) * dilation;
    const int inside = (ys >= 0) & (ys < H) & (xs >= 0) & (xs < W);
    global const float *from = x + ((((size_t)n0 + row / H) * H + (inside ? ys : 0)) * W + (inside ? xs : 0)) * C;
    global float *to = columns + ((size_t)p * R * S + tap) * C;
    for (int c = 0; c < C; c++)
        to[c] = inside ? from[c] : 0.0f;
}

// w'[tap][c][k] = w[taps-1-tap][k][c].  A work-item per row of w'.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void conv_flip(global const float *restrict w, global float *restrict flipped, const int C, const int K,
                      const int taps)
{
    const int row = (int)get_global_id(0), tap = row / C, c = row - tap * C;
    if (row >= taps * C)
        return;
    for (int k = 0; k < K; k++)
        flipped[(size_t)row * K + k] = w[((size_t)(taps - 1 - tap) * K + k) * C + c];
}

// y = flush(y + bias); bias is not read without has_bias.  A work-item per row of K.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void conv_finish(global const float *restrict bias, global float *restrict y, const int rows, const int K,
                        const int has_bias)
{
    const int row = (int)get_global_id(0);
    if (row >= rows)
        return;
    for (int k = 0; k < K; k++)
        y[(size_t)row * K + k] = scl_flush(y[(size_t)row * K + k] + (has_bias ? bias[k] : 0.0f));
}

// The run's sum goes into slot 0 and nothing into the others, so that batch_root finds the batch's sum.
// A work-item per row of K.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void conv_deposit(global const float *restrict sum, global const uint *restrict counters, global float *restrict stack,
                         const int rows, const int K, const int T)
{
    const int row = (int)get_global_id(0);
    if (row >= rows)
        return;
    const int first = counters[CNT_POSITION] == 0u;
    for (int k = 0; k < K; k++) {
        const size_t i = (size_t)row * K + k, level = (size_t)rows * K;
        stack[i] = scl_flush(first ? sum[i] : stack[i] + sum[i]);
        for (int t = 1; t < T; t++)
            stack[t * level + i] = 0.0f;
    }
}

#endif
