/* columns - a block of columns of wider rows: the transpose of reading rows at an offset (gamma of [gamma | alpha | beta]).
 *
 *   place_columns   y[n, offset + c] = x[n,c],  0 elsewhere
 *
 * Kernel: cl/ops/columns.cl.  Oracle and cases: tests/ops/columns.c. */
#include "graph/arith.h"
#include "ops/items.h"

static int offset_of(const scl_node *n) { return (int)scl_attr_int(n, "offset"); }

static scl_status shape(scl_node *n, scl_err *err)
{
    if (offset_of(n) + scl_dim(n, 'C') > scl_dim(n, 'S'))
        return scl_fail(err, SCL_FAILED, "place_columns: %d columns at %d of %d", scl_dim(n, 'C'),
                        offset_of(n), scl_dim(n, 'S'));
    return SCL_OK;
}

static scl_status vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return SCL_POINTWISE(g, &dx[0], err, "dy", SCL_IN("shape", n->in[0]),
                         SCL_SAMPLE_CHANNEL("dy", dy[0], offset_of(n)));
}

static scl_status jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return SCL_APPLY(g, &dy[0], err, "place_columns", SCL_IN("x", dx[0]), SCL_INT("S", scl_dim(n, 'S')),
                     SCL_INT("offset", offset_of(n)));
}

static void ref(const scl_node *n, const scl_host_values *v)
{
    const int C = scl_dim(n, 'C'), S = scl_dim(n, 'S'), offset = offset_of(n);
    for (int i = 0; i < scl_dim(n, 'N') * S; i++) {
        const int c = i % S - offset;
        ((float *)v->out[0])[i] = c >= 0 && c < C ? scl_flush(((const float *)v->in[0])[i / S * C + c]) : 0.0f;
    }
}

static scl_status launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int count = scl_dim(n, 'N') * scl_dim(n, 'S');
    return SCL_LAUNCH(q, n, err, "place_columns", scl_items_grid(q, count), SCL_BUF(x), SCL_BUF(y), SCL_I32(count, count), SCL_I32(C, scl_dim(n, 'C')), SCL_I32(S, scl_dim(n, 'S')),
                      SCL_I32(offset, offset_of(n)));
}

static const scl_op place_columns = {
    .name = "place_columns", .family = "columns", .brief = "columns put into wider rows of zeros",
    .formula = "y[n,offset+c] = x[n,c], else 0",
    .in = { "x f32[N,C]" }, .out = { "y f32[N,S]" }, .attr = { "S int 1..", "offset int 0.. = 0" },
    .shape = shape, .vjp = vjp, .jvp = jvp, .ref = ref,
    .impl = { { .name = "items", .tune = "WG=64|16|1", .fits = scl_group_fits, .launch = launch } },
    .flops = "0*N", .bytes = "4*N*C+4*N*S",
};

scl_family scl_family_columns = { &place_columns, NULL };
