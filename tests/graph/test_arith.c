/* The arithmetic library in C: known answers, accuracy against libm, the canonical sums against plain rewrites of their rules. */
#include "failures.h"
#include "graph/arith.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Vectors of Random123's kat_vectors. */
static void test_philox(void)
{
    static const uint32_t known[3][10] = {
        { 0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 },
        { ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd },
        { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 },
    };
    for (int i = 0; i < 3; i++) {
        uint32_t x[4];
        memcpy(x, known[i], sizeof x);
        scl_philox(&x[0], &x[1], &x[2], &x[3], known[i][4], known[i][5]);
        CHECK(!memcmp(x, known[i] + 6, sizeof x), "philox vector %d: %08x %08x %08x %08x", i, x[0], x[1], x[2], x[3]);
    }
    const scl_words w = scl_random(0x299f31d0a4093822u, 0x243f6a88, 0x85a308d3, 0x13198a2e, 3, 0x707344);
    CHECK(w.w[0] == 0xd16cfe09 && w.w[3] == 0x24126ea1, "scl_random orders key and counter");
    CHECK(scl_uniform(0xffffffffu) < 1.0f && scl_uniform(0) == 0.0f, "uniform numbers are below 1");
    CHECK(scl_integer(0xffffffffu, 10) == 9 && scl_integer(0, 10) == 0 && scl_integer(0x1999999au, 10) == 1,
          "integers by mul_hi");
}

/* Error in ulp of the exact result. */
static double ulps(float got, double exact)
{
    const float f = (float)fabs(exact);
    return fabs((double)got - exact) / ((double)nextafterf(f, INFINITY) - (double)f);
}

static float random_float(uint32_t i, uint32_t stream) { return scl_uniform(scl_random(7, i, 0, 0, stream, 0).w[0]); }

typedef struct worst { const char *name; double limit, error; } worst;

static void see(worst *w, float got, double exact)
{
    const double e = ulps(got, exact);
    if (!(e <= w->error))
        w->error = e;
}

static void test_accuracy(void)
{
    enum { EXP, EXPM1, LOG, LOG1P, SIGMOID, SOFTPLUS, DIV, SQRT, RCP, FUNCTIONS };
    worst w[FUNCTIONS] = { { "exp", 1.1, 0 }, { "expm1_neg", 0.9, 0 }, { "log", 0.9, 0 }, { "log1p", 1.3, 0 }, { "sigmoid", 2.5, 0 },
                           { "softplus", 2.0, 0 }, { "div", 0.5, 0 }, { "sqrt", 0.5, 0 }, { "rcp", 0.5001, 0 } };
    for (uint32_t i = 0; i < 400000; i++) {
        const float u = random_float(i, 1), v = random_float(i, 2) + 0x1p-30f, x = (u - 0.5f) * 80;
        see(&w[EXP], scl_exp(x), exp((double)x));
        see(&w[EXPM1], scl_expm1_neg(-fabsf(x)), expm1(-fabs((double)x)));
        see(&w[LOG], scl_log(v * v * v), log((double)(v * v * v)));
        see(&w[LOG1P], scl_log1p(u), log1p((double)u));
        see(&w[SIGMOID], scl_sigmoid(x), 1 / (1 + exp(-(double)x)));
        see(&w[SOFTPLUS], scl_softplus(x), (x > 0 ? (double)x : 0) + log1p(exp(-fabs((double)x))));
        see(&w[DIV], scl_div(x, v), (double)x / (double)v);
        see(&w[SQRT], scl_sqrt(v), sqrt((double)v));
        see(&w[RCP], scl_rcp(v), 1 / (double)v);
        CHECK(scl_div(x, v) == x / v && scl_sqrt(v) == sqrtf(v),
              "division and root are rounded correctly: %a %a", (double)x, (double)v);
    }
    for (int i = 0; i < FUNCTIONS; i++)
        CHECK(w[i].error <= w[i].limit, "%s is wrong by %.3f ulp, %.3f allowed", w[i].name, w[i].error, w[i].limit);
}

static void test_special(void)
{
    CHECK(scl_bits_of(scl_flush(-0.0f)) == 0, "-0 becomes +0");
    CHECK(scl_flush(0x1p-60f) == 0x1p-60f && scl_flush(-0x1.fffffep-61f) == 0.0f, "the flush is at 2^-60");
    CHECK(scl_sqrt(0.0f) == 0.0f && scl_div(0.0f, 3.0f) == 0.0f, "roots and quotients of 0");
    CHECK(scl_elu(2.5f) == 2.5f && scl_elu(0.0f) == 0.0f && scl_elu(-100.0f) == -1.0f, "elu");
    CHECK(scl_elu_grad(0.0f) == 1.0f && scl_elu_grad2(0.0f) == 1.0f && scl_elu_grad2(1e-9f) == 0.0f,
          "elu's derivatives at 0");
    CHECK(scl_relu(-3.0f) == 0.0f && scl_relu_grad(0.0f) == 0.0f && scl_clamp01(1.5f) == 1.0f &&
              scl_clamp01(-1.0f) == 0.0f,
          "relu");
    CHECK(isnan(scl_elu(NAN)) && isnan(scl_relu(NAN)) && isnan(scl_softplus(NAN)) && isnan(scl_flush(NAN)),
          "NaN is not hidden");
    CHECK(scl_exp(0.0f) == 1.0f && scl_log(1.0f) == 0.0f && scl_sigmoid(0.0f) == 0.5f, "exact points");
}

static void test_normals(void)
{
    double sum[4] = { 0 };
    const int n = 1 << 18;
    for (uint32_t i = 0; i < (uint32_t)n / 4; i++) {
        const scl_words w = scl_random(1, i, 0, 0, SCL_STREAM_PERTURB, 0);
        float z[4];
        scl_normal2(w.w[0], w.w[1], &z[0], &z[1]);
        scl_normal2(w.w[2], w.w[3], &z[2], &z[3]);
        for (int k = 0; k < 4; k++)
            for (int p = 0; p < 4; p++)
                sum[p] += pow((double)z[k], p + 1);
    }
    static const double moment[4] = { 0, 1, 0, 3 }, deviation[4] = { 1, 1.4142, 3.873, 9.798 };
    for (int p = 0; p < 4; p++)
        CHECK(fabs(sum[p] / n - moment[p]) < 5 * deviation[p] / sqrt(n), "moment %d of the normals is %g",
              p + 1, sum[p] / n);
}

/* The rule of sum64 as it stands: chains of 64, again until one is left. */
static float plain_sum64(float *v, size_t n)
{
    while (n > 1) {
        const size_t groups = (n + 63) / 64;
        for (size_t g = 0; g < groups; g++) {
            float s = v[g * 64];
            for (size_t i = g * 64 + 1; i < n && i < (g + 1) * 64; i++)
                s += v[i];
            v[g] = s;
        }
        n = groups;
    }
    return v[0];
}

static float plain_flat(const float *v, size_t n, bool squares)
{
    const size_t blocks = (n + 1023) / 1024;
    float *value = malloc(sizeof *value * blocks);
    if (!value)
        abort();
    for (size_t b = 0; b < blocks; b++) {
        float lane[64] = { 0 };
        for (size_t i = b * 1024; i < n && i < (b + 1) * 1024; i++)
            lane[i % 64] = squares ? fmaf(v[i], v[i], lane[i % 64]) : lane[i % 64] + v[i];
        for (int h = 32; h; h /= 2)
            for (int l = 0; l < h; l++)
                lane[l] += lane[l + h];
        value[b] = lane[0];
    }
    const float s = plain_sum64(value, blocks);
    free(value);
    return s;
}

static void test_sums(void)
{
    enum { MOST = 300000 };
    static const size_t sizes[] = { 1, 2, 63, 64, 65, 128, 1023, 1024, 1025, 4095, 4096, 4097, 65536, 65537, 266241, MOST };
    float *v = malloc(sizeof *v * MOST), *copy = malloc(sizeof *v * MOST);
    if (!v || !copy)
        abort();
    for (uint32_t i = 0; i < MOST; i++)
        v[i] = random_float(i, 3) - 0.25f;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const size_t n = sizes[k];
        memcpy(copy, v, sizeof *v * n);
        CHECK(scl_sum64(v, n) == plain_sum64(copy, n), "sum64 of %zu", n);
        CHECK(scl_flat_sum(v, n) == plain_flat(v, n, false), "flat sum of %zu", n);
        CHECK(scl_flat_sumsq(v, n) == plain_flat(v, n, true), "flat sum of squares of %zu", n);
        scl_flat stream = { 0 };
        for (size_t i = 0; i < n; i++)
            scl_flat_add_product(&stream, v[i], v[i]);
        CHECK(scl_flat_end(&stream) == plain_flat(v, n, true), "streamed flat sum of squares of %zu", n);
    }
    const float pixels[6] = { 1, 0x1p-24f, 0x1p-24f, 0x1p-24f, -1, 0x1p-25f };   /* 1x6: a leaf of 4, a leaf of 2 */
    CHECK(scl_pixel_sum(pixels, 1, 6, 1) == 1.0f + (-1.0f + 0x1p-25f), "leaves of pixels are chains of their own");
    free(v);
    free(copy);
}

static void test_tree_helpers(void)
{
    CHECK(scl_popcount(0) == 0 && scl_popcount(0xffu) == 8, "popcount");
    CHECK(scl_trailing_ones(0) == 0 && scl_trailing_ones(1) == 1 && scl_trailing_ones(0xbu) == 2 &&
              scl_trailing_ones(~0u) == 32,
          "trailing ones");
}

int main(void)
{
    test_philox();
    test_accuracy();
    test_special();
    test_normals();
    test_sums();
    test_tree_helpers();
    if (!failures)
        printf("arithmetic: all checks passed\n");
    return failures != 0;
}
