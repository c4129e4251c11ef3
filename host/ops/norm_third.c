/* Derivatives of norm_second and channel_second: third order of InstanceNorm++ (host/ops/norm_second.c).
 *
 * N and T are the second and third derivatives of q sigma(x): both are symmetric, and so is the fourth, F =
 * grad_x <b, T(x; k, u)>. With A = <xhat, k>, B = <xhat, u>, E = <xhat, b>, p_ku = <k, N u> and so on,
 *
 *   F(x; k, u, b) = r^2/q ( xhat 2/q (E p_ku + B p_kb + A p_ub) + (2 BE/q - sigma p_ub) N k + (2 AE/q - sigma
 * p_kb) N u
 *                           + (2 AB/q - sigma p_ku) N b ),        r = 1/sigma
 *
 * which is pointwise in what norm_second and channel_second give.  So the rules need no operator of their
 * own: of the outputs nk = N k, t = T(x; k, u), k0, k1 = A, p = p_ku with cotangents a, b, e0, e1, ep
 *
 *   dk = N a + T(x; b, u) + e0 + e1 xhat + ep N u
 *   du = T(x; b, k) + ep N k
 *   dx = T(x; a, k) + F(x; k, u, b) + e1 N k + ep T(x; k, u)
 *
 * They are total, as norm_grad's.  s0 and s1 are those of u and get no cotangent.  Energies of images trained
 * by sliced losses need them (score/objective.h); they are a few passes more over an image than one kernel
 * would be. */
#include "ops/norm.h"

static double eps_of(const scl_node *n)
{
    return scl_attr_real(n, "eps");
}

/* One direction of F: N v, <xhat, v>, and the product <., N .> of the other two. */
typedef struct direction {
    scl_value *n, *along, *others;
} direction;

/* r/q (2 r/q first.along second.along - v.others), the factor of N v. */
static scl_status factor(scl_graph *g, scl_value **out, const direction *v, const direction *first,
                         const direction *second, scl_value *r, double inv, scl_err *err)
{
    const char *text =
        scl_arena_printf(g->arena, "r * %a * fma(r * %a, first * second, -others)", inv, 2 * inv);
    return SCL_POINTWISE(g, out, err, text, SCL_IN("r", r), SCL_IN("first", first->along),
                         SCL_IN("second", second->along), SCL_IN("others", v->others));
}

/* F along d[0], d[1], d[2].  x, mean, r: of the pixels ([N,C] for each channel) or of the channels' means
 * ([N]); inv = 1/q. */
static scl_status fourth(scl_graph *g, scl_value **out, const direction d[3], scl_value *x, scl_value *mean,
                         scl_value *r, double inv, scl_err *err)
{
    scl_value *cross, *of_x, *of[3];
    SCL_TRY(SCL_POINTWISE(g, &cross, err, "fma(a, ao, fma(b, bo, c * co))", SCL_IN("a", d[0].along),
                          SCL_IN("ao", d[0].others), SCL_IN("b", d[1].along), SCL_IN("bo", d[1].others),
                          SCL_IN("c", d[2].along), SCL_IN("co", d[2].others)));
    const char *text = scl_arena_printf(g->arena, "r * %a * (r * %a) * (r * cross)", inv, 2 * inv);
    SCL_TRY(SCL_POINTWISE(g, &of_x, err, text, SCL_IN("r", r), SCL_IN("cross", cross)));
    for (int i = 0; i < 3; i++)
        SCL_TRY(factor(g, &of[i], &d[i], &d[(i + 1) % 3], &d[(i + 2) % 3], r, inv, err));
    return SCL_POINTWISE(g, out, err, "fma(c, x - mean, fma(ck, nk, fma(cu, nu, cb * nb)))", SCL_IN("x", x),
                         SCL_IN("mean", mean), SCL_IN("c", of_x), SCL_IN("nk", d[0].n), SCL_IN("ck", of[0]),
                         SCL_IN("nu", d[1].n), SCL_IN("cu", of[1]), SCL_IN("nb", d[2].n),
                         SCL_IN("cb", of[2]));
}

/* ---- norm_second ---- */

enum { IN_X, IN_MEAN, IN_VARIANCE, IN_U, IN_S0, IN_S1, IN_K };
enum { OUT_NK, OUT_T, OUT_K0, OUT_K1, OUT_P };

/* norm_second of n's pixels with u (whose sums are s0, s1) and k. */
static scl_status second(scl_graph *g, scl_value **out, const scl_node *n, scl_value *u, scl_value *s0,
                         scl_value *s1, scl_value *k, scl_err *err)
{
    return SCL_APPLY(g, out, err, "norm_second", SCL_IN("x", n->in[IN_X]), SCL_IN("mean", n->in[IN_MEAN]),
                     SCL_IN("variance", n->in[IN_VARIANCE]), SCL_IN("u", u), SCL_IN("s0", s0),
                     SCL_IN("s1", s1), SCL_IN("k", k), SCL_REAL("eps", eps_of(n)));
}

static scl_status r_of(scl_graph *g, scl_value **out, const scl_node *n, scl_value *variance, scl_err *err)
{
    const char *text = scl_arena_printf(g->arena, "rcp(sqrt(variance + %a))", (double)(float)eps_of(n));
    return SCL_POINTWISE(g, out, err, text, SCL_IN("variance", variance));
}

static scl_status n_of_u(scl_graph *g, scl_value **nu, const scl_node *n, scl_err *err)
{
    scl_value *sums[3];
    SCL_TRY(SCL_APPLY(g, sums, err, "norm_grad", SCL_IN("x", n->in[IN_X]), SCL_IN("mean", n->in[IN_MEAN]),
                      SCL_IN("variance", n->in[IN_VARIANCE]), SCL_IN("u", n->in[IN_U]),
                      SCL_REAL("eps", eps_of(n))));
    *nu = sums[0];
    return SCL_OK;
}

/* From t = T(x; k, u). */
static scl_status from_t(scl_graph *g, const scl_node *n, scl_value *b, scl_value **dx, scl_err *err)
{
    scl_value *bu[5], *bk[5], *nu, *r, *f;
    const double inv = (double)scl_inverse((double)scl_dim(n, 'H') * scl_dim(n, 'W'));
    SCL_TRY(second(g, bu, n, n->in[IN_U], n->in[IN_S0], n->in[IN_S1], b, err));
    SCL_TRY(second(g, bk, n, n->in[IN_K], n->out[OUT_K0], n->out[OUT_K1], b, err));
    SCL_TRY(scl_norm_add(g, &dx[IN_K], bu[OUT_T], err));
    SCL_TRY(scl_norm_add(g, &dx[IN_U], bk[OUT_T], err));
    if (!scl_want(n, IN_X))
        return SCL_OK;
    SCL_TRY(n_of_u(g, &nu, n, err));
    SCL_TRY(r_of(g, &r, n, n->in[IN_VARIANCE], err));
    const direction d[3] = {{n->out[OUT_NK], n->out[OUT_K1], bu[OUT_P]},
                            {nu, n->in[IN_S1], bk[OUT_P]},
                            {bu[OUT_NK], bu[OUT_K1], n->out[OUT_P]}};
    SCL_TRY(fourth(g, &f, d, n->in[IN_X], n->in[IN_MEAN], r, inv, err));
    return scl_norm_add(g, &dx[IN_X], f, err);
}

/* e v, with e of each channel. */
static scl_status add_scaled(scl_graph *g, scl_value **sum, scl_value *e, scl_value *v, scl_err *err)
{
    scl_value *term;
    SCL_TRY(SCL_POINTWISE(g, &term, err, "e * v", SCL_IN("v", v), SCL_SAMPLE_CHANNEL("e", e, 0)));
    return scl_norm_add(g, sum, term, err);
}

static scl_status from_sums(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                            scl_err *err)
{
    scl_value *term, *r, *nu;
    if (dy[OUT_K0]) {
        SCL_TRY(SCL_POINTWISE(g, &term, err, "e", SCL_IN("shape", n->in[IN_K]),
                              SCL_SAMPLE_CHANNEL("e", dy[OUT_K0], 0)));
        SCL_TRY(scl_norm_add(g, &dx[IN_K], term, err));
    }
    if (dy[OUT_K1]) {
        SCL_TRY(r_of(g, &r, n, n->in[IN_VARIANCE], err));
        SCL_TRY(SCL_POINTWISE(g, &term, err, "e * ((x - mean) * r)", SCL_IN("x", n->in[IN_X]),
                              SCL_SAMPLE_CHANNEL("e", dy[OUT_K1], 0),
                              SCL_SAMPLE_CHANNEL("mean", n->in[IN_MEAN], 0), SCL_SAMPLE_CHANNEL("r", r, 0)));
        SCL_TRY(scl_norm_add(g, &dx[IN_K], term, err));
        SCL_TRY(add_scaled(g, &dx[IN_X], dy[OUT_K1], n->out[OUT_NK], err));
    }
    if (!dy[OUT_P])
        return SCL_OK;
    SCL_TRY(n_of_u(g, &nu, n, err));
    SCL_TRY(add_scaled(g, &dx[IN_K], dy[OUT_P], nu, err));
    SCL_TRY(add_scaled(g, &dx[IN_U], dy[OUT_P], n->out[OUT_NK], err));
    return add_scaled(g, &dx[IN_X], dy[OUT_P], n->out[OUT_T], err);
}

scl_status scl_norm_second_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                               scl_err *err)
{
    scl_value *ak[5];
    if (dy[OUT_NK]) {
        SCL_TRY(second(g, ak, n, n->in[IN_K], n->out[OUT_K0], n->out[OUT_K1], dy[OUT_NK], err));
        dx[IN_K] = ak[OUT_NK];
        dx[IN_X] = ak[OUT_T];
    }
    if (dy[OUT_T])
        SCL_TRY(from_t(g, n, dy[OUT_T], dx, err));
    return from_sums(g, n, dy, dx, err);
}

/* ---- channel_second ---- */

enum { CHANNEL_MEAN, CHANNEL_M, CHANNEL_V, CHANNEL_U, CHANNEL_K, CHANNEL_X };

/* channel_second of n's means with u and k. */
static scl_status channel_second(scl_graph *g, scl_value **out, const scl_node *n, scl_value *u, scl_value *k,
                                 scl_err *err)
{
    return SCL_APPLY(g, out, err, "channel_second", SCL_IN("mean", n->in[CHANNEL_MEAN]),
                     SCL_IN("m", n->in[CHANNEL_M]), SCL_IN("v", n->in[CHANNEL_V]), SCL_IN("u", u),
                     SCL_IN("k", k), SCL_IN("x", n->in[CHANNEL_X]), SCL_REAL("eps", eps_of(n)));
}

/* <a, b> of each sample. */
static scl_status inner(scl_graph *g, scl_value **out, scl_value *a, scl_value *b, scl_err *err)
{
    scl_value *product;
    SCL_TRY(SCL_POINTWISE(g, &product, err, "a * b", SCL_IN("a", a), SCL_IN("b", b)));
    return SCL_APPLY(g, out, err, "flat_sum", SCL_IN("x", product));
}

/* From t = T(mean; k, u); *dmean: F.  bu: channel_second of u and b. */
static scl_status channel_fourth(scl_graph *g, const scl_node *n, scl_value *b, scl_value *const *bu,
                                 scl_value **dmean, scl_err *err)
{
    scl_value *r, *mhat, *uk[2], *u = n->in[CHANNEL_U], *k = n->in[CHANNEL_K], *mk = n->out[0];
    direction d[3] = {{.n = mk}, {.n = NULL}, {.n = bu[0]}};
    SCL_TRY(r_of(g, &r, n, n->in[CHANNEL_V], err));
    SCL_TRY(SCL_POINTWISE(g, &mhat, err, "(mean - m) * r", SCL_IN("mean", n->in[CHANNEL_MEAN]),
                          SCL_IN("m", n->in[CHANNEL_M]), SCL_IN("r", r)));
    SCL_TRY(channel_second(g, uk, n, k, u, err));
    d[1].n = uk[0];
    SCL_TRY(inner(g, &d[0].along, mhat, k, err));
    SCL_TRY(inner(g, &d[1].along, mhat, u, err));
    SCL_TRY(inner(g, &d[2].along, mhat, b, err));
    SCL_TRY(inner(g, &d[0].others, bu[0], u, err));
    SCL_TRY(inner(g, &d[1].others, mk, b, err));
    SCL_TRY(inner(g, &d[2].others, mk, u, err));
    return fourth(g, dmean, d, n->in[CHANNEL_MEAN], n->in[CHANNEL_M], r,
                  (double)scl_inverse(scl_dim(n, 'C') - 1), err);
}

scl_status scl_channel_second_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                                  scl_err *err)
{
    scl_value *ak[2], *bu[2], *bk[2], *dmean = NULL, *f;
    if (dy[0]) {
        SCL_TRY(channel_second(g, ak, n, n->in[CHANNEL_K], dy[0], err));
        dx[CHANNEL_K] = ak[0];
        dmean = ak[1];
    }
    if (dy[1]) {
        SCL_TRY(channel_second(g, bu, n, n->in[CHANNEL_U], dy[1], err));
        SCL_TRY(channel_second(g, bk, n, n->in[CHANNEL_K], dy[1], err));
        SCL_TRY(channel_fourth(g, n, dy[1], bu, &f, err));
        SCL_TRY(scl_norm_add(g, &dx[CHANNEL_K], bu[1], err));
        SCL_TRY(scl_norm_add(g, &dx[CHANNEL_U], bk[1], err));
        SCL_TRY(scl_norm_add(g, &dmean, f, err));
    }
    dx[CHANNEL_MEAN] = dmean;
    if (!n->in[CHANNEL_X] || !scl_want(n, CHANNEL_X))
        return SCL_OK;
    return scl_norm_spread_mean(g, &dx[CHANNEL_X], n->in[CHANNEL_X], dmean, err);
}
