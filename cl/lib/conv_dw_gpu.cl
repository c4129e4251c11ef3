// Direct weight gradient for GPUs in the canonical order: rows (tap, input channel) by columns (output channel), the inner
// dimension the pixels of a leaf (or of a segment of a leaf) in order.  Every leaf is a product of its own, kept in a workspace
// [unit][tap][C][K]; a second kernel merges them in the tree over samples.  See host/ops/conv_gpu.c.
// Needs lib/tile_gpu.cl, lib/vec.cl, lib/math.cl, lib/tree.cl.
#ifndef LIB_CONV_DW_GPU_CL
#define LIB_CONV_DW_GPU_CL
#include "lib/tile_gpu.cl"

#define SEGMENT 1024    /* pixels of a chain: canonical, not tunable */
#define NOWHERE (-(1 << 29))
#define A_VECTORS (BM * BK / VC)
#define A_LOADS ((A_VECTORS + TILE_ITEMS - 1) / TILE_ITEMS)
#define B_VECTORS (BN * BK / VK)
#define B_LOADS ((B_VECTORS + TILE_ITEMS - 1) / TILE_ITEMS)

// Load i of a work-item: a row or column of the tile and an inner index (pixel) of the step.
#define A_ROW(i) ((lid + (i) * TILE_ITEMS) % (BM / VC) * VC)
#define A_INNER(i) ((lid + (i) * TILE_ITEMS) / (BM / VC))
#define B_COLUMN(i) ((lid + (i) * TILE_ITEMS) % (BN / VK) * VK)
#define B_INNER(i) ((lid + (i) * TILE_ITEMS) / (BN / VK))

// Unit u of a run: segment `segment` of leaf `leaf`, of which samples na ... nb-1 of the run are there (none: na >= nb).
#define DW_UNIT(u)                                                                                                             \
    const uint run = counters[CNT_POSITION], leaf = run / (uint)Q + (uint)((u) / G);                                           \
    const int segment = (u) % G, na = (int)(max(leaf * (uint)Q, run) - run), nb = min(N, (int)((leaf + 1u) * (uint)Q - run));

static int trailing_ones(const uint i) { return tree_slots(i ^ (i + 1u)) - 1; }

// Where this work-item's loads read x: index and offset of the tap of their row, image row and column of their pixel.
static inline void conv_dw_gpu_places(int at[A_LOADS], int oy[A_LOADS], int ox[A_LOADS], int ys[A_LOADS], int xs[A_LOADS],
                                      const int r0, const int begin, const int lid, const int H, const int W, const int C,
                                      const int R, const int S, const int dilation)
{
    UNROLL
    for (int i = 0; i < A_LOADS; i++) {
        const int r = r0 + A_ROW(i), tap = r / C, ky = tap / S, p = begin + A_INNER(i), row = p / W;
        oy[i] = r < R * S * C ? (ky - R / 2) * dilation : NOWHERE;
        ox[i] = (tap - ky * S - S / 2) * dilation;
        ys[i] = row % H;
        xs[i] = p - row * W;
        at[i] = (p + (ky - R / 2) * dilation * W + ox[i]) * C + r - tap * C;
    }
}

// Pixels p ... p+BK-1 of those before `end`; what lies outside of the image is zero.  Then BK pixels on.
static inline void conv_dw_gpu_fetch_a(floatC v[A_LOADS], global const float *x, int at[A_LOADS], const int oy[A_LOADS],
                                       const int ox[A_LOADS], int ys[A_LOADS], int xs[A_LOADS], const int p, const int end,
                                       const int lid, const int H, const int W, const int C)
{
    UNROLL
    for (int i = 0; i < A_LOADS; i++) {
        const int yy = ys[i] + oy[i], xx = xs[i] + ox[i], pixel = p + A_INNER(i);
        const int inside = (yy >= 0) & (yy < H) & (xx >= 0) & (xx < W) & (pixel < end) & (A_INNER(i) < BK);
        v[i] = inside ? *(global const floatC *)(x + at[i]) : (floatC)(0.0f);
        at[i] += BK * C;
        xs[i] += BK;
        while (xs[i] >= W) {
            xs[i] -= W;
            ys[i] = ys[i] + 1 == H ? 0 : ys[i] + 1;
        }
    }
}

static inline void conv_dw_gpu_fetch_b(floatK v[B_LOADS], global const float *dy, const int p, const int end, const int k0,
                                       const int lid, const int K)
{
    UNROLL
    for (int i = 0; i < B_LOADS; i++) {
        const int pixel = p + B_INNER(i), k = k0 + B_COLUMN(i);
        const int there = (pixel < end) & (k < K) & (B_INNER(i) < BK);
        v[i] = there ? *(global const floatK *)(dy + pixel * K + k) : (floatK)(0.0f);
    }
}

static inline void conv_dw_gpu_keep(local float *a, local float *b, const floatC av[A_LOADS], const floatK bv[B_LOADS],
                                    const int lid)
{
    UNROLL
    for (int i = 0; i < A_LOADS; i++)
        if (A_INNER(i) < BK)
            *(local floatC *)(a + A_INNER(i) * LDA * 4 + A_ROW(i)) = av[i];
    UNROLL
    for (int i = 0; i < B_LOADS; i++)
        if (B_INNER(i) < BK)
            *(local floatK *)(b + B_INNER(i) * LDB * 4 + B_COLUMN(i)) = bv[i];
}

// A group per tile (0) and unit (1), of units first, first+1, ...  A leaf that an earlier run left open goes on from its place
// on the stack.  Q samples a leaf, or G > 1 segments a leaf, which is one sample then.
__attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) SUB_GROUPS
kernel void conv_dw_gpu(global const float *restrict x, global const float *restrict dy, global const uint *restrict counters,
                        global const float *restrict stack, global float *restrict units, const int first, const int N,
                        const int H, const int W, const int C, const int K, const int R, const int S, const int dilation,
                        const int Q, const int G)
{
    local float4 a[2 * TILE_A], b[2 * TILE_B];
    const int lid = (int)get_local_id(0), m = lid / (BN / TN), n = lid % (BN / TN), P = H * W, rows = R * S * C;
    const int blocks = (K + BN - 1) / BN, group = (int)get_group_id(0), unit = first + (int)get_group_id(1);
    const int r0 = group / blocks * BM, k0 = group % blocks * BN;
    DW_UNIT(unit)
    if (na >= nb)
        return;
    const int begin = na * P + segment * SEGMENT, end = G == 1 ? nb * P : min(nb * P, begin + SEGMENT);
    const int steps = (end - begin + BK - 1) / BK;
    int at[A_LOADS], oy[A_LOADS], ox[A_LOADS], ys[A_LOADS], xs[A_LOADS];
    float4 acc[TM][COLUMN_RUNS];
    conv_dw_gpu_places(at, oy, ox, ys, xs, r0, begin, lid, H, W, C, R, S, dilation);
    tile_zero(acc);
    if (leaf * (uint)Q < run)
        tile_load(acc, stack + (size_t)tree_slots(leaf) * rows * K, r0, k0, m, n, rows, K);
    for (int step = -1; step < steps; step++) {         /* multiplies this step's values and fetches the next one's */
        floatC av[A_LOADS];
        floatK bv[B_LOADS];
        const int more = step + 1 < steps, next = (step + 1) & 1;
        if (more) {
            conv_dw_gpu_fetch_a(av, x, at, oy, ox, ys, xs, begin + (step + 1) * BK, end, lid, H, W, C);
            conv_dw_gpu_fetch_b(bv, dy, begin + (step + 1) * BK, end, k0, lid, K);
        }
        if (step >= 0)
            tile_multiply(acc, a + (next ^ 1) * TILE_A, b + (next ^ 1) * TILE_B, m, n);
        if (more)
            conv_dw_gpu_keep((local float *)(a + next * TILE_A), (local float *)(b + next * TILE_B), av, bv, lid);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    tile_store(acc, units + (size_t)(unit - first) * rows * K, r0, k0, m, n, rows, K);
}

// Pushes units first ... first+count-1 on the stack of `level` values a slot; complete ones are flushed and merged.  A
// work-item per value.
__attribute__((reqd_work_group_size(64, 1, 1)))
kernel void conv_dw_gpu_tree(global const float *restrict units, global const uint *restrict counters,
                             global float *restrict stack, const int first, const int count, const int level, const int N,
                             const int Q, const int G)
{
    const int i = (int)get_global_id(0);
    if (i >= level)
        return;
    for (int u = 0; u < count; u++) {
        DW_UNIT(first + u)
        if (na >= nb)
            return;
        const uint leaf_end = min((leaf + 1u) * (uint)Q, counters[CNT_BATCH]);
        global float *o = stack + (size_t)(tree_slots(leaf) + tree_slots((uint)segment)) * level + i;
        float node = units[(size_t)u * level + i];
        if (run + (uint)nb >= leaf_end) {
            /* The last segment drains the sample's own tree, which is the same addition, and is a leaf then. */
            int merges = segment < G - 1 ? trailing_ones((uint)segment) : tree_slots((uint)segment) + trailing_ones(leaf);
            node = scl_flush(node);
            for (; merges > 0; merges--) {
                o -= level;
                node = scl_flush(*o + node);
            }
        }
        *o = node;
    }
}

#undef A_LOADS
#undef A_ROW
#undef A_INNER
#undef B_VECTORS
#undef B_LOADS
#endif
