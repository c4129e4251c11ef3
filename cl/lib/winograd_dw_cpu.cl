// Panels and products of the Winograd weight gradient where a work-item owns a register tile (CPUs).
// Needs lib/winograd_dw.cl, MR (divides VEC), NR, VEC, lib/dw_tile.cl and what they need.
#ifndef LIB_WINOGRAD_DW_CPU_CL
#define LIB_WINOGRAD_DW_CPU_CL

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

// v [frequency][channels / VEC][panel][VEC] = B' x B and d [frequency][channels / NR][panel][NR] = A dy A'; panel: room for the
// launch's tiles, v_step and d_step: floats from frequency to frequency.  A work-item per tile, of x or of dy.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_dw_panels(global const float *restrict x, global const float *restrict dy,
                               global const float *restrict zero, global float *restrict v, global float *restrict d,
                               const int first, const int end, const int panel, const int v_step, const int d_step,
                               const int H, const int W, const int C, const int K, const int dilation, const int down,
                               const int across, const int tiles)
{
    const int t = (int)get_global_id(0);
    if (first + t >= end)
        return;
    WINOGRAD_TILE(first + t)
#define STORE(i, j) vstoreV(o[i][j], to + (size_t)((i) * WT + (j)) * step);
#define STORE_ROW(i) TIMES_TT(STORE, i)
    if (get_global_id(2) == 0) {
        global const float *image = x + (size_t)n * H * W * C;
        const size_t step = (size_t)v_step;
        for (int c = 0; c < C; c += VEC) {
            global float *to = v + (size_t)c * panel + t * VEC;
            floatV o[WT][WT];
            winograd_input(o, image, zero, n, c, y0, x0, H, W, C, dilation);
            TIMES_T(STORE_ROW)
        }
    } else {
        global const float *image = dy + (size_t)n * H * W * K;
        const size_t step = (size_t)d_step;
        for (int k = 0; k < K; k += VEC) {
            global float *to = d + (size_t)(k / NR) * NR * panel + t * NR + k % NR;
            floatV o[WT][WT];
            winograd_gradient(o, image + k, zero, y0, x0, K - k, H, W, K, dilation);
            TIMES_T(STORE_ROW)
        }
    }
#undef STORE_ROW
#undef STORE
}

// Chains of the tiles of one part, merged into the group's tree at `tree`.  A work-item owns MR x NR channels of one frequency;
// blocks: of MR input channels.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_dw(global const float *restrict v, global const float *restrict d, global const uint *restrict counters,
                        global float *restrict tree, const int tree_at, const int first, const int end, const int part,
                        const int panel, const int v_step, const int d_step, const int C, const int K, const int tiles,
                        const int Q, const int G, const int level, const int blocks)
{
    const int item = (int)get_global_id(0), f = (int)get_global_id(1);
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
        for (; t < p.end; t++, av += VEC, bv += NR)
            DW_STEP
        if (p.closed)
            o = dw_merge(acc, channel, o, p.merges, (size_t)level, K, columns);
        dw_end(acc, rows, o, K, columns);
    }
}

#endif
