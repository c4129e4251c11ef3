/* NCSN: CondRefineNetDilated (Song & Ermon 2019; docs/design/ncsn-spec.md, 1.1).
 *
 * 7,638,657 parameters at 28x28x1, ngf 64; 30,117,635 at 32x32x3, ngf 128; 10 levels. */
#include "model/blocks.h"

static scl_status stage(scl_builder *b, scl_value **x, const char *name, scl_status status)
{
    if (status == SCL_OK && b->c->stages)
        scl_output(*x, scl_arena_printf(b->g->arena, "stage.%s", name));
    return status;
}

static scl_status residual(scl_builder *b, scl_value **out, scl_value *x, const char *name, int k, scl_resample r, int dilation)
{
    return stage(b, out, name, scl_block_residual(b, out, x, name, k, r, dilation));
}

static scl_status refine(scl_builder *b, scl_value **out, scl_value *x0, scl_value *x1, const char *name, int k, bool last)
{
    scl_value *in[2] = { x0, x1 };
    return stage(b, out, name, scl_block_refine(b, out, in, x1 ? 2 : 1, name, k, last));
}

scl_status scl_ncsn_build(scl_builder *b, scl_value *x, scl_value **score)
{
    const int n = b->c->ngf;
    scl_value *h = x, *l1, *l2, *l3, *l4, *r;
    if (!b->c->logit)
        SCL_TRY(SCL_POINTWISE(b->g, &h, b->err, "fma(2.0, x, -1.0)", SCL_IN("x", x)));
    SCL_TRY(stage(b, &h, "begin_conv", scl_block_conv(b, &h, h, "begin_conv", n, 3, 1, true)));
    SCL_TRY(residual(b, &h, h, "res1.0", n, SCL_SAME, 1));
    SCL_TRY(residual(b, &l1, h, "res1.1", n, SCL_SAME, 1));
    SCL_TRY(residual(b, &h, l1, "res2.0", 2 * n, SCL_DOWN, 1));
    SCL_TRY(residual(b, &l2, h, "res2.1", 2 * n, SCL_SAME, 1));
    SCL_TRY(residual(b, &h, l2, "res3.0", 2 * n, SCL_DOWN, 2));
    SCL_TRY(residual(b, &l3, h, "res3.1", 2 * n, SCL_SAME, 2));
    SCL_TRY(residual(b, &h, l3, "res4.0", 2 * n, SCL_DOWN, 4));
    SCL_TRY(residual(b, &l4, h, "res4.1", 2 * n, SCL_SAME, 4));
    SCL_TRY(refine(b, &r, l4, NULL, "refine1", 2 * n, false));
    SCL_TRY(refine(b, &r, l3, r, "refine2", 2 * n, false));
    SCL_TRY(refine(b, &r, l2, r, "refine3", n, false));
    SCL_TRY(refine(b, &r, l1, r, "refine4", n, true));
    SCL_TRY(stage(b, &h, "normalizer", scl_block_norm(b, &h, r, "normalizer")));
    SCL_TRY(scl_block_elu(b, &h, h));
    return scl_block_conv(b, score, h, "end_conv", b->c->channels, 3, 1, true);
}
