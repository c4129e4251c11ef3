// Direct convolution for GPUs, NHWC: the product of the pixels' neighbourhoods, gathered on the way into local memory, with
// the weights as they are, in the canonical order: chains of fma over (tap, channel) of 128 channels each, their sums added in
// order, bias, flush.  See host/ops/conv_gpu.c.  A linear layer is the same for images of one pixel.
// FLIP: the data gradient, w'[tap][c][k] = w[taps-1-tap][k][c].
// Needs lib/tile_gpu.cl, VEC = VK, lib/vec.cl, lib/math.cl, lib/fused.cl.
#ifndef LIB_CONV_GPU_CL
#define LIB_CONV_GPU_CL
#include "lib/tile_gpu.cl"

#define A_LOADS (BM * BK / VC / TILE_ITEMS)     /* of a work-item in a step */
#if FLIP
#define B_VECTORS (BN * BK / VC)
#define floatW floatC
#else
#define B_VECTORS (BN * BK / VK)
#define floatW floatK
#endif
#define B_LOADS ((B_VECTORS + TILE_ITEMS - 1) / TILE_ITEMS)
#define NOWHERE (-(1 << 29))

// Load i of a work-item: a row (pixel) of the tile and an inner index (channel) of the step.
#define A_ROW(i) ((lid + (i) * TILE_ITEMS) / (BK / VC))
#define A_INNER(i) ((lid + (i) * TILE_ITEMS) % (BK / VC) * VC)

// Image row and column of the pixels that this work-item loads.
static inline void conv_gpu_pixels(int ys[A_LOADS], int xs[A_LOADS], const int p0, const int lid, const int pixels, const int H,
                                   const int W)
{
    UNROLL
    for (int i = 0; i < A_LOADS; i++) {
        const int p = p0 + A_ROW(i), row = p / W;
        xs[i] = p - row * W;
        ys[i] = p < pixels ? row % H : NOWHERE;
    }
}

// Where they read x under the tap at (oy, ox): the first channel's index, negative outside of the image.
static inline void conv_gpu_rows(int rows[A_LOADS], const int ys[A_LOADS], const int xs[A_LOADS], const int p0, const int lid,
                                 const int oy, const int ox, const int H, const int W, const int C)
{
    UNROLL
    for (int i = 0; i < A_LOADS; i++) {
        const int yy = ys[i] + oy, xx = xs[i] + ox, inside = (yy >= 0) & (yy < H) & (xx >= 0) & (xx < W);
        rows[i] = inside ? (p0 + A_ROW(i) + oy * W + ox) * C : -1;
    }
}

// Channels c ... c+BK-1 of those before `end`, of the rows and of the weights of one tap.
static inline void conv_gpu_fetch_a(floatC v[A_LOADS], global const float *x, const int rows[A_LOADS], const int c,
                                    const int end, const int lid)
{
    UNROLL
    for (int i = 0; i < A_LOADS; i++) {
        const int inner = c + A_INNER(i);
        const int there = (rows[i] >= 0) & (inner < end);
        v[i] = there ? *(global const floatC *)(x + rows[i] + inner) : (floatC)(0.0f);
    }
}

static inline void conv_gpu_fetch_b(floatW v[B_LOADS], global const float *w, const int tap, const int c, const int end,
                                    const int k0, const int C, const int K, const int lid)
{
    UNROLL
    for (int i = 0; i < B_LOADS; i++) {
        const int l = lid + i * TILE_ITEMS;
#if FLIP
        const int inner = c + l % (BK / VC) * VC, k = k0 + l / (BK / VC);
        global const float *from = w + (tap * K + k) * C + inner;
#else
        const int inner = c + l / (BN / VK), k = k0 + l % (BN / VK) * VK;
        global const float *from = w + (tap * C + inner) * K + k;
#endif
        const int there = (l < B_VECTORS) & (inner < end) & (k < K);
        v[i] = there ? *(global const floatW *)from : (floatW)(0.0f);
    }
}

static inline void conv_gpu_keep(local float *a, local float *b, const floatC av[A_LOADS], const floatW bv[B_LOADS],
                                 const int lid)
{
    UNROLL
    for (int i = 0; i < A_LOADS; i++)
        tile_turn(a + A_INNER(i) * LDA * 4 + A_ROW(i), LDA * 4, av[i]);
    UNROLL
    for (int i = 0; i < B_LOADS; i++) {
        const int l = lid + i * TILE_ITEMS;
        if (l < B_VECTORS) {
#if FLIP
            tile_turn(b + l % (BK / VC) * VC * LDB * 4 + l / (BK / VC), LDB * 4, bv[i]);
#else
            *(local floatK *)(b + l / (BN / VK) * LDB * 4 + l % (BN / VK) * VK) = bv[i];
#endif
        }
    }
}

// What the sum of all chains becomes, of the VEC channels from k on of pixel p.
static inline floatV conv_gpu_finish(const floatV sum, POST_ARGS global const float *bias, const int p, const int k,
                                     const int pixels_of_sample, const int K)
{
    const int n = p / pixels_of_sample, count = K - k;
    const size_t e = (size_t)p * K + k;
    const floatV v = scl_flush_v(bias ? sum + vloadV(bias + k) : sum);
    POST_HOIST(n, k, count)
    POST_LOAD(e, count)
    return POST(v);
}

// Adds a chain to the sum of those before, which a work-item finds in y where it left it: wide accumulators for both would not
// fit into registers.  So y may not share memory with anything that the last chain's end reads.
// One store at the end of all branches: PoCL 3.1 lets two that are alike write beyond the pixels.
static inline void conv_gpu_store(float4 acc[TM][COLUMN_RUNS], global float *y, POST_ARGS global const float *bias,
                                  const int p0, const int k0, const int m, const int n, const int pixels,
                                  const int pixels_of_sample, const int K, const int first, const int last)
{
#define PUT(v, k)                                                                                                              \
    if ((p < pixels) & ((k) < K)) {                                                                                            \
        global float *o = y + p * K + (k);                                                                                     \
        floatV sum = v;                                                                                                        \
        if (!first)                                                                                                            \
            sum = vloadV(o) + sum;                                                                                             \
        if (last)                                                                                                              \
            sum = conv_gpu_finish(sum, POST_PASS bias, p, k, pixels_of_sample, K);                                             \
        vstoreV(sum, o);                                                                                                       \
    }
#if VEC == 4
#define STORE(i, j) { const int p = p0 + TILE_ROW(m, i), k = k0 + TILE_COLUMN(n, j); PUT(acc[i][j], k) }
#else
#define STORE(i, j)                                                                                                            \
    {                                                                                                                          \
        const int p = p0 + TILE_ROW(m, i), k = k0 + TILE_COLUMN(n, j);                                                         \
        PUT(acc[i][j].x, k)                                                                                                    \
        PUT(acc[i][j].y, k + 1)                                                                                                \
        PUT(acc[i][j].z, k + 2)                                                                                                \
        PUT(acc[i][j].w, k + 3)                                                                                                \
    }
#endif
    TILE_EACH(STORE)
#undef STORE
#undef PUT
}

// A group per tile, blocks of output channels fastest.  Of the R x S taps only those of the middle 2 ry + 1 rows and 2 rx + 1
// columns meet the image anywhere.  bias is not read without has_bias.
__attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) SUB_GROUPS
kernel void conv_gpu(global const float *restrict x, global const float *restrict w, global const float *restrict bias,
                     global float *restrict y, POST_ARGS const int pixels, const int H, const int W, const int C, const int K,
                     const int R, const int S, const int ry, const int rx, const int dilation, const int has_bias)
{
    local float4 a[2 * TILE_A], b[2 * TILE_B];
    local int later;        /* p0 for the end: read from memory, what depends on it takes no registers through the loops */
    const int lid = (int)get_local_id(0), m = lid / (BN / TN), n = lid % (BN / TN);
    const int blocks = (K + BN - 1) / BN, group = (int)get_group_id(0);
    const int p0 = group / blocks * BM, k0 = group % blocks * BN, taps = (2 * ry + 1) * (2 * rx + 1);
    int ys[A_LOADS], xs[A_LOADS];
    if (lid == 0)
        later = p0;
    conv_gpu_pixels(ys, xs, p0, lid, pixels, H, W);

    for (int c0 = 0; c0 < C; c0 += CHAIN) {
        const int end = min(C, c0 + CHAIN), steps = taps * ((end - c0 + BK - 1) / BK);
        int dy = -ry, dx = -rx, c = c0;
        int rows[A_LOADS];
        float4 acc[TM][COLUMN_RUNS];
        tile_zero(acc);
        for (int step = -1; step < steps; step++) {     /* multiplies this step's values and fetches the next one's */
            floatC av[A_LOADS];
            floatW bv[B_LOADS];
            const int more = step + 1 < steps, next = (step + 1) & 1;
            if (more) {
                const int tap = (dy + R / 2) * S + dx + S / 2;
                if (c == c0)
                    conv_gpu_rows(rows, ys, xs, p0, lid, dy * dilation, dx * dilation, H, W, C);
                conv_gpu_fetch_a(av, x, rows, c, end, lid);
                conv_gpu_fetch_b(bv, w, FLIP ? R * S - 1 - tap : tap, c, end, k0, C, K, lid);
            }
            if (step >= 0)
                tile_multiply(acc, a + (next ^ 1) * TILE_A, b + (next ^ 1) * TILE_B, m, n);
            if (more) {
                conv_gpu_keep((local float *)(a + next * TILE_A), (local float *)(b + next * TILE_B), av, bv, lid);
                c += BK;
                if (c >= end) {
                    c = c0;
                    dy += dx == rx;
                    dx = dx == rx ? -rx : dx + 1;
                }
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        conv_gpu_store(acc, y, POST_PASS has_bias ? bias : 0, later, k0, m, n, pixels, H * W, K, c0 == 0, end == C);
    }
}

#undef A_LOADS
#undef A_ROW
#undef A_INNER
#undef B_VECTORS
#undef B_LOADS
#endif
