/* classifier: a small residual network from a picture, noisy or not, to logits f32[N,outputs].
 *
 *   2x - 1, conv3 to n, residual blocks n, 2n (half the size), 4n (a quarter), ELU; all of it to 4n features,
 * ELU, to the logits with InstanceNorm++ in the blocks, conditional on the level where asked: then it may
 * guide a sampler at every noise level (docs/design/ncsn-spec.md, 3).  Its features are what the last layer
 * sees: output "stage.features" f32[N,4n] where the config asks for stages.  Parameters are named as NCSN's:
 * begin_conv, res1.0 ..., and features, logits.  (A mean over the pixels instead of the first linear layer
 * forgets where things are: 68 % right after 900 steps of 64 of Fashion-MNIST, ngf 8, where this has 88 %.)
 * Of points, pictures of one pixel, it is an mlp with `widths` to the logits, and the features are its last
 * hidden layer. */
#include "model/blocks.h"

scl_status scl_classifier_build(scl_builder *b, scl_value *x, scl_value **logits)
{
    const int n = b->c->ngf;
    scl_value *h;
    if (b->c->height == 1 && b->c->width == 1)
        return scl_mlp_build(b, x, logits);
    SCL_TRY(scl_block_begin(b, &h, x));
    SCL_TRY(scl_block_residual(b, &h, h, "res1.0", n, SCL_SAME, 1));
    SCL_TRY(scl_block_residual(b, &h, h, "res2.0", 2 * n, SCL_DOWN, 1));
    SCL_TRY(scl_block_residual(b, &h, h, "res3.0", 4 * n, SCL_DOWN, 1));
    SCL_TRY(scl_block_elu(b, &h, h));
    SCL_TRY(SCL_APPLY(b->g, &h, b->err, "flatten", SCL_IN("x", h)));
    SCL_TRY(scl_block_linear(b, &h, h, "features", 4 * n));
    SCL_TRY(scl_block_elu(b, &h, h));
    scl_block_stage(b, h, "features");
    return scl_block_linear(b, logits, h, "logits", b->c->outputs);
}
