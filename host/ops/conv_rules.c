/* What the operators of conv and linear have in common: their shapes, which algorithm is meant, and their derivatives.
 *
 * The three passes are bilinear: each one's derivatives are the other two, y(x, w), dx(dy, w), dw(x, dy).  A linear layer is a
 * convolution by 1x1 over images of one pixel. */
#include <stdio.h>
#include <string.h>

#include "ops/winograd.h"

static bool is_image(const scl_node *n) { return !strcmp(n->op->family, "conv"); }

static bool is_pass(const scl_node *n, const char *suffix)
{
    const size_t length = strlen(n->op->name), end = strlen(suffix);
    return length > end && !strcmp(n->op->name + length - end, suffix);
}

bool scl_conv_is(const scl_node *n, const char *algorithm) { return !strcmp(scl_attr_text(n, "algorithm"), algorithm); }

static scl_conv_shape forward_of(const scl_node *n)
{
    scl_conv_shape s = { .N = scl_dim(n, 'N'), .H = 1, .W = 1, .C = scl_dim(n, 'C'), .K = scl_dim(n, 'K'), .R = 1, .S = 1,
                         .dilation = 1, .in = "x", .weights = "w", .out = "y" };
    if (is_image(n)) {
        s.H = scl_dim(n, 'H');
        s.W = scl_dim(n, 'W');
        s.R = scl_dim(n, 'R');
        s.S = scl_dim(n, 'S');
        s.dilation = (int)scl_attr_int(n, "dilation");
    }
    return s;
}

scl_conv_shape scl_conv_shape_of(const scl_node *n)
{
    scl_conv_shape s = forward_of(n);
    if (is_pass(n, "_dx")) {
        s.C = scl_dim(n, 'K');
        s.K = scl_dim(n, 'C');
        s.flipped = true;
        s.in = "dy";
        s.out = "dx";
    } else if (is_pass(n, "_dw")) {
        s.weights = "dy";
        s.out = "stack";
    } else {
        s.has_bias = n->in[2] != NULL;
    }
    return s;
}

/* What `auto` means, from the shape of one sample alone: the fewest products of an output channel's plane, those of Winograd
 * taken 5/4 times for its transforms, which few channels never pay for. */
static const char *resolve_auto(const scl_conv_shape *s)
{
    enum { FEW = 16, DIRECT = 4, WINOGRAD = 5 };
    if (s->R != 3 || s->S != 3 || s->C < FEW || s->K < FEW)
        return "direct";
    const long direct = (long)DIRECT * 9 * s->H * s->W;
    const long two = (long)WINOGRAD * 16 * scl_winograd_of(s, 2).tiles,
               four = (long)WINOGRAD * 36 * scl_winograd_of(s, 4).tiles;
    return four <= two && four < direct ? "winograd4" : two < direct ? "winograd2" : "direct";
}

/* The rows of a stack that holds the transformed tree as well. */
static scl_status check_rows(const scl_node *n, const scl_conv_shape *s, scl_err *err)
{
    const int m = scl_winograd_m(scl_attr_text(n, "algorithm")), T = scl_dim(n, 'T');
    const int rows = m && scl_attr_int(n, "open") ? scl_winograd_dw_of(s, m, SCL_WINOGRAD_GROUP).rows : 0;
    if (T <= rows)
        return scl_fail(err, SCL_FAILED, "%s: a stack of %d rows, of which the open tree of a group takes %d",
                        n->op->name, T, rows);
    return SCL_OK;
}

scl_status scl_conv_check(scl_node *n, scl_err *err)
{
    const scl_conv_shape s = forward_of(n);
    const char *algorithm = scl_attr_text(n, "algorithm");
    if (s.R % 2 == 0 || s.S % 2 == 0)
        return scl_fail(err, SCL_BAD_CONFIG, "%s: kernel %d x %d is not odd", n->op->name, s.R, s.S);
    if (!strcmp(algorithm, "auto"))
        scl_attr_set_text(n, "algorithm", resolve_auto(&s));
    else if (scl_winograd_m(algorithm) && (s.R != 3 || s.S != 3))
        scl_attr_set_text(n, "algorithm", "direct");
    else if (!scl_winograd_m(algorithm) && strcmp(algorithm, "direct") != 0 && strcmp(algorithm, "clblast") != 0)
        return scl_fail(err, SCL_BAD_CONFIG, "%s: no algorithm '%s' (auto, winograd4, winograd2, direct or clblast)",
                        n->op->name, algorithm);
    return is_image(n) && is_pass(n, "_dw") ? check_rows(n, &s, err) : SCL_OK;
}

/* ---- derivatives ---- */

/* Pass "" or "_dx" of n's kind on the value a, with n's attributes. */
static scl_status pass(scl_graph *g, scl_value **out, const scl_node *n, const char *suffix, scl_value *a, scl_value *w,
                       scl_value *bias, scl_err *err)
{
    char name[32];
    snprintf(name, sizeof name, "%s%s", is_image(n) ? "conv2d" : "linear", suffix);
    scl_arg args[5] = { SCL_IN(suffix[0] ? "dy" : "x", a), SCL_IN("w", w), SCL_TEXT("algorithm", scl_attr_text(n, "algorithm")) };
    int count = 3;
    if (is_image(n))
        args[count++] = SCL_INT("dilation", scl_attr_int(n, "dilation"));
    if (!suffix[0])
        args[count++] = SCL_IN("bias", bias);
    return scl_apply(g, out, err, name, args, count);
}

/* Appends conv2d_dw or linear_dw and batch_root: the gradient of the weights, summed over the global batch. */
static scl_status weight_gradient(scl_graph *g, scl_value **out, const scl_node *n, scl_value *x,
                                  scl_value *dy, scl_err *err)
{
    const scl_conv_shape s = forward_of(n);
    const int m = scl_winograd_m(scl_attr_text(n, "algorithm"));
    const bool open = m && !scl_runs_aligned(g, SCL_WINOGRAD_GROUP);
    const scl_conv_leaves l = m ? (scl_conv_leaves){ SCL_WINOGRAD_GROUP, 1 } : scl_conv_leaves_of(s.H * s.W);
    const int T = scl_tree_slots(g, x->dim[0], l.Q, l.G) +
                  (open ? scl_winograd_dw_of(&s, m, SCL_WINOGRAD_GROUP).rows : 0);
    const int image[5] = { T, s.R, s.S, s.C, s.K }, layer[3] = { T, s.C, s.K };
    scl_value *acc = is_image(n) ? scl_accumulator(g, 5, image) : scl_accumulator(g, 3, layer), *stack;
    const scl_arg args[] = { SCL_IN("x", x), SCL_IN("dy", dy), SCL_IN("counters", scl_counters(g)), SCL_IN("acc", acc),
                             SCL_INT("T", T), SCL_TEXT("algorithm", scl_attr_text(n, "algorithm")), SCL_INT("R", s.R),
                             SCL_INT("S", s.S), SCL_INT("dilation", s.dilation), SCL_INT("open", open) };
    SCL_TRY(scl_apply(g, &stack, err, is_image(n) ? "conv2d_dw" : "linear_dw", args, is_image(n) ? 10 : 6));
    return SCL_APPLY(g, out, err, "batch_root", SCL_IN("stack", stack), SCL_IN("counters", scl_counters(g)),
                     SCL_INT("Q", l.Q), SCL_INT("G", l.G));
}

scl_status scl_conv_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    if (scl_want(n, 0))
        SCL_TRY(pass(g, &dx[0], n, "_dx", dy[0], n->in[1], NULL, err));
    if (scl_want(n, 1))
        SCL_TRY(weight_gradient(g, &dx[1], n, n->in[0], dy[0], err));
    if (n->in[2] && scl_want(n, 2)) {
        scl_value *sample = dy[0];
        if (is_image(n))
            SCL_TRY(SCL_APPLY(g, &sample, err, "pixel_sum", SCL_IN("x", dy[0])));
        SCL_TRY(scl_sum_over_batch(g, &dx[2], sample, err));
    }
    return SCL_OK;
}

scl_status scl_conv_dx_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    /* <u, dx(dy, w)> = <y(u, w), dy> */
    if (scl_want(n, 0))
        SCL_TRY(pass(g, &dx[0], n, "", dy[0], n->in[1], NULL, err));
    if (scl_want(n, 1))
        SCL_TRY(weight_gradient(g, &dx[1], n, dy[0], n->in[0], err));
    return SCL_OK;
}

/* Both terms of a product rule; NULL: zero. */
static scl_status add_terms(scl_graph *g, scl_value **out, scl_value *a, scl_value *b, scl_err *err)
{
    *out = a ? a : b;
    if (a && b)
        return SCL_POINTWISE(g, out, err, "a + b", SCL_IN("a", a), SCL_IN("b", b));
    return SCL_OK;
}

scl_status scl_conv_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    scl_value *a = NULL, *b = NULL, *db = n->in[2] ? dx[2] : NULL;
    if (dx[0])
        SCL_TRY(pass(g, &a, n, "", dx[0], n->in[1], dx[1] ? NULL : db, err));
    if (dx[1])
        SCL_TRY(pass(g, &b, n, "", n->in[0], dx[1], db, err));
    if (db && !a && !b)
        return SCL_POINTWISE(g, &dy[0], err, "fma(y, 0, db)", SCL_IN("y", n->out[0]), SCL_CHANNEL("db", db, 0));
    return add_terms(g, &dy[0], a, b, err);
}

scl_status scl_conv_dx_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    scl_value *a = NULL, *b = NULL;
    if (dx[0])
        SCL_TRY(pass(g, &a, n, "_dx", dx[0], n->in[1], NULL, err));
    if (dx[1])
        SCL_TRY(pass(g, &b, n, "_dx", n->in[0], dx[1], NULL, err));
    return add_terms(g, &dy[0], a, b, err);
}

/* ---- definitions of a pass ---- */

void scl_conv_pass_ref(const scl_node *n, const scl_host_values *v)
{
    const scl_conv_shape s = scl_conv_shape_of(n);
    const int m = scl_winograd_m(scl_attr_text(n, "algorithm"));
    const float *bias = s.has_bias ? v->in[2] : NULL;
    if (m)
        scl_winograd_ref(&s, m, v->in[0], v->in[1], bias, v->out[0]);
    else
        scl_conv_ref(&s, v->in[0], v->in[1], bias, v->out[0]);
}

void scl_conv_dw_pass_ref(const scl_node *n, const scl_host_values *v)
{
    const scl_conv_shape s = scl_conv_shape_of(n);
    if (scl_winograd_m(scl_attr_text(n, "algorithm")))
        scl_winograd_dw_ref(n, v->in[0], v->in[1], v->in[2], v->out[0]);
    else
        scl_conv_dw_ref(&s, v->in[0], v->in[1], v->in[2], v->out[0]);
}
