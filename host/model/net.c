/* The networks by name. */
#include "model/net.h"

#include <string.h>

#include "model/blocks.h"

/* Sizes must be multiples of the pixels that become one. */
static scl_status check_image(const scl_net_config *c, int shrink, scl_err *err)
{
    if (c->height < 8 || c->width < 8 || c->height % shrink || c->width % shrink)
        return scl_fail(err, SCL_BAD_CONFIG, "data.transform.size: %s shrinks the image by %d and needs multiples of that from 8 on, "
                        "not %d x %d", c->net, shrink, c->height, c->width);
    if (c->channels < 1 || c->channels > 4)
        return scl_fail(err, SCL_BAD_CONFIG, "data.transform.channels: %s takes 1 to 4 channels, not %d", c->net, c->channels);
    if (c->ngf < 2)
        return scl_fail(err, SCL_BAD_CONFIG, "model.ngf: InstanceNorm++ needs at least 2 channels, not %d", c->ngf);
    return SCL_OK;
}

static scl_status check_ncsn(const scl_net_config *c, scl_err *err) { return check_image(c, 2, err); }
static scl_status check_deeper(const scl_net_config *c, scl_err *err) { return check_image(c, 4, err); }
static scl_status check_deepest(const scl_net_config *c, scl_err *err) { return check_image(c, 8, err); }

static scl_status check_resscore(const scl_net_config *c, scl_err *err)
{
    if (c->ngf % 8)
        return scl_fail(err, SCL_BAD_CONFIG, "model.ngf: resscore normalises over 8 groups and needs a multiple of that, not %d", c->ngf);
    return check_image(c, 4, err);
}

static scl_status check_classifier(const scl_net_config *c, scl_err *err)
{
    if (c->outputs < 2)
        return scl_fail(err, SCL_BAD_CONFIG, "model.classes: at least 2, not %d", c->outputs);
    return check_image(c, 4, err);
}

static scl_status check_mlp(const scl_net_config *c, scl_err *err)
{
    if (c->n_widths < 1 || c->n_widths > SCL_MAX_WIDTHS)
        return scl_fail(err, SCL_BAD_CONFIG, "model.widths: an mlp has 1 to %d hidden layers, not %d", SCL_MAX_WIDTHS, c->n_widths);
    for (int i = 0; i < c->n_widths; i++)
        if (c->widths[i] < 1)
            return scl_fail(err, SCL_BAD_CONFIG, "model.widths: %d is no width", c->widths[i]);
    return SCL_OK;
}

static scl_status check_analytic(const scl_net_config *c, scl_err *err)
{
    if (c->components < 1)
        return scl_fail(err, SCL_BAD_CONFIG, "model.net: analytic is the score of a mixture: data.points.distribution: mixture");
    return SCL_OK;
}

enum { NEVER, MAY_BE, ALWAYS };

static const struct {
    const char *name;
    int conditional, by_default;
    scl_status (*check)(const scl_net_config *c, scl_err *err);
    scl_status (*build)(scl_builder *b, scl_value *x, scl_value **out);
} nets[] = {
    { "ncsn", MAY_BE, ALWAYS, check_ncsn, scl_ncsn_build },
    { "ncsnv2", NEVER, NEVER, check_ncsn, scl_ncsnv2_build },
    { "ncsnv2_deeper", NEVER, NEVER, check_deeper, scl_ncsnv2_build },
    { "ncsnv2_deepest", NEVER, NEVER, check_deepest, scl_ncsnv2_build },
    { "resscore", NEVER, NEVER, check_resscore, scl_resscore_build },
    { "classifier", MAY_BE, ALWAYS, check_classifier, scl_classifier_build },
    { "mlp", MAY_BE, NEVER, check_mlp, scl_mlp_build },
    { "analytic", MAY_BE, ALWAYS, check_analytic, scl_analytic_build },
};
enum { NETS = (int)(sizeof nets / sizeof *nets) };

static int find(const char *name)
{
    for (int i = 0; i < NETS; i++)
        if (!strcmp(nets[i].name, name))
            return i;
    return -1;
}

bool scl_net_conditional(const char *net, const char *asked)
{
    const int i = find(net);
    if (!strcmp(asked, "auto"))
        return i >= 0 && nets[i].by_default == ALWAYS;
    return !strcmp(asked, "level");
}

scl_status scl_net_check(const scl_net_config *c, scl_err *err)
{
    const int i = find(c->net);
    if (i < 0)
        return scl_fail(err, SCL_BAD_CONFIG, "model.net: '%s' is not available in this version", c->net);
    if (c->conditional ? nets[i].conditional == NEVER : nets[i].conditional == ALWAYS)
        return scl_fail(err, SCL_BAD_CONFIG, "model.condition: %s %s", c->net,
                        c->conditional ? "does not take the level as an input" : "needs the level");
    if (c->timed && (c->conditional || nets[i].build != scl_mlp_build))
        return scl_fail(err, SCL_BAD_CONFIG, "model.condition: %s does not take the time as an input; mlp does", c->net);
    if (c->levels < 1)
        return scl_fail(err, SCL_BAD_CONFIG, "noise.levels: at least 1, not %d", c->levels);
    return nets[i].check(c, err);
}

scl_status scl_net_build(scl_graph *g, const scl_net_config *c, const char *prefix, scl_value *x, const scl_level *level,
                         scl_value **score, scl_err *err)
{
    SCL_TRY(scl_net_check(c, err));
    scl_builder b = { .g = g, .c = c, .prefix = prefix, .level = level, .err = err };
    return nets[find(c->net)].build(&b, x, score);
}
