#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "graph/arith.h"
#include "score/compare.h"
#include "score/rows.h"

/* Into the sorted list of the k smallest; of equal ones the first stays before. */
static void keep(int *index, double *least, int *n, int k, int j, double d)
{
    int at = *n < k ? (*n)++ : k - 1;
    for (; at > 0 && d < least[at - 1]; at--) {
        least[at] = least[at - 1];
        index[at] = index[at - 1];
    }
    least[at] = d;
    index[at] = j;
}

SCL_FAST_REF void scl_nearest_rows(const scl_set *of, const scl_set *among, int k, bool skip_self, int *index,
                                   double *distance)
{
    for (size_t i = 0; i < of->count; i++) {
        const float *x = of->x + i * (size_t)of->width;
        int *row = index + i * (size_t)k, n = 0;
        double *least = distance + i * (size_t)k;
        for (size_t j = 0; j < among->count; j++) {
            if (skip_self && i == j)
                continue;
            const double d = scl_row_distance(x, among->x + j * (size_t)among->width, among->width);
            if (n < k || d < least[k - 1])
                keep(row, least, &n, k, (int)j, d);
        }
        for (int j = 0; j < k; j++)
            least[j] = sqrt(least[j]);
    }
}
