/* What a network asks of its data, its noise and its own keys. */
#include "config/check.h"

/* Without noise there is one level. */
static void check_levels(const scl_checker *c)
{
    scl_noise_config *noise = &c->stage->noise;
    if (noise->schedule != SCL_NOISE_NONE)
        return;
    if (noise->levels != 1 && scl_check_is_set(c, "noise.levels"))
        scl_check_shared_fault(c, "noise.levels", "noise.schedule is none, which is one level");
    noise->levels = 1;
}

/* The number of values of a list is what the components need. */
static void check_mixture(const scl_checker *c)
{
    const scl_points_config *p = &c->stage->data.points;
    const int components = p->means.rows;
    if (components > SCL_MOST_COMPONENTS)
        scl_check_shared_fault(c, "data.points.means", "%d components; at most %d", components, SCL_MOST_COMPONENTS);
    if (p->weights.cols != 1 || p->weights.rows != components)
        scl_check_shared_fault(c, "data.points.weights", "must be one number for each of the %d means", components);
    if (p->sigma.cols != 1 || (p->sigma.rows != 1 && p->sigma.rows != components))
        scl_check_shared_fault(c, "data.points.sigma", "must be one number, or one for each of the %d means",
                               components);
}

void scl_check_data(const scl_checker *c)
{
    check_levels(c);
    if (scl_check_is_mixture(&c->stage->data))
        check_mixture(c);
}

/* Pixels of a side that become one inside the network. */
static int shrinks(scl_net_kind net)
{
    switch (net) {
    case SCL_NET_NCSN:
    case SCL_NET_NCSNV2: return 2;
    case SCL_NET_NCSNV2_DEEPER:
    case SCL_NET_RESSCORE:
    case SCL_NET_CLASSIFIER: return 4;
    case SCL_NET_NCSNV2_DEEPEST: return 8;
    case SCL_NET_MLP: case SCL_NET_ANALYTIC: break;
    }
    return 1;
}

static void check_size(const scl_checker *c)
{
    const int size = c->stage->data.transform.size, shrink = shrinks(c->stage->model.net);
    const char *net = scl_config_choice("model.net", (int)c->stage->model.net);
    if (size % shrink == 0)
        return;
    if (shrink == 2)
        scl_check_shared_fault(c, "data.transform.size",
                               "%d is odd; the network %s halves its images and needs an even size of at least 8",
                               size, net);
    else
        scl_check_shared_fault(c, "data.transform.size",
                               "%d is no multiple of %d, by which the network %s shrinks its images", size,
                               shrink, net);
}

static void check_condition(const scl_checker *c)
{
    const scl_model_config *model = &c->stage->model;
    const bool divides = model->net >= SCL_NET_NCSNV2 && model->net <= SCL_NET_NCSNV2_DEEPEST;
    if (model->condition == SCL_CONDITION_LEVEL && (divides || model->net == SCL_NET_RESSCORE))
        scl_check_shared_fault(c, "model.condition", "the network %s takes no level%s",
                               scl_config_choice("model.net", (int)model->net),
                               divides ? "; it divides its result by the level's sigma" : "");
    if (model->condition == SCL_CONDITION_TIME && model->net != SCL_NET_MLP)
        scl_check_shared_fault(c, "model.condition", "the network %s does not take the time as an input; mlp does",
                               scl_config_choice("model.net", (int)model->net));
}

static void check_predict(const scl_checker *c)
{
    const scl_model_config *model = &c->stage->model;
    const char *predict = scl_config_choice("model.predict", (int)model->predict);
    if (model->predict == SCL_PREDICT_SCORE)
        return;
    if (model->output == SCL_OUTPUT_ENERGY)
        scl_check_shared_fault(c, "model.predict",
                               "%s is no gradient of an energy, and model.output is energy", predict);
    if (c->stage->noise.schedule == SCL_NOISE_NONE)
        scl_check_shared_fault(c, "model.predict",
                               "%s is told from the noise level, and noise.schedule is none", predict);
}

static void check_widths(const scl_checker *c)
{
    const int n = c->stage->model.widths.n;
    if (n < 1 || n > SCL_MAX_WIDTHS)
        scl_check_shared_fault(c, "model.widths", "an mlp has 1 to %d hidden layers, not %d", SCL_MAX_WIDTHS, n);
}

void scl_check_model(const scl_checker *c)
{
    check_size(c);
    check_condition(c);
    check_predict(c);
    check_widths(c);
    scl_check_noise(c);
}
