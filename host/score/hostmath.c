#include "score/hostmath.h"

#include <assert.h>
#include <math.h>

static const double ln2_hi = 0x1.62e42fee00000p-1, ln2_lo = 0x1.a39ef35793c76p-33;

/* 2^k e^r, |r| <= ln2/2; the series stops where its terms no longer count. */
double scl_host_exp(double x)
{
    assert(x >= -700 && x <= 700);
    const double scaled = x * 0x1.71547652b82fep+0;
    const int k = (int)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    const double r = (x - k * ln2_hi) - k * ln2_lo;
    double sum = 0;
    for (int i = 20; i >= 1; i--)
        sum = (1.0 + sum) * r / i;
    return ldexp(1.0 + sum, k);
}

/* x = 2^k m, sqrt(1/2) <= m < sqrt(2); log m = 2 artanh((m-1)/(m+1)). */
double scl_host_log(double x)
{
    int k;
    double m = frexp(x, &k);
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        k--;
    }
    const double s = (m - 1.0) / (m + 1.0), z = s * s;
    double sum = 0;
    for (int i = 27; i >= 3; i -= 2)
        sum = (sum + 1.0 / i) * z;
    return k * ln2_hi + (2.0 * s + (2.0 * s * sum + k * ln2_lo));
}

double scl_host_cos_pi(double t)
{
    if (t > 0.5)
        return -scl_host_cos_pi(1.0 - t);
    const double x = t * 0x1.921fb54442d18p+1, z = x * x;
    double sum = 0;
    for (int i = 24; i >= 2; i -= 2)
        sum = -(1.0 + sum) * z / ((double)i * (i - 1));
    return 1.0 + sum;
}

double scl_host_power(double x, long n)
{
    double result = 1;
    for (; n > 0; n >>= 1) {
        if (n & 1)
            result *= x;
        x *= x;
    }
    return result;
}
