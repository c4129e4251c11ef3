/* Oracles and cases of the pools. */
#include "op_harness.h"

static size_t at(const t_case *t, int n, int y, int x, int c)
{
    return (((size_t)n * (size_t)t_dim(t, 'H') + (size_t)y) * (size_t)t_dim(t, 'W') + (size_t)x) *
               (size_t)t_dim(t, 'C') +
           (size_t)c;
}

#define FOR_ELEMENTS(t)                                      \
    for (int n = 0; n < t_dim(t, 'N'); n++)                  \
        for (int y = 0; y < t_dim(t, 'H'); y++)              \
            for (int x = 0; x < t_dim(t, 'W'); x++)          \
                for (int c = 0; c < t_dim(t, 'C'); c++)

static bool inside(const t_case *t, int y, int x) { return y >= 0 && y < t_dim(t, 'H') && x >= 0 && x < t_dim(t, 'W'); }

static void average(const t_case *t, const double *from, double *to)
{
    const int size = (int)t_attr_int(t, "size"), half = size / 2;
    FOR_ELEMENTS(t) {
        double sum = 0;
        for (int dy = -half; dy <= half; dy++)
            for (int dx = -half; dx <= half; dx++)
                if (inside(t, y + dy, x + dx))
                    sum += from[at(t, n, y + dy, x + dx, c)];
        to[at(t, n, y, x, c)] = sum / (size * size);
    }
}

static void oracle_avg(const t_case *t) { average(t, t_f64(t, "x"), t_f64(t, "y")); }

/* The window is symmetric, so the average is its own transpose. */
static void oracle_avg_grad(const t_case *t) { average(t, t_f64(t, "dy"), t_f64(t, "dx")); }

static void oracle_max(const t_case *t)
{
    const int half = (int)t_attr_int(t, "size") / 2;
    const double *x_in = t_f64(t, "x");
    double *y_out = t_f64(t, "y");
    int32_t *index = t_i32_out(t, "index");
    FOR_ELEMENTS(t) {
        int best = -1;
        double largest = 0;
        for (int iy = y - half; iy <= y + half; iy++)
            for (int ix = x - half; ix <= x + half; ix++)
                if (inside(t, iy, ix) && (best < 0 || x_in[at(t, n, iy, ix, c)] > largest)) {
                    largest = x_in[at(t, n, iy, ix, c)];
                    best = iy * t_dim(t, 'W') + ix;
                }
        y_out[at(t, n, y, x, c)] = largest;
        index[at(t, n, y, x, c)] = best;
    }
}

/* Scatters, where the operator gathers. */
static void oracle_max_grad(const t_case *t)
{
    const double *dy = t_f64(t, "dy");
    const int32_t *index = t_i32(t, "index");
    double *dx = t_f64(t, "dx");
    const int W = t_dim(t, 'W');
    FOR_ELEMENTS(t) dx[at(t, n, y, x, c)] = 0;
    FOR_ELEMENTS(t) {
        const int source = index[at(t, n, y, x, c)];
        dx[at(t, n, source / W, source % W, c)] += dy[at(t, n, y, x, c)];
    }
}

static void oracle_max_at(const t_case *t)
{
    const double *x_in = t_f64(t, "x");
    const int32_t *index = t_i32(t, "index");
    double *y_out = t_f64(t, "y");
    const int W = t_dim(t, 'W');
    FOR_ELEMENTS(t) {
        const int source = index[at(t, n, y, x, c)];
        y_out[at(t, n, y, x, c)] = x_in[at(t, n, source / W, source % W, c)];
    }
}

/* An index inside the window of its output, another one for each element. */
static void prepare_index(const t_case *t)
{
    const int half = (int)t_attr_int(t, "size") / 2, side = 2 * half + 1;
    int32_t *index = t_i32_in(t, "index");
    int k = 0;
    FOR_ELEMENTS(t) {
        int iy, ix;
        do {
            k = (k * 5 + 7) % 1009;
            iy = y - half + k % side;
            ix = x - half + k / side % side;
        } while (!inside(t, iy, ix));
        index[at(t, n, y, x, c)] = iy * t_dim(t, 'W') + ix;
    }
}

/* Equal neighbours (an integer is never -0): the first in (ky, kx) order wins. */
static void prepare_ties(const t_case *t)
{
    float *x = t_f32_in(t, "x");
    for (size_t i = 0; i < t_count(t, "x"); i++)
        x[i] = (float)(int)(x[i] * 2.0f) * 0.5f;
}

static void oracle_mean2(const t_case *t)
{
    const int H = t_dim(t, 'H'), W = t_dim(t, 'W'), C = t_dim(t, 'C');
    const double *x_in = t_f64(t, "x");
    double *y_out = t_f64(t, "y");
    for (size_t i = 0; i < t_count(t, "y"); i++)
        y_out[i] = 0;
    FOR_ELEMENTS(t)
    y_out[(((size_t)n * (size_t)(H / 2) + (size_t)(y / 2)) * (size_t)(W / 2) + (size_t)(x / 2)) * (size_t)C +
          (size_t)c] += x_in[at(t, n, y, x, c)] / 4;
}

static void oracle_mean2_grad(const t_case *t)
{
    const int H = t_dim(t, 'H'), W = t_dim(t, 'W'), C = t_dim(t, 'C');
    const double *dy = t_f64(t, "dy");
    double *dx = t_f64(t, "dx");
    FOR_ELEMENTS(t)
    dx[at(t, n, y, x, c)] =
        dy[(((size_t)n * (size_t)(H / 2) + (size_t)(y / 2)) * (size_t)(W / 2) + (size_t)(x / 2)) * (size_t)C +
           (size_t)c] /
        4;
}

static const t_case cases_avg[] = {
    { "one_pixel", "N=1 H=1 W=1 C=1", .grad = true },                          /* divided by 25 all the same */
    { "smaller_than_window", "N=2 H=3 W=2 C=3", .grad = true },
    { "tile_plus_one", "N=2 H=6 W=9 C=5", .grad = true },                      /* last tile of outputs is short */
    { .name = "wide_vector", .dims = "N=1 H=7 W=11 C=48" },
    { "size_3", "N=1 H=5 W=6 C=8", "size=3", .grad = true },
    { .name = "size_1", .dims = "N=1 H=3 W=5 C=2", .attrs = "size=1" },
    { "mnist", "N=32 H=28 W=28 C=64", .bench = true },
};

static const t_case cases_avg_grad[] = {
    { "one_pixel", "N=1 H=1 W=1 C=1", .grad = true },
    { "smaller_than_window", "N=2 H=2 W=4 C=3", .grad = true },
    { "tile_plus_one", "N=2 H=6 W=9 C=5", .grad = true },
    { .name = "wide_vector", .dims = "N=1 H=7 W=11 C=48" },
    { .name = "size_3", .dims = "N=1 H=5 W=6 C=8", .attrs = "size=3" },
    { "mnist", "N=32 H=28 W=28 C=64", .bench = true },
};

static const t_case cases_max[] = {
    { "one_pixel", "N=1 H=1 W=1 C=1", .grad = true },
    { "smaller_than_window", "N=2 H=3 W=2 C=3", .grad = true },
    { "ragged", "N=2 H=7 W=9 C=5", .grad = true },
    { "all_negative", "N=1 H=6 W=6 C=4", .range = { { "x", -2, -1 } } },       /* padding must not win */
    { "ties", "N=2 H=9 W=8 C=3", .prepare = prepare_ties },                    /* >= instead of > */
    { "all_equal", "N=1 H=6 W=7 C=16", .fill = { { "x", 0.5 } } },
    { "size_3", "N=1 H=5 W=6 C=8", "size=3", .grad = true },
    { "mnist", "N=32 H=28 W=28 C=64", .bench = true },
};

static const t_case cases_max_grad[] = {
    { "one_pixel", "N=1 H=1 W=1 C=1", .grad = true, .prepare = prepare_index },
    { "ragged", "N=2 H=7 W=9 C=5", .grad = true, .prepare = prepare_index },
    { "wide_vector", "N=1 H=6 W=5 C=32", .prepare = prepare_index },
    { "size_3", "N=1 H=5 W=6 C=8", "size=3", .prepare = prepare_index },
    { "mnist", "N=32 H=28 W=28 C=64", .bench = true, .prepare = prepare_index },
};

static const t_case cases_max_at[] = {
    { "one_pixel", "N=1 H=1 W=1 C=1", .grad = true, .prepare = prepare_index },
    { "ragged", "N=2 H=7 W=9 C=5", .grad = true, .prepare = prepare_index },   /* the sample's own pixels */
    { "wide_vector", "N=2 H=6 W=5 C=32", .prepare = prepare_index },
    { "size_3", "N=1 H=5 W=6 C=8", "size=3", .grad = true, .prepare = prepare_index },
    { "mnist", "N=32 H=28 W=28 C=64", .bench = true, .prepare = prepare_index },
};

static const t_case cases_mean2[] = {
    { "one_block", "N=1 H=2 W=2 C=1", .grad = true },
    { "ragged", "N=3 H=4 W=10 C=5", .grad = true },
    { .name = "wide_vector", .dims = "N=2 H=6 W=2 C=48" },
    { "mnist", "N=32 H=28 W=28 C=128", .bench = true },
};

static const t_op ops[] = {
    T_OP(avg_pool, oracle_avg, cases_avg),         T_OP(avg_pool_grad, oracle_avg_grad, cases_avg_grad),
    T_OP(max_pool, oracle_max, cases_max),         T_OP(max_pool_grad, oracle_max_grad, cases_max_grad),
    T_OP(max_pool_at, oracle_max_at, cases_max_at),
    T_OP(mean_pool2, oracle_mean2, cases_mean2),   T_OP(mean_pool2_grad, oracle_mean2_grad, cases_mean2),
};
OP_TESTS(pool, ops)
