// What the Winograd kernels share: tile geometry, two-dimensional transforms, packed weights.  See host/ops/winograd.h.
// Needs WM (4 or 2: outputs of a tile's side), WG, NR, VEC, lib/vec.cl, lib/math.cl, lib/tile.cl, lib/fused.cl.
#ifndef LIB_WINOGRAD_CL
#define LIB_WINOGRAD_CL

#define WT (WM + 2)
#define WF (WT * WT)    /* frequencies */
#define CHAIN 128       /* channels of one chain: canonical, not tunable */

#define FN(name) scl_##name##_v
#define floatT floatV
#include "lib/winograd_body.h"
#undef FN
#undef floatT
#if WM == 4
#define WINOGRAD(name) scl_winograd4_##name##_v
#else
#define WINOGRAD(name) scl_winograd2_##name##_v
#endif

// F(0) ... F(WT-1), F(0) ... F(WM-1), F(0) ... F(2), unrolled by the preprocessor.  With -DROLLED the transforms are loops: some compilers take
// minutes for the unrolled ones.
#if WM == 4
#define EACH_T(F) F(0) F(1) F(2) F(3) F(4) F(5)
#define EACH_M(F) F(0) F(1) F(2) F(3)
#define EACH_TT(F, i) F(i, 0) F(i, 1) F(i, 2) F(i, 3) F(i, 4) F(i, 5)
#define EACH_MM(F, i) F(i, 0) F(i, 1) F(i, 2) F(i, 3)
#else
#define EACH_T(F) F(0) F(1) F(2) F(3)
#define EACH_M(F) F(0) F(1)
#define EACH_TT(F, i) F(i, 0) F(i, 1) F(i, 2) F(i, 3)
#define EACH_MM(F, i) F(i, 0) F(i, 1)
#endif
#define EACH_3(F) F(0) F(1) F(2)
#define EACH_33(F, i) F(i, 0) F(i, 1) F(i, 2)
#ifdef ROLLED
#define TIMES_T(F) for (int i_ = 0; i_ < WT; i_++) { F(i_) }
#define TIMES_M(F) for (int i_ = 0; i_ < WM; i_++) { F(i_) }
#define TIMES_TT(F, i) for (int j_ = 0; j_ < WT; j_++) { F(i, j_) }
#define TIMES_MM(F, i) for (int j_ = 0; j_ < WM; j_++) { F(i, j_) }
#define TIMES_3(F) for (int i_ = 0; i_ < 3; i_++) { F(i_) }
#define TIMES_33(F, i) for (int j_ = 0; j_ < 3; j_++) { F(i, j_) }
#else
#define TIMES_T EACH_T
#define TIMES_M EACH_M
#define TIMES_TT EACH_TT
#define TIMES_MM EACH_MM
#define TIMES_3 EACH_3
#define TIMES_33 EACH_33
#endif

// Tile t of all: sample n, image row y and column x of its first output.
#define WINOGRAD_TILE(t)                                                                                                       \
    const int n = (t) / tiles, in_sample = (t) - n * tiles, phase = in_sample / (down * across);                               \
    const int in_phase = in_sample - phase * down * across;                                                                    \
    const int y0 = phase / dilation + dilation * WM * (in_phase / across);                                                     \
    const int x0 = phase % dilation + dilation * WM * (in_phase % across);

// o = B' d B of the VEC channels from c on, of a tile of sample n; image: the sample's.  Rows outside of the image are read from
// VEC zeros, columns outside of it are skipped.
static inline void winograd_input(floatV o[WT][WT], global const float *image, global const float *zero, PRE_ARGS const int n,
                                  const int c, const int y0, const int x0, const int H, const int W, const int C,
                                  const int dilation)
{
    global const float *row[WT];
    size_t right[WT];
    int inside[WT];
    const int count = C - c;
    PRE_HOIST(n, c, count)
    floatV u[WT][WT];
    const int xa = x0 - dilation;
#define FIND(i)                                                                                                                \
    {                                                                                                                          \
        const int yy = y0 + ((i) - 1) * dilation;                                                                              \
        inside[i] = (yy >= 0) & (yy < H);                                                                                      \
        row[i] = inside[i] ? image + ((long)yy * W + xa) * C + c : zero;                                                       \
        right[i] = inside[i] ? (size_t)dilation * C : 0;                                                                       \
    }
    TIMES_T(FIND)
#undef FIND
#define LOAD(j, i) { const floatV v = LOAD_CUT(row[i] + (j) * right[i], count); d[i] = PRE_INSIDE(v, inside[i]); }
#define KEEP(j, i) u[i][j] = r[i];
#define CLEAR(j, i) u[i][j] = (floatV)(0.0f);
#define COLUMN(j)                                                                                                              \
    if ((uint)(xa + (j) * dilation) < (uint)W) {                                                                               \
        floatV d[WT], r[WT];                                                                                                   \
        TIMES_TT(LOAD, j)                                                                                                      \
        WINOGRAD(bt)(r, d);                                                                                                    \
        TIMES_TT(KEEP, j)                                                                                                      \
    } else {                                                                                                                   \
        TIMES_TT(CLEAR, j)                                                                                                     \
    }
    TIMES_T(COLUMN)
#undef COLUMN
#undef CLEAR
#undef KEEP
#undef LOAD
#define ROW(i) WINOGRAD(bt)(o[i], u[i]);
    TIMES_T(ROW)
#undef ROW
}

// Transformed weights of VEC output channels from taps g: U [frequency][KP/NR][C][NR] at o, `step` from frequency to frequency.
static inline void winograd_weights(const floatV g[9], global float *o, const size_t step)
{
    floatV t[3][WT];
#define COLUMN(x) { const floatV column[3] = { g[x], g[3 + (x)], g[6 + (x)] }; WINOGRAD(gg)(t[x], column); }
    TIMES_3(COLUMN)
#undef COLUMN
#define STORE(i, j) vstoreV(r[j], o + (size_t)((i) * WT + (j)) * step);
#define ROW(i) { const floatV row[3] = { t[0][i], t[1][i], t[2][i] }; floatV r[WT]; WINOGRAD(gg)(r, row); TIMES_TT(STORE, i) }
    TIMES_T(ROW)
#undef ROW
#undef STORE
}

// Floats from one frequency of U to the next: a vector more than its weights, or all frequencies would fall into the same sets of
// the caches.
#define WINOGRAD_STEP(KP, C) ((size_t)(KP) * (C) + VEC)

// packed: VEC zeros | bias[KP] | U.  w [9][C][K]; padded output channels are zero.  A work-item per input channel and VEC output
// channels.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_pack(global const float *restrict w, global const float *restrict bias, global float *restrict packed,
                          const int C, const int K, const int KP)
{
    const int c = (int)get_global_id(0), k = (int)get_global_id(1) * VEC;
    if (c >= C)
        return;
    if (c == 0 && k == 0)
        vstoreV((floatV)(0.0f), packed);
    if (c == 0)
        vstoreV(bias ? load_some(bias + k, K - k) : (floatV)(0.0f), packed + VEC + k);
    floatV g[9];
    for (int tap = 0; tap < 9; tap++)
        g[tap] = load_some(w + ((size_t)tap * C + c) * K + k, K - k);
    winograd_weights(g, packed + VEC + KP + ((size_t)(k / NR) * C + c) * NR + k % NR, WINOGRAD_STEP(KP, C));
}

// The weights of the data gradient: w'[tap][c][k] = w[8-tap][k][c], for w [9][K][C].  A work-item per VEC x VEC channels, which it
// turns about in private memory.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_pack_flipped(global const float *restrict w, global float *restrict packed, const int C, const int K,
                                  const int KP)
{
    const int c0 = (int)get_global_id(0) * VEC, k = (int)get_global_id(1) * VEC;
    if (c0 >= C)
        return;
    if (c0 == 0 && k == 0)
        vstoreV((floatV)(0.0f), packed);
    if (c0 == 0)
        vstoreV((floatV)(0.0f), packed + VEC + k);
    float turned[9][VEC][VEC];
    for (int tap = 0; tap < 9; tap++)
        for (int j = 0; j < VEC; j++) {
            float row[VEC];
            vstoreV(k + j < K ? load_some(w + ((size_t)(8 - tap) * K + k + j) * C + c0, C - c0) : (floatV)(0.0f), row);
            for (int i = 0; i < VEC; i++)
                turned[tap][i][j] = row[i];
        }
    for (int i = 0; i < min(VEC, C - c0); i++) {
        floatV g[9];
        for (int tap = 0; tap < 9; tap++)
            g[tap] = vloadV(turned[tap][i]);
        winograd_weights(g, packed + VEC + KP + ((size_t)(k / NR) * C + c0 + i) * NR + k % NR, WINOGRAD_STEP(KP, C));
    }
}

#endif
