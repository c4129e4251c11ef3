#include <math.h>

#include "score/compare.h"

scl_estimate scl_estimate_mean(double sum, double square, double n)
{
    const double mean = sum / n, spread = square / n - mean * mean;
    if (!(n > 1))
        return (scl_estimate){ mean, -1 };
    return (scl_estimate){ mean, spread < 0 ? 0 : sqrt(spread / (n - 1)) };      /* below 0 by rounding alone */
}
