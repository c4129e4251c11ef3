/* mlp: linear layers with softplus between them, for points (Song & Ermon 2019, figure 2: widths 128, 128; 17,154 parameters in 2-D).
 *
 * Unconditional, as there: modules "0", "2", "4" ... of a PyTorch Sequential.  Conditional: behind each hidden layer but before
 * its softplus, h = scale[level] * h + shift[level], with tables level.<module>.scale and .shift [L,K] that start at 1 and 0.
 *
 * With the time as an input, of any level: e = softplus(w c + v), c = ln(sigma / alpha) / 4 (Karras et al. 2022, table 1: c_noise), and
 * (1 + scale) h + shift before each softplus, scale and shift the halves of a linear layer of e; modules time.in (from one value) and
 * time.<module>. */
#include <stdio.h>

#include "model/blocks.h"

static scl_status row_of_level(scl_builder *b, scl_value **out, const char *name, int k)
{
    scl_value *table;
    SCL_TRY(scl_block_param(b, &table, name, SCL_DIMS(b->c->levels, k)));
    return SCL_APPLY(b->g, out, b->err, "embedding", SCL_IN("table", table), SCL_IN("label", b->level->label));
}

static scl_status by_level(scl_builder *b, scl_value **h, const char *module)
{
    const char *before = scl_scope_push(b->g, "level.%s", module);
    scl_value *scale, *shift;
    SCL_TRY(row_of_level(b, &scale, "scale", (*h)->dim[1]));
    SCL_TRY(row_of_level(b, &shift, "shift", (*h)->dim[1]));
    scl_scope_pop(b->g, before);
    return SCL_POINTWISE(b->g, h, b->err, "softplus(fma(scale, h, shift))", SCL_IN("h", *h), SCL_IN("scale", scale),
                         SCL_IN("shift", shift));
}

/* e, in the shape of the first hidden layer. */
static scl_status embed_time(scl_builder *b, scl_value *h)
{
    const char *before = scl_scope_push(b->g, "time.in");
    scl_value *t, *w, *v;
    SCL_TRY(scl_level_get(b->g, &t, b->level, b->c->levels, SCL_LOG_RATIO, b->err));
    SCL_TRY(scl_block_param(b, &w, "weight", SCL_DIMS(1, h->dim[1])));
    SCL_TRY(scl_block_param(b, &v, "bias", SCL_DIMS(h->dim[1])));
    scl_scope_pop(b->g, before);
    return SCL_POINTWISE(b->g, &b->embedded, b->err, "softplus(fma(0.25 * t, w, v))", SCL_IN("h", h), SCL_IN("t", t),
                         SCL_CHANNEL("w", w, 0), SCL_CHANNEL("v", v, 0));
}

static scl_status by_time(scl_builder *b, scl_value **h, const char *module)
{
    scl_value *rows;
    const int K = (*h)->dim[1];
    if (!b->embedded)
        SCL_TRY(embed_time(b, *h));
    const char *before = scl_scope_push(b->g, "time");
    SCL_TRY(scl_block_linear(b, &rows, b->embedded, module, 2 * K));
    scl_scope_pop(b->g, before);
    return SCL_POINTWISE(b->g, h, b->err, "softplus(fma(1 + scale, h, shift))", SCL_IN("h", *h), SCL_SAMPLE_CHANNEL("scale", rows, 0),
                         SCL_SAMPLE_CHANNEL("shift", rows, K));
}

static scl_status activate(scl_builder *b, scl_value **h, const char *module)
{
    if (b->c->conditional)
        return by_level(b, h, module);
    return b->c->timed ? by_time(b, h, module) : SCL_POINTWISE(b->g, h, b->err, "softplus(h)", SCL_IN("h", *h));
}

scl_status scl_mlp_build(scl_builder *b, scl_value *x, scl_value **score)
{
    const scl_net_config *c = b->c;
    char module[16];
    scl_value *h;
    SCL_TRY(SCL_APPLY(b->g, &h, b->err, "flatten", SCL_IN("x", x)));
    const int dimensions = h->dim[1];
    for (int i = 0; i < c->n_widths; i++) {
        snprintf(module, sizeof module, "%d", 2 * i);
        SCL_TRY(scl_block_linear(b, &h, h, module, c->widths[i]));
        SCL_TRY(activate(b, &h, module));
    }
    snprintf(module, sizeof module, "%d", 2 * c->n_widths);
    SCL_TRY(scl_block_linear(b, &h, h, module, c->outputs ? c->outputs : dimensions));
    if (c->outputs) {
        *score = h;
        return SCL_OK;
    }
    return SCL_POINTWISE(b->g, score, b->err, "y", SCL_IN("shape", x), SCL_IN("y", h));
}
