// InstanceNorm++ a sample at a time: a work-item walks the whole image of a sample leaf by leaf, all channels of a leaf before the
// next, so that memory is read in order and the image stays in a CPU's cache from pass to pass.  See host/ops/norm_stats.c and
// host/ops/norm_grad.c.  Needs WG = 1, VEC (which divides C), and what cl/ops/norm.cl has before it.
#ifndef LIB_NORM_SAMPLE_CL
#define LIB_NORM_SAMPLE_CL

// y: what the plan computes along (POST), or null.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void norm_sample(global const float *restrict x, global const float *restrict rows, global float *restrict mean,
                        global float *restrict variance, global float *restrict m, global float *restrict v,
                        global float *restrict a, global float *restrict b, global float *restrict y, POST_ARGS const int H,
                        const int W, const int C, const int row_step, const float eps, const float inv_pixels,
                        const float inv_right, const float inv_bottom, const float inv_corner, const float inv_c,
                        const float inv_c1, local float *level)
{
    local float lane[SUM_ROUND * SUM_LANES];
    const int n = (int)get_group_id(0);
    const size_t image = (size_t)n * H * W * C, row = (size_t)n * C;
    levels_clear(level, C);
    EACH_LEAF
        levels_join(level + c, C, leaf, leaf_sum(AT_LEAF(x + image), h, w, W, C));
    for (int c = 0; c < C; c += VEC)
        vstoreV(scl_flush_v(levels_total(level + c, C) * inv_pixels), mean + row + c);
    levels_clear(level, C);
    EACH_LEAF {
        const float inv = h == SUM_LEAF ? (w == SUM_LEAF ? 0x1p-4f : inv_right) : (w == SUM_LEAF ? inv_bottom : inv_corner);
        levels_join(level + c, C, leaf, leaf_spread(AT_LEAF(x + image), h, w, W, C, inv, vloadV(mean + row + c)));
    }
    for (int c = 0; c < C; c += VEC)
        vstoreV(scl_flush_v(levels_total(level + c, C) * inv_pixels), variance + row + c);

    const float centre = scl_flush(flat_sum(mean + row, C, lane) * inv_c);
    const float spread = scl_flush(flat_product(0, mean + row, centre, C, lane) * inv_c1);
    m[n] = centre;
    v[n] = spread;
    for (int c = 0; c < C; c += VEC)
        norm_coefs(rows + (size_t)n * row_step + c, vloadV(mean + row + c), vloadV(variance + row + c), centre, spread, C, eps,
                   a + row + c, b + row + c);
#if HAS_POST
    for (int p = 0; p < H * W; p++)
        for (int c = 0; c < C; c += VEC) {
            const size_t e = image + (size_t)p * C + c;
            const floatV v_mean = vloadV(mean + row + c), v_a = vloadV(a + row + c), v_b = vloadV(b + row + c), v = vloadV(x + e);
            POST_HOIST(n, c, C - c)
            POST_LOAD(e, C - c)
            vstoreV(POST(v), y + e);
        }
#endif
}

// The two sums of every channel first, then the same pixels again for g.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void norm_grad_sample(global const float *restrict x, global const float *restrict mean,
                             global const float *restrict variance, global const float *restrict u, global float *restrict g,
                             global float *restrict s0, global float *restrict s1, const int H, const int W, const int C,
                             const float inv_pixels, const float eps, local float *sums, local float *products)
{
    const int n = (int)get_group_id(0);
    const size_t image = (size_t)n * H * W * C, row = (size_t)n * C;
    levels_clear(sums, C);
    levels_clear(products, C);
    EACH_LEAF {
        floatV s, q;
        leaf_sums(AT_LEAF(u + image), AT_LEAF(x + image), h, w, W, C, vloadV(mean + row + c), &s, &q);
        levels_join(sums + c, C, leaf, s);
        levels_join(products + c, C, leaf, q);
    }
    /* The levels are done with: their first rows take what every pixel of a channel needs. */
    for (int c = 0; c < C; c += VEC) {
        const floatV sigma = scl_sqrt_v(vloadV(variance + row + c) + eps), r = scl_rcp_v(sigma);
        const floatV total = scl_flush_v(levels_total(sums + c, C));
        const floatV slope = scl_flush_v(scl_div_v(levels_total(products + c, C), sigma));
        vstoreV(total, s0 + row + c);
        vstoreV(slope, s1 + row + c);
        vstoreV(total * inv_pixels, sums + c);
        vstoreV(slope * inv_pixels * -r, products + c);
        vstoreV(r, sums + C + c);
    }
    for (int p = 0; p < H * W; p++)
        for (int c = 0; c < C; c += VEC) {
            const size_t i = image + (size_t)p * C + c;
            const floatV d = vloadV(x + i) - vloadV(mean + row + c), t = vloadV(u + i) - vloadV(sums + c);
            const floatV value = fma(vloadV(products + c), d, t) * vloadV(sums + C + c);
            vstoreV(scl_flush_v(value), g + i);
        }
}

#endif
