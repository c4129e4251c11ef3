// Direct weight gradient in the canonical order: chains over the pixels of a leaf, leaves merged in the tree over
// samples, which lives as a stack in global memory [T][tap][C][K].  See host/ops/conv.c.  A work-item owns one tap,
// MR input channels and NR output channels and walks all samples of the launch.
// Needs WG, MR, NR, VEC, lib/vec.cl, lib/math.cl, lib/tile.cl, lib/tree.cl and lib/dw_tile.cl.
#ifndef LIB_CONV_DW_CL
#define LIB_CONV_DW_CL

#define SEGMENT 1024    /* pixels of a chain: canonical, not tunable */

// dy with its channels padded to KP, so that whole vectors may be read.  A work-item per pixel run.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void conv_widen(global const float *restrict dy, global float *restrict wide, const int pixels, const int per_item,
                       const int K, const int KP)
{
    const int first = (int)get_global_id(0) * per_item, end = min(pixels, first + per_item);
    for (int p = first; p < end; p++)
        for (int k = 0; k < KP; k++)
            wide[(size_t)p * KP + k] = k < K ? dy[(size_t)p * K + k] : 0.0f;
}

// One chain: pixels p ... end-1 of a sample (or of samples that follow each other) whose x and dy begin here.  Image row by
// image row, only what lies inside under the tap at (oy, ox).  channel: of the tile's rows.
static void conv_dw_chain(floatV acc[MR][NV], const int channel[MR], global const float *x, global const float *dy, int p,
                          const int end, const int H, const int W, const int C, const int KP, const int oy, const int ox)
{
    while (p < end) {
        const int row = p / W, yy = row % H, xp = p - row * W, xe = min(W, xp + end - p), ya = yy + oy;
        const int xa = max(xp, -ox), xb = ya >= 0 && ya < H ? min(xe, W - ox) : 0;
        const long pixel = (long)p - xp + xa;
        global const float *a = x + (pixel + (long)oy * W + ox) * C, *b = dy + pixel * KP;
        for (int xx = xa; xx < xb; xx++, a += C, b += KP) {
            floatV bv[NV];
#define LOAD(i, j) bv[j] = vloadV(b + j * VEC);
#define STEP(i, j) acc[i][j] = fma(av, bv[j], acc[i][j]);
#define ROW(i) { const floatV av = (floatV)(a[channel[i]]); COLUMNS(STEP, i) }
            COLUMNS(LOAD, 0)
            ROWS(ROW)
#undef ROW
#undef STEP
#undef LOAD
        }
        p += xe - xp;
    }
}

// Samples first ... N-1 of the run; a launch may end inside a leaf, as a run may.  Q samples a leaf, or G > 1 segments a
// leaf, which is one sample then.  KP: channels of a row of dy.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void conv_dw(global const float *restrict x, global const float *restrict dy, global const uint *restrict counters,
                    global float *restrict stack, const int first, const int N, const int H, const int W, const int C,
                    const int K, const int KP, const int R, const int S, const int dilation, const int Q, const int G)
{
    const int c0 = (int)get_global_id(0) * MR, k0 = (int)get_global_id(1) * NR, tap = (int)get_global_id(2);
    if (c0 >= C)
        return;
    const int ky = tap / S, oy = (ky - R / 2) * dilation, ox = (tap - ky * S - S / 2) * dilation;
    const int P = H * W, rows = min(MR, C - c0), columns = min(NR, K - k0);
    const size_t level = (size_t)R * S * C * K;
    global float *const own = stack + ((size_t)tap * C + c0) * K + k0;
    const uint run = counters[CNT_POSITION];
    int channel[MR];        /* of a tile that is cut: the last one again, not stored */
    #pragma unroll
    for (int i = 0; i < MR; i++)
        channel[i] = min(i, rows - 1);

    for (int n = first; n < N;) {
        const uint position = run + (uint)n, leaf = position / (uint)Q, leaf_first = leaf * (uint)Q;
        const uint leaf_end = min(leaf_first + (uint)Q, max(counters[CNT_BATCH], position + 1u));
        const int here = min(N - n, (int)(leaf_end - position)), opened = position > leaf_first;
        const int closed = position + (uint)here == leaf_end;
        for (int segment = 0; segment < G; segment++) {
            const int slot = tree_slots(leaf) + tree_slots((uint)segment);
            const int begin = segment * SEGMENT, end = G == 1 ? here * P : min(P, begin + SEGMENT);
            /* The last segment drains the sample's own tree, which is the same addition, and is a leaf then. */
            const int merges = segment < G - 1 ? tree_merges((uint)segment)
                                               : tree_slots((uint)segment) + tree_merges(leaf);
            global float *o = own + (size_t)slot * level;
            floatV acc[MR][NV];
            dw_begin(acc, channel, o, opened, K, columns);
            conv_dw_chain(acc, channel, x + (size_t)n * P * C + c0, dy + (size_t)n * P * KP + k0, begin, end, H, W, C, KP,
                          oy, ox);
            if (closed)
                o = dw_merge(acc, channel, o, merges, level, K, columns);
            dw_end(acc, rows, o, K, columns);
        }
        n += here;
    }
}

#endif
