/* Oracle and cases for dsm_loss; tests/op_harness.h says what every case goes through. */
#include "op_harness.h"

static void oracle(const t_case *t)
{
    const size_t N = t_count(t, "loss"), D = t_count(t, "s") / N;
    const double *s = t_f64(t, "s"), *z = t_f64(t, "z"), *inv = t_f64(t, "inv_sigma"), *w = t_f64(t, "weight");
    double *loss = t_f64(t, "loss");
    for (size_t n = 0; n < N; n++) {
        double sum = 0;
        for (size_t d = 0; d < D; d++) {
            const double r = s[n * D + d] + z[n * D + d] * inv[n];
            sum += r * r;
        }
        loss[n] = w[n] * 0.5 * sum;
    }
}

static const t_case cases[] = {
    { "one_value",   "N=1 D=1",     .grad = true, .grad_of = "s z" },                      /* smallest                      */
    { "tail_of_one", "N=3 D=65",    .grad = true, .grad_of = "s z" },                      /* lanes + 1                     */
    { "two_blocks",  "N=2 D=1025",  .grad = true, .grad_of = "s z" },                      /* block + 1                     */
    { "image",       "N=2 D=5x7x3", .grad = true, .grad_of = "s z" },                      /* a shape                       */
    { "small_sigma", "N=2 D=48",    .range = { { "inv_sigma", 90, 100 } }, .tol = 1e-5 },  /* z/sigma dominates s           */
    { "zero_score",  "N=4 D=784",   .fill = { { "s", 0.0 } } },                            /* expectation D/2 at weight s^2 */
    { .name = "beyond_group", .dims = "N=1 D=66000" },                                                     /* sum64 has two levels          */
    { "mnist",       "N=128 D=784", .bench = true },
};

OP_TEST(dsm_loss, oracle, cases)
