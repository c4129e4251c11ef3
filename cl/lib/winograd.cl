// What the Winograd kernels share: tile geometry, two-dimensional transforms, packed weights.  See host/ops/winograd.h.
// Needs WM (4 or 2: outputs of a tile's side), WG, NR, VEC, lib/vec.cl, lib/math.cl, lib/tile.cl.
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

// Tile t of all: sample n, image row y and column x of its first output.
#define WINOGRAD_TILE(t)                                                                                                       \
    const int n = (t) / tiles, in_sample = (t) - n * tiles, phase = in_sample / (down * across);                               \
    const int in_phase = in_sample - phase * down * across;                                                                    \
    const int y0 = phase / dilation + dilation * WM * (in_phase / across);                                                     \
    const int x0 = phase % dilation + dilation * WM * (in_phase % across);

// o = B' d B of VEC channels of a tile of which `count` exist; image: of its sample, at the first of these channels.
static inline void winograd_input(floatV o[WT][WT], global const float *image, const int y0, const int x0, const int count,
                                  const int H, const int W, const int C, const int dilation)
{
    floatV u[WT][WT];
    const int ya = y0 - dilation, xa = x0 - dilation, reach = dilation * (WT - 1);
    if ((ya >= 0) & (xa >= 0) & (ya + reach < H) & (xa + reach < W) & (count >= VEC)) {
        global const float *p = image + ((size_t)ya * W + xa) * C;
        const size_t right = (size_t)dilation * C, below = right * W;
        #pragma unroll
        for (int j = 0; j < WT; j++) {
            floatV d[WT], r[WT];
            #pragma unroll
            for (int i = 0; i < WT; i++)
                d[i] = vloadV(p + i * below + j * right);
            WINOGRAD(bt)(r, d);
            #pragma unroll
            for (int i = 0; i < WT; i++)
                u[i][j] = r[i];
        }
    } else {
        #pragma unroll
        for (int j = 0; j < WT; j++) {
            const int xx = xa + j * dilation;
            floatV d[WT], r[WT];
            #pragma unroll
            for (int i = 0; i < WT; i++) {
                const int yy = ya + i * dilation;
                const int inside = (yy >= 0) & (yy < H) & (xx >= 0) & (xx < W);
                d[i] = inside ? load_some(image + ((size_t)yy * W + xx) * C, count) : (floatV)(0.0f);
            }
            WINOGRAD(bt)(r, d);
            #pragma unroll
            for (int i = 0; i < WT; i++)
                u[i][j] = r[i];
        }
    }
    #pragma unroll
    for (int i = 0; i < WT; i++)
        WINOGRAD(bt)(o[i], u[i]);
}

// Transformed weights of VEC output channels from taps g: U [frequency][KP/NR][C][NR] at o, `step` from frequency to frequency.
static inline void winograd_weights(const floatV g[9], global float *o, const size_t step)
{
    floatV t[3][WT];
    #pragma unroll
    for (int x = 0; x < 3; x++) {
        const floatV column[3] = { g[x], g[3 + x], g[6 + x] };
        WINOGRAD(gg)(t[x], column);
    }
    #pragma unroll
    for (int i = 0; i < WT; i++) {
        const floatV row[3] = { t[0][i], t[1][i], t[2][i] };
        floatV r[WT];
        WINOGRAD(gg)(r, row);
        #pragma unroll
        for (int j = 0; j < WT; j++)
            vstoreV(r[j], o + (size_t)(i * WT + j) * step);
    }
}

// packed: bias[KP] | U.  w [9][C][K]; padded output channels are zero.  A work-item per input channel and VEC output channels.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void winograd_pack(global const float *restrict w, global const float *restrict bias, global float *restrict packed,
                          const int C, const int K, const int KP)
{
    const int c = (int)get_global_id(0), k = (int)get_global_id(1) * VEC;
    if (c >= C)
        return;
    if (c == 0)
        vstoreV(bias ? load_some(bias + k, K - k) : (floatV)(0.0f), packed + k);
    floatV g[9];
    #pragma unroll
    for (int tap = 0; tap < 9; tap++)
        g[tap] = load_some(w + ((size_t)tap * C + c) * K + k, K - k);
    winograd_weights(g, packed + KP + ((size_t)(k / NR) * C + c) * NR + k % NR, (size_t)KP * C);
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
    if (c0 == 0)
        vstoreV((floatV)(0.0f), packed + k);
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
        #pragma unroll
        for (int tap = 0; tap < 9; tap++)
            g[tap] = vloadV(turned[tap][i]);
        winograd_weights(g, packed + KP + ((size_t)(k / NR) * C + c0 + i) * NR + k % NR, (size_t)KP * C);
    }
}

#endif
