/* Oracles and cases of InstanceNorm++ and its derivatives. */
#include "norm_plain.h"

static void oracle_sum(const t_case *t)
{
    const dims d = image_of(t);
    const double *x = t_f64(t, "x");
    double *s = t_f64(t, "s");
    for (int n = 0; n < d.N; n++)
        for (int c = 0; c < d.C; c++) {
            s[n * d.C + c] = 0;
            for (int p = 0; p < d.P; p++)
                s[n * d.C + c] += x[at(&d, n, p, c)];
        }
}

static void oracle_spread(const t_case *t)
{
    const dims d = image_of(t);
    const double *s = t_f64(t, "s");
    double *x = t_f64(t, "x");
    for (int n = 0; n < d.N; n++)
        for (int p = 0; p < d.P; p++)
            for (int c = 0; c < d.C; c++)
                x[at(&d, n, p, c)] = s[n * d.C + c];
}

static void oracle_pixel_stats(const t_case *t)
{
    const dims d = image_of(t);
    pixel_stats_of(&d, t_f64(t, "x"), t_f64(t, "mean"), t_f64(t, "variance"));
}

static void oracle_channel_stats(const t_case *t)
{
    channel_stats_of(t_dim(t, 'N'), t_dim(t, 'C'), t_f64(t, "mean"), t_f64(t, "m"), t_f64(t, "v"));
}

static void oracle_coef(const t_case *t)
{
    const int C = t_dim(t, 'C');
    const double eps = t_attr_real(t, "eps"), *mean = t_f64(t, "mean"), *variance = t_f64(t, "variance");
    const double *m = t_f64(t, "m"), *v = t_f64(t, "v");
    double *a = t_f64(t, "a"), *b = t_f64(t, "b");
    for (int n = 0; n < t_dim(t, 'N'); n++)
        for (int c = 0; c < C; c++) {
            const double *row = row_of(t, n) + c;
            a[n * C + c] = row[0] / sqrt(variance[n * C + c] + eps);
            b[n * C + c] = row[0] * row[C] * (mean[n * C + c] - m[n]) / sqrt(v[n] + eps) + row[2 * C];
        }
}

/* The whole normalisation of x by rows: the statistics given are those of x, and the rule is the total derivative. */
static void oracle_apply(const t_case *t)
{
    const dims d = image_of(t);
    const double eps = t_attr_real(t, "eps"), *x = t_f64(t, "x");
    const size_t count = (size_t)d.N * (size_t)d.C;
    double *mean = malloc(sizeof *mean * count), *variance = malloc(sizeof *mean * count);
    double *m = malloc(sizeof *mean * (size_t)d.N), *v = malloc(sizeof *mean * (size_t)d.N), *y = t_f64(t, "y");
    pixel_stats_of(&d, x, mean, variance);
    channel_stats_of(d.N, d.C, mean, m, v);
    for (int n = 0; n < d.N; n++)
        for (int p = 0; p < d.P; p++)
            for (int c = 0; c < d.C; c++) {
                const double *row = row_of(t, n) + c;
                const double xhat = (x[at(&d, n, p, c)] - mean[n * d.C + c]) / sqrt(variance[n * d.C + c] + eps);
                const double mhat = (mean[n * d.C + c] - m[n]) / sqrt(v[n] + eps);
                y[at(&d, n, p, c)] = row[0] * (xhat + row[d.C] * mhat) + row[2 * d.C];
            }
    free(mean);
    free(variance);
    free(m);
    free(v);
}

/* mean and variance belong to x; m and v to mean; a and b to all of them and the rows. */
static void prepare_apply(const t_case *t)
{
    const dims d = image_of(t);
    const double eps = t_attr_real(t, "eps");
    const size_t count = (size_t)d.N * (size_t)d.C, pixels = count * (size_t)d.P;
    const float *x = t_f32_in(t, "x");
    double *wide = malloc(sizeof *wide * pixels), *s = malloc(sizeof *s * (2 * count + 2 * (size_t)d.N));
    double *mean = s, *variance = s + count, *m = s + 2 * count, *v = m + d.N;
    for (size_t i = 0; i < pixels; i++)
        wide[i] = (double)x[i];
    pixel_stats_of(&d, wide, mean, variance);
    channel_stats_of(d.N, d.C, mean, m, v);
    for (int i = 0; i < d.N * d.C; i++) {
        const int n = i / d.C, c = i % d.C;
        const float *row = t_f32_in(t, "rows") + (t_dim(t, 'B') == 1 ? 0 : n * t_dim(t, 'S')) + c;
        t_f32_in(t, "mean")[i] = (float)mean[i];
        t_f32_in(t, "variance")[i] = (float)variance[i];
        t_f32_in(t, "a")[i] = (float)((double)row[0] / sqrt(variance[i] + eps));
        t_f32_in(t,
                 "b")[i] = (float)((double)row[0] * (double)row[d.C] * (mean[i] - m[n]) / sqrt(v[n] + eps) +
                                   (double)row[2 * d.C]);
        t_f32_in(t, "m")[n] = (float)m[n];
        t_f32_in(t, "v")[n] = (float)v[n];
    }
    free(wide);
    free(s);
}

/* N u of x and u alone: the rule is the total derivative, through the statistics. */
static void oracle_grad(const t_case *t)
{
    const dims d = image_of(t);
    const size_t count = (size_t)d.N * (size_t)d.C;
    const double eps = t_attr_real(t, "eps"), *x = t_f64(t, "x"), *u = t_f64(t, "u");
    double *mean = malloc(sizeof *mean * 2 * count), *variance = mean + count;
    double *g = t_f64(t, "g"), *s0 = t_f64(t, "s0"), *s1 = t_f64(t, "s1");
    pixel_stats_of(&d, x, mean, variance);
    for (int i = 0; i < d.N * d.C; i++) {
        const double sigma = sqrt(variance[i] + eps);
        s0[i] = s1[i] = 0;
        for (int p = 0; p < d.P; p++) {
            const size_t e = at(&d, i / d.C, p, i % d.C);
            s0[i] += u[e];
            s1[i] += u[e] * (x[e] - mean[i]) / sigma;
        }
        for (int p = 0; p < d.P; p++) {
            const size_t e = at(&d, i / d.C, p, i % d.C);
            g[e] = (u[e] - s0[i] / d.P - (x[e] - mean[i]) / sigma * s1[i] / d.P) / sigma;
        }
    }
    free(mean);
}

static void prepare_grad(const t_case *t)
{
    const dims d = image_of(t);
    const size_t count = (size_t)d.N * (size_t)d.C, pixels = t_count(t, "x");
    double *wide = malloc(sizeof *wide * (pixels + 2 * count)), *mean = wide + pixels;
    for (size_t i = 0; i < pixels; i++)
        wide[i] = (double)t_f32_in(t, "x")[i];
    pixel_stats_of(&d, wide, mean, mean + count);
    for (size_t i = 0; i < count; i++) {
        t_f32_in(t, "mean")[i] = (float)mean[i];
        t_f32_in(t, "variance")[i] = (float)mean[count + i];
    }
    free(wide);
}

static void oracle_channel_grad(const t_case *t)
{
    const int N = t_dim(t, 'N'), C = t_dim(t, 'C');
    const double eps = t_attr_real(t, "eps"), *u = t_f64(t, "u");
    double *w = t_f64(t, "w"), *mean = means_of(t, t_f64(t, "x"), t_f64(t, "mean")),
           *m = malloc(sizeof *m * 2 * (size_t)N);
    channel_stats_of(N, C, mean, m, m + N);
    for (int n = 0; n < N; n++) {
        const double tau = sqrt(m[N + n] + eps);
        double sum = 0, product = 0;
        for (int c = 0; c < C; c++) {
            sum += u[n * C + c];
            product += u[n * C + c] * (mean[n * C + c] - m[n]) / tau;
        }
        for (int c = 0; c < C; c++)
            w[n * C + c] = (u[n * C + c] - sum / C - (mean[n * C + c] - m[n]) / tau * product / (C - 1)) / tau;
    }
    free(mean);
    free(m);
}

static void oracle_rows_grad(const t_case *t)
{
    const int N = t_dim(t, 'N'), C = t_dim(t, 'C');
    const double eps = t_attr_real(t, "eps"), *s0 = t_f64(t, "s0"), *s1 = t_f64(t, "s1");
    double *mean = means_of(t, t_f64(t, "x"), t_f64(t, "mean")), *m = malloc(sizeof *m * 2 * (size_t)N);
    double *drows = t_f64(t, "drows"), *out = t_f64(t, "t");
    channel_stats_of(N, C, mean, m, m + N);
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++) {
            const int i = n * C + c;
            const double *row = row_of(t, n) + c, mhat = (mean[i] - m[n]) / sqrt(m[N + n] + eps);
            double *drow = drows + n * 3 * C + c;
            drow[0] = row[C] * mhat * s0[i] + s1[i];
            drow[C] = row[0] * mhat * s0[i];
            drow[2 * C] = s0[i];
            out[i] = row[0] * row[C] * s0[i] / (double)t_attr_int(t, "pixels");
        }
    free(mean);
    free(m);
}

static void oracle_stats(const t_case *t)
{
    oracle_pixel_stats(t);
    oracle_channel_stats(t);
    oracle_coef(t);
}

static const t_case cases_sum[] = {
    { "one_pixel", "N=1 H=1 W=1 C=1", .grad = true },
    { "short_leaves", "N=2 H=5 W=6 C=3", .grad = true },
    { "narrow", "N=1 H=9 W=2 C=8", .grad = true },
    { .name = "more_than_64_leaves", .dims = "N=1 H=33 W=33 C=16" },            /* 81 leaves: sum64's second level */
    { .name = "more_than_4096_leaves", .dims = "N=1 H=257 W=261 C=1" },         /* 4290 leaves: its third */
    { "mnist", "N=32 H=28 W=28 C=64", .bench = true },
};

static const t_case cases_spread[] = {
    { "one_pixel", "N=1 H=1 W=1 C=1", .grad = true },
    { "ragged", "N=3 H=2 W=5 C=6", .grad = true },
    { .name = "wide_vector", .dims = "N=2 H=3 W=1 C=32" },
};

static const t_case cases_pixel_stats[] = {
    { .name = "one_pixel", .dims = "N=2 H=1 W=1 C=3" },                         /* variance 0 */
    { .name = "one_leaf", .dims = "N=1 H=4 W=4 C=2" },
    { .name = "short_right", .dims = "N=2 H=4 W=7 C=3" },
    { .name = "short_bottom", .dims = "N=2 H=6 W=8 C=5" },
    { .name = "short_corner", .dims = "N=1 H=9 W=11 C=16" },
    { .name = "more_than_64_leaves", .dims = "N=1 H=34 W=37 C=4" },
    { "far_from_zero", "N=2 H=10 W=9 C=4", .range = { { "x", 999, 1001 } }, .tol = 4e-5 },    /* a sum of squares is 20 % off */
    { "constant", "N=1 H=7 W=7 C=2", .fill = { { "x", 0.625 } } },
    { "mnist", "N=32 H=28 W=28 C=64", .bench = true },
};

static const t_case cases_channel_stats[] = {
    { .name = "two_channels", .dims = "N=1 C=2" },
    { .name = "lanes_plus_one", .dims = "N=3 C=65" },
    { .name = "fewer_than_lanes", .dims = "N=2 C=48" },
    { .name = "block_plus_one", .dims = "N=1 C=1025" },
    { "far_from_zero", "N=2 C=64", .range = { { "mean", 999, 1001 } }, .tol = 1e-5 },
    { "mnist", "N=32 C=128", .bench = true },
};

static const t_case cases_coef[] = {
    { .name = "one_channel", .dims = "N=1 B=1 C=1 S=3" },
    { .name = "rows_of_samples", .dims = "N=3 B=3 C=5 S=15" },
    { .name = "shared_row", .dims = "N=3 B=1 C=8 S=24" },                       /* row 0 for every sample */
    { "small_variance", "N=2 B=2 C=16 S=48", .range = { { "variance", 1e-9, 1e-6 }, { "v", 1e-9, 1e-6 } } },
    { "mnist", "N=32 B=32 C=64 S=192", .bench = true },
};

static const t_case cases_stats[] = {
    { .name = "two_channels", .dims = "N=1 B=1 H=3 W=3 C=2 S=6" },
    { .name = "short_leaves", .dims = "N=2 B=2 H=5 W=6 C=3 S=9", .tol = 1e-5 }, /* leaves cut at the right, below and in the corner */
    { .name = "shared_row", .dims = "N=3 B=1 H=4 W=7 C=4 S=12", .tol = 1e-5 },
    { .name = "wide_vector", .dims = "N=5 B=5 H=7 W=8 C=48 S=144", .tol = 1e-5 },
    { .name = "more_than_64_leaves", .dims = "N=2 B=2 H=33 W=35 C=16 S=48", .tol = 1e-5 }, /* a second level of the sums */
    { "mnist", "N=32 B=32 H=28 W=28 C=64 S=192", .bench = true, .tol = 1e-5 },
};

static const t_case cases_apply[] = {
    { "two_channels", "N=2 B=2 H=3 W=3 C=2 S=6", .grad = true, .grad_of = "x rows", .prepare = prepare_apply },
    { "short_leaves", "N=2 B=2 H=5 W=6 C=3 S=9", .grad = true, .grad_of = "x rows", .prepare = prepare_apply },
    { "shared_row", "N=3 B=1 H=4 W=3 C=4 S=12", .grad = true, .grad_of = "x rows", .prepare = prepare_apply },
    { "wide_vector", "N=2 B=2 H=3 W=2 C=16 S=48", .prepare = prepare_apply },
    { "far_from_zero", "N=1 B=1 H=6 W=6 C=4 S=12", .range = { { "x", 99, 101 } }, .tol = 5e-5, .prepare = prepare_apply },
    { "mnist", "N=32 B=32 H=28 W=28 C=64 S=192", .bench = true, .prepare = prepare_apply },
};

#define TOTAL .grad = true, .grad_of = "x? u", .prepare = prepare_grad
static const t_case cases_grad[] = {
    { .name = "one_pixel", .dims = "N=1 H=1 W=1 C=2", .prepare = prepare_grad },
    { .name = "one_leaf", .dims = "N=2 H=3 W=3 C=2", TOTAL },
    { .name = "short_leaves", .dims = "N=2 H=5 W=6 C=3", TOTAL },
    { .name = "wide_vector", .dims = "N=2 H=7 W=4 C=32", .prepare = prepare_grad },
    { .name = "more_than_64_leaves", .dims = "N=1 H=33 W=35 C=4", .prepare = prepare_grad },
    { "mnist", "N=32 H=28 W=28 C=64", .bench = true, .prepare = prepare_grad },
};

/* Without x the rule is that of the means; with it, of the image that they are of. */
static const t_case cases_channel_grad[] = {
    { "two_channels", "N=1 C=2", "eps=0.5", .grad = true, .grad_of = "mean u", .absent = "x", .prepare = prepare_means },
    { "lanes_plus_one", "N=3 C=65", .grad = true, .grad_of = "mean u", .absent = "x", .prepare = prepare_means },
    { "of_an_image", "N=2 H=3 W=5 C=4", .grad = true, .grad_of = "x u", .prepare = prepare_means },
    { .name = "block_plus_one", .dims = "N=2 C=1025", .absent = "x", .prepare = prepare_means },
    { "mnist", "N=32 C=64", .bench = true, .absent = "x", .prepare = prepare_means },
};

static const t_case cases_rows_grad[] = {
    { "rows_of_samples", "N=3 B=3 C=5 S=15", "pixels=30", .grad = true, .grad_of = "s0 s1? mean? rows", .absent = "x",
      .prepare = prepare_means },
    { "shared_row", "N=3 B=1 C=8 S=24", "pixels=784", .grad = true, .grad_of = "s0 rows", .absent = "x", .prepare = prepare_means },
    { "of_an_image", "N=2 B=2 H=3 W=5 C=4 S=12", "pixels=15", .grad = true, .grad_of = "s0 s1? rows x?", .prepare = prepare_means },
    { "mnist", "N=32 B=32 C=64 S=192", "pixels=784", .bench = true, .absent = "x", .prepare = prepare_means },
};

static void oracle_rows(const t_case *t)
{
    const int C = t_dim(t, 'C');
    double *rows = t_f64(t, "rows");
    for (int c = 0; c < C; c++) {
        rows[c] = t_f64(t, "gamma")[c];
        rows[C + c] = t_f64(t, "alpha")[c];
        rows[2 * C + c] = t_f64(t, "beta")[c];
    }
}

static const t_case cases_rows[] = {
    { "one_channel", "C=1", .grad = true },
    { "ragged", "C=11", .grad = true, .grad_of = "gamma alpha beta" },
    { .name = "wide_vector", .dims = "C=48" },
};

static const t_op ops[] = {
    T_OP(pixel_sum, oracle_sum, cases_sum),
    T_OP(pixel_spread, oracle_spread, cases_spread),
    T_OP(pixel_stats, oracle_pixel_stats, cases_pixel_stats),
    T_OP(channel_stats, oracle_channel_stats, cases_channel_stats),
    T_OP(norm_coef, oracle_coef, cases_coef),
    T_OP(norm_rows, oracle_rows, cases_rows),
    T_OP(norm_stats, oracle_stats, cases_stats),
    T_OP(norm_apply, oracle_apply, cases_apply),
    T_OP(norm_grad, oracle_grad, cases_grad),
    T_OP(channel_grad, oracle_channel_grad, cases_channel_grad),
    T_OP(norm_rows_grad, oracle_rows_grad, cases_rows_grad),
};
OP_TESTS(norm, ops)
