// norm_second - see host/ops/norm_second.c and host/ops/norm_tangent.c.  VEC: channels of a work-item; WG: work-items of a group.
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
#include "lib/norm_walk.cl"

// What the sums of one leaf are added to: of k, of k * (x - mu), of k * (u - shift).
typedef struct leaf_sums { floatV k, kx, ku; } leaf_sums;

static leaf_sums sums_of_leaf(global const float *pk, global const float *px, global const float *pu, const int h, const int w,
                              const int W, const int C, const floatV mu, const floatV shift)
{
    leaf_sums s = { (floatV)(0.0f), (floatV)(0.0f), (floatV)(0.0f) };
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const size_t at = (size_t)(y * W + x) * C;
            const floatV k = vloadV(pk + at), d = vloadV(px + at) - mu, t = vloadV(pu + at) - shift;
            s.k += k;
            s.kx = fma(k, d, s.kx);
            s.ku = fma(k, t, s.ku);
        }
    return s;
}

// What every pixel of VEC channels needs.
typedef struct pixel_terms { floatV mu, r, shift_k, shift_u, slope, by_d, by_k, by_u, scale; } pixel_terms;

// The totals t of all leaves become k0, k1 and p at `at`, and the terms of the pixels.
static pixel_terms finish_sums(const leaf_sums t, global const float *mean, global const float *variance, global const float *s0,
                               global const float *s1, global float *k0, global float *k1, global float *p, const float inv_pixels,
                               const float three, const float eps)
{
    const floatV sigma = scl_sqrt_v(vloadV(variance) + eps), r = scl_rcp_v(sigma), su = vloadV(s1);
    const floatV total = scl_flush_v(t.k), product = scl_flush_v(scl_div_v(t.kx, sigma));
    const floatV share = product * inv_pixels, large = product * three, cross = fma(-share, su, t.ku) * r;
    vstoreV(total, k0);
    vstoreV(product, k1);
    vstoreV(scl_flush_v(cross), p);
    pixel_terms e;
    e.mu = vloadV(mean);
    e.r = r;
    e.shift_k = total * inv_pixels;
    e.shift_u = vloadV(s0) * inv_pixels;
    e.slope = share * -r;
    e.by_d = fma(large, su, -t.ku) * r;
    e.by_k = su;
    e.by_u = product;
    e.scale = r * r * inv_pixels;
    return e;
}

static void second_of_pixel(const pixel_terms e, global const float *x, global const float *u, global const float *k,
                            global float *nk, global float *t)
{
    const floatV d = vloadV(x) - e.mu, ck = vloadV(k) - e.shift_k, cu = vloadV(u) - e.shift_u;
    const floatV first = fma(e.slope, d, ck) * e.r, low = e.by_u * cu;
    const floatV second = fma(e.by_d, d, -fma(e.by_k, ck, low)) * e.scale;
    vstoreV(scl_flush_v(first), nk);
    vstoreV(scl_flush_v(second), t);
}

#define SECOND_ARGS                                                                                                            \
    global const float *restrict x, global const float *restrict mean, global const float *restrict variance,                  \
        global const float *restrict u, global const float *restrict s0, global const float *restrict s1,                      \
        global const float *restrict k, global float *restrict nk, global float *restrict t, global float *restrict k0,        \
        global float *restrict k1, global float *restrict p, const int H, const int W, const int C, const float inv_pixels,    \
        const float three, const float eps

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void norm_second(SECOND_ARGS, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, n = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    const size_t first = (size_t)n * H * W * C + c, at = (size_t)n * C + c;
    const floatV mu = vloadV(mean + at), shift = vloadV(s0 + at) * inv_pixels;
    sum64_v sk, skx, sku;
    sum64_clear_v(&sk);
    sum64_clear_v(&skx);
    sum64_clear_v(&sku);
    int leaf = 0;
    for (int by = 0; by < H; by += SUM_LEAF)
        for (int bx = 0; bx < W; bx += SUM_LEAF, leaf++) {
            const size_t q = first + (size_t)(by * W + bx) * C;
            const leaf_sums s = sums_of_leaf(k + q, x + q, u + q, min(SUM_LEAF, H - by), min(SUM_LEAF, W - bx), W, C, mu, shift);
            sum64_join_v(&sk, leaf, s.k);
            sum64_join_v(&skx, leaf, s.kx);
            sum64_join_v(&sku, leaf, s.ku);
        }
    const leaf_sums totals = { sum64_total_v(&sk), sum64_total_v(&skx), sum64_total_v(&sku) };
    const pixel_terms e = finish_sums(totals, mean + at, variance + at, s0 + at, s1 + at, k0 + at, k1 + at, p + at, inv_pixels, three,
                                      eps);
    for (int q = 0; q < H * W; q++) {
        const size_t i = first + (size_t)q * C;
        second_of_pixel(e, x + i, u + i, k + i, nk + i, t + i);
    }
}

#if WG == 1
// A sample at a time: lib/norm_walk.cl.  The levels of the sums, once done with, take what the pixels of a channel need.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void norm_second_sample(SECOND_ARGS, local float *sk, local float *skx, local float *sku)
{
    const int n = (int)get_group_id(0);
    const size_t image = (size_t)n * H * W * C, row = (size_t)n * C;
    levels_clear(sk, C);
    levels_clear(skx, C);
    levels_clear(sku, C);
    EACH_LEAF {
        const leaf_sums s = sums_of_leaf(AT_LEAF(k + image), AT_LEAF(x + image), AT_LEAF(u + image), h, w, W, C,
                                         vloadV(mean + row + c), vloadV(s0 + row + c) * inv_pixels);
        levels_join(sk + c, C, leaf, s.k);
        levels_join(skx + c, C, leaf, s.kx);
        levels_join(sku + c, C, leaf, s.ku);
    }
    for (int c = 0; c < C; c += VEC) {
        const size_t at = row + c;
        const leaf_sums totals = { levels_total(sk + c, C), levels_total(skx + c, C), levels_total(sku + c, C) };
        const pixel_terms e = finish_sums(totals, mean + at, variance + at, s0 + at, s1 + at, k0 + at, k1 + at, p + at, inv_pixels,
                                          three, eps);
        vstoreV(e.r, sk + c);
        vstoreV(e.shift_k, sk + C + c);
        vstoreV(e.shift_u, skx + c);
        vstoreV(e.slope, skx + C + c);
        vstoreV(e.by_d, sku + c);
        vstoreV(e.scale, sku + C + c);
    }
    for (int q = 0; q < H * W; q++)
        for (int c = 0; c < C; c += VEC) {
            const size_t i = image + (size_t)q * C + c;
            pixel_terms e;
            e.mu = vloadV(mean + row + c);
            e.r = vloadV(sk + c);
            e.shift_k = vloadV(sk + C + c);
            e.shift_u = vloadV(skx + c);
            e.slope = vloadV(skx + C + c);
            e.by_d = vloadV(sku + c);
            e.by_k = vloadV(s1 + row + c);
            e.by_u = vloadV(k1 + row + c);
            e.scale = vloadV(sku + C + c);
            second_of_pixel(e, x + i, u + i, k + i, nk + i, t + i);
        }
}
#endif

// One group per sample.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void channel_second(global const float *restrict mean, global const float *restrict m, global const float *restrict v,
                           global const float *restrict u, global const float *restrict k, global float *restrict mk,
                           global float *restrict t, const int C, const float inv_c, const float inv_c1, const float three,
                           const float eps)
{
    local float lane[SUM_ROUND * SUM_LANES];
    const int n = (int)get_group_id(0);
    const size_t first = (size_t)n * C;
    const float centre = m[n], r = scl_rcp(scl_sqrt(v[n] + eps));
    const float shift_u = flat_sum(u + first, C, lane) * inv_c, shift_k = flat_sum(k + first, C, lane) * inv_c;
    const float by_k = flat_product(u + first, mean + first, centre, C, lane) * r;
    const float by_u = flat_product(k + first, mean + first, centre, C, lane) * r;
    const float cross = flat_product(k + first, u + first, shift_u, C, lane);
    const float slope = by_u * inv_c1 * -r, large = by_u * three, by_d = fma(large, by_k, -cross) * r, scale = r * r * inv_c1;
    for (int c = (int)get_local_id(0); c < C; c += WG) {
        const float d = mean[first + c] - centre, ck = k[first + c] - shift_k, cu = u[first + c] - shift_u;
        const float one = fma(slope, d, ck) * r, low = by_u * cu;
        const float two = fma(by_d, d, -fma(by_k, ck, low)) * scale;
        mk[first + c] = scl_flush(one);
        t[first + c] = scl_flush(two);
    }
}

// One group per sample.  row_step: as in cl/ops/norm.cl.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void norm_tangent_coef(global const float *restrict mean, global const float *restrict m, global const float *restrict v,
                              global const float *restrict s0, global const float *restrict rows, global float *restrict w,
                              global float *mu, global float *restrict a, global float *restrict b, const int C,
                              const int row_step, const float inv_pixels, const float inv_c, const float inv_c1, const float eps)
{
    local float lane[SUM_ROUND * SUM_LANES];
    const int n = (int)get_group_id(0);
    const size_t first = (size_t)n * C;
    global const float *row = rows + (size_t)n * row_step;
    for (int c = (int)get_local_id(0); c < C; c += WG)
        mu[first + c] = scl_flush(s0[first + c] * inv_pixels);
    barrier(CLK_GLOBAL_MEM_FENCE);
    const float centre = m[n], r = scl_rcp(scl_sqrt(v[n] + eps));
    const float shift = flat_sum(mu + first, C, lane) * inv_c;
    const float product = flat_product(mu + first, mean + first, centre, C, lane) * r, slope = product * inv_c1 * -r;
    for (int c = (int)get_local_id(0); c < C; c += WG) {
        const float d = mean[first + c] - centre, t = mu[first + c] - shift, value = fma(slope, d, t) * r;
        const float own = scl_flush(value), both = row[c] * row[C + c];
        w[first + c] = own;
        a[first + c] = scl_flush(row[c]);
        b[first + c] = scl_flush(both * own);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void norm_tangent_rows(global const float *restrict k0, global const float *restrict p, global const float *restrict w,
                              global const float *restrict rows, global float *restrict drows, global float *restrict kw,
                              const int C, const int row_step, const float inv_pixels, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, n = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *row = rows + (size_t)n * row_step + c;
    global float *drow = drows + (size_t)n * 3 * C + c;
    const size_t at = (size_t)n * C + c;
    const floatV gamma = vloadV(row), alpha = vloadV(row + C), total = vloadV(k0 + at), mean = vloadV(w + at);
    const floatV am = alpha * mean, gm = gamma * mean, ga = gamma * alpha;
    vstoreV(scl_flush_v(fma(am, total, vloadV(p + at))), drow);
    vstoreV(scl_flush_v(gm * total), drow + C);
    vstoreV((floatV)(0.0f), drow + 2 * C);
    vstoreV(scl_flush_v(ga * total * inv_pixels), kw + at);
}
