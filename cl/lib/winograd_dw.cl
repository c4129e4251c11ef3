// Winograd weight gradient in the canonical order: per frequency chains over the tiles of a leaf, whose tree lives as a stack
// [slot][frequency][C][K] and stays transformed up to the root of a group of 32 samples.  See host/ops/winograd_dw.c.
// A launch takes tiles first ... end-1 of the run, numbered sample by sample.
// Needs WM, WG, MR (divides VEC), NR, VEC, lib/winograd.cl, lib/tree.cl, lib/dw_tile.cl and what they need.
#ifndef LIB_WINOGRAD_DW_CL
#define LIB_WINOGRAD_DW_CL

#define GROUP 32        /* samples that stay transformed: canonical, not tunable */
#define SEGMENT 128     /* tiles of the longest chain: the same */

// o = A d A' of VEC channels of a tile's outputs, of which `count` exist; image: of its sample, at the first of these channels.
// What is outside of the image is read from VEC zeros and skipped.
static inline void winograd_gradient(floatV o[WT][WT], global const float *image, global const float *zero, const int y0,
                                     const int x0, const int count, const int H, const int W, const int K, const int dilation)
{
    global const float *row[WM];
    size_t right[WM];
    floatV u[WT][WM];
#define FIND(i)                                                                                                                \
    {                                                                                                                          \
        const int yy = y0 + (i) * dilation, inside = yy < H;                                                                   \
        row[i] = inside ? image + ((size_t)yy * W + x0) * K : zero;                                                            \
        right[i] = inside ? (size_t)dilation * K : 0;                                                                          \
    }
    TIMES_M(FIND)
#undef FIND
#define LOAD(j, i) d[i] = LOAD_CUT(row[i] + (j) * right[i], count);
#define KEEP(j, i) u[i][j] = r[i];
#define CLEAR(j, i) u[i][j] = (floatV)(0.0f);
#define COLUMN(j)                                                                                                              \
    if (x0 + (j) * dilation < W) {                                                                                             \
        floatV d[WM], r[WT];                                                                                                   \
        TIMES_MM(LOAD, j)                                                                                                      \
        WINOGRAD(aa)(r, d);                                                                                                    \
        TIMES_TT(KEEP, j)                                                                                                      \
    } else {                                                                                                                   \
        TIMES_TT(CLEAR, j)                                                                                                     \
    }
    TIMES_M(COLUMN)
#undef COLUMN
#undef CLEAR
#undef KEEP
#undef LOAD
#define ROW(i) WINOGRAD(aa)(o[i], u[i]);
    TIMES_T(ROW)
#undef ROW
}

// VEC zeros, which rows outside of an image are read from.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_dw_zero(global float *zero)
{
    if (get_global_id(0) == 0)
        vstoreV((floatV)(0.0f), zero);
}

// v [frequency][channels / VEC][panel][VEC] = B' x B and d [frequency][channels / NR][panel][NR] = A dy A'; panel: room for the
// launch's tiles, v_step and d_step: floats from frequency to frequency.  A work-item per tile and per_item vectors of
// channels, of x or of dy.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_dw_panels(global const float *restrict x, global const float *restrict dy,
                               global const float *restrict zero, global float *restrict v, global float *restrict d,
                               const int first, const int end, const int panel, const int v_step, const int d_step,
                               const int H, const int W, const int C, const int K, const int dilation, const int down,
                               const int across, const int tiles, const int per_item)
{
    const int t = (int)get_global_id(0), begin = (int)get_global_id(1) * per_item * VEC;
    if (first + t >= end)
        return;
    WINOGRAD_TILE(first + t)
#define STORE(i, j) vstoreV(o[i][j], to + (size_t)((i) * WT + (j)) * step);
#define STORE_ROW(i) TIMES_TT(STORE, i)
    if (get_global_id(2) == 0) {
        global const float *image = x + (size_t)n * H * W * C;
        const size_t step = (size_t)v_step;
        for (int c = begin; c < min(C, begin + per_item * VEC); c += VEC) {
            global float *to = v + (size_t)c * panel + t * VEC;
            floatV o[WT][WT];
            winograd_input(o, image, zero, n, c, y0, x0, H, W, C, dilation);
            TIMES_T(STORE_ROW)
        }
    } else {
        global const float *image = dy + (size_t)n * H * W * K;
        const size_t step = (size_t)d_step;
        for (int k = begin; k < min(K, begin + per_item * VEC); k += VEC) {
            global float *to = d + (size_t)(k / NR) * NR * panel + t * NR + k % NR;
            floatV o[WT][WT];
            winograd_gradient(o, image + k, zero, y0, x0, K - k, H, W, K, dilation);
            TIMES_T(STORE_ROW)
        }
    }
#undef STORE_ROW
#undef STORE
}

// A run of tiles of one leaf, or of one segment of a leaf.
typedef struct {
    int end;            /* the first tile beyond it */
    int opened, closed; /* does its chain go on from the stack, and is it finished? */
    int slot, merges;
    int group_closed;   /* is the root of the group in slot 0 then? */
} dw_piece;

// What begins at tile t and ends at `end` at the latest.  run: position of the run's first sample in a batch of `batch`; Q
// samples a leaf, or G > 1 segments a leaf, which is one sample then.
static dw_piece winograd_dw_piece(const int t, const int end, const uint run, const uint batch, const int tiles, const int Q,
                                  const int G)
{
    const int n = t / tiles, segment = G > 1 ? (t - n * tiles) / SEGMENT : 0;
    const uint position = run + (uint)n, group = position - position % GROUP, leaf = (position - group) / (uint)Q;
    const uint stop = max(batch, position + 1u);
    const uint leaf_first = group + leaf * (uint)Q, leaf_end = min(leaf_first + (uint)Q, stop);
    /* A leaf may have begun before the run, at a tile below 0. */
    const int begin = G > 1 ? n * tiles + segment * SEGMENT : (int)(leaf_first - run) * tiles;
    const int finish = segment < G - 1 ? begin + SEGMENT : (int)(leaf_end - run) * tiles;
    const int last_leaf = leaf_end == min(group + GROUP, stop);
    dw_piece p;
    p.end = min(finish, end);
    p.opened = t > begin;
    p.closed = p.end == finish;
    p.slot = tree_slots(leaf) + tree_slots((uint)segment);
    /* The last segment drains the sample's own tree, which is the same addition, and is a leaf then; so does the last leaf. */
    p.merges = segment < G - 1 ? tree_merges((uint)segment)
                               : tree_slots((uint)segment) + (last_leaf ? tree_slots(leaf) : tree_merges(leaf));
    p.group_closed = p.closed & last_leaf & (segment == G - 1);
    return p;
}

// The first tile of the group after the one that tile `first` belongs to.  A launch holds tiles of two groups at most: parts 0
// and 1.
static int winograd_dw_boundary(const int first, const uint run, const int tiles)
{
    const uint position = run + (uint)(first / tiles);
    return first / tiles * tiles + (int)(GROUP - position % GROUP) * tiles;
}

// Chains of the tiles of one part, merged into the group's tree at `tree`.  A work-item owns MR x NR channels of one frequency;
// blocks: of MR input channels, items: of both kinds.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_dw(global const float *restrict v, global const float *restrict d, global const uint *restrict counters,
                        global float *restrict tree, const int tree_at, const int first, const int end, const int part,
                        const int panel, const int v_step, const int d_step, const int C, const int K, const int tiles,
                        const int Q, const int G, const int level, const int blocks, const int items)
{
    const int item = (int)get_global_id(0), f = (int)get_global_id(1);
    if (item >= items)
        return;
    const int c0 = item % blocks * MR, k0 = item / blocks * NR, rows = min(MR, C - c0), columns = min(NR, K - k0);
    const uint run = counters[CNT_POSITION], batch = counters[CNT_BATCH];
    const int boundary = winograd_dw_boundary(first, run, tiles), stop = part ? end : min(end, boundary);
    global const float *const a = v + (size_t)f * v_step + (size_t)(c0 / VEC) * VEC * panel + c0 % VEC;
    global const float *const b = d + (size_t)f * d_step + (size_t)k0 * panel;
    global float *const own = tree + tree_at + ((size_t)f * C + c0) * K + k0;
    int channel[MR];        /* of a tile that is cut: the last one again, not stored */
    #pragma unroll
    for (int i = 0; i < MR; i++)
        channel[i] = min(i, rows - 1);

    for (int t = part ? max(first, boundary) : first; t < stop;) {
        const dw_piece p = winograd_dw_piece(t, stop, run, batch, tiles, Q, G);
        global float *o = own + (size_t)p.slot * level;
        global const float *av = a + (size_t)(t - first) * VEC, *bv = b + (size_t)(t - first) * NR;
        floatV acc[MR][NV];
        dw_begin(acc, channel, o, p.opened, K, columns);
        for (; t < p.end; t++, av += VEC, bv += NR) {
            floatV right[NV];
#define LOAD(i, j) right[j] = vloadV(bv + j * VEC);
#define STEP(i, j) acc[i][j] = fma(left, right[j], acc[i][j]);
#define ROW(i) { const floatV left = (floatV)(av[i]); COLUMNS(STEP, i) }
            COLUMNS(LOAD, 0)
            ROWS(ROW)
#undef ROW
#undef STEP
#undef LOAD
        }
        if (p.closed)
            o = dw_merge(acc, channel, o, p.merges, (size_t)level, K, columns);
        dw_end(acc, rows, o, K, columns);
    }
}

// Where a part ends a group: its root G' t G, flushed, is a leaf of the tree over groups, stack [slot][9][C][K].  tree may be a
// part of the stack's own memory.  A work-item per input channel and VEC output channels; vectors: of a row of K.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_dw_root(global const uint *restrict counters, global const float *tree, global float *stack,
                             const int tree_at, const int first, const int end, const int part, const int C, const int K,
                             const int tiles, const int Q, const int G, const int vectors)
{
    const int item = (int)get_global_id(0), c = item / vectors, k = (item - c * vectors) * VEC, count = K - k;
    const uint run = counters[CNT_POSITION], batch = counters[CNT_BATCH];
    const int boundary = winograd_dw_boundary(first, run, tiles), stop = part ? end : min(end, boundary);
    if (c >= C || (part && boundary >= end) || !winograd_dw_piece(stop - 1, stop, run, batch, tiles, Q, G).group_closed)
        return;
    global const float *const root = tree + tree_at + (size_t)c * K + k;
    const size_t step = (size_t)C * K;
    floatV u[3][WT];
#define LOAD(j, i) column[i] = LOAD_CUT(root + (size_t)((i) * WT + (j)) * step, count);
#define COLUMN(j)                                                                                                              \
    {                                                                                                                          \
        floatV column[WT], r[3];                                                                                               \
        TIMES_TT(LOAD, j)                                                                                                      \
        WINOGRAD(gt)(r, column);                                                                                               \
        for (int i = 0; i < 3; i++)                                                                                            \
            u[i][j] = r[i];                                                                                                    \
    }
    TIMES_T(COLUMN)
#undef COLUMN
#undef LOAD
    const uint group = (run + (uint)((stop - 1) / tiles)) / GROUP;
    const int slot = tree_slots(group);
    for (int i = 0; i < 3; i++) {
        floatV r[3];
        WINOGRAD(gt)(r, u[i]);
        for (int j = 0; j < 3; j++) {
            global float *o = stack + (size_t)slot * 9 * step + (size_t)(i * 3 + j) * step + (size_t)c * K + k;
            floatV node = scl_flush_v(r[j]);
            for (int merges = tree_merges(group); merges > 0; merges--) {
                o -= 9 * step;
                node = scl_flush_v(LOAD_CUT(o, count) + node);
            }
            STORE_CUT(node, o, count);
        }
    }
}

#endif
