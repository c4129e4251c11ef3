// Panels and products of the Winograd weight gradient for GPUs: per frequency the product of the transposed transformed inputs
// with the transformed gradients, in tiles of a work-group, the inner dimension the tiles of a leaf in order.  The group walks
// the leaves and keeps the tree, as a work-item of lib/winograd_dw_cpu.cl does.  See host/ops/winograd_dw.c.
//
//   V [frequency][rows][CP]    D [frequency][rows][KP]       rows: tiles of the launch
//
// CP is C rounded up to BM and KP is K rounded up to BN: padded channels are zero, and products need bounds only for tiles.
// Needs VEC = 1, lib/winograd_dw.cl and what it needs, lib/fused.cl, lib/tile_gpu.cl with VC = 4.
#ifndef LIB_WINOGRAD_DW_GPU_CL
#define LIB_WINOGRAD_DW_GPU_CL
#include "lib/tile_gpu.cl"
#include "lib/winograd_gpu_input.cl"

#define A_VECTORS (BM * BK / 4)
#define A_LOADS ((A_VECTORS + TILE_ITEMS - 1) / TILE_ITEMS)
#define B_VECTORS (BN * BK / 4)
#define B_LOADS ((B_VECTORS + TILE_ITEMS - 1) / TILE_ITEMS)

// Load i of a work-item: a row or column of the tile and an inner index (tile of the image) of the step.
#define A_ROW(i) ((lid + (i) * TILE_ITEMS) % (BM / 4) * 4)
#define A_INNER(i) ((lid + (i) * TILE_ITEMS) / (BM / 4))
#define B_COLUMN(i) ((lid + (i) * TILE_ITEMS) % (BN / 4) * 4)
#define B_INNER(i) ((lid + (i) * TILE_ITEMS) / (BN / 4))

// D of tiles first ... first+rows-1, A dy A'; pixels outside of the image and channels beyond K are zero.  A work-item per
// (row, k), neighbours neighbouring channels.
__attribute__((reqd_work_group_size(64, 1, 1)))
kernel void winograd_dw_gpu_gradient(global const float *restrict dy, global float *restrict d, const int H, const int W,
                                     const int K, const int KP, const int dilation, const int down, const int across,
                                     const int tiles, const int first, const int rows)
{
    const int i = (int)get_global_id(0), row = i / KP, k = i - row * KP;
    if (row >= rows)
        return;
    WINOGRAD_TILE(first + row)
    dy += (size_t)n * H * W * K + k;
    const size_t step = (size_t)rows * KP;
    float u[WT][WM];
    UNROLL
    for (int j = 0; j < WM; j++) {
        const int xx = x0 + j * dilation;
        float column[WM], r[WT];
        UNROLL
        for (int l = 0; l < WM; l++) {
            const int yy = y0 + l * dilation;
            column[l] = ((yy < H) & (xx < W) & (k < K)) ? dy[(yy * W + xx) * K] : 0.0f;
        }
        WINOGRAD(aa)(r, column);
        UNROLL
        for (int l = 0; l < WT; l++)
            u[l][j] = r[l];
    }
    UNROLL
    for (int l = 0; l < WT; l++) {
        float r[WT];
        WINOGRAD(aa)(r, u[l]);
        UNROLL
        for (int j = 0; j < WT; j++)
            d[(l * WT + j) * step + i] = r[j];
    }
}

// Tiles t ... t+BK-1 of those before `end`, counted from the launch's first.
static inline void winograd_dw_gpu_fetch(float4 av[A_LOADS], float4 bv[B_LOADS], global const float *v, global const float *d,
                                         const int t, const int end, const int lid, const int CP, const int KP)
{
    UNROLL
    for (int i = 0; i < A_LOADS; i++) {
        const int there = (t + A_INNER(i) < end) & (A_INNER(i) < BK);
        av[i] = there ? *(global const float4 *)(v + (size_t)(t + A_INNER(i)) * CP + A_ROW(i)) : (float4)(0.0f);
    }
    UNROLL
    for (int i = 0; i < B_LOADS; i++) {
        const int there = (t + B_INNER(i) < end) & (B_INNER(i) < BK);
        bv[i] = there ? *(global const float4 *)(d + (size_t)(t + B_INNER(i)) * KP + B_COLUMN(i)) : (float4)(0.0f);
    }
}

static inline void winograd_dw_gpu_keep(local float *a, local float *b, const float4 av[A_LOADS], const float4 bv[B_LOADS],
                                        const int lid)
{
    UNROLL
    for (int i = 0; i < A_LOADS; i++)
        if (A_INNER(i) < BK)
            *(local float4 *)(a + A_INNER(i) * LDA * 4 + A_ROW(i)) = av[i];
    UNROLL
    for (int i = 0; i < B_LOADS; i++)
        if (B_INNER(i) < BK)
            *(local float4 *)(b + B_INNER(i) * LDB * 4 + B_COLUMN(i)) = bv[i];
}

// Flushes finished chains and adds them to `merges` older nodes, one level below the other; returns where the sums belong.
// The group's first row is read anew every time: places that are kept from one level to the next would take more registers than
// the tile.
static inline global float *winograd_dw_gpu_merge(float4 acc[TM][COLUMN_RUNS], global float *o, int merges, const int level,
                                                  local const int *r0, const int k0, const int m, const int n, const int C,
                                                  const int K)
{
#define FLUSH(v) (float4)(scl_flush((v).x), scl_flush((v).y), scl_flush((v).z), scl_flush((v).w))
#define END(i, j) acc[i][j] = FLUSH(acc[i][j]);
#define ADD(i, j)                                                                                                              \
    {                                                                                                                          \
        const float4 sum = tile_at(o, *r0 + TILE_ROW(m, i), k0 + TILE_COLUMN(n, j), C, K) + acc[i][j];                         \
        acc[i][j] = FLUSH(sum);                                                                                                \
        barrier(CLK_LOCAL_MEM_FENCE);                                                                                          \
    }
    TILE_EACH(END)
    for (; merges > 0; merges--) {
        o -= level;
        TILE_EACH(ADD)
    }
    return o;
#undef ADD
#undef END
#undef FLUSH
}

// Chains of the tiles of one part, merged into the group's tree at `tree`.  A group per tile of C x K (0) and frequency (1).
__attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) SUB_GROUPS
kernel void winograd_dw_gpu(global const float *restrict v, global const float *restrict d,
                            global const uint *restrict counters, global float *tree, const int tree_at, const int first,
                            const int end, const int part, const int rows, const int C, const int K, const int CP,
                            const int KP, const int tiles, const int Q, const int G, const int level)
{
    local float4 a[2 * TILE_A], b[2 * TILE_B];
    local int later;        /* r0 for the tree: read from memory, what depends on it takes no registers through the loops */
    const int lid = (int)get_local_id(0), m = lid / (BN / TN), n = lid % (BN / TN), group = (int)get_group_id(0);
    const int r0 = group / (KP / BN) * BM, k0 = group % (KP / BN) * BN, f = (int)get_group_id(1);
    const uint run = counters[CNT_POSITION], batch = counters[CNT_BATCH];
    const int boundary = winograd_dw_boundary(first, run, tiles), stop = part ? end : min(end, boundary);
    v += (size_t)f * rows * CP + r0;
    d += (size_t)f * rows * KP + k0;
    tree += tree_at + (size_t)f * C * K;
    if (lid == 0)
        later = r0;
    barrier(CLK_LOCAL_MEM_FENCE);

    for (int t = part ? max(first, boundary) : first; t < stop;) {
        const dw_piece p = winograd_dw_piece(t, stop, run, batch, tiles, Q, G);
        const int begin = t - first, finish = p.end - first, steps = (p.end - t + BK - 1) / BK;
        global float *o = tree + (size_t)p.slot * level;
        float4 acc[TM][COLUMN_RUNS];
        tile_zero(acc);
        if (p.opened)
            tile_load(acc, o, later, k0, m, n, C, K);
        for (int step = -1; step < steps; step++) {     /* multiplies this step's values and fetches the next one's */
            float4 av[A_LOADS], bv[B_LOADS];
            const int more = step + 1 < steps, next = (step + 1) & 1;
            if (more)
                winograd_dw_gpu_fetch(av, bv, v, d, begin + (step + 1) * BK, finish, lid, CP, KP);
            if (step >= 0)
                tile_multiply(acc, a + (next ^ 1) * TILE_A, b + (next ^ 1) * TILE_B, m, n);
            if (more)
                winograd_dw_gpu_keep((local float *)(a + next * TILE_A), (local float *)(b + next * TILE_B), av, bv, lid);
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        if (p.closed)
            o = winograd_dw_gpu_merge(acc, o, p.merges, level, &later, k0, m, n, C, K);
        tile_store(acc, o, later, k0, m, n, C, K);
        t = p.end;
    }
}

#undef A_LOADS
#undef A_ROW
#undef A_INNER
#undef B_VECTORS
#undef B_LOADS
#endif
