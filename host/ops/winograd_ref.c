/* The definition of Winograd convolution in plain C: per frequency a chain of fma over channels with the restart of the direct
 * one, then the output transform, bias, flush (docs/design/arithmetic.md 3).  Transformed weights and inputs are not flushed. */
#include <string.h>

#include "graph/arith.h"
#include "ops/winograd.h"
#include "ops/winograd_transforms.h"

int scl_winograd_m(const char *algorithm)
{
    return !strcmp(algorithm, "winograd4") ? 4 : !strcmp(algorithm, "winograd2") ? 2 : 0;
}

scl_winograd scl_winograd_of(const scl_conv_shape *s, int m)
{
    const int d = s->dilation, rows = (s->H + d - 1) / d, columns = (s->W + d - 1) / d;
    scl_winograd w = { .m = m, .t = m + 2, .frequencies = (m + 2) * (m + 2) };
    w.down = (rows + m - 1) / m;
    w.across = (columns + m - 1) / m;
    w.tiles = d * d * w.down * w.across;
    return w;
}

scl_winograd_place scl_winograd_tile(const scl_winograd *w, const scl_conv_shape *s, int tile)
{
    const int of_phase = w->down * w->across, phase = tile / of_phase, i = tile % of_phase, d = s->dilation;
    return (scl_winograd_place){ .y = phase / d + d * w->m * (i / w->across), .x = phase % d + d * w->m * (i % w->across) };
}

SCL_FAST_REF void scl_winograd_input(const scl_winograd *w, const scl_conv_shape *s, const float *in,
                                     int tile, float *v)
{
    const scl_winograd_place at = scl_winograd_tile(w, s, tile);
    float d[SCL_WINOGRAD_FREQUENCIES];
    for (int i = 0; i < w->t; i++)
        for (int j = 0; j < w->t; j++) {
            const int y = at.y + (i - 1) * s->dilation, x = at.x + (j - 1) * s->dilation;
            const bool inside = y >= 0 && y < s->H && x >= 0 && x < s->W;
            d[i * w->t + j] = inside ? in[((size_t)y * s->W + x) * s->C] : 0.0f;
        }
    scl_winograd_2d(w->m == 4 ? scl_winograd4_bt : scl_winograd2_bt, w->t, w->t, d, v);
}

/* U [frequency][C][K]; of the data gradient, of the flipped weights. */
SCL_FAST_REF static void transform_weights(const scl_conv_shape *s, const scl_winograd *w,
                                           const float *weights, float *u)
{
    for (int c = 0; c < s->C; c++)
        for (int k = 0; k < s->K; k++) {
            float g[9], o[SCL_WINOGRAD_FREQUENCIES];
            for (int tap = 0; tap < 9; tap++)
                g[tap] = s->flipped ? weights[((size_t)(8 - tap) * s->K + k) * s->C + c]
                                    : weights[((size_t)tap * s->C + c) * s->K + k];
            scl_winograd_2d(w->m == 4 ? scl_winograd4_gg : scl_winograd2_gg, 3, w->t, g, o);
            for (int f = 0; f < w->frequencies; f++)
                u[((size_t)f * s->C + c) * s->K + k] = o[f];
        }
}

/* All frequencies of one tile: M [frequency][K] = sum over c of V [frequency][C] * U. */
SCL_FAST_REF static void products(const scl_conv_shape *s, const scl_winograd *w, const float *v,
                                  const float *u, float *acc, float *m)
{
    for (int f = 0; f < w->frequencies; f++, m += s->K)
        for (int c0 = 0; c0 < s->C; c0 += SCL_CONV_CHAIN) {
            const int end = c0 + SCL_CONV_CHAIN < s->C ? c0 + SCL_CONV_CHAIN : s->C;
            memset(acc, 0, sizeof *acc * (size_t)s->K);
            for (int c = c0; c < end; c++) {
                const float a = v[(size_t)f * s->C + c], *b = u + ((size_t)f * s->C + c) * s->K;
                for (int k = 0; k < s->K; k++)
                    acc[k] = fmaf(a, b[k], acc[k]);
            }
            for (int k = 0; k < s->K; k++)
                m[k] = c0 ? m[k] + acc[k] : acc[k];
        }
}

/* Output transform of channel k of a tile; what lies outside of the image is dropped. */
SCL_FAST_REF static void put(const scl_conv_shape *s, const scl_winograd *w, const float *m, int tile, int k,
                             float bias, float *y)
{
    const scl_winograd_place at = scl_winograd_tile(w, s, tile);
    float in[SCL_WINOGRAD_FREQUENCIES], o[16];
    for (int f = 0; f < w->frequencies; f++)
        in[f] = m[(size_t)f * s->K + k];
    scl_winograd_2d(w->m == 4 ? scl_winograd4_at : scl_winograd2_at, w->t, w->m, in, o);
    for (int i = 0; i < w->m; i++)
        for (int j = 0; j < w->m; j++) {
            const int row = at.y + i * s->dilation, column = at.x + j * s->dilation;
            if (row < s->H && column < s->W)
                y[((size_t)row * s->W + column) * s->K + k] = scl_flush(o[i * w->m + j] + bias);
        }
}

SCL_FAST_REF void scl_winograd_ref(const scl_conv_shape *s, int m, const float *x, const float *weights,
                                   const float *bias, float *y)
{
    const scl_winograd w = scl_winograd_of(s, m);
    const size_t F = (size_t)w.frequencies;
    scl_arena scratch = { 0 };
    float *u = SCL_NEW_ARRAY(&scratch, float, F *(size_t)s->C *(size_t)s->K),
          *v = SCL_NEW_ARRAY(&scratch, float, F *(size_t)s->C);
    float *product = SCL_NEW_ARRAY(&scratch, float, F * (size_t)s->K), *acc = SCL_NEW_ARRAY(&scratch, float, s->K);
    transform_weights(s, &w, weights, u);
    for (int n = 0; n < s->N; n++)
        for (int tile = 0; tile < w.tiles; tile++) {
            for (int c = 0; c < s->C; c++) {
                float one[SCL_WINOGRAD_FREQUENCIES];
                scl_winograd_input(&w, s, x + (size_t)n * s->H * s->W * s->C + c, tile, one);
                for (size_t f = 0; f < F; f++)
                    v[f * (size_t)s->C + c] = one[f];
            }
            products(s, &w, v, u, acc, product);
            for (int k = 0; k < s->K; k++)
                put(s, &w, product, tile, k, bias ? bias[k] : 0.0f, y + (size_t)n * s->H * s->W * s->K);
        }
    scl_arena_free(&scratch);
}
