// Direct convolution, NHWC, in the canonical order: chains of fma over (tap, channel) of 128 channels each, their sums
// added in order, bias, flush.  See host/ops/conv.c.  A work-item owns tiles of MR pixels (of the flattened batch) by NR
// output channels.
// Needs WG, MR, NR, VEC (NR a multiple of VEC), lib/vec.cl, lib/math.cl, lib/tile.cl, lib/fused.cl.
//
// packed: 128 zeros (what pixels outside the image read) | bias[KP] | weights [KP/NR][C in chains of 128][tap][channel][NR],
// KP = K rounded up to NR; padded channels are zero.  host/ops/conv_direct.c knows the same sizes.
#ifndef LIB_CONV_DIRECT_CL
#define LIB_CONV_DIRECT_CL

#define CHAIN 128       /* channels of one chain: canonical, not tunable */

// The zeros and the bias; absent bias: zeros, which change nothing as no sum is -0.
static void pack_head(global const float *restrict bias, global float *restrict packed, const int K, const int KP)
{
    for (int i = 0; i < CHAIN; i++)
        packed[i] = 0.0f;
    for (int k = 0; k < KP; k++)
        packed[CHAIN + k] = bias && k < K ? bias[k] : 0.0f;
}

// Where the NR values of input channel c and this tap begin, for block 0; the next block is taps*C*NR further.
static size_t packed_row(const int c, const int tap, const int taps, const int C)
{
    const int c0 = c / CHAIN * CHAIN, chain = min(CHAIN, C - c0);
    return ((size_t)taps * c0 + (size_t)tap * chain + (c - c0)) * NR;
}

// w [tap][C][K] as it is.  One work-item per input channel and tap.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void conv_pack(global const float *restrict w, global const float *restrict bias, global float *restrict packed,
                      const int C, const int K, const int KP, const int taps)
{
    const int c = (int)get_global_id(0), tap = (int)get_global_id(1);
    if (c >= C)
        return;
    if (c == 0 && tap == 0)
        pack_head(bias, packed, K, KP);
    global const float *from = w + ((size_t)tap * C + c) * K;
    global float *to = packed + CHAIN + KP + packed_row(c, tap, taps, C);
    const size_t block = (size_t)taps * C * NR;
    for (int k = 0; k < KP; k += VEC) {
        global float *o = to + k / NR * block + k % NR;
        if (k + VEC <= K)
            vstoreV(vloadV(from + k), o);
        else
            for (int j = 0; j < VEC; j++)
                o[j] = k + j < K ? from[k + j] : 0.0f;
    }
}

// The weights of the data gradient: w'[tap][c][k] = w[taps-1-tap][k][c], for w [tap][K][C].  Work-items as above.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void conv_pack_flipped(global const float *restrict w, global float *restrict packed,
                              const int C, const int K, const int KP, const int taps)
{
    const int c = (int)get_global_id(0), tap = (int)get_global_id(1);
    if (c >= C)
        return;
    if (c == 0 && tap == 0)
        pack_head(0, packed, K, KP);
    global const float *from = w + (size_t)(taps - 1 - tap) * K * C + c;
    global float *to = packed + CHAIN + KP + packed_row(c, tap, taps, C);
    const size_t block = (size_t)taps * C * NR;
    for (int k0 = 0; k0 < KP; k0 += NR, to += block)
        for (int j = 0; j < NR; j++)
            to[j] = k0 + j < K ? from[(size_t)(k0 + j) * C] : 0.0f;
}

// Where the tile's MR pixels, from pixel p0 on, read x under the tap at (oy, ox): a[i].  Pixels outside the image read zero.
// Returns 0 when all are outside.
static int conv_rows(global const float *a[MR], global const float *x, global const float *zero, const int p0, const int N,
                     const int H, const int W, const int C, const int oy, const int ox)
{
    const int row = p0 / W, x0 = p0 - row * W, n0 = row / H, y0 = row - n0 * H;
    const int inside_x = (x0 + ox >= 0) & (x0 + ox + MR <= W) & (x0 + MR <= W), inside_y = (y0 + oy >= 0) & (y0 + oy < H);
    const int centre = (oy == 0) & (ox == 0) & (p0 + MR <= N * H * W);      /* whatever rows and samples they are of */
    if (centre | (inside_x & inside_y & (n0 < N))) {
        #pragma unroll
        for (int i = 0; i < MR; i++)
            a[i] = x + ((long)p0 + i + (long)oy * W + ox) * C;
        return 1;
    }
    int any = 0, xi = x0, yi = y0, ni = n0;
    #pragma unroll
    for (int i = 0; i < MR; i++) {
        const int ys = yi + oy, xs = xi + ox, inside = (ys >= 0) & (ys < H) & (xs >= 0) & (xs < W) & (ni < N);
        a[i] = inside ? x + (((size_t)ni * H + ys) * W + xs) * C : zero;
        any |= inside;
        xi++;
        if (xi == W) {
            xi = 0;
            yi++;
            if (yi == H) {
                yi = 0;
                ni++;
            }
        }
    }
    return any;
}

// One chain: acc = sum over taps and channels c0 ... c0+chain-1, from +0.  b: its weights.
static void conv_chain(floatV acc[MR][NV], global const float *x, global const float *b, global const float *zero,
                       const int p0, const int chain, const int N, const int H, const int W, const int C, const int R,
                       const int S, const int dilation)
{
    #pragma unroll
    for (int i = 0; i < MR; i++) {
        #pragma unroll
        for (int j = 0; j < NV; j++)
            acc[i][j] = (floatV)(0.0f);
    }
    for (int tap = 0; tap < R * S; tap++, b += (size_t)chain * NR) {
        const int ky = tap / S, oy = (ky - R / 2) * dilation, ox = (tap - ky * S - S / 2) * dilation;
        global const float *a[MR], *bc = b;
        if (!conv_rows(a, x, zero, p0, N, H, W, C, oy, ox))
            continue;
        for (int c = 0; c < chain; c++, bc += NR) {
            floatV bv[NV];
#define LOAD(i, j) bv[j] = vloadV(bc + j * VEC);
#define STEP(i, j) acc[i][j] = fma(av, bv[j], acc[i][j]);
#define ROW(i) { const floatV av = (floatV)(a[i][c]); COLUMNS(STEP, i) }
            COLUMNS(LOAD, 0)
            ROWS(ROW)
#undef ROW
#undef STEP
#undef LOAD
        }
    }
}

// per_item consecutive tiles of pixels a work-item (0), blocks of NR output channels (1).
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void conv_direct(global const float *restrict x, global const float *restrict packed, global float *restrict y,
                        POST_ARGS const int N, const int H, const int W, const int C, const int K, const int KP,
                        const int R, const int S, const int dilation, const int tiles, const int per_item)
{
    const int pixels = N * H * W, k0 = (int)get_global_id(1) * NR, taps = R * S;
    const int first = (int)get_global_id(0) * per_item, end = min(tiles, first + per_item);
    global const float *bias = packed + CHAIN + k0;
    global const float *weights = packed + CHAIN + KP + (size_t)k0 * taps * C;

    for (int tile = first; tile < end; tile++) {
        const int p0 = tile * MR;
        floatV sum[MR][NV];
        for (int c0 = 0; c0 < C; c0 += CHAIN) {
            floatV acc[MR][NV];
            conv_chain(acc, x + c0, weights + (size_t)c0 * taps * NR, packed, p0, min(CHAIN, C - c0), N, H, W, C, R, S,
                       dilation);
            #pragma unroll
            for (int i = 0; i < MR; i++) {
                #pragma unroll
                for (int j = 0; j < NV; j++)
                    sum[i][j] = c0 ? sum[i][j] + acc[i][j] : acc[i][j];
            }
        }
        #pragma unroll
        for (int i = 0; i < MR; i++)
            if (p0 + i < pixels) {
                const int n = (p0 + i) / (H * W);
                #pragma unroll
                for (int j = 0; j < NV; j++)
                    if (k0 + j * VEC < K) {
                        const size_t e = (size_t)(p0 + i) * K + k0 + j * VEC;
                        const floatV v = scl_flush_v(sum[i][j] + vloadV(bias + j * VEC));
                        POST_HOIST(n, k0 + j * VEC, K - k0 - j * VEC)
                        POST_LOAD(e, K - k0 - j * VEC)
                        STORE_CUT(POST(v), y + e, K - k0 - j * VEC);
                    }
            }
    }
}

#endif
