/* The transforms of cl/lib/winograd_body.h as C, for the definitions: scl_winograd4_bt, scl_winograd2_bt and so on. */
#ifndef SCL_OPS_WINOGRAD_TRANSFORMS_H
#define SCL_OPS_WINOGRAD_TRANSFORMS_H

#include <math.h>

#define FN(name) scl_##name
#define floatT float
#define fma(a, b, c) fmaf(a, b, c)
#include "lib/winograd_body.h"
#undef FN
#undef floatT
#undef fma

/* One of them along y (each column of in[n][n]), then along x: out[m][m]. */
static inline void scl_winograd_2d(void (*f)(float *, const float *), int n, int m, const float *in, float *out)
{
    float half[6][6], line[6], result[6];
    for (int x = 0; x < n; x++) {
        for (int y = 0; y < n; y++)
            line[y] = in[y * n + x];
        f(result, line);
        for (int y = 0; y < m; y++)
            half[y][x] = result[y];
    }
    for (int y = 0; y < m; y++) {
        f(result, half[y]);
        for (int x = 0; x < m; x++)
            out[y * m + x] = result[x];
    }
}

#endif
