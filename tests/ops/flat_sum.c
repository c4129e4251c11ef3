/* Oracles and cases of the flat sums. */
#include "op_harness.h"

static void oracle_sum(const t_case *t)
{
    const size_t N = t_count(t, "s"), D = t_count(t, "x") / N;
    const double *x = t_f64(t, "x");
    double *s = t_f64(t, "s");
    for (size_t n = 0; n < N; n++) {
        s[n] = 0;
        for (size_t d = 0; d < D; d++)
            s[n] += x[n * D + d];
    }
}

static void oracle_sumsq(const t_case *t)
{
    const size_t N = t_count(t, "s"), D = t_count(t, "x") / N;
    const double *x = t_f64(t, "x");
    double *s = t_f64(t, "s");
    for (size_t n = 0; n < N; n++) {
        s[n] = 0;
        for (size_t d = 0; d < D; d++)
            s[n] += x[n * D + d] * x[n * D + d];
    }
}

static void oracle_chain(const t_case *t)
{
    const double *g = t_f64(t, "g");
    double *after = t_f64(t, "after");
    after[0] = t_has(t, "before") ? t_f64(t, "before")[0] : 0.0;
    for (size_t d = 0; d < t_count(t, "g"); d++)
        after[0] += g[d] * g[d];
}

/* Signed values cancel: their sum is judged against values that do not. */
static const t_case cases_sum[] = {
    { "one_value",    "N=1 D=1", .grad = true },                                      /* smallest                         */
    { "tail_of_one",  "N=3 D=65", .grad = true, .range = { { "x", 0.5, 1.5 } } },     /* lanes + 1                        */
    { "short",        "N=5 D=13", .range = { { "x", 0.5, 1.5 } } },                   /* fewer than the lanes             */
    { "two_blocks",   "N=2 D=1025", .range = { { "x", 0.5, 1.5 } } },                 /* block + 1                        */
    { "image",        "N=2 D=5x7x3", .grad = true, .range = { { "x", 0.5, 1.5 } } },  /* a shape                          */
    { "beyond_group", "N=2 D=66601", .range = { { "x", 0.5, 1.5 } } },                /* 66 blocks: sum64 has two levels  */
};

static const t_case cases_sumsq[] = {
    { "one_value",    "N=1 D=1", .grad = true },
    { "tail_of_one",  "N=3 D=65", .grad = true },
    { "two_blocks",   "N=2 D=1025", .grad = true },
    { .name = "full_block",   .dims = "N=3 D=1024" },                                                 /* no tail                          */
    { .name = "beyond_group", .dims = "N=1 D=65537" },
};

static const t_case cases_chain[] = {
    { "first_tensor", "D=9x8x4", .absent = "before" },                                /* no sum before                    */
    { "one_value",    "D=1", .range = { { "before", 0, 1 } } },
    { "bias",         "D=67", .range = { { "before", 0, 1 } } },
    { "short_limit",  "D=65536", .range = { { "before", 0, 1 } } },                   /* 64 blocks: still one group       */
    { "long",         "D=65537", .range = { { "before", 0, 1 } } },                   /* 65 blocks: many groups, sum64    */
    { "many_groups",  "D=140001", .absent = "before" },
    { "tiny",         "D=33", .range = { { "g", -1e-17, 1e-17 } }, .absent = "before" }, /* squares below the flush stay apart */
    { "weights",      "D=3x3x128x128", .absent = "before", .bench = true },
};

static const t_op ops[] = {
    T_OP(flat_sum, oracle_sum, cases_sum),
    T_OP(flat_sumsq, oracle_sumsq, cases_sumsq),
    T_OP(sumsq_chain, oracle_chain, cases_chain),
};
OP_TESTS(flat_sum, ops)
