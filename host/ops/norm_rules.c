/* Derivatives of the derivatives of InstanceNorm++ (host/ops/norm_grad.c), by T of norm_second.c.
 *
 * As in norm_apply's rule they are total, through the statistics.  Where those are constants of a graph, the
 * way to x is the input x of norm_grad itself, and of channel_grad and norm_rows_grad an input that is there
 * for nothing else. */
#include "ops/norm.h"

static double eps_of(const scl_node *n) { return scl_attr_real(n, "eps"); }

scl_status scl_norm_add(scl_graph *g, scl_value **sum, scl_value *term, scl_err *err)
{
    if (*sum && term)
        return SCL_POINTWISE(g, sum, err, "a + b", SCL_IN("a", *sum), SCL_IN("b", term));
    *sum = *sum ? *sum : term;
    return SCL_OK;
}

/* ---- norm_grad: g = N u, s0 = sum u, s1 = <xhat, u> ---- */

enum { GRAD_X, GRAD_MEAN, GRAD_VARIANCE, GRAD_U };

static scl_status second(scl_graph *g, scl_value **out, const scl_node *n, scl_value *k, scl_err *err)
{
    return SCL_APPLY(g, out, err, "norm_second", SCL_IN("x", n->in[GRAD_X]), SCL_IN("mean", n->in[GRAD_MEAN]),
                     SCL_IN("variance", n->in[GRAD_VARIANCE]), SCL_IN("u", n->in[GRAD_U]), SCL_IN("s0", n->out[1]),
                     SCL_IN("s1", n->out[2]), SCL_IN("k", k), SCL_REAL("eps", eps_of(n)));
}

/* du = N k + e0 + e1 xhat,  dx = T(x; k, u) + e1 N u */
scl_status scl_norm_grad_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    scl_value *s[5], *term, *x = n->in[GRAD_X];
    if (dy[0]) {
        SCL_TRY(second(g, s, n, dy[0], err));
        dx[GRAD_U] = s[0];
        dx[GRAD_X] = s[1];
    }
    if (dy[1]) {
        SCL_TRY(SCL_POINTWISE(g, &term, err, "e", SCL_IN("shape", x), SCL_SAMPLE_CHANNEL("e", dy[1], 0)));
        SCL_TRY(scl_norm_add(g, &dx[GRAD_U], term, err));
    }
    if (!dy[2])
        return SCL_OK;
    const char *xhat =
        scl_arena_printf(g->arena, "e * (x - mean) * rcp(sqrt(variance + %a))", (double)(float)eps_of(n));
    SCL_TRY(SCL_POINTWISE(g, &term, err, xhat, SCL_IN("x", x), SCL_SAMPLE_CHANNEL("e", dy[2], 0),
                          SCL_SAMPLE_CHANNEL("mean", n->in[GRAD_MEAN], 0),
                          SCL_SAMPLE_CHANNEL("variance", n->in[GRAD_VARIANCE], 0)));
    SCL_TRY(scl_norm_add(g, &dx[GRAD_U], term, err));
    SCL_TRY(SCL_POINTWISE(g, &term, err, "e * g", SCL_IN("g", n->out[0]), SCL_SAMPLE_CHANNEL("e", dy[2], 0)));
    return scl_norm_add(g, &dx[GRAD_X], term, err);
}

/* g' = N u' + T(x; x', u),  s0' = sum u',  s1' = <xhat, u'> + <x', N u> */
scl_status scl_norm_grad_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    scl_value *s[5];
    if (dx[GRAD_U])
        SCL_TRY(SCL_APPLY(g, dy, err, "norm_grad", SCL_IN("x", n->in[GRAD_X]),
                          SCL_IN("mean", n->in[GRAD_MEAN]), SCL_IN("variance", n->in[GRAD_VARIANCE]),
                          SCL_IN("u", dx[GRAD_U]), SCL_REAL("eps", eps_of(n))));
    if (!dx[GRAD_X])
        return SCL_OK;
    SCL_TRY(second(g, s, n, dx[GRAD_X], err));
    SCL_TRY(scl_norm_add(g, &dy[0], s[1], err));
    return scl_norm_add(g, &dy[2], s[4], err);
}

/* ---- channel_grad: w = M_c u ---- */

enum { CHANNEL_MEAN, CHANNEL_M, CHANNEL_V, CHANNEL_U, CHANNEL_X };

static double pixels_of(const scl_value *x) { return (double)x->dim[1] * x->dim[2]; }

scl_status scl_norm_spread_mean(scl_graph *g, scl_value **out, scl_value *x, scl_value *t, scl_err *err)
{
    const char *share = scl_arena_printf(g->arena, "t * %a", (double)scl_inverse(pixels_of(x)));
    return SCL_POINTWISE(g, out, err, share, SCL_IN("shape", x), SCL_SAMPLE_CHANNEL("t", t, 0));
}

/* The tangent of the means from that of x, or as given. */
static scl_status mean_tangent(scl_graph *g, scl_value **out, scl_value *mean, scl_value *x, scl_err *err)
{
    scl_value *sum;
    *out = mean;
    if (mean || !x)
        return SCL_OK;
    SCL_TRY(SCL_APPLY(g, &sum, err, "pixel_sum", SCL_IN("x", x)));
    return SCL_POINTWISE(g, out, err, scl_arena_printf(g->arena, "s * %a", (double)scl_inverse(pixels_of(x))),
                         SCL_IN("s", sum));
}

static scl_status channel_grad(scl_graph *g, scl_value **out, scl_value *mean, scl_value *m, scl_value *v,
                               scl_value *u, scl_value *x, double eps, scl_err *err)
{
    return SCL_APPLY(g, out, err, "channel_grad", SCL_IN("mean", mean), SCL_IN("m", m), SCL_IN("v", v),
                     SCL_IN("u", u), SCL_IN("x", x), SCL_REAL("eps", eps));
}

static scl_status channel_second(scl_graph *g, scl_value **out, const scl_node *n, scl_value *k, scl_err *err)
{
    return SCL_APPLY(g, out, err, "channel_second", SCL_IN("mean", n->in[CHANNEL_MEAN]),
                     SCL_IN("m", n->in[CHANNEL_M]), SCL_IN("v", n->in[CHANNEL_V]),
                     SCL_IN("u", n->in[CHANNEL_U]), SCL_IN("k", k), SCL_IN("x", n->in[CHANNEL_X]),
                     SCL_REAL("eps", eps_of(n)));
}

/* du = M_c k,  dmean = T(mean; k, u) */
scl_status scl_channel_grad_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    scl_value *s[2];
    SCL_TRY(channel_second(g, s, n, dy[0], err));
    dx[CHANNEL_U] = s[0];
    dx[CHANNEL_MEAN] = s[1];
    if (!n->in[CHANNEL_X] || !scl_want(n, CHANNEL_X))
        return SCL_OK;
    return scl_norm_spread_mean(g, &dx[CHANNEL_X], n->in[CHANNEL_X], s[1], err);
}

scl_status scl_channel_grad_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    scl_value *s[2], *mean;
    if (dx[CHANNEL_U])
        SCL_TRY(channel_grad(g, dy, n->in[CHANNEL_MEAN], n->in[CHANNEL_M], n->in[CHANNEL_V], dx[CHANNEL_U],
                             n->in[CHANNEL_X], eps_of(n), err));
    SCL_TRY(mean_tangent(g, &mean, dx[CHANNEL_MEAN], n->in[CHANNEL_X] ? dx[CHANNEL_X] : NULL, err));
    if (!mean)
        return SCL_OK;
    SCL_TRY(channel_second(g, s, n, mean, err));
    return scl_norm_add(g, &dy[0], s[1], err);
}

/* ---- norm_rows_grad: drows = [alpha mhat s0 + s1 | gamma mhat s0 | s0],  t = gamma alpha s0 / P
 * ---- norm_tangent_rows: drows = [alpha w k0 + p | gamma w k0 | 0],  kw = gamma alpha k0 / P ---- */

enum { ROWS_S0, ROWS_S1, ROWS_MEAN, ROWS_M, ROWS_V, ROWS_ROWS, ROWS_X };
enum { TANGENT_K0, TANGENT_P, TANGENT_W, TANGENT_ROWS };

/* Both are one form in s0, s1, hat = mhat or w and the rows; its cotangents so far. */
typedef struct form {
    const scl_node *n;
    scl_value *hat;
    int rows;  /* its input `rows` */
    bool beta; /* s0 is the third part of drows */
    scl_value *ds0, *ds1, *dhat, *drows;
} form;

static scl_status mhat_of(scl_graph *g, scl_value **out, const scl_node *n, scl_err *err)
{
    const char *text = scl_arena_printf(g->arena, "div(mean - m, sqrt(v + %a))", (double)(float)eps_of(n));
    return SCL_POINTWISE(g, out, err, text, SCL_IN("mean", n->in[ROWS_MEAN]), SCL_IN("m", n->in[ROWS_M]),
                         SCL_IN("v", n->in[ROWS_V]));
}

static scl_status add_part(scl_graph *g, form *f, scl_value *x, int part, scl_err *err)
{
    scl_value *placed;
    SCL_TRY(SCL_APPLY(g, &placed, err, "place_columns", SCL_IN("x", x), SCL_INT("S", 3 * scl_dim(f->n, 'C')),
                      SCL_INT("offset", part * scl_dim(f->n, 'C'))));
    return scl_norm_add(g, &f->drows, placed, err);
}

/* With e = [eg | ea | eb]: ds0 = hat (alpha eg + gamma ea) + eb,  ds1 = eg,  dgamma = hat s0 ea,  dalpha =
 * hat s0 eg, dhat = s0 (alpha eg + gamma ea). */
static scl_status from_rows(scl_graph *g, form *f, scl_value *e, scl_err *err)
{
    const int C = scl_dim(f->n, 'C');
    const scl_arg eg = SCL_SAMPLE_CHANNEL("eg", e, 0), ea = SCL_SAMPLE_CHANNEL("ea", e, C),
                  eb = SCL_SAMPLE_CHANNEL("eb", e, 2 * C);
    const scl_arg gamma = scl_norm_row(f->n, f->rows, "gamma", 0),
                  alpha = scl_norm_row(f->n, f->rows, "alpha", 1), s0 = SCL_IN("s0", f->n->in[ROWS_S0]);
    const scl_arg hat = SCL_IN("hat", f->hat);
    scl_value *part;
    if (f->beta)
        SCL_TRY(SCL_POINTWISE(g, &f->ds0, err, "fma(hat, fma(alpha, eg, gamma * ea), eb)", hat, eg, ea, eb,
                              gamma, alpha));
    else
        SCL_TRY(
            SCL_POINTWISE(g, &f->ds0, err, "hat * fma(alpha, eg, gamma * ea)", hat, eg, ea, gamma, alpha));
    SCL_TRY(SCL_POINTWISE(g, &f->ds1, err, "eg", SCL_IN("shape", f->n->in[ROWS_S1]), eg));
    SCL_TRY(SCL_POINTWISE(g, &part, err, "hat * s0 * ea", hat, s0, ea));
    SCL_TRY(add_part(g, f, part, 0, err));
    SCL_TRY(SCL_POINTWISE(g, &part, err, "hat * s0 * eg", hat, s0, eg));
    SCL_TRY(add_part(g, f, part, 1, err));
    return SCL_POINTWISE(g, &f->dhat, err, "s0 * fma(alpha, eg, gamma * ea)", s0, eg, ea, gamma, alpha);
}

/* With e = t / P: ds0 = gamma alpha e,  dgamma = alpha s0 e,  dalpha = gamma s0 e. */
static scl_status from_means(scl_graph *g, form *f, scl_value *t, scl_err *err)
{
    const double inv = (double)scl_inverse((double)scl_attr_int(f->n, "pixels"));
    const scl_arg gamma = scl_norm_row(f->n, f->rows, "gamma", 0),
                  alpha = scl_norm_row(f->n, f->rows, "alpha", 1), s0 = SCL_IN("s0", f->n->in[ROWS_S0]);
    const scl_arg e = SCL_IN("e", t);
    scl_value *part;
    SCL_TRY(SCL_POINTWISE(g, &part, err, scl_arena_printf(g->arena, "gamma * alpha * (e * %a)", inv), e, gamma, alpha));
    SCL_TRY(scl_norm_add(g, &f->ds0, part, err));
    SCL_TRY(SCL_POINTWISE(g, &part, err, scl_arena_printf(g->arena, "alpha * s0 * (e * %a)", inv), e, s0, alpha));
    SCL_TRY(add_part(g, f, part, 0, err));
    SCL_TRY(SCL_POINTWISE(g, &part, err, scl_arena_printf(g->arena, "gamma * s0 * (e * %a)", inv), e, s0, gamma));
    return add_part(g, f, part, 1, err);
}

static scl_status from_both(scl_graph *g, form *f, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    if (dy[0])
        SCL_TRY(from_rows(g, f, dy[0], err));
    if (dy[1])
        SCL_TRY(from_means(g, f, dy[1], err));
    dx[ROWS_S0] = f->ds0;
    dx[ROWS_S1] = f->ds1;
    return scl_want(f->n, f->rows) ? scl_norm_rows_cotangent(g, &dx[f->rows], f->n, f->rows, f->drows, err)
                                   : SCL_OK;
}

scl_status scl_norm_rows_grad_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                                  scl_err *err)
{
    form f = {.n = n, .rows = ROWS_ROWS, .beta = true};
    if (dy[0])
        SCL_TRY(mhat_of(g, &f.hat, n, err));
    SCL_TRY(from_both(g, &f, dy, dx, err));
    if (!dy[0])
        return SCL_OK;
    SCL_TRY(channel_grad(g, &dx[ROWS_MEAN], n->in[ROWS_MEAN], n->in[ROWS_M], n->in[ROWS_V], f.dhat,
                         n->in[ROWS_X], eps_of(n), err));
    if (!n->in[ROWS_X] || !scl_want(n, ROWS_X))
        return SCL_OK;
    return scl_norm_spread_mean(g, &dx[ROWS_X], n->in[ROWS_X], dx[ROWS_MEAN], err);
}

scl_status scl_norm_tangent_rows_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                                     scl_err *err)
{
    form f = {.n = n, .hat = n->in[TANGENT_W], .rows = TANGENT_ROWS};
    SCL_TRY(from_both(g, &f, dy, dx, err));
    dx[TANGENT_W] = f.dhat;
    return SCL_OK;
}

/* Linear in s0 and s1; the tangent of mhat, w = M_c mean', adds [alpha w s0 | gamma w s0 | 0], which
 * norm_tangent_rows makes. */
scl_status scl_norm_rows_grad_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    scl_value *s0 = dx[ROWS_S0], *s1 = dx[ROWS_S1], *mean, *w, *zero, *extra[2];
    if (dx[ROWS_ROWS])
        return scl_fail(err, SCL_FAILED, "operator 'norm_rows_grad' has no jvp rule for 'rows'");
    if (!s0 || !s1)
        SCL_TRY(SCL_POINTWISE(g, &zero, err, "s * 0", SCL_IN("s", n->in[ROWS_S0])));
    if (s0 || s1)
        SCL_TRY(SCL_APPLY(g, dy, err, "norm_rows_grad", SCL_IN("s0", s0 ? s0 : zero),
                          SCL_IN("s1", s1 ? s1 : zero), SCL_IN("mean", n->in[ROWS_MEAN]),
                          SCL_IN("m", n->in[ROWS_M]), SCL_IN("v", n->in[ROWS_V]),
                          SCL_IN("rows", n->in[ROWS_ROWS]), SCL_IN("x", n->in[ROWS_X]),
                          SCL_INT("pixels", scl_attr_int(n, "pixels")), SCL_REAL("eps", eps_of(n))));
    SCL_TRY(mean_tangent(g, &mean, dx[ROWS_MEAN], n->in[ROWS_X] ? dx[ROWS_X] : NULL, err));
    if (!mean)
        return SCL_OK;
    SCL_TRY(channel_grad(g, &w, n->in[ROWS_MEAN], n->in[ROWS_M], n->in[ROWS_V], mean, n->in[ROWS_X], eps_of(n), err));
    SCL_TRY(SCL_POINTWISE(g, &zero, err, "s * 0", SCL_IN("s", n->in[ROWS_S0])));
    SCL_TRY(SCL_APPLY(g, extra, err, "norm_tangent_rows", SCL_IN("k0", n->in[ROWS_S0]), SCL_IN("p", zero),
                      SCL_IN("w", w), SCL_IN("rows", n->in[ROWS_ROWS]),
                      SCL_INT("pixels", scl_attr_int(n, "pixels"))));
    return scl_norm_add(g, &dy[0], extra[0], err);
}
