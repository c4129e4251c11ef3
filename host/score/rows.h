/* Inner loops over rows of floats, accumulated in double: eight lanes, so that they are vectors. */
#ifndef SCL_SCORE_ROWS_H
#define SCL_SCORE_ROWS_H

#include <stddef.h>

static inline double scl_row_fold(const double lane[8])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static inline double scl_row_distance(const float *a, const float *b, int n)     /* squared */
{
    double lane[8] = { 0 };
    int d = 0;
    for (; d + 8 <= n; d += 8)
        for (int l = 0; l < 8; l++) {
            const double away = (double)a[d + l] - (double)b[d + l];
            lane[l] += away * away;
        }
    for (; d < n; d++) {
        const double away = (double)a[d] - (double)b[d];
        lane[d % 8] += away * away;
    }
    return scl_row_fold(lane);
}

static inline double scl_row_product(const float *a, const float *b, int n)
{
    double lane[8] = { 0 };
    int d = 0;
    for (; d + 8 <= n; d += 8)
        for (int l = 0; l < 8; l++)
            lane[l] += (double)a[d + l] * (double)b[d + l];
    for (; d < n; d++)
        lane[d % 8] += (double)a[d] * (double)b[d];
    return scl_row_fold(lane);
}

#endif
