/* Costs of nodes, by their formulas: letters and attributes count with the node's own values. */
#include "failures.h"
#include "graph/op.h"
#include "graph/signature.h"
#include "must.h"

/* Over 2*4*6*3 values. */
static double pool_flops(const char *op, const char *in, int size)
{
    scl_arena arena = { 0 };
    scl_err err = { 0 };
    scl_graph *g = scl_graph_new(&arena, "pool");
    scl_value *x, *y;
    must(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(2, 4, 6, 3), &err), &err);
    must(SCL_APPLY(g, &y, &err, op, SCL_IN(in, x), SCL_INT("size", size)), &err);
    const double flops = scl_cost(g->node[0], g->node[0]->op->flops);
    scl_arena_free(&arena);
    return flops;
}

int main(void)
{
    CHECK(pool_flops("avg_pool", "x", 3) == 9 * 144, "avg_pool of 3x3: %g", pool_flops("avg_pool", "x", 3));
    CHECK(pool_flops("avg_pool", "x", 5) == 25 * 144, "avg_pool of 5x5: %g", pool_flops("avg_pool", "x", 5));
    CHECK(pool_flops("avg_pool_grad", "dy", 3) == 18 * 144, "avg_pool_grad of 3x3: %g", pool_flops("avg_pool_grad", "dy", 3));
    CHECK(pool_flops("max_pool", "x", 7) == 49 * 144, "max_pool of 7x7: %g", pool_flops("max_pool", "x", 7));
    return failures != 0;
}
