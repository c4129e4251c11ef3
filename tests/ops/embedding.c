/* Oracles and cases of the embedding rows and their gradient. */
#include "op_harness.h"

static void oracle(const t_case *t)
{
    const int N = t_dim(t, 'N'), D = t_dim(t, 'D');
    const double *table = t_f64(t, "table");
    const int32_t *label = t_i32(t, "label");
    double *rows = t_f64(t, "rows");
    for (int n = 0; n < N; n++)
        for (int d = 0; d < D; d++)
            rows[n * D + d] = table[label[n] * D + d];
}

static void oracle_dw(const t_case *t)
{
    const int N = t_dim(t, 'N'), L = t_dim(t, 'L'), D = t_dim(t, 'D');
    const double *g = t_f64(t, "g");
    const int32_t *label = t_i32(t, "label");
    double *root = t_f64(t, "root");
    for (int i = 0; i < L * D; i++)
        root[i] = 0;
    for (int n = 0; n < N; n++)
        for (int d = 0; d < D; d++)
            root[label[n] * D + d] += g[n * D + d];
}

/* Labels in no order, some of them absent. */
static void prepare_labels(const t_case *t)
{
    int32_t *label = t_i32_in(t, "label");
    const int L = t_dim(t, 'L');
    for (int n = 0, k = 1; n < t_dim(t, 'N'); n++, k = (k * 75 + 74) % 65537)
        label[n] = k % L / 2 * 2;
}

static const t_case cases[] = {
    { "one_row", "N=1 L=1 D=1", .grad = true },
    { "more_labels_than_samples", "N=3 L=7 D=5", .grad = true },
    { "more_samples_than_labels", "N=9 L=2 D=6", .grad = true },
    { .name = "wide_vector", .dims = "N=5 L=10 D=96" },
    { "odd_width", "N=4 L=10 D=195", .grad = true },
    { "same_label", "N=6 L=4 D=3", .grad = true, .fill = { { "label", 3 } } },
    { "mnist", "N=32 L=10 D=192", .bench = true },
};

static const t_case cases_dw[] = {
    { "one_sample", "N=1 L=1 D=1 T=1", .root = "Q=1" },
    { "power_of_two", "N=8 L=3 D=4 T=4", .root = "Q=1", .split = 4 },
    { "not_a_power_of_two", "N=13 L=3 D=5 T=4", .root = "Q=1", .split = 3 },      /* drained from the newest */
    { "runs_of_one", "N=7 L=2 D=16 T=3", .root = "Q=1", .split = 1 },
    { "absent_labels", "N=29 L=9 D=6 T=5", .root = "Q=1", .split = 5, .prepare = prepare_labels },
    { "same_label", "N=11 L=4 D=32 T=4", .root = "Q=1", .split = 4, .fill = { { "label", 2 } } },
    { "mnist", "N=128 L=10 D=192 T=8", .root = "Q=1", .bench = true },
};

static const t_op ops[] = { T_OP(embedding, oracle, cases), T_OP(embedding_dw, oracle_dw, cases_dw) };
OP_TESTS(embedding, ops)
