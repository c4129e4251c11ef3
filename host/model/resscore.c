/* ResScore: an encoder and its mirror image of residual blocks with group normalisation, unconditional (Song & Ermon 2019, figure
 * 1; docs/design/ncsn-spec.md, 1.5).
 *
 *   2x - 1, conv3 to n; blocks n, 2n (half the size), 2n, 4n (a quarter), 4n; mirrored blocks 4n, 2n, 2n, n, n of transposed
 *   convolutions; conv3 to the image's channels.
 *   block: elu( GN(conv(elu(GN(conv(x))))) + x ), where it changes the size + conv of stride 2 of x
 * GN: 8 groups, eps 1e-5.  Names are those of the official Sequentials: convs.1.main.0, deconvs.3.residual ... */
#include <stdio.h>

#include "model/blocks.h"

enum { GROUPS = 8 };

/* Group normalisation: statistics over a group's pixels and channels, of pieces that have derivatives of every order. */
static scl_status group_norm(scl_builder *b, scl_value **out, scl_value *x, const char *name)
{
    scl_graph *g = b->g;
    const char *before = scl_scope_push(g, "%s", name);
    const int channels = x->dim[3];
    const char *scale = scl_arena_printf(g->arena, "s * %a", (double)(float)(1.0 / ((double)x->dim[1] * x->dim[2])));
    scl_value *weight, *bias, *mean, *d, *variance, *r;
    SCL_TRY(scl_block_param(b, &weight, "weight", SCL_DIMS(channels)));
    SCL_TRY(scl_block_param(b, &bias, "bias", SCL_DIMS(channels)));
    SCL_TRY(SCL_APPLY(g, &mean, b->err, "pixel_sum", SCL_IN("x", x)));
    SCL_TRY(SCL_POINTWISE(g, &mean, b->err, scale, SCL_IN("s", mean)));
    SCL_TRY(SCL_APPLY(g, &mean, b->err, "group_mean", SCL_IN("x", mean), SCL_INT("groups", GROUPS)));
    SCL_TRY(SCL_POINTWISE(g, &d, b->err, "x - mean", SCL_IN("x", x), SCL_SAMPLE_CHANNEL("mean", mean, 0)));
    SCL_TRY(SCL_POINTWISE(g, &variance, b->err, "d * d", SCL_IN("d", d)));
    SCL_TRY(SCL_APPLY(g, &variance, b->err, "pixel_sum", SCL_IN("x", variance)));
    SCL_TRY(SCL_POINTWISE(g, &variance, b->err, scale, SCL_IN("s", variance)));
    SCL_TRY(SCL_APPLY(g, &variance, b->err, "group_mean", SCL_IN("x", variance), SCL_INT("groups", GROUPS)));
    SCL_TRY(SCL_POINTWISE(g, &r, b->err, "rcp(sqrt(v + 1e-5))", SCL_IN("v", variance)));
    SCL_TRY(SCL_POINTWISE(g, out, b->err, "fma(d * r, weight, bias)", SCL_IN("d", d), SCL_SAMPLE_CHANNEL("r", r, 0),
                          SCL_CHANNEL("weight", weight, 0), SCL_CHANNEL("bias", bias, 0)));
    scl_scope_pop(g, before);
    return SCL_OK;
}

/* 3x3, stride 1 or 2, padding 1. */
static scl_status conv(scl_builder *b, scl_value **out, scl_value *x, const char *name, int k, bool half)
{
    SCL_TRY(scl_block_conv(b, out, x, name, k, 3, 1, true));
    return half ? SCL_APPLY(b->g, out, b->err, "subsample2", SCL_IN("x", *out)) : SCL_OK;
}

/* PyTorch's ConvTranspose2d(3x3, stride 1 or 2, padding 1, output padding stride - 1): the transpose of conv from k channels. */
static scl_status transposed(scl_builder *b, scl_value **out, scl_value *x, const char *name, int k, bool twice)
{
    scl_graph *g = b->g;
    const char *before = scl_scope_push(g, "%s", name);
    scl_value *w, *bias;
    SCL_TRY(scl_block_param(b, &w, "weight", SCL_DIMS(3, 3, k, x->dim[3])));
    SCL_TRY(scl_block_param(b, &bias, "bias", SCL_DIMS(k)));
    if (twice)
        SCL_TRY(SCL_APPLY(g, &x, b->err, "stuff2", SCL_IN("x", x)));
    SCL_TRY(SCL_APPLY(g, out, b->err, "conv2d_dx", SCL_IN("dy", x), SCL_IN("w", w),
                      SCL_TEXT("algorithm", scl_block_algorithm(b))));
    SCL_TRY(SCL_POINTWISE(g, out, b->err, "y + bias", SCL_IN("y", *out), SCL_CHANNEL("bias", bias, 0)));
    scl_scope_pop(g, before);
    return SCL_OK;
}

typedef scl_status layer(scl_builder *b, scl_value **out, scl_value *x, const char *name, int k, bool resize);

/* first, second: does the layer change the size? */
static scl_status block(scl_builder *b, scl_value **x, const char *name, layer *make, int k, bool first, bool second)
{
    const char *before = scl_scope_push(b->g, "%s", name);
    scl_value *h, *shortcut = *x;
    SCL_TRY(make(b, &h, *x, "main.0", k, first));
    SCL_TRY(group_norm(b, &h, h, "main.1"));
    SCL_TRY(scl_block_elu(b, &h, h));
    SCL_TRY(make(b, &h, h, "main.3", k, second));
    SCL_TRY(group_norm(b, &h, h, "main.4"));
    if (first || second)
        SCL_TRY(make(b, &shortcut, *x, "residual", k, true));
    SCL_TRY(scl_block_add(b, &h, h, shortcut));
    SCL_TRY(scl_block_elu(b, x, h));
    scl_scope_pop(b->g, before);
    scl_block_stage(b, *x, name);
    return SCL_OK;
}

scl_status scl_resscore_build(scl_builder *b, scl_value *x, scl_value **score)
{
    const int n = b->c->ngf;
    scl_value *h;
    SCL_TRY(scl_block_centre(b, &h, x));
    SCL_TRY(conv(b, &h, h, "convs.0", n, false));
    SCL_TRY(block(b, &h, "convs.1", conv, n, false, false));
    SCL_TRY(block(b, &h, "convs.2", conv, 2 * n, true, false));
    SCL_TRY(block(b, &h, "convs.3", conv, 2 * n, false, false));
    SCL_TRY(block(b, &h, "convs.4", conv, 4 * n, true, false));
    SCL_TRY(block(b, &h, "convs.5", conv, 4 * n, false, false));
    SCL_TRY(block(b, &h, "deconvs.0", transposed, 4 * n, false, false));
    SCL_TRY(block(b, &h, "deconvs.1", transposed, 2 * n, false, true));
    SCL_TRY(block(b, &h, "deconvs.2", transposed, 2 * n, false, false));
    SCL_TRY(block(b, &h, "deconvs.3", transposed, n, false, true));
    SCL_TRY(block(b, &h, "deconvs.4", transposed, n, false, false));
    return conv(b, score, h, "deconvs.5", b->c->channels, false);
}
