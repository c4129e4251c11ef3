/* Oracles and cases of the second derivatives of InstanceNorm++ and of its tangent.
 *
 * The oracles of norm_second and channel_second are the formulas, of x, u and k alone (the statistics and
 * sums among the inputs belong to them), so the central differences of their cases show the third order as a
 * total derivative; that T is the gradient of <k, N(x) u>, and that norm_tangent is differentiated as a
 * whole, is shown by those of norm_tangent's cases. */
#include "norm_plain.h"

/* <a, b> - sum(a) sum(b) / P over the pixels of channel i. */
static double centred(const dims *d, int i, const double *a, const double *b)
{
    double sa = 0, sb = 0, sum = 0;
    for (int p = 0; p < d->P; p++) {
        sa += a[at(d, i / d->C, p, i % d->C)];
        sb += b[at(d, i / d->C, p, i % d->C)];
    }
    for (int p = 0; p < d->P; p++)
        sum += (a[at(d, i / d->C, p, i % d->C)] - sa / d->P) * (b[at(d, i / d->C, p, i % d->C)] - sb / d->P);
    return sum;
}

static double mean_of(const dims *d, int i, const double *a)
{
    double sum = 0;
    for (int p = 0; p < d->P; p++)
        sum += a[at(d, i / d->C, p, i % d->C)];
    return sum / d->P;
}

static void oracle_second(const t_case *t)
{
    const dims d = image_of(t);
    const double eps = t_attr_real(t, "eps"), *x = t_f64(t, "x"), *u = t_f64(t, "u"), *k = t_f64(t, "k");
    double *mean = malloc(sizeof *mean * 2 * (size_t)d.N * (size_t)d.C), *variance = mean + d.N * d.C;
    double *nk = t_f64(t, "nk"), *out = t_f64(t, "t"), *k0 = t_f64(t, "k0"), *k1 = t_f64(t, "k1"), *p = t_f64(t, "p");
    pixel_stats_of(&d, x, mean, variance);
    for (int i = 0; i < d.N * d.C; i++) {
        const double sigma = sqrt(variance[i] + eps), A = centred(&d, i, k, x) / sigma, B = centred(&d, i, u, x) / sigma;
        const double E = centred(&d, i, k, u), mk = mean_of(&d, i, k), mu = mean_of(&d, i, u);
        k0[i] = mk * d.P;
        k1[i] = A;
        p[i] = (E - A * B / d.P) / sigma;
        for (int q = 0; q < d.P; q++) {
            const size_t e = at(&d, i / d.C, q, i % d.C);
            const double xhat = (x[e] - mean[i]) / sigma;
            nk[e] = (k[e] - mk - xhat * A / d.P) / sigma;
            out[e] = (xhat * (3 * A * B / d.P - E) - B * (k[e] - mk) - A * (u[e] - mu)) / (d.P * sigma * sigma);
        }
    }
    free(mean);
}

/* mean, variance, s0 and s1 as the operators before give them. */
static void prepare_second(const t_case *t)
{
    const dims d = image_of(t);
    const double eps = t_attr_real(t, "eps");
    const size_t count = (size_t)d.N * (size_t)d.C;
    const float *x = t_f32_in(t, "x"), *u = t_f32_in(t, "u");
    double *wide = malloc(sizeof *wide * (2 * count * (size_t)d.P + 2 * count)), *mean = wide + 2 * count * (size_t)d.P;
    double *wu = wide + count * (size_t)d.P;
    for (size_t i = 0; i < count * (size_t)d.P; i++) {
        wide[i] = (double)x[i];
        wu[i] = (double)u[i];
    }
    pixel_stats_of(&d, wide, mean, mean + count);
    for (size_t i = 0; i < count; i++) {
        t_f32_in(t, "mean")[i] = (float)mean[i];
        t_f32_in(t, "variance")[i] = (float)mean[count + i];
        t_f32_in(t, "s0")[i] = (float)(mean_of(&d, (int)i, wu) * d.P);
        t_f32_in(t, "s1")[i] = (float)(centred(&d, (int)i, wu, wide) / sqrt(mean[count + i] + eps));
    }
    free(wide);
}

/* M_c u, and T(mean; k, u) where k is given, of one sample. */
static void channels(int C, const double *mean, double eps, const double *u, const double *k, double *w, double *out)
{
    double m = 0, v = 0, mu = 0, mk = 0, A = 0, B = 0, E = 0;
    for (int c = 0; c < C; c++)
        m += mean[c] / C, mu += u[c] / C, mk += k ? k[c] / C : 0;
    for (int c = 0; c < C; c++)
        v += (mean[c] - m) * (mean[c] - m) / (C - 1);
    const double tau = sqrt(v + eps);
    for (int c = 0; c < C; c++) {
        A += k ? (mean[c] - m) / tau * k[c] : 0;
        B += (mean[c] - m) / tau * u[c];
        E += k ? (k[c] - mk) * (u[c] - mu) : 0;
    }
    for (int c = 0; c < C; c++) {
        const double mhat = (mean[c] - m) / tau;
        w[c] = (u[c] - mu - mhat * B / (C - 1)) / tau;
        if (k)
            out[c] = (mhat * (3 * A * B / (C - 1) - E) - B * (k[c] - mk) - A * (u[c] - mu)) / ((C - 1) * tau * tau);
    }
}

static void oracle_channel_second(const t_case *t)
{
    const int C = t_dim(t, 'C');
    double *other = malloc(sizeof *other * (size_t)C), *means = means_of(t, t_f64(t, "x"), t_f64(t, "mean"));
    for (int n = 0; n < t_dim(t, 'N'); n++) {
        const size_t first = (size_t)n * (size_t)C;
        const double *mean = means + first, *u = t_f64(t, "u") + first, *k = t_f64(t, "k") + first;
        channels(C, mean, t_attr_real(t, "eps"), k, u, t_f64(t, "mk") + first, other);
        channels(C, mean, t_attr_real(t, "eps"), u, k, other, t_f64(t, "t") + first);
    }
    free(means);
    free(other);
}

static void oracle_coef(const t_case *t)
{
    const int C = t_dim(t, 'C');
    const double pixels = (double)t_attr_int(t, "pixels"), *s0 = t_f64(t, "s0");
    double *mu = t_f64(t, "mu"), *w = t_f64(t, "w"), *a = t_f64(t, "a"), *b = t_f64(t, "b");
    for (int i = 0; i < t_dim(t, 'N') * C; i++)
        mu[i] = s0[i] / pixels;
    for (int n = 0; n < t_dim(t, 'N'); n++) {
        channels(C, t_f64(t, "mean") + n * C, t_attr_real(t, "eps"), mu + n * C, NULL, w + n * C, NULL);
        for (int c = 0; c < C; c++) {
            a[n * C + c] = row_of(t, n)[c];
            b[n * C + c] = row_of(t, n)[c] * row_of(t, n)[C + c] * w[n * C + c];
        }
    }
}

/* gamma (N u + alpha M_c mean(u)) of x, u and rows alone: the other inputs belong to them, and the rule is the total derivative. */
static void tangent_of(const t_case *t, const dims *d, const double *x, const double *u, double *y, double *g, double *sums)
{
    const double eps = t_attr_real(t, "eps");
    const size_t count = (size_t)d->N * (size_t)d->C;
    double *s = malloc(sizeof *s * 4 * count), *mean = s, *variance = s + count, *mu = s + 2 * count, *w = s + 3 * count;
    pixel_stats_of(d, x, mean, variance);
    for (int i = 0; i < d->N * d->C; i++)
        mu[i] = mean_of(d, i, u);
    for (int n = 0; n < d->N; n++)
        channels(d->C, mean + n * d->C, eps, mu + n * d->C, NULL, w + n * d->C, NULL);
    for (int i = 0; i < d->N * d->C; i++) {
        const double sigma = sqrt(variance[i] + eps), B = centred(d, i, u, x) / sigma;
        const double *row = y ? row_of(t, i / d->C) + i % d->C : NULL;
        for (int p = 0; p < d->P; p++) {
            const size_t e = at(d, i / d->C, p, i % d->C);
            const double along = (u[e] - mu[i] - (x[e] - mean[i]) / sigma * B / d->P) / sigma;
            if (y)
                y[e] = row[0] * (along + row[d->C] * w[i]);
            if (g)
                g[e] = along;
        }
        if (sums) {
            sums[i] = mu[i];
            sums[count + (size_t)i] = B;
            sums[2 * count + (size_t)i] = w[i];
        }
    }
    free(s);
}

static void oracle_tangent(const t_case *t)
{
    const dims d = image_of(t);
    tangent_of(t, &d, t_f64(t, "x"), t_f64(t, "u"), t_f64(t, "y"), NULL, NULL);
}

static void prepare_tangent(const t_case *t)
{
    const dims d = image_of(t);
    const size_t count = (size_t)d.N * (size_t)d.C, pixels = count * (size_t)d.P;
    double *x = malloc(sizeof *x * (3 * pixels + 7 * count)), *u = x + pixels, *g = u + pixels;
    double *mean = g + pixels, *variance = mean + count, *m = variance + count, *v = m + d.N, *sums = mean + 4 * count;
    for (size_t i = 0; i < pixels; i++) {
        x[i] = (double)t_f32_in(t, "x")[i];
        u[i] = (double)t_f32_in(t, "u")[i];
    }
    pixel_stats_of(&d, x, mean, variance);
    channel_stats_of(d.N, d.C, mean, m, v);
    tangent_of(t, &d, x, u, NULL, g, sums);
    for (size_t i = 0; i < pixels; i++)
        t_f32_in(t, "g")[i] = (float)g[i];
    for (size_t i = 0; i < count; i++) {
        const size_t n = i / (size_t)d.C, c = i % (size_t)d.C;
        const float *row = t_f32_in(t, "rows") + (t_dim(t, 'B') == 1 ? 0 : n * (size_t)t_dim(t, 'S')) + c;
        t_f32_in(t, "mean")[i] = (float)mean[i];
        t_f32_in(t, "variance")[i] = (float)variance[i];
        t_f32_in(t, "m")[n] = (float)m[n];
        t_f32_in(t, "v")[n] = (float)v[n];
        t_f32_in(t, "mu")[i] = (float)sums[i];
        t_f32_in(t, "s0")[i] = (float)(sums[i] * d.P);
        t_f32_in(t, "s1")[i] = (float)sums[count + i];
        t_f32_in(t, "w")[i] = (float)sums[2 * count + i];
        t_f32_in(t, "a")[i] = row[0];
        t_f32_in(t, "b")[i] = (float)((double)row[0] * (double)row[d.C] * sums[2 * count + i]);
    }
    free(x);
}

static void oracle_rows(const t_case *t)
{
    const int C = t_dim(t, 'C');
    const double *k0 = t_f64(t, "k0"), *p = t_f64(t, "p"), *w = t_f64(t, "w");
    for (int i = 0; i < t_dim(t, 'N') * C; i++) {
        const double *row = row_of(t, i / C) + i % C;
        double *drow = t_f64(t, "drows") + i / C * 3 * C + i % C;
        drow[0] = row[C] * w[i] * k0[i] + p[i];
        drow[C] = row[0] * w[i] * k0[i];
        drow[2 * C] = 0;
        t_f64(t, "kw")[i] = row[0] * row[C] * k0[i] / (double)t_attr_int(t, "pixels");
    }
}

#define THIRD .grad = true, .grad_of = "x? u? k"
static const t_case cases_second[] = {
    {.name = "one_pixel", .dims = "N=1 H=1 W=1 C=2", .prepare = prepare_second},
    {"two_channels", "N=2 H=3 W=3 C=2", THIRD, .prepare = prepare_second},
    {"short_leaves", "N=2 H=5 W=6 C=3", THIRD, .prepare = prepare_second},
    {"large_eps", "N=1 H=4 W=4 C=4", "eps=0.5", THIRD, .prepare = prepare_second},
    {.name = "wide_vector", .dims = "N=2 H=7 W=4 C=32", .prepare = prepare_second},
    {.name = "more_than_64_leaves", .dims = "N=2 H=33 W=35 C=16", .prepare = prepare_second},
    {"far_from_zero", "N=1 H=6 W=6 C=4", .range = {{"x", 99, 101}}, .tol = 5e-5, .prepare = prepare_second},
    {"mnist", "N=32 H=28 W=28 C=64", .bench = true, .prepare = prepare_second},
};

static const t_case cases_channel_second[] = {
    {"two_channels", "N=1 C=2", "eps=0.5", .grad = true, .grad_of = "mean u? k", .absent = "x",
     .prepare = prepare_means},
    {"lanes_plus_one", "N=3 C=65", .grad = true, .grad_of = "mean u? k", .absent = "x",
     .prepare = prepare_means},
    {"of_an_image", "N=2 H=3 W=5 C=4", .grad = true, .grad_of = "x u? k", .prepare = prepare_means},
    {.name = "block_plus_one", .dims = "N=2 C=1025", .absent = "x", .prepare = prepare_means},
    {"mnist", "N=32 C=64", .bench = true, .absent = "x", .prepare = prepare_means},
};

static const t_case cases_coef[] = {
    { .name = "two_channels", .dims = "N=1 B=1 C=2 S=6", .attrs = "pixels=1 eps=0.5", .prepare = prepare_means },
    { .name = "rows_of_samples", .dims = "N=3 B=3 C=65 S=195", .attrs = "pixels=30", .prepare = prepare_means },
    { .name = "shared_row", .dims = "N=3 B=1 C=8 S=24", .attrs = "pixels=784", .prepare = prepare_means },
    { "mnist", "N=32 B=32 C=64 S=192", "pixels=784", .bench = true, .prepare = prepare_means },
};

static const t_case cases_tangent[] = {
    { "two_channels", "N=2 B=2 H=3 W=3 C=2 S=6", .grad = true, .grad_of = "x u rows", .prepare = prepare_tangent },
    { "short_leaves", "N=2 B=2 H=5 W=6 C=3 S=9", .grad = true, .grad_of = "x u rows", .prepare = prepare_tangent },
    { "shared_row", "N=3 B=1 H=4 W=3 C=4 S=12", .grad = true, .grad_of = "x u rows", .prepare = prepare_tangent },
    { "wide_vector", "N=2 B=2 H=3 W=2 C=16 S=48", .grad = true, .grad_of = "x u rows", .prepare = prepare_tangent },
};

static const t_case cases_rows[] = {
    {"one_channel", "N=1 B=1 C=1 S=3", "pixels=1", .grad = true, .grad_of = "k0 p? w? rows"},
    {"rows_of_samples", "N=3 B=3 C=5 S=15", "pixels=30", .grad = true, .grad_of = "k0 p? w? rows"},
    {"shared_row", "N=3 B=1 C=8 S=24", "pixels=784", .grad = true, .grad_of = "k0 p? w? rows"},
    {"mnist", "N=32 B=32 C=64 S=192", "pixels=784", .bench = true},
};

static const t_op ops[] = {
    T_OP_TOL(norm_second, oracle_second, cases_second, 5e-6),
    T_OP_TOL(channel_second, oracle_channel_second, cases_channel_second, 5e-6),
    T_OP(norm_tangent_coef, oracle_coef, cases_coef),
    T_OP(norm_tangent, oracle_tangent, cases_tangent),
    T_OP(norm_tangent_rows, oracle_rows, cases_rows),
};
OP_TESTS(norm_second, ops)
