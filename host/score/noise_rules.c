/* The rules of NCSNv2: how many levels, which step size (score/noise.h has the equations). */
#include <math.h>

#include "score/hostmath.h"
#include "score/noise.h"

/* Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...); its terms are of one sign. */
static double normal_share(double x)
{
    static const double inv_sqrt_turn = 0x1.9884533d43651p-2;      /* 1/sqrt(2 pi) */
    if (x > 9 || x < -9)
        return x > 0;
    double term = x, sum = x;
    for (int k = 3; k < 400 && fabs(term) > 1e-18 * fabs(sum); k += 2) {
        term *= x * x / k;
        sum += term;
    }
    return 0.5 + inv_sqrt_turn * scl_host_exp(-0.5 * (x * x)) * sum;
}

static double overlap(double D, double ratio)
{
    const double shift = sqrt(2 * D) * (ratio - 1), width = 3 * ratio;
    return normal_share(shift + width) - normal_share(shift - width);
}

/* The overlap falls from 0.997 at ratio 1; halving finds where it is C.  With few values it does not fall so far. */
double scl_noise_ratio(double D, double C)
{
    double low = 1, high = 2;
    if (overlap(D, high) > C)
        return high;
    for (int i = 0; i < 100; i++) {
        const double middle = 0.5 * (low + high);
        *(overlap(D, middle) > C ? &low : &high) = middle;
    }
    return low;
}

int scl_noise_levels(double begin, double end, double D, double C)
{
    const double span = (scl_host_log(begin) - scl_host_log(end)) / scl_host_log(scl_noise_ratio(D, C));
    return 1 + (int)floor(span + 0.5);
}

double scl_noise_mean_ratio(double begin, double end, int levels)
{
    return scl_host_exp((scl_host_log(begin) - scl_host_log(end)) / (levels - 1));
}

static double miss(double e, double ratio, int T)
{
    const double b = 2 / (2 - e);      /* 2e / (1 - (1-e)^2) */
    return fabs(scl_host_power(1 - e, 2L * T) * (ratio * ratio - b) + b - 1);
}

/* The best of a fine grid of e in (0, 2), then the golden section between its neighbours. */
double scl_noise_step(double begin, double end, int levels, int T)
{
    enum { GRID = 4000, CUTS = 80 };
    const double ratio = scl_noise_mean_ratio(begin, end, levels), golden = 0.5 * (sqrt(5.0) - 1),
                 factor = scl_host_exp(scl_host_log(1e-8) / GRID);
    double best = 2 * factor, least = miss(best, ratio, T), e = best;
    for (int i = 2; i <= GRID; i++) {
        e *= factor;
        if (miss(e, ratio, T) < least) {
            best = e;
            least = miss(e, ratio, T);
        }
    }
    double low = best * factor, high = best / factor < 2 ? best / factor : best;
    for (int i = 0; i < CUTS; i++) {
        const double a = high - golden * (high - low), b = low + golden * (high - low);
        if (miss(a, ratio, T) < miss(b, ratio, T))
            high = b;
        else
            low = a;
    }
    return 0.5 * (low + high) * (end * end);
}
