// Winograd convolution for GPUs: weights and tiles are transformed into matrices of a frequency each, which are multiplied in
// tiles of a work-group, and the products transformed back.  See host/ops/winograd_gpu.c.
//
//   U [frequency][CP][KP]    V [frequency][rows][CP]    M [frequency][rows][KP]       rows: tiles of the launch
//
// CP is C rounded up to BK, KP is K rounded up to BN, rows are rounded up to BM: padded channels are zero, padded rows repeat
// the last tile, and the products need no bounds.  Transforms: a work-item per channel, neighbours neighbouring channels.
// Needs WM, VEC = 1, lib/fused.cl, lib/winograd.cl and what it needs, lib/tile_gpu.cl with VC = VK = 4.
#ifndef LIB_WINOGRAD_GPU_CL
#define LIB_WINOGRAD_GPU_CL
#include "lib/tile_gpu.cl"
#include "lib/winograd_gpu_input.cl"

#define A_LOADS (BM * BK / 4 / TILE_ITEMS)
#define B_VECTORS (BN * BK / 4)
#define B_LOADS ((B_VECTORS + TILE_ITEMS - 1) / TILE_ITEMS)
#define A_ROW(i) ((lid + (i) * TILE_ITEMS) / (BK / 4))
#define A_INNER(i) ((lid + (i) * TILE_ITEMS) % (BK / 4) * 4)
#define B_COLUMN(i) ((lid + (i) * TILE_ITEMS) % (BN / 4) * 4)
#define B_INNER(i) ((lid + (i) * TILE_ITEMS) / (BN / 4))

/* The largest output tile holds as much as a tile of a product once something is fused into it. */
#if WM == 4 && HAS_POST
#define OUTPUT_SUB_GROUPS SUB_GROUPS
#else
#define OUTPUT_SUB_GROUPS
#endif

// U.  FLIP: the data gradient, w'[tap][c][k] = w[8-tap][k][c].  A work-item per (c, k).
__attribute__((reqd_work_group_size(64, 1, 1)))
kernel void winograd_gpu_weights(global const float *restrict w, global float *restrict u, const int C, const int K,
                                 const int CP, const int KP)
{
    const int i = (int)get_global_id(0), c = i / KP, k = i - c * KP, there = (c < C) & (k < K);
    if (c >= CP)
        return;
    float g[9];
    UNROLL
    for (int tap = 0; tap < 9; tap++) {
        const size_t at = FLIP ? ((size_t)(8 - tap) * K + k) * C + c : ((size_t)tap * C + c) * K + k;
        g[tap] = there ? w[at] : 0.0f;
    }
    winograd_weights(g, u + i, (size_t)CP * KP);
}

static inline void winograd_gpu_keep(local float *a, local float *b, const float4 av[A_LOADS], const float4 bv[B_LOADS],
                                     const int lid)
{
    UNROLL
    for (int i = 0; i < A_LOADS; i++)
        tile_turn(a + A_INNER(i) * LDA * 4 + A_ROW(i), LDA * 4, av[i]);
    UNROLL
    for (int i = 0; i < B_LOADS; i++)
        if (B_INNER(i) < BK)
            *(local float4 *)(b + B_INNER(i) * LDB * 4 + B_COLUMN(i)) = bv[i];
}

// A chain's sum is added to those before, which a work-item finds where it left them.
static inline void winograd_gpu_add(float4 acc[TM][COLUMN_RUNS], global float *m, const int row, const int first)
{
#define ADD(i, j)                                                                                                              \
    {                                                                                                                          \
        global float4 *o = (global float4 *)(m + (size_t)TILE_ROW(0, i) * row + TILE_COLUMN(0, j));                            \
        *o = first ? acc[i][j] : *o + acc[i][j];                                                                               \
    }
    TILE_EACH(ADD)
#undef ADD
}

// M = V U of one frequency (1), a group per tile, blocks of output channels fastest (0).
__attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) SUB_GROUPS
kernel void winograd_gpu_products(global const float *restrict v, global const float *restrict u, global float *restrict m,
                                  const int rows, const int CP, const int KP)
{
    local float4 a[2 * TILE_A], b[2 * TILE_B];
    local int later;        /* KP for the sums: read from memory, what depends on it takes no registers through the loops */
    const int lid = (int)get_local_id(0), mm = lid / (BN / TN), nn = lid % (BN / TN), group = (int)get_group_id(0);
    const int r0 = group / (KP / BN) * BM, k0 = group % (KP / BN) * BN, f = (int)get_group_id(1);
    v += ((size_t)f * rows + r0) * CP;
    u += (size_t)f * CP * KP + k0;
    m += ((size_t)f * rows + r0 + mm * 4) * KP + k0 + nn * 4;
    if (lid == 0)
        later = KP;

    for (int c0 = 0; c0 < CP; c0 += CHAIN) {
        const int steps = (min(CP, c0 + CHAIN) - c0) / BK;
        float4 acc[TM][COLUMN_RUNS];
        tile_zero(acc);
        for (int step = -1; step < steps; step++) {     /* multiplies this step's values and fetches the next one's */
            float4 av[A_LOADS], bv[B_LOADS];
            const int more = step + 1 < steps, next = (step + 1) & 1, c = c0 + (step + 1) * BK;
            if (more) {
                UNROLL
                for (int i = 0; i < A_LOADS; i++)
                    av[i] = *(global const float4 *)(v + A_ROW(i) * CP + c + A_INNER(i));
                UNROLL
                for (int i = 0; i < B_LOADS; i++)
                    if (B_INNER(i) < BK)
                        bv[i] = *(global const float4 *)(u + (c + B_INNER(i)) * KP + B_COLUMN(i));
            }
            if (step >= 0)
                tile_multiply(acc, a + (next ^ 1) * TILE_A, b + (next ^ 1) * TILE_B, mm, nn);
            if (more)
                winograd_gpu_keep((local float *)(a + next * TILE_A), (local float *)(b + next * TILE_B), av, bv, lid);
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        winograd_gpu_add(acc, m, later, c0 == 0);
    }
}

// y of tiles first ...: A' m A, bias, flush; what lies outside of the image is dropped.  A work-item per (tile, k).  bias is
// not read without has_bias.
__attribute__((reqd_work_group_size(64, 1, 1))) OUTPUT_SUB_GROUPS
kernel void winograd_gpu_output(global const float *restrict m, global const float *restrict bias, global float *restrict y,
                                PRE_ARGS POST_ARGS const int H, const int W, const int K, const int KP, const int dilation,
                                const int down, const int across, const int tiles, const int first, const int here,
                                const int rows, const int has_bias)
{
    const int i = (int)get_global_id(0), row = i / K, k = i - row * K;
    if (row >= here)
        return;
    WINOGRAD_TILE(first + row)
    const size_t step = (size_t)rows * KP;
    global const float *from = m + (size_t)row * KP + k;
    const float b = has_bias ? bias[k] : 0.0f;
    POST_HOIST(n, k, 1)
    const int right = dilation * K;
    float t[WM][WT];
    UNROLL
    for (int j = 0; j < WT; j++) {
        float column[WT], r[WM];
        UNROLL
        for (int l = 0; l < WT; l++)
            column[l] = from[(l * WT + j) * step];
        WINOGRAD(at)(r, column);
        UNROLL
        for (int l = 0; l < WM; l++)
            t[l][j] = r[l];
    }
    UNROLL
    for (int l = 0; l < WM; l++) {
        const int yy = y0 + l * dilation;
        const size_t line = (((size_t)n * H + yy) * W + x0) * K + k;
        float r[WM];
        WINOGRAD(at)(r, t[l]);
        UNROLL
        for (int j = 0; j < WM; j++) {
            const int xx = x0 + j * dilation;
            if ((yy < H) & (xx < W)) {
                const size_t e = line + (size_t)(j * right);
                const float value = scl_flush(r[j] + b);
                POST_LOAD(e, 1)
                y[e] = POST(value);
            }
        }
    }
}

#undef A_LOADS
#undef A_ROW
#undef A_INNER
#undef B_VECTORS
#undef B_LOADS
#endif
