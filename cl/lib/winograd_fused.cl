// Winograd convolution in one kernel: a work-item takes TILES tiles through input transform, products and output transform, with
// the transformed values in local memory (a CPU's cache).  See host/ops/winograd.c.
// Needs WM, WG = 1, MR, NR, VEC, TILES (a multiple of MR), lib/winograd.cl, lib/fused.cl and what they need.
#ifndef LIB_WINOGRAD_FUSED_CL
#define LIB_WINOGRAD_FUSED_CL

// Weights are read in order, by every work-item again, and a first cache does not hold them: while the rows of one panel are at work,
// each of them calls its share of the next one, AHEAD lines of 16 floats at each channel, into the second cache.
#define PANEL_LINES ((NR + 15) / 16)
#define AHEAD ((PANEL_LINES * MR + TILES - 1) / TILES)
#ifdef __has_builtin
#if __has_builtin(__builtin_prefetch) && !defined(NO_PREFETCH)
#define CALL_AHEAD(p) __builtin_prefetch((p), 0, 2)
#endif
#endif
#ifndef CALL_AHEAD
#define CALL_AHEAD(p)
#endif

// acc = chain from +0 over `chain` channels: MR rows of a, `row` floats from one to the next, with the panel b.
static inline void winograd_chain(floatV acc[MR][NV], local const float *a, const int row, global const float *b,
                                  global const float *ahead, const int chain)
{
    #pragma unroll
    for (int i = 0; i < MR; i++) {
        #pragma unroll
        for (int j = 0; j < NV; j++)
            acc[i][j] = (floatV)(0.0f);
    }
    for (int c = 0; c < chain; c++, a++, b += NR, ahead += NR) {
        floatV bv[NV];
        #pragma unroll
        for (int line = 0; line < AHEAD; line++)
            CALL_AHEAD(ahead + line * 16);
#define LOAD(i, j) bv[j] = vloadV(b + j * VEC);
#define STEP(i, j) acc[i][j] = fma(av, bv[j], acc[i][j]);
#define ROW(i) { const floatV av = (floatV)(a[i * row]); COLUMNS(STEP, i) }
        COLUMNS(LOAD, 0)
        ROWS(ROW)
#undef ROW
#undef STEP
#undef LOAD
    }
}

// A' m A of the VEC output channels from k on, of a tile of sample n, bias, flush; what lies outside of the image is dropped.
// m: `step` floats from one frequency to the next.
static inline void winograd_output(local const float *m, const int step, const floatV bias, global float *y, POST_ARGS
                                   const int n, const int k, const int y0, const int x0, const int H, const int W, const int K,
                                   const int dilation)
{
    floatV u[WM][WT];
    const int count = K - k;
    POST_HOIST(n, k, count)
#define LOAD(j, i) d[i] = vloadV(m + ((i) * WT + (j)) * step);
#define KEEP(j, i) u[i][j] = r[i];
#define COLUMN(j) { floatV d[WT], r[WM]; TIMES_TT(LOAD, j) WINOGRAD(at)(r, d); TIMES_MM(KEEP, j) }
    TIMES_T(COLUMN)
#undef COLUMN
#undef KEEP
#undef LOAD
#define STORE(i, j)                                                                                                            \
    if (yy < H && x0 + (j) * dilation < W) {                                                                                   \
        const size_t e = row + (size_t)(j) * right;                                                                            \
        const floatV v = scl_flush_v(r[j] + bias);                                                                             \
        POST_LOAD(e, count)                                                                                                    \
        STORE_CUT(POST(v), y + e, count);                                                                                      \
    }
#define ROW(i)                                                                                                                 \
    {                                                                                                                          \
        const int yy = y0 + (i) * dilation;                                                                                    \
        const size_t row = (((size_t)n * H + yy) * W + x0) * K + k;                                                            \
        floatV r[WM];                                                                                                          \
        WINOGRAD(at)(r, u[i]);                                                                                                 \
        TIMES_MM(STORE, i)                                                                                                     \
    }
    const size_t right = (size_t)dilation * K;
    TIMES_M(ROW)
#undef ROW
#undef STORE
}

// Channels ca to cb of the tiles from `first` on, transformed, to v: `row` floats a tile, `step` a frequency.
static inline void winograd_inputs(global const float *x, global const float *packed, local float *v, PRE_ARGS const int first,
                                   const int rows, const int ca, const int cb, const int row, const int step, const int H,
                                   const int W, const int C, const int dilation, const int down, const int across,
                                   const int tiles, const int total)
{
    for (int t = 0; t < rows; t++) {
        WINOGRAD_TILE(min(first + t, total - 1))
        global const float *image = x + (size_t)n * H * W * C;
        for (int c = ca; c < cb; c += VEC) {
            floatV o[WT][WT];
            winograd_input(o, image, packed, PRE_PASS n, c, y0, x0, H, W, C, dilation);
            local float *to = v + t * row + c - ca;
#define STORE(i, j) vstoreV(o[i][j], to + ((i) * WT + (j)) * step);
#define STORES(i) TIMES_TT(STORE, i)
            TIMES_T(STORES)
#undef STORES
#undef STORE
        }
    }
}

// PASS: channels transformed at a time, a multiple of CHAIN.  v: WF * (TILES * min(C rounded up to VEC, PASS) + VEC) floats,
// m: WF * (TILES * NR + VEC); a frequency is a vector longer than its tiles, or all frequencies would fall into two sets of the
// first cache.  The products of NR output channels leave before the next ones: m is small, so that more tiles share the weights.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_fused(global const float *restrict x, global const float *restrict packed, global float *restrict y,
                           PRE_ARGS POST_ARGS const int H, const int W, const int C, const int K, const int KP, const int dilation, const int down,
                           const int across, const int tiles, const int total, local float *v, local float *m)
{
    const int first = (int)get_global_id(0) * TILES, here = min(TILES, total - first), rows = (here + MR - 1) / MR * MR;
    const int row = min((C + VEC - 1) / VEC * VEC, PASS), v_step = TILES * row + VEC, m_step = TILES * NR + VEC;
    global const float *weights = packed + VEC + KP;

    for (int k0 = 0; k0 < KP; k0 += NR) {
        for (int ca = 0; ca < C; ca += PASS) {
            const int cb = min(ca + PASS, C);
            if (k0 == 0 || C > PASS)
                winograd_inputs(x, packed, v, PRE_PASS first, rows, ca, cb, row, v_step, H, W, C, dilation, down, across, tiles, total);
            for (int f = 0; f < WF; f++)
                for (int c0 = ca; c0 < cb; c0 += CHAIN) {
                    global const float *panel = weights + f * WINOGRAD_STEP(KP, C) + (size_t)k0 * C + (size_t)c0 * NR;
                    global const float *next = f + 1 < WF ? panel + WINOGRAD_STEP(KP, C) : weights + (size_t)(k0 + NR) % KP * C;
                    for (int t0 = 0; t0 < rows; t0 += MR) {
                        floatV acc[MR][NV];
                        winograd_chain(acc, v + f * v_step + t0 * row + c0 - ca, row, panel,
                                       next + 16 * min(t0 / MR * AHEAD, PANEL_LINES - AHEAD), min(CHAIN, cb - c0));
                        local float *o = m + f * m_step + t0 * NR;
                        #pragma unroll
                        for (int i = 0; i < MR; i++) {
                            #pragma unroll
                            for (int j = 0; j < NV; j++) {
                                local float *to = o + i * NR + j * VEC;
                                vstoreV(c0 ? vloadV(to) + acc[i][j] : acc[i][j], to);
                            }
                        }
                    }
                }
        }
        for (int t = 0; t < here; t++) {
            WINOGRAD_TILE(first + t)
            for (int k = k0; k < min(k0 + NR, K); k += VEC)
                winograd_output(m + t * NR + k - k0, m_step, vloadV(packed + VEC + k), y, POST_PASS n, k, y0, x0,
                                H, W, K, dilation);
        }
    }
}

#endif
