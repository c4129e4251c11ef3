/* NCSNv2 and its deeper variants (Song & Ermon 2020; docs/design/ncsn-spec.md, 2): the network of NCSN with an unconditional
 * InstanceNorm++ in the residual blocks and the head alone, maxima instead of means in the chained residual pooling, and its
 * result divided by each sample's sigma, which is all that it knows of the level.
 *
 * 29,694,083 parameters at ngf 128 and 3 channels; deeper, for images from 96 pixels: 83,445,379; deepest, from 256: 94,132,611.
 * A stage is two residual blocks; the first of all but the first stage halves the image or, dilated, only widens. */
#include <stdio.h>
#include <string.h>

#include "model/blocks.h"

enum { MOST_STAGES = 6 };

/* Stages in order, with their residual blocks' name and the one of the RefineNet block that takes their result; widths in ngf. */
typedef struct stage { const char *res, *refine; int width, refine_width, dilation; } stage;

static const stage plain[] = {
    { "res1", "refine4", 1, 1, 1 }, { "res2", "refine3", 2, 1, 1 }, { "res3", "refine2", 2, 2, 2 }, { "res4", "refine1", 2, 2, 4 },
};
static const stage deeper[] = {
    { "res1", "refine5", 1, 1, 1 }, { "res2", "refine4", 2, 1, 1 }, { "res3", "refine3", 2, 2, 1 }, { "res4", "refine2", 4, 2, 2 },
    { "res5", "refine1", 4, 4, 4 },
};
static const stage deepest[] = {
    { "res1", "refine5", 1, 1, 1 }, { "res2", "refine4", 2, 1, 1 }, { "res3", "refine3", 2, 2, 1 }, { "res31", "refine31", 2, 2, 1 },
    { "res4", "refine2", 4, 2, 2 }, { "res5", "refine1", 4, 4, 4 },
};

static scl_status residuals(scl_builder *b, scl_value **out, scl_value *x, const stage *s, bool first)
{
    char name[2][16];
    for (int i = 0; i < 2; i++)
        snprintf(name[i], sizeof name[i], "%s.%d", s->res, i);
    SCL_TRY(scl_block_residual(b, out, x, name[0], s->width * b->c->ngf, first ? SCL_SAME : SCL_DOWN, s->dilation));
    return scl_block_residual(b, out, *out, name[1], s->width * b->c->ngf, SCL_SAME, s->dilation);
}

/* The result divided by sigma. */
static scl_status divide(scl_builder *b, scl_value **score, scl_value *y)
{
    scl_value *inv;
    SCL_TRY(scl_level_get(b->g, &inv, b->level, b->c->levels, SCL_INV_SIGMA, b->err));
    return SCL_POINTWISE(b->g, score, b->err, "y * inv_sigma", SCL_IN("y", y), SCL_IN("inv_sigma", inv));
}

scl_status scl_ncsnv2_build(scl_builder *b, scl_value *x, scl_value **score)
{
    const bool five = !strcmp(b->c->net, "ncsnv2_deeper"), six = !strcmp(b->c->net, "ncsnv2_deepest");
    const stage *s = six ? deepest : five ? deeper : plain;
    const int stages = six ? 6 : five ? 5 : 4;
    scl_value *h, *level[MOST_STAGES], *r = NULL;
    b->bare = true;
    SCL_TRY(scl_block_begin(b, &h, x));
    for (int i = 0; i < stages; i++) {
        SCL_TRY(residuals(b, &h, h, &s[i], i == 0));
        level[i] = h;
    }
    for (int i = stages - 1; i >= 0; i--) {
        scl_value *in[2] = { level[i], r };
        SCL_TRY(scl_block_refine(b, &r, in, r ? 2 : 1, s[i].refine, s[i].refine_width * b->c->ngf, i == 0));
    }
    SCL_TRY(scl_block_end(b, &h, r));
    return divide(b, score, h);
}
