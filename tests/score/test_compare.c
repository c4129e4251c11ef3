/* Distances between sets of samples, against closed forms and values that NumPy and SciPy gave for the same numbers. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failures.h"
#include "score/compare.h"

#define OK(call) CHECK((call) == SCL_OK, "%s: %s", #call, err.message)

static void near(const char *what, double value, double expected, double tolerance)
{
    CHECK(fabs(value - expected) <= tolerance * fmax(1, fabs(expected)), "%s is %.15g, not %.15g", what,
          value, expected);
}

/* Uniform numbers that a line of Python makes too: x = (1664525 x + 1013904223) mod 2^32, (x >> 8) / 2^24. */
static void lcg(float *out, int n, uint32_t x)
{
    for (int i = 0; i < n; i++) {
        x = 1664525u * x + 1013904223u;
        out[i] = (float)(x >> 8) * 0x1p-24f;
    }
}

enum { D = 5, A = 60, B = 50 };
static float a[A * D], b[B * D];
static const scl_set sa = { A, D, a }, sb = { B, D, b };

static void make_sets(void)
{
    lcg(a, A * D, 1);
    lcg(b, B * D, 2);
    for (int i = 0; i < B * D; i++)
        b[i] = (float)((double)b[i] * (double)b[i] * 1.5);
}

static void frechet(void)
{
    scl_err err = { 0 };
    double d;
    OK(scl_frechet_distance(&d, &sa, &sb, NULL, &err));
    near("Frechet distance of the sets", d, 0.160463810943908, 1e-12);
    OK(scl_frechet_distance(&d, &sa, &sa, NULL, &err));
    near("of a set from itself", d, 0, 1e-12);
    const double m1[] = { 0, 0, 0 }, m2[] = { 1, -2, 0.5 }, S1[] = { 2, 1, .3, 1, 3, -.5, .3, -.5, 1 },
                 S2[] = { 1, -.4, .2, -.4, 2, .6, .2, .6, 4 };
    OK(scl_frechet_gaussians(&d, 3, m1, S1, m2, S2, &err));
    near("of Gaussians that do not commute", d, 7.34560099319282, 1e-12);
    /* Diagonal: |m1 - m2|^2 + sum (s1 - s2)^2; one of them is a plane. */
    const double P[] = { 4, 0, 0, 0, 9, 0, 0, 0, 0 }, Q[] = { 1, 0, 0, 0, 25, 0, 0, 0, 2 };
    OK(scl_frechet_gaussians(&d, 3, m1, P, m2, Q, &err));
    near("of diagonal Gaussians", d, 5.25 + 1 + 4 + 2, 1e-12);
    const scl_set one = { 1, D, a };
    CHECK(scl_frechet_distance(&d, &one, &sb, NULL, &err) == SCL_FAILED, "one sample has no covariance");
}

static void kernel(void)
{
    scl_err err = { 0 };
    scl_estimate e;
    OK(scl_kernel_distance(&e, &sa, &sb, 5, NULL, &err));
    near("kernel distance of 5 blocks", e.value, 0.0473482012204792, 1e-12);
    near("its error", e.error, 0.0670235364437156, 1e-10);
    OK(scl_kernel_distance(&e, &sa, &sb, 1, NULL, &err));
    near("kernel distance", e.value, 0.00371738407840816, 1e-10);
    CHECK(e.error < 0, "one block tells no error");
    CHECK(scl_kernel_distance(&e, &sa, &sb, 26, NULL, &err) == SCL_FAILED && strstr(err.message, "needs 52"), "%s",
          err.message);
}

static void neighbours(void)
{
    scl_err err = { 0 };
    scl_estimate precision, recall;
    OK(scl_precision_recall(&precision, &recall, &sa, &sb, 3, NULL, &err));
    near("precision", precision.value, 0.6, 1e-15);
    near("its error", precision.error, sqrt(0.24 / B), 1e-15);
    near("recall", recall.value, 1, 1e-15);
    CHECK(scl_precision_recall(&precision, &recall, &sa, &sb, 50, NULL, &err) == SCL_FAILED,
          "50 neighbours among 50");
    int index[B * 2];
    double distance[B * 2];
    scl_nearest_rows(&sb, &sa, 2, false, index, distance);
    CHECK(index[0] == 9 && index[1] == 33 && index[98] == 4 && index[99] == 51, "neighbours %d %d %d %d",
          index[0], index[1], index[98], index[99]);
    near("distance", distance[0], 0.34061124, 1e-7);
    near("distance", distance[99], 0.40043796, 1e-7);
    scl_nearest_rows(&sb, &sb, 2, false, index, distance);
    CHECK(index[14] == 7 && distance[14] == 0, "a row is its own neighbour");
    scl_nearest_rows(&sb, &sb, 2, true, index, distance);
    CHECK(index[14] != 7 && distance[14] > 0 && distance[14] <= distance[15], "unless it is left out");
}

/* The share of the rows of `of` within the distance to the k-th neighbour of some row of `by`, by its definition. */
static double inside_share(const scl_set *of, const scl_set *by, int k)
{
    enum { MOST = 256 };
    int index[MOST], inside = 0;
    double radius[MOST], distance;
    for (size_t j = 0; j < by->count; j++) {
        int near[8];
        double away[8];
        scl_set one = { 1, by->width, by->x + j * (size_t)by->width };
        scl_nearest_rows(&one, by, k + 1, false, near, away);      /* itself, or one like it, is the first */
        radius[j] = away[k];
    }
    for (size_t i = 0; i < of->count; i++) {
        bool in = false;
        for (size_t j = 0; j < by->count && !in; j++) {
            scl_set one = {1, of->width, of->x + i * (size_t)of->width},
                    other = {1, by->width, by->x + j * (size_t)by->width};
            scl_nearest_rows(&one, &other, 1, false, index, &distance);
            in = distance <= radius[j];
        }
        inside += in;
    }
    return inside / (double)of->count;
}

/* Tiles and panels that end in the middle, rows that are alike, values far from 0: the result is that of the
 * exact distances. */
static void panels(void)
{
    enum { W = 37, R = 150, M = 133 };
    static float x[R * W], y[M * W];
    scl_err err = { 0 };
    for (int round = 0; round < 4; round++) {
        const float away = round % 2 ? 30.0f : 0.0f, grid = round < 2 ? 0x1p24f : 2.0f;
        lcg(x, R * W, 10 + (uint32_t)round);
        lcg(y, M * W, 20 + (uint32_t)round);
        for (int i = 0; i < R * W; i++)
            x[i] = floorf(x[i] * grid) / grid + away;
        for (int i = 0; i < M * W; i++)
            y[i] = floorf(y[i] * grid) / grid * (i / W % 3 ? 1 : 1.25f) + away;
        memcpy(x + 140 * W, x + 3 * W, sizeof *x * W * 5);
        memcpy(y + 60 * W, x, sizeof *x * W * 20);
        const scl_set real = { R, W, x }, made = { M, W, y };
        scl_estimate precision, recall;
        OK(scl_precision_recall(&precision, &recall, &real, &made, 3, NULL, &err));
        CHECK(precision.value == inside_share(&made, &real, 3), "round %d: precision %g, not %g", round,
              precision.value, inside_share(&made, &real, 3));
        CHECK(recall.value == inside_share(&real, &made, 3), "round %d: recall %g, not %g", round, recall.value,
              inside_share(&real, &made, 3));
        CHECK(precision.value > 0.02 && precision.value < 1, "precision %g shows nothing", precision.value);
    }
}

/* An interrupt ends each of them. */
static void interrupts(void)
{
    const volatile sig_atomic_t stop = 1;
    scl_err err = { 0 };
    scl_estimate e, f;
    double d;
    CHECK(scl_frechet_distance(&d, &sa, &sb, &stop, &err) == SCL_INTERRUPTED, "a Frechet distance goes on");
    CHECK(scl_kernel_distance(&e, &sa, &sb, 5, &stop, &err) == SCL_INTERRUPTED, "a kernel distance goes on");
    CHECK(scl_precision_recall(&e, &f, &sa, &sb, 3, &stop, &err) == SCL_INTERRUPTED, "precision and recall go on");
    CHECK(scl_sliced_wasserstein(&e, &sa, &sb, 9, 7, &stop, &err) == SCL_INTERRUPTED,
          "a Wasserstein distance goes on");
    CHECK(!err.message[0], "%s", err.message);
}

static int by_value(const void *x, const void *y)
{
    const double p = *(const double *)x, q = *(const double *)y;
    return (p > q) - (p < q);
}

static void wasserstein(void)
{
    scl_err err = { 0 };
    double x[A], y[B];
    for (int i = 0; i < A; i++)
        x[i] = a[i * D];
    for (int i = 0; i < B; i++)
        y[i] = b[i * D];
    qsort(x, A, sizeof *x, by_value);
    qsort(y, B, sizeof *y, by_value);
    near("Wasserstein distance of 60 and 50 numbers", scl_wasserstein_sorted(x, A, y, B), 0.0356780686574278, 1e-12);
    near("exchanged", scl_wasserstein_sorted(y, B, x, A), 0.0356780686574278, 1e-12);
    near("of steps", scl_wasserstein_sorted((double[]){ 0, 3 }, 2, (double[]){ 1, 1, 1 }, 3), 0.5 + 0.5 * 4, 1e-15);
    /* A shift by c moves every projection by v.c: the mean square is |c|^2 / D, whatever the set. */
    enum { DIRECTIONS = 4000 };
    float moved[A * D];
    const float c[D] = { 1, -2, 0.5f, 0, 3 };
    for (int i = 0; i < A * D; i++)
        moved[i] = a[i] + c[i % D];
    const scl_set sm = { A, D, moved };
    scl_estimate e, again;
    OK(scl_sliced_wasserstein(&e, &sa, &sm, DIRECTIONS, 7, NULL, &err));
    CHECK(fabs(e.value - sqrt(14.25 / D)) < 4 * e.error && e.error > 0 && e.error < 0.02,
          "sliced distance %g +- %g of a shift", e.value, e.error);
    OK(scl_sliced_wasserstein(&again, &sa, &sm, DIRECTIONS, 7, NULL, &err));
    CHECK(again.value == e.value, "the same seed, another number");
    OK(scl_sliced_wasserstein(&e, &sa, &sa, 10, 7, NULL, &err));
    CHECK(e.value == 0, "a set is %g from itself", e.value);
    /* On a line every direction is the line. */
    const float p[] = { 3, 0 }, q[] = { 1, 1, 1 };
    OK(scl_sliced_wasserstein(&e, &(scl_set){ 2, 1, p }, &(scl_set){ 3, 1, q }, 5, 7, NULL, &err));
    near("on a line", e.value, sqrt(2.5), 1e-12);
}

static void moments(void)
{
    double mean[D], covariance[D * D];
    const float x[] = { 1, 2, 3, 6 };
    scl_set_moments(&(scl_set){ 2, 2, x }, mean, covariance);
    CHECK(mean[0] == 2 && mean[1] == 4 && covariance[0] == 2 && covariance[1] == 4 && covariance[2] == 4 &&
              covariance[3] == 8,
          "mean %g %g, covariance %g %g %g", mean[0], mean[1], covariance[0], covariance[1], covariance[3]);
}

int main(void)
{
    make_sets();
    moments();
    frechet();
    kernel();
    neighbours();
    panels();
    interrupts();
    wasserstein();
    return failures != 0;
}
