#include "model/blocks.h"

#include <stdio.h>
#include <string.h>

scl_status scl_block_param(scl_builder *b, scl_value **out, const char *name, int rank, const int *dims)
{
    const char *full = scl_arena_printf(b->g->arena, "%s%s%s%s", b->prefix, b->g->scope, b->g->scope[0] ? "." : "", name);
    return scl_value_get(b->g, out, SCL_PARAM, full, SCL_F32, rank, dims, b->err);
}

/* The one for all, or its own in the list of scl_net_conv. */
const char *scl_block_algorithm(const scl_builder *b)
{
    const char *scope = b->g->scope, *conv = b->c->conv;
    const size_t length = strlen(scope);
    if (!strchr(conv, '='))
        return conv;
    for (const char *p = conv; *p; p += strcspn(p, " "), p += *p == ' ')
        if (!strncmp(p, scope, length) && p[length] == '=') {
            p += length + 1;
            return scl_arena_printf(b->g->arena, "%.*s", (int)strcspn(p, " "), p);
        }
    return "auto";
}

scl_status scl_block_conv(scl_builder *b, scl_value **out, scl_value *x, const char *name, int k, int size, int dilation, bool bias)
{
    const char *before = scl_scope_push(b->g, "%s", name);
    scl_value *w, *v = NULL;
    SCL_TRY(scl_block_param(b, &w, "weight", SCL_DIMS(size, size, x->dim[3], k)));
    if (bias)
        SCL_TRY(scl_block_param(b, &v, "bias", SCL_DIMS(k)));
    SCL_TRY(SCL_APPLY(b->g, out, b->err, "conv2d", SCL_IN("x", x), SCL_IN("w", w), SCL_IN("bias", v),
                      SCL_INT("dilation", dilation), SCL_TEXT("algorithm", scl_block_algorithm(b))));
    scl_scope_pop(b->g, before);
    return SCL_OK;
}

scl_status scl_block_linear(scl_builder *b, scl_value **out, scl_value *x, const char *name, int k)
{
    const char *before = scl_scope_push(b->g, "%s", name);
    scl_value *w, *v;
    SCL_TRY(scl_block_param(b, &w, "weight", SCL_DIMS(x->dim[1], k)));
    SCL_TRY(scl_block_param(b, &v, "bias", SCL_DIMS(k)));
    SCL_TRY(SCL_APPLY(b->g, out, b->err, "linear", SCL_IN("x", x), SCL_IN("w", w), SCL_IN("bias", v),
                      SCL_TEXT("algorithm", scl_block_algorithm(b))));
    scl_scope_pop(b->g, before);
    return SCL_OK;
}

/* gamma | alpha | beta: of each sample's level, or one row for all. */
static scl_status norm_rows(scl_builder *b, scl_value **rows, int channels)
{
    if (b->c->conditional) {
        scl_value *table;
        SCL_TRY(scl_block_param(b, &table, "embed.weight", SCL_DIMS(b->c->levels, 3 * channels)));
        return SCL_APPLY(b->g, rows, b->err, "embedding", SCL_IN("table", table), SCL_IN("label", b->level->label));
    }
    scl_value *gamma, *alpha, *beta;
    SCL_TRY(scl_block_param(b, &gamma, "gamma", SCL_DIMS(channels)));
    SCL_TRY(scl_block_param(b, &alpha, "alpha", SCL_DIMS(channels)));
    SCL_TRY(scl_block_param(b, &beta, "beta", SCL_DIMS(channels)));
    return SCL_APPLY(b->g, rows, b->err, "norm_rows", SCL_IN("gamma", gamma), SCL_IN("alpha", alpha), SCL_IN("beta", beta));
}

scl_status scl_block_norm(scl_builder *b, scl_value **out, scl_value *x, const char *name)
{
    const char *before = scl_scope_push(b->g, "%s", name);
    scl_graph *g = b->g;
    scl_value *rows, *stat[6];
    SCL_TRY(norm_rows(b, &rows, x->dim[3]));
    SCL_TRY(SCL_APPLY(g, stat, b->err, "norm_stats", SCL_IN("x", x), SCL_IN("rows", rows)));
    SCL_TRY(SCL_APPLY(g, out, b->err, "norm_apply", SCL_IN("x", x), SCL_IN("mean", stat[0]), SCL_IN("a", stat[4]),
                      SCL_IN("b", stat[5]), SCL_IN("variance", stat[1]), SCL_IN("m", stat[2]), SCL_IN("v", stat[3]),
                      SCL_IN("rows", rows)));
    scl_scope_pop(g, before);
    return SCL_OK;
}

scl_status scl_block_elu(scl_builder *b, scl_value **out, scl_value *x)
{
    return SCL_POINTWISE(b->g, out, b->err, "elu(x)", SCL_IN("x", x));
}

scl_status scl_block_norm_elu(scl_builder *b, scl_value **out, scl_value *x, const char *name)
{
    scl_value *normed;
    SCL_TRY(scl_block_norm(b, &normed, x, name));
    return scl_block_elu(b, out, normed);
}

scl_status scl_block_add(scl_builder *b, scl_value **out, scl_value *x, scl_value *y)
{
    return SCL_POINTWISE(b->g, out, b->err, "x + y", SCL_IN("x", x), SCL_IN("y", y));
}

void scl_block_stage(const scl_builder *b, scl_value *x, const char *name)
{
    if (b->c->stages)
        scl_output(x, scl_arena_printf(b->g->arena, "stage.%s", name));
}

scl_status scl_block_centre(scl_builder *b, scl_value **out, scl_value *x)
{
    *out = x;
    return b->c->logit ? SCL_OK : SCL_POINTWISE(b->g, out, b->err, "fma(2.0, x, -1.0)", SCL_IN("x", x));
}

scl_status scl_block_begin(scl_builder *b, scl_value **out, scl_value *x)
{
    SCL_TRY(scl_block_centre(b, &x, x));
    SCL_TRY(scl_block_conv(b, out, x, "begin_conv", b->c->ngf, 3, 1, true));
    scl_block_stage(b, *out, "begin_conv");
    return SCL_OK;
}

scl_status scl_block_end(scl_builder *b, scl_value **out, scl_value *x)
{
    scl_value *h;
    SCL_TRY(scl_block_norm(b, &h, x, "normalizer"));
    scl_block_stage(b, h, "normalizer");
    SCL_TRY(scl_block_elu(b, &h, h));
    return scl_block_conv(b, out, h, "end_conv", b->c->channels, 3, 1, true);
}

static scl_status mean_pool(scl_builder *b, scl_value **x)
{
    return SCL_APPLY(b->g, x, b->err, "mean_pool2", SCL_IN("x", *x));
}

scl_status scl_block_residual(scl_builder *b, scl_value **out, scl_value *x, const char *name, int k, scl_resample resample,
                              int dilation)
{
    const char *before = scl_scope_push(b->g, "%s", name);
    const bool halve = resample == SCL_DOWN && dilation == 1;
    const int inner = resample == SCL_DOWN ? x->dim[3] : k;
    scl_value *h, *shortcut = x;
    SCL_TRY(scl_block_norm_elu(b, &h, x, "normalize1"));
    SCL_TRY(scl_block_conv(b, &h, h, "conv1", inner, 3, dilation, true));
    SCL_TRY(scl_block_norm_elu(b, &h, h, "normalize2"));
    SCL_TRY(scl_block_conv(b, &h, h, halve ? "conv2.conv" : "conv2", k, 3, dilation, true));
    if (halve) {
        SCL_TRY(mean_pool(b, &h));
        SCL_TRY(scl_block_conv(b, &shortcut, x, "shortcut.conv", k, 1, 1, true));
        SCL_TRY(mean_pool(b, &shortcut));
    } else if (resample == SCL_DOWN || x->dim[3] != k) {
        SCL_TRY(scl_block_conv(b, &shortcut, x, "shortcut", k, dilation > 1 ? 3 : 1, dilation, true));
    }
    SCL_TRY(scl_block_add(b, out, shortcut, h));
    scl_scope_pop(b->g, before);
    scl_block_stage(b, *out, name);
    return SCL_OK;
}

/* Normalisation where the network has it outside of its residual blocks. */
static scl_status refine_norm(scl_builder *b, scl_value **out, scl_value *x, const char *name)
{
    *out = x;
    return b->bare ? SCL_OK : scl_block_norm(b, out, x, name);
}

/* Residual convolution units: blocks of two norm-ELU-conv stages around an identity. */
static scl_status rcu(scl_builder *b, scl_value **out, scl_value *x, const char *name, int blocks)
{
    const char *before = scl_scope_push(b->g, "%s", name);
    for (int i = 1; i <= blocks; i++) {
        scl_value *h = x;
        for (int stage = 1; stage <= 2; stage++) {
            char norm[32], conv[32];
            snprintf(norm, sizeof norm, "%d_%d_norm", i, stage);
            snprintf(conv, sizeof conv, "%d_%d_conv", i, stage);
            SCL_TRY(refine_norm(b, &h, h, norm));
            SCL_TRY(scl_block_elu(b, &h, h));
            SCL_TRY(scl_block_conv(b, &h, h, conv, x->dim[3], 3, 1, false));
        }
        SCL_TRY(scl_block_add(b, &x, h, x));
    }
    *out = x;
    scl_scope_pop(b->g, before);
    return SCL_OK;
}

/* Multi-resolution fusion: norm, convolution, bilinear resize to the size of the first input, sum. */
static scl_status msf(scl_builder *b, scl_value **out, scl_value *const *x, int n, int k)
{
    const char *before = scl_scope_push(b->g, "msf");
    for (int i = 0; i < n; i++) {
        char norm[32], conv[32];
        snprintf(norm, sizeof norm, "norms.%d", i);
        snprintf(conv, sizeof conv, "convs.%d", i);
        scl_value *h;
        SCL_TRY(refine_norm(b, &h, x[i], norm));
        SCL_TRY(scl_block_conv(b, &h, h, conv, k, 3, 1, true));
        if (h->dim[1] != x[0]->dim[1] || h->dim[2] != x[0]->dim[2])
            SCL_TRY(SCL_APPLY(b->g, &h, b->err, "resize_bilinear", SCL_IN("x", h), SCL_INT("I", x[0]->dim[1]),
                              SCL_INT("J", x[0]->dim[2])));
        if (i == 0)
            *out = h;
        else
            SCL_TRY(scl_block_add(b, out, *out, h));
    }
    scl_scope_pop(b->g, before);
    return SCL_OK;
}

static scl_status pool5(scl_builder *b, scl_value **x)
{
    scl_value *out[2];        /* a maximum also says where it was */
    SCL_TRY(SCL_APPLY(b->g, out, b->err, b->bare ? "max_pool" : "avg_pool", SCL_IN("x", *x), SCL_INT("size", 5)));
    *x = out[0];
    return SCL_OK;
}

/* Chained residual pooling. */
static scl_status crp(scl_builder *b, scl_value **out, scl_value *x)
{
    const char *before = scl_scope_push(b->g, "crp");
    SCL_TRY(scl_block_elu(b, &x, x));
    scl_value *path = x;
    for (int i = 0; i < 2; i++) {
        char norm[32], conv[32];
        snprintf(norm, sizeof norm, "norms.%d", i);
        snprintf(conv, sizeof conv, "convs.%d", i);
        SCL_TRY(refine_norm(b, &path, path, norm));
        SCL_TRY(pool5(b, &path));
        SCL_TRY(scl_block_conv(b, &path, path, conv, x->dim[3], 3, 1, false));
        SCL_TRY(scl_block_add(b, &x, path, x));
    }
    *out = x;
    scl_scope_pop(b->g, before);
    return SCL_OK;
}

scl_status scl_block_refine(scl_builder *b, scl_value **out, scl_value *const *x, int n, const char *name, int k, bool last)
{
    const char *before = scl_scope_push(b->g, "%s", name);
    scl_value *adapted[4] = { 0 }, *h;
    for (int i = 0; i < n; i++) {
        char adapt[32];
        snprintf(adapt, sizeof adapt, "adapt_convs.%d", i);
        SCL_TRY(rcu(b, &adapted[i], x[i], adapt, 2));
    }
    h = adapted[0];
    if (n > 1)
        SCL_TRY(msf(b, &h, adapted, n, k));
    SCL_TRY(crp(b, &h, h));
    SCL_TRY(rcu(b, out, h, "output_convs", last ? 3 : 1));
    scl_scope_pop(b->g, before);
    scl_block_stage(b, *out, name);
    return SCL_OK;
}
