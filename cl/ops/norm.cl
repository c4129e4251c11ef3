// norm - see host/ops/norm.c and host/ops/norm_grad.c.  VEC: channels of a work-item; WG: work-items of a group.
// Neither changes a bit: the order of every sum is that of the 4x4 leaves, of sum64 and of the flat row.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 1
#endif
#include "lib/vec.cl"
#include "lib/math.cl"
#include "lib/sum.cl"
#ifndef CUT
#define CUT 0       /* VEC divides the channels */
#endif
#include "lib/fused.cl"
#include "lib/norm_walk.cl"

// Sums of the pixels of one leaf of h x w; full leaves are unrolled.
static floatV leaf_sum(global const float *p, const int h, const int w, const int W, const int C)
{
    floatV s = (floatV)(0.0f);
    if (h == SUM_LEAF && w == SUM_LEAF) {
#pragma unroll
        for (int k = 0; k < SUM_LEAF * SUM_LEAF; k++)
            s += vloadV(p + (size_t)(k / SUM_LEAF * W + k % SUM_LEAF) * C);
        return s;
    }
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            s += vloadV(p + (size_t)(y * W + x) * C);
    return s;
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void pixel_sum(global const float *restrict x, global float *restrict s, const int H, const int W, const int C,
                      const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, n = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *p = x + (size_t)n * H * W * C + c;
    sum64_v sum;
    sum64_clear_v(&sum);
    int leaf = 0;
    for (int by = 0; by < H; by += SUM_LEAF)
        for (int bx = 0; bx < W; bx += SUM_LEAF)
            sum64_join_v(&sum, leaf++, leaf_sum(p + (size_t)(by * W + bx) * C, min(SUM_LEAF, H - by), min(SUM_LEAF, W - bx), W, C));
    vstoreV(scl_flush_v(sum64_total_v(&sum)), s + (size_t)n * C + c);
}

// An item is a row of pixels.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void pixel_spread(global const float *restrict s, global float *restrict x, const int H, const int W, const int C,
                         const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    const floatV v = scl_flush_v(vloadV(s + (size_t)(row / H) * C + c));
    global float *p = x + (size_t)row * W * C + c;
    for (int i = 0; i < W; i++)
        vstoreV(v, p + (size_t)i * C);
}

// fma(cnt * e, e, M) of one leaf: its share of the sum of squared distances from mu.  inv = 1/(h*w).
static floatV leaf_spread(global const float *p, const int h, const int w, const int W, const int C, const float inv,
                          const floatV mu)
{
    floatV s = (floatV)(0.0f), squares = (floatV)(0.0f);
    floatV m;
    if (h == SUM_LEAF && w == SUM_LEAF) {
        floatV v[SUM_LEAF * SUM_LEAF];
#pragma unroll
        for (int k = 0; k < SUM_LEAF * SUM_LEAF; k++) {
            v[k] = vloadV(p + (size_t)(k / SUM_LEAF * W + k % SUM_LEAF) * C);
            s += v[k];
        }
        m = s * inv;
#pragma unroll
        for (int k = 0; k < SUM_LEAF * SUM_LEAF; k++) {
            const floatV d = v[k] - m;
            squares = fma(d, d, squares);
        }
    } else {
        m = leaf_sum(p, h, w, W, C) * inv;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                const floatV d = vloadV(p + (size_t)(y * W + x) * C) - m;
                squares = fma(d, d, squares);
            }
    }
    const floatV e = m - mu, t = e * (float)(h * w);
    return fma(t, e, squares);
}

// inv_right, inv_bottom, inv_corner: 1 / number of pixels of a leaf at that edge.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void pixel_stats(global const float *restrict x, global float *restrict mean, global float *restrict variance,
                        const int H, const int W, const int C, const int items, const float inv_pixels,
                        const float inv_right, const float inv_bottom, const float inv_corner)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, n = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *p = x + (size_t)n * H * W * C + c;
    sum64_v sum;
    sum64_clear_v(&sum);
    int leaf = 0;
    for (int by = 0; by < H; by += SUM_LEAF)
        for (int bx = 0; bx < W; bx += SUM_LEAF)
            sum64_join_v(&sum, leaf++, leaf_sum(p + (size_t)(by * W + bx) * C, min(SUM_LEAF, H - by), min(SUM_LEAF, W - bx), W, C));
    const floatV mu = scl_flush_v(sum64_total_v(&sum) * inv_pixels);
    vstoreV(mu, mean + (size_t)n * C + c);
    sum64_clear_v(&sum);
    leaf = 0;
    for (int by = 0; by < H; by += SUM_LEAF)
        for (int bx = 0; bx < W; bx += SUM_LEAF) {
            const int h = min(SUM_LEAF, H - by), w = min(SUM_LEAF, W - bx);
            const float inv = h == SUM_LEAF ? (w == SUM_LEAF ? 0x1p-4f : inv_right) : (w == SUM_LEAF ? inv_bottom : inv_corner);
            sum64_join_v(&sum, leaf++, leaf_spread(p + (size_t)(by * W + bx) * C, h, w, W, C, inv, mu));
        }
    vstoreV(scl_flush_v(sum64_total_v(&sum) * inv_pixels), variance + (size_t)n * C + c);
}

// One group per sample.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void channel_stats(global const float *restrict mean, global float *restrict m, global float *restrict v, const int C,
                          const float inv_c, const float inv_c1)
{
    local float lane[SUM_ROUND * SUM_LANES];
    const int n = (int)get_group_id(0);
    global const float *mu = mean + (size_t)n * C;
    const float sum = flat_sum(mu, C, lane), centre = scl_flush(sum * inv_c);
    const float squares = flat_product(0, mu, centre, C, lane);
    if (get_local_id(0) == 0) {
        m[n] = centre;
        v[n] = scl_flush(squares * inv_c1);
    }
}

// VEC channels: a and b from their row and the statistics of the sample.
static void norm_coefs(global const float *row, const floatV mean, const floatV variance, const float m, const float v, const int C,
                       const float eps, global float *a, global float *b)
{
    const floatV gamma = vloadV(row), alpha = vloadV(row + C), beta = vloadV(row + 2 * C);
    const floatV sigma = scl_sqrt_v(variance + eps), tau = (floatV)(scl_sqrt(v + eps));
    const floatV mhat = scl_div_v(mean - m, tau), shift = gamma * alpha;
    vstoreV(scl_flush_v(scl_div_v(gamma, sigma)), a);
    vstoreV(scl_flush_v(fma(shift, mhat, beta)), b);
}

// row_step: from one sample's row [gamma | alpha | beta] to the next; 0 where all share one.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void norm_coef(global const float *restrict mean, global const float *restrict variance, global const float *restrict m,
                      global const float *restrict v, global const float *restrict rows, global float *restrict a,
                      global float *restrict b, const int C, const int row_step, const float eps, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, n = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    const size_t at = (size_t)n * C + c;
    norm_coefs(rows + (size_t)n * row_step + c, vloadV(mean + at), vloadV(variance + at), m[n], v[n], C, eps, a + at, b + at);
}

// Sums of one leaf: of u, and of u * (x - mu).
static void leaf_sums(global const float *pu, global const float *px, const int h, const int w, const int W, const int C,
                      const floatV mu, floatV *sum, floatV *product)
{
    floatV s = (floatV)(0.0f), q = (floatV)(0.0f);
    if (h == SUM_LEAF && w == SUM_LEAF) {
#pragma unroll
        for (int k = 0; k < SUM_LEAF * SUM_LEAF; k++) {
            const size_t at = (size_t)(k / SUM_LEAF * W + k % SUM_LEAF) * C;
            const floatV u = vloadV(pu + at), d = vloadV(px + at) - mu;
            s += u;
            q = fma(u, d, q);
        }
    } else {
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                const size_t at = (size_t)(y * W + x) * C;
                const floatV u = vloadV(pu + at), d = vloadV(px + at) - mu;
                s += u;
                q = fma(u, d, q);
            }
    }
    *sum = s;
    *product = q;
}

// Sums first, then the same pixels again, from the cache, for g.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void norm_grad(global const float *restrict x, global const float *restrict mean, global const float *restrict variance,
                      global const float *restrict u, global float *restrict g, global float *restrict s0,
                      global float *restrict s1, const int H, const int W, const int C, const int items,
                      const float inv_pixels, const float eps)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, n = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    const size_t first = (size_t)n * H * W * C + c, at = (size_t)n * C + c;
    const floatV mu = vloadV(mean + at), sigma = scl_sqrt_v(vloadV(variance + at) + eps);
    sum64_v sums, products;
    sum64_clear_v(&sums);
    sum64_clear_v(&products);
    int leaf = 0;
    for (int by = 0; by < H; by += SUM_LEAF)
        for (int bx = 0; bx < W; bx += SUM_LEAF, leaf++) {
            const size_t p = first + (size_t)(by * W + bx) * C;
            floatV s, q;
            leaf_sums(u + p, x + p, min(SUM_LEAF, H - by), min(SUM_LEAF, W - bx), W, C, mu, &s, &q);
            sum64_join_v(&sums, leaf, s);
            sum64_join_v(&products, leaf, q);
        }
    const floatV total = scl_flush_v(sum64_total_v(&sums)), r = scl_rcp_v(sigma);
    const floatV slope = scl_flush_v(scl_div_v(sum64_total_v(&products), sigma));
    vstoreV(total, s0 + at);
    vstoreV(slope, s1 + at);
    const floatV k0 = total * inv_pixels, k1 = slope * inv_pixels * -r;
    for (int p = 0; p < H * W; p++) {
        const size_t i = first + (size_t)p * C;
        const floatV d = vloadV(x + i) - mu, t = vloadV(u + i) - k0;
        const floatV v = fma(k1, d, t) * r;
        vstoreV(scl_flush_v(v), g + i);
    }
}

// One group per sample.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void channel_grad(global const float *restrict mean, global const float *restrict m, global const float *restrict v,
                         global const float *restrict u, global float *restrict w, const int C, const float inv_c,
                         const float inv_c1, const float eps)
{
    local float lane[SUM_ROUND * SUM_LANES];
    const int n = (int)get_group_id(0);
    const size_t first = (size_t)n * C;
    const float centre = m[n], r = scl_rcp(scl_sqrt(v[n] + eps));
    const float k0 = flat_sum(u + first, C, lane) * inv_c;
    const float slope = flat_product(u + first, mean + first, centre, C, lane) * r, k1 = slope * inv_c1 * -r;
    for (int c = (int)get_local_id(0); c < C; c += WG) {
        const float d = mean[first + c] - centre, t = u[first + c] - k0;
        const float value = fma(k1, d, t) * r;
        w[first + c] = scl_flush(value);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void norm_rows_grad(global const float *restrict s0, global const float *restrict s1, global const float *restrict mean,
                           global const float *restrict m, global const float *restrict v, global const float *restrict rows,
                           global float *restrict drows, global float *restrict t, const int C, const int row_step,
                           const float inv_pixels, const float eps, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, n = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *row = rows + (size_t)n * row_step + c;
    global float *drow = drows + (size_t)n * 3 * C + c;
    const size_t at = (size_t)n * C + c;
    const floatV gamma = vloadV(row), alpha = vloadV(row + C), total = vloadV(s0 + at);
    const floatV mhat = scl_div_v(vloadV(mean + at) - m[n], (floatV)(scl_sqrt(v[n] + eps)));
    const floatV am = alpha * mhat, gm = gamma * mhat, ga = gamma * alpha;
    vstoreV(scl_flush_v(fma(am, total, vloadV(s1 + at))), drow);
    vstoreV(scl_flush_v(gm * total), drow + C);
    vstoreV(scl_flush_v(total), drow + 2 * C);
    vstoreV(scl_flush_v(ga * total * inv_pixels), t + at);
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void norm_rows(global const float *restrict gamma, global const float *restrict alpha, global const float *restrict beta,
                      global float *restrict rows, const int C, const int items)
{
    const int item = (int)get_global_id(0), c = item * VEC;
    if (item >= items)
        return;
    vstoreV(scl_flush_v(vloadV(gamma + c)), rows + c);
    vstoreV(scl_flush_v(vloadV(alpha + c)), rows + C + c);
    vstoreV(scl_flush_v(vloadV(beta + c)), rows + 2 * C + c);
}

#if WG == 1
#include "lib/norm_sample.cl"
#endif
