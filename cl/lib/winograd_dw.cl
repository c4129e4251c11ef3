// Winograd weight gradient in the canonical order: per frequency chains over the tiles of a leaf, whose tree lives as a stack
// [slot][frequency][C][K] and stays transformed up to the root of a group of 32 samples.  See host/ops/winograd_dw.c.
// A launch takes tiles first ... end-1 of the run, numbered sample by sample.
// Here: what belongs together, and the root.  Panels and products: lib/winograd_dw_cpu.cl, lib/winograd_dw_gpu.cl.
// Needs WM, WG, VEC, lib/winograd.cl, lib/tree.cl and what they need.
#ifndef LIB_WINOGRAD_DW_CL
#define LIB_WINOGRAD_DW_CL

#define GROUP 32        /* samples that stay transformed: canonical, not tunable */
#define SEGMENT 128     /* tiles of the longest chain: the same */

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

// VEC zeros, which rows outside of an image are read from.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_dw_zero(global float *zero)
{
    if (get_global_id(0) == 0)
        vstoreV((floatV)(0.0f), zero);
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
#define KEEP(j, i) u[i][j] = r[i];
#define COLUMN(j)                                                                                                              \
    {                                                                                                                          \
        floatV column[WT], r[3];                                                                                               \
        TIMES_TT(LOAD, j)                                                                                                      \
        WINOGRAD(gt)(r, column);                                                                                               \
        TIMES_33(KEEP, j)                                                                                                      \
    }
    TIMES_T(COLUMN)
#undef COLUMN
#undef KEEP
#undef LOAD
    const uint group = (run + (uint)((stop - 1) / tiles)) / GROUP;
    stack += (size_t)tree_slots(group) * 9 * step + (size_t)c * K + k;
#define PUSH(i, j)                                                                                                             \
    {                                                                                                                          \
        global float *o = stack + (size_t)((i) * 3 + (j)) * step;                                                              \
        floatV node = scl_flush_v(r[j]);                                                                                       \
        for (int merges = tree_merges(group); merges > 0; merges--) {                                                          \
            o -= 9 * step;                                                                                                     \
            node = scl_flush_v(LOAD_CUT(o, count) + node);                                                                     \
        }                                                                                                                      \
        STORE_CUT(node, o, count);                                                                                             \
    }
#define ROW(i) { floatV r[3]; WINOGRAD(gt)(r, u[i]); TIMES_33(PUSH, i) }
    TIMES_3(ROW)
#undef ROW
#undef PUSH
}

#endif
