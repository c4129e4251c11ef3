/* NCSN: CondRefineNetDilated (Song & Ermon 2019; docs/design/ncsn-spec.md, 1.1), and without the level RefineNetDilated, the
 * paper's baseline.
 *
 * 7,638,657 parameters at 28x28x1, ngf 64; 30,117,635 at 32x32x3, ngf 128; 10 levels.  Unconditional: 7,443,393 and 29,727,107. */
#include "model/blocks.h"

static scl_status refine(scl_builder *b, scl_value **out, scl_value *x0, scl_value *x1, const char *name,
                         int k, bool last)
{
    scl_value *in[2] = { x0, x1 };
    return scl_block_refine(b, out, in, x1 ? 2 : 1, name, k, last);
}

scl_status scl_ncsn_build(scl_builder *b, scl_value *x, scl_value **score)
{
    const int n = b->c->ngf;
    scl_value *h, *l1, *l2, *l3, *l4, *r;
    SCL_TRY(scl_block_begin(b, &h, x));
    SCL_TRY(scl_block_residual(b, &h, h, "res1.0", n, SCL_SAME, 1));
    SCL_TRY(scl_block_residual(b, &l1, h, "res1.1", n, SCL_SAME, 1));
    SCL_TRY(scl_block_residual(b, &h, l1, "res2.0", 2 * n, SCL_DOWN, 1));
    SCL_TRY(scl_block_residual(b, &l2, h, "res2.1", 2 * n, SCL_SAME, 1));
    SCL_TRY(scl_block_residual(b, &h, l2, "res3.0", 2 * n, SCL_DOWN, 2));
    SCL_TRY(scl_block_residual(b, &l3, h, "res3.1", 2 * n, SCL_SAME, 2));
    SCL_TRY(scl_block_residual(b, &h, l3, "res4.0", 2 * n, SCL_DOWN, 4));
    SCL_TRY(scl_block_residual(b, &l4, h, "res4.1", 2 * n, SCL_SAME, 4));
    SCL_TRY(refine(b, &r, l4, NULL, "refine1", 2 * n, false));
    SCL_TRY(refine(b, &r, l3, r, "refine2", 2 * n, false));
    SCL_TRY(refine(b, &r, l2, r, "refine3", n, false));
    SCL_TRY(refine(b, &r, l1, r, "refine4", n, true));
    return scl_block_end(b, score, r);
}
