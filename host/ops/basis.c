/* basis - unit vectors: the directions of an exact trace (implicit score matching).
 *
 *   basis_vector   out[n,e] = 1 where e is the given element of a sample (NHWC index), else 0
 *
 * Kernel: cl/ops/basis.cl.  Oracle and cases: tests/ops/basis.c. */
#include "ops/items.h"

static int values_of(const scl_node *n) { return scl_dim(n, 'H') * scl_dim(n, 'W') * scl_dim(n, 'C'); }

static scl_status shape(scl_node *n, scl_err *err)
{
    if (scl_attr_int(n, "element") >= values_of(n))
        return scl_fail(err, SCL_FAILED, "basis_vector: element %ld of %d", scl_attr_int(n, "element"), values_of(n));
    return SCL_OK;
}

static void ref(const scl_node *n, const scl_host_values *v)
{
    const int D = values_of(n), element = (int)scl_attr_int(n, "element");
    for (int i = 0; i < scl_dim(n, 'N') * D; i++)
        ((float *)v->out[0])[i] = i % D == element ? 1.0f : 0.0f;
}

static scl_status launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int count = scl_dim(n, 'N') * values_of(n);
    return SCL_LAUNCH(q, n, err, "basis_vector", scl_items_grid(q, count), SCL_BUF(out), SCL_I32(count, count), SCL_I32(D, values_of(n)), SCL_I32(element, scl_attr_int(n, "element")));
}

static const scl_op basis_vector = {
    .name = "basis_vector", .family = "basis", .brief = "the unit vector of one element, for every sample",
    .formula = "out[n,e] = 1 where e = element, else 0",
    .out = { "out f32[N,H,W,C]" }, .attr = { "N int 1..", "H int 1..", "W int 1..", "C int 1..", "element int 0.." },
    .shape = shape, .constant = true /* depends on nothing */, .ref = ref,
    .impl = { { .name = "items", .tune = "WG=64|16|1", .fits = scl_group_fits, .launch = launch } },
    .flops = "0*N", .bytes = "4*N*H*W*C",
};

scl_family scl_family_basis = { &basis_vector, NULL };
