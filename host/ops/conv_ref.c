/* The definitions of convolution and weight gradient, in plain C and canonical order
 * (docs/design/arithmetic.md 3).  The inner loop runs over up to 64 output channels, each of which has a
 * chain of its own, so that the compiler may use vectors. */
#include "graph/arith.h"
#include "ops/conv_shape.h"

enum { BLOCK = 64 };

/* Output channels k0 ... k0+count-1 of one pixel. */
SCL_FAST_REF static void pixel(const scl_conv_shape *s, const float *x, const float *w, const float *bias,
                               float *y, int n, int row, int column, int k0, int count)
{
    float acc[BLOCK], sum[BLOCK];
    for (int c0 = 0; c0 < s->C; c0 += SCL_CONV_CHAIN) {
        const int end = c0 + SCL_CONV_CHAIN < s->C ? c0 + SCL_CONV_CHAIN : s->C;
        for (int k = 0; k < count; k++)
            acc[k] = 0.0f;
        for (int ky = 0; ky < s->R; ky++)
            for (int kx = 0; kx < s->S; kx++) {
                const int ys = row + (ky - s->R / 2) * s->dilation,
                          xs = column + (kx - s->S / 2) * s->dilation;
                if (ys < 0 || ys >= s->H || xs < 0 || xs >= s->W)
                    continue;
                const float *from = x + (((size_t)n * s->H + ys) * s->W + xs) * s->C;
                for (int c = c0; c < end; c++) {
                    const float *u = w + (((size_t)ky * s->S + kx) * s->C + c) * s->K + k0;
                    for (int k = 0; k < count; k++)
                        acc[k] = fmaf(from[c], u[k], acc[k]);
                }
            }
        for (int k = 0; k < count; k++)
            sum[k] = c0 ? sum[k] + acc[k] : acc[k];
    }
    for (int k = 0; k < count; k++)
        y[k] = scl_flush(bias ? sum[k] + bias[k0 + k] : sum[k]);
}

/* The same with the flipped weights read where they are. */
SCL_FAST_REF static void pixel_flipped(const scl_conv_shape *s, const float *x, const float *w, float *y,
                                       int n, int row, int column, int k0, int count)
{
    float acc[BLOCK], sum[BLOCK];
    for (int c0 = 0; c0 < s->C; c0 += SCL_CONV_CHAIN) {
        const int end = c0 + SCL_CONV_CHAIN < s->C ? c0 + SCL_CONV_CHAIN : s->C;
        for (int k = 0; k < count; k++)
            acc[k] = 0.0f;
        for (int ky = 0; ky < s->R; ky++)
            for (int kx = 0; kx < s->S; kx++) {
                const int ys = row + (ky - s->R / 2) * s->dilation,
                          xs = column + (kx - s->S / 2) * s->dilation;
                if (ys < 0 || ys >= s->H || xs < 0 || xs >= s->W)
                    continue;
                const float *from = x + (((size_t)n * s->H + ys) * s->W + xs) * s->C;
                const float *u = w + ((size_t)((s->R - 1 - ky) * s->S + s->S - 1 - kx) * s->K + k0) * s->C;
                for (int k = 0; k < count; k++)
                    for (int c = c0; c < end; c++)
                        acc[k] = fmaf(from[c], u[(size_t)k * s->C + c], acc[k]);
            }
        for (int k = 0; k < count; k++)
            sum[k] = c0 ? sum[k] + acc[k] : acc[k];
    }
    for (int k = 0; k < count; k++)
        y[k] = scl_flush(sum[k]);
}

void scl_conv_ref(const scl_conv_shape *s, const float *x, const float *w, const float *bias, float *y)
{
    for (int n = 0; n < s->N; n++)
        for (int row = 0; row < s->H; row++)
            for (int column = 0; column < s->W; column++) {
                float *o = y + (((size_t)n * s->H + row) * s->W + column) * s->K;
                for (int k0 = 0; k0 < s->K; k0 += BLOCK) {
                    const int count = s->K - k0 < BLOCK ? s->K - k0 : BLOCK;
                    if (s->flipped)
                        pixel_flipped(s, x, w, o + k0, n, row, column, k0, count);
                    else
                        pixel(s, x, w, bias, o + k0, n, row, column, k0, count);
                }
            }
}

scl_conv_leaves scl_conv_leaves_of(int pixels)
{
    scl_conv_leaves l = { .Q = SCL_CONV_LEAF, .G = 1 };
    while (l.Q > 1 && (long)l.Q * pixels > SCL_CONV_SEGMENT)
        l.Q /= 2;
    if (pixels > SCL_CONV_SEGMENT)
        l.G = (pixels + SCL_CONV_SEGMENT - 1) / SCL_CONV_SEGMENT;
    return l;
}

/* One chain: acc[k] over pixels begin ... end-1 of the buffer, for one tap and input channel. */
SCL_FAST_REF static void chain(const scl_conv_shape *s, const float *x, const float *dy, int oy, int ox,
                               int c, int k0, int count, long begin, long end, float *acc)
{
    for (long p = begin; p < end; p++) {
        const long row = p / s->W;
        const int ys = (int)(row % s->H) + oy, xs = (int)(p - row * s->W) + ox;
        if (ys < 0 || ys >= s->H || xs < 0 || xs >= s->W)
            continue;
        const float u = x[(p + (long)oy * s->W + ox) * s->C + c], *d = dy + p * s->K + k0;
        for (int k = 0; k < count; k++)
            acc[k] = fmaf(u, d[k], acc[k]);
    }
}

/* One tap, input channel and block of output channels; slot: its place in slot 0 of the stack, level: to the
 * next. */
static void row(const scl_conv_shape *s, const float *x, const float *dy, const unsigned *counters, int tap,
                int c, int k0, int count, float *slot0, size_t level)
{
    const scl_conv_leaves l = scl_conv_leaves_of(s->H * s->W);
    const int oy = (tap / s->S - s->R / 2) * s->dilation, ox = (tap % s->S - s->S / 2) * s->dilation;
    const long P = (long)s->H * s->W;
    for (int n = 0; n < s->N;) {
        const unsigned position = counters[SCL_CNT_POSITION] + (unsigned)n, leaf = position / (unsigned)l.Q;
        const unsigned batch = counters[SCL_CNT_BATCH] > position ? counters[SCL_CNT_BATCH] : position + 1;
        const unsigned leaf_end = (leaf + 1) * (unsigned)l.Q < batch ? (leaf + 1) * (unsigned)l.Q : batch;
        const int here = (int)(leaf_end - position) < s->N - n ? (int)(leaf_end - position) : s->N - n;
        const bool opened = position > leaf * (unsigned)l.Q, closed = position + (unsigned)here == leaf_end;
        for (int g = 0; g < l.G; g++) {
            const long begin = n * P + (long)g * SCL_CONV_SEGMENT, whole = (n + here) * P;
            const long end = l.G > 1 && begin + SCL_CONV_SEGMENT < whole ? begin + SCL_CONV_SEGMENT : whole;
            float acc[BLOCK], *top = slot0 + level * (size_t)(scl_popcount(leaf) + scl_popcount((unsigned)g));
            for (int k = 0; k < count; k++)
                acc[k] = opened ? top[k] : 0.0f;
            chain(s, x, dy, oy, ox, c, k0, count, begin, end, acc);
            /* The last segment drains the sample's own tree, which is the same addition, and is a leaf then.
             */
            int merges = g < l.G - 1 ? scl_trailing_ones((unsigned)g)
                                     : scl_popcount((unsigned)g) + scl_trailing_ones(leaf);
            for (int k = 0; k < count && closed; k++)
                acc[k] = scl_flush(acc[k]);
            for (; closed && merges > 0; merges--) {
                top -= level;
                for (int k = 0; k < count; k++)
                    acc[k] = scl_flush(top[k] + acc[k]);
            }
            for (int k = 0; k < count; k++)
                top[k] = acc[k];
        }
        n += here;
    }
}

void scl_conv_dw_ref(const scl_conv_shape *s, const float *x, const float *dy, const unsigned *counters,
                     float *stack)
{
    const size_t level = (size_t)s->R * s->S * s->C * s->K;
    for (int tap = 0; tap < s->R * s->S; tap++)
        for (int c = 0; c < s->C; c++)
            for (int k0 = 0; k0 < s->K; k0 += BLOCK)
                row(s, x, dy, counters, tap, c, k0, s->K - k0 < BLOCK ? s->K - k0 : BLOCK,
                    stack + ((size_t)tap * s->C + c) * s->K + k0, level);
}
