/* norm_rows - the coefficients of an unconditional InstanceNorm++ as the one row that norm_stats and norm_apply read.
 *
 *   rows[0,:] = [ gamma | alpha | beta ]
 *
 * Official checkpoints keep the three as vectors of their own (NCSNv2's InstanceNorm2dPlus).  Linear: tangents go the same way,
 * and the cotangent of each is its part of the row's.  Kernel: cl/ops/norm.cl.  Oracle and cases: tests/ops/norm.c. */
#include "graph/arith.h"
#include "ops/items.h"
#include "ops/norm.h"

static scl_status vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    for (int part = 0; part < 3; part++)
        if (scl_want(n, part))
            SCL_TRY(SCL_POINTWISE(g, &dx[part], err, "row", SCL_IN("shape", n->in[part]),
                                  SCL_CHANNEL("row", dy[0], part * scl_dim(n, 'C'))));
    return SCL_OK;
}

static scl_status jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    scl_value *part[3];
    for (int i = 0; i < 3; i++) {
        part[i] = dx[i];
        if (!dx[i])
            SCL_TRY(SCL_POINTWISE(g, &part[i], err, "0.0", SCL_IN("shape", n->in[i])));
    }
    return SCL_APPLY(g, &dy[0], err, "norm_rows", SCL_IN("gamma", part[0]), SCL_IN("alpha", part[1]),
                     SCL_IN("beta", part[2]));
}

static void ref(const scl_node *n, const scl_host_values *v)
{
    const int C = scl_dim(n, 'C');
    float *rows = v->out[0];
    for (int i = 0; i < 3 * C; i++)
        rows[i] = scl_flush(((const float *)v->in[i / C])[i % C]);
}

static scl_status launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = scl_items(q, 1, scl_dim(n, 'C'));
    return SCL_LAUNCH(q, n, err, "norm_rows", scl_items_grid(q, items), SCL_BUF(gamma), SCL_BUF(alpha), SCL_BUF(beta),
                      SCL_BUF(rows), SCL_I32(C, scl_dim(n, 'C')), SCL_I32(items, items));
}

const scl_op scl_op_norm_rows = {
    .name = "norm_rows", .family = "norm",
    .brief = "gamma, alpha and beta as one row for all samples", .formula = "rows = [gamma | alpha | beta]",
    .in = { "gamma f32[C]", "alpha f32[C]", "beta f32[C]" }, .out = { "rows f32[1,3*C]" },
    .vjp = vjp, .jvp = jvp, .ref = ref,
    .impl = { { .name = "channels", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c, .launch = launch } },
    .flops = "0*C", .bytes = "24*C",
};
