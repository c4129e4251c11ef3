// The weight gradient of F(4x4, 3x3) by rows of frequencies: a work-item owns one row of the six and some input channels.  It
// transforms a leaf's tiles for these alone, into local memory (a CPU's second cache), and multiplies them there: between cores
// travel only x, dy and the tree.  The points of the rows: docs/design/winograd-transforms.md.
// Needs WM = 4, lib/winograd_dw.cl, MR (divides VEC), NR, VEC, lib/dw_tile.cl and what they need.
#ifndef LIB_WINOGRAD_DW_ROWS_CL
#define LIB_WINOGRAD_DW_ROWS_CL

// The point of a row of frequencies and the square of the other; the first row is that of 0, the last that of infinity.
static inline float row_point(const int i)
{
    const float size = i < 3 ? 0x1.4p-1f : 0x1.8p+0f;
    return i % 2 ? size : -size;
}

static inline float row_other(const int i) { return i < 3 ? 0x1.2p+1f : 0x1.9p-2f; }

// Row i of B' d B, of the VEC channels of a tile from c on.
static inline void winograd_input_row(floatV o[WT], const int i, global const float *image, global const float *zero, const int c,
                                      const int y0, const int x0, const int H, const int W, const int C, const int dilation)
{
    floatV u[WT];
    const int count = C - c, xa = x0 - dilation, end = i == 0 || i == WT - 1;
    const int first = i == 0 ? 0 : 1, by = end ? 2 : 1;
    const float r = row_point(i), q2 = row_other(i);
    global const float *row[4];
    size_t right[4];
    for (int k = 0; k < 4; k++) {
        const int yy = y0 + (first + k * by - 1) * dilation, inside = (yy >= 0) & (yy < H);
        row[k] = inside ? image + ((long)yy * W + xa) * C + c : zero;
        right[k] = inside ? (size_t)dilation * C : 0;
    }
#define LOAD(j, k) LOAD_CUT(row[k] + (j) * right[k], count)
#define COLUMN(j)                                                                                                              \
    if ((uint)(xa + (j) * dilation) >= (uint)W)                                                                                \
        u[j] = (floatV)(0.0f);                                                                                                 \
    else if (end)                                                                                                              \
        u[j] = scl_winograd4_bt_end_v(LOAD(j, 0), LOAD(j, 1), LOAD(j, 2));                                                     \
    else {                                                                                                                     \
        const floatV d[4] = { LOAD(j, 0), LOAD(j, 1), LOAD(j, 2), LOAD(j, 3) };                                                \
        u[j] = scl_winograd4_bt_at_v(r, q2, d);                                                                                \
    }
    TIMES_T(COLUMN)
#undef COLUMN
    WINOGRAD(bt)(o, u);
}

// Row i of A dy A', likewise.
static inline void winograd_gradient_row(floatV o[WT], const int i, global const float *image, global const float *zero,
                                         const int k0, const int y0, const int x0, const int H, const int W, const int K,
                                         const int dilation)
{
    floatV u[WM];
    const int count = K - k0, end = i == 0 || i == WT - 1, first = i == WT - 1 ? WM - 1 : 0;
    const float r = row_point(i);
    global const float *row[WM];
    size_t right[WM];
    for (int k = 0; k < WM; k++) {
        const int yy = y0 + (end ? first : k) * dilation, inside = yy < H;
        row[k] = inside ? image + ((size_t)yy * W + x0) * K + k0 : zero;
        right[k] = inside ? (size_t)dilation * K : 0;
    }
#define COLUMN(j)                                                                                                              \
    if (x0 + (j) * dilation >= W)                                                                                              \
        u[j] = (floatV)(0.0f);                                                                                                 \
    else if (end)                                                                                                              \
        u[j] = LOAD(j, 0);                                                                                                     \
    else {                                                                                                                     \
        const floatV d[4] = { LOAD(j, 0), LOAD(j, 1), LOAD(j, 2), LOAD(j, 3) };                                                \
        u[j] = scl_winograd4_aa_at_v(r, d);                                                                                    \
    }
    TIMES_M(COLUMN)
#undef COLUMN
#undef LOAD
    WINOGRAD(aa)(o, u);
}

// v [WT][channels / VEC][panel][VEC] and d [WT][K / NR][panel][NR]: of the tiles from `first` to `end`; v_step and d_step: floats
// from frequency to frequency.
static inline void winograd_row_panels(const int i, global const float *x, global const float *dy, global const float *zero,
                                       local float *v, local float *d, const int first, const int end, const int ca, const int cb,
                                       const int panel, const int v_step, const int d_step, const int H, const int W,
                                       const int C, const int K, const int dilation, const int down, const int across,
                                       const int tiles)
{
    for (int t = first; t < end; t++) {
        WINOGRAD_TILE(t)
        floatV o[WT];
#define STORE(j) vstoreV(o[j], to + (j) * step);
        for (int c = ca; c < cb; c += VEC) {
            local float *to = v + (c - ca) * panel + (t - first) * VEC;
            const int step = v_step;
            winograd_input_row(o, i, x + (size_t)n * H * W * C, zero, c, y0, x0, H, W, C, dilation);
            TIMES_T(STORE)
        }
        for (int k = 0; k < K; k += VEC) {
            local float *to = d + k / NR * NR * panel + (t - first) * NR + k % NR;
            const int step = d_step;
            winograd_gradient_row(o, i, dy + (size_t)n * H * W * K, zero, k, y0, x0, H, W, K, dilation);
            TIMES_T(STORE)
        }
#undef STORE
    }
}

// As winograd_dw, for a row of frequencies and `width` input channels.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_dw_rows(global const float *restrict x, global const float *restrict dy, global const float *restrict zero,
                             global const uint *restrict counters, global float *restrict tree, const int tree_at,
                             const int first, const int end, const int part, const int panel, const int v_step,
                             const int d_step, const int H, const int W, const int C, const int K, const int dilation,
                             const int down, const int across, const int tiles, const int Q, const int G, const int level,
                             const int width, local float *v, local float *d)
{
    const int i = (int)get_global_id(1), ca = (int)get_global_id(0) * width, cb = min(ca + width, C);
    const uint run = counters[CNT_POSITION], batch = counters[CNT_BATCH];
    const int boundary = winograd_dw_boundary(first, run, tiles), stop = part ? end : min(end, boundary);

    for (int t = part ? max(first, boundary) : first; t < stop;) {
        const dw_piece p = winograd_dw_piece(t, stop, run, batch, tiles, Q, G);
        winograd_row_panels(i, x, dy, zero, v, d, t, p.end, ca, cb, panel, v_step, d_step, H, W, C, K, dilation, down, across, tiles);
        for (int j = 0; j < WT; j++)
            for (int k0 = 0; k0 < K; k0 += NR)
                for (int c0 = ca; c0 < cb; c0 += MR) {
                    const int rows = min(MR, cb - c0), columns = min(NR, K - k0);
                    local const float *av = v + j * v_step + (c0 - ca) / VEC * VEC * panel + (c0 - ca) % VEC;
                    local const float *bv = d + j * d_step + k0 * panel;
                    global float *o = tree + tree_at + (size_t)p.slot * level + ((size_t)(i * WT + j) * C + c0) * K + k0;
                    int channel[MR];        /* of a tile that is cut: the last one again, not stored */
                    #pragma unroll
                    for (int l = 0; l < MR; l++)
                        channel[l] = min(l, rows - 1);
                    floatV acc[MR][NV];
                    dw_begin(acc, channel, o, p.opened, K, columns);
                    for (int s = t; s < p.end; s++, av += VEC, bv += NR)
                        DW_STEP
                    if (p.closed)
                        o = dw_merge(acc, channel, o, p.merges, (size_t)level, K, columns);
                    dw_end(acc, rows, o, K, columns);
                }
        t = p.end;
    }
}

#endif
