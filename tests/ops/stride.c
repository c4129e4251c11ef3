/* Oracles and cases of every other pixel and its transpose. */
#include "op_harness.h"

/* The small image's pixel (y, x) and its place in the large one. */
static void walk(const t_case *t, void (*visit)(size_t small, size_t large, const double *from, double *to),
                 const double *from, double *to)
{
    const int N = t_dim(t, 'N'), H = t_dim(t, 'H'), W = t_dim(t, 'W'), C = t_dim(t, 'C');
    for (int n = 0; n < N; n++)
        for (int y = 0; y < H / 2; y++)
            for (int x = 0; x < W / 2; x++)
                for (int c = 0; c < C; c++)
                    visit((size_t)(((n * (H / 2) + y) * (W / 2) + x) * C + c),
                          (size_t)(((n * H + 2 * y) * W + 2 * x) * C + c), from, to);
}

static void down(size_t small, size_t large, const double *from, double *to) { to[small] = from[large]; }
static void up(size_t small, size_t large, const double *from, double *to) { to[large] = from[small]; }

static void oracle_subsample(const t_case *t) { walk(t, down, t_f64(t, "x"), t_f64(t, "y")); }

static void oracle_stuff(const t_case *t)
{
    double *y = t_f64(t, "y");
    for (size_t i = 0; i < t_count(t, "y"); i++)
        y[i] = 0;
    walk(t, up, t_f64(t, "x"), y);
}

static const t_case cases[] = {
    { "one_block", "N=1 H=2 W=2 C=1", .grad = true },
    { "ragged", "N=3 H=4 W=10 C=5", .grad = true },                            /* rows of several samples */
    { .name = "wide_vector", .dims = "N=2 H=6 W=2 C=48" },
    { "cifar", "N=16 H=32 W=32 C=32", .bench = true },
};

static const t_op ops[] = { T_OP(subsample2, oracle_subsample, cases), T_OP(stuff2, oracle_stuff, cases) };
OP_TESTS(stride, ops)
