/* What a train stage asks of its data, and a loss of noise, dimension and its own keys. */
#include "config/check.h"

static void check_classifier(const scl_checker *c, const char *loss)
{
    const bool classifies = c->stage->model.net == SCL_NET_CLASSIFIER;
    const bool by_classes = c->stage->train.objective.loss == SCL_LOSS_CROSS_ENTROPY;
    if (classifies && c->stage->model.output != SCL_OUTPUT_SCORE)
        scl_check_shared_fault(c, "model.output", "a classifier gives logits, not an energy");
    if (classifies && !by_classes)
        scl_check_fault(c, "objective.loss", "a classifier is trained by cross_entropy, not by %s", loss);
    if (!classifies && by_classes)
        scl_check_fault(c, "objective.loss", "cross_entropy trains a classifier (model.net)");
}

static void check_loss(const scl_checker *c)
{
    const scl_stage_config *stage = c->stage;
    const scl_loss_kind kind = stage->train.objective.loss;
    const long side = scl_data_size(&stage->data), D = side * side * scl_data_channels(&stage->data);
    if (stage->noise.schedule == SCL_NOISE_NONE && kind == SCL_LOSS_DSM)
        scl_check_fault(c, "objective.loss", "dsm compares the score with the noise, and noise.schedule is none");
    if (kind == SCL_LOSS_ISM && D > SCL_ISM_MOST)
        scl_check_fault(
            c, "objective.loss",
            "ism takes the exact trace, a forward-mode pass for each of the %ld values of a sample: a step "
            "would cost about %ld times a dsm step; at most %d: ssm_vr estimates the same",
            D, D + 1, SCL_ISM_MOST);
    if (kind == SCL_LOSS_ESM && !scl_check_is_mixture(&stage->data))
        scl_check_fault(c, "objective.loss",
                        "esm needs the true score, known of data.points.distribution: mixture alone");
    if (kind == SCL_LOSS_ESM && stage->noise.schedule == SCL_NOISE_NONE && scl_check_has_point_mass(&stage->data))
        scl_check_fault(c, "objective.loss", "esm needs noise: data.points.sigma is 0, which has no score");
}

#define NONE "%s takes no projections; ssm and ssm_vr do"

void scl_check_objective(const scl_checker *c)
{
    const scl_train_config *t = &c->stage->train;
    const bool sliced = t->objective.loss == SCL_LOSS_SSM || t->objective.loss == SCL_LOSS_SSM_VR;
    const char *loss = scl_config_choice("objective.loss", (int)t->objective.loss);
    check_classifier(c, loss);
    check_loss(c);
    if (!sliced && t->objective.projections > 1)
        scl_check_fault(c, "objective.projections", NONE, loss);
    if (!sliced && t->objective.projection != SCL_PROJECTION_GAUSSIAN)
        scl_check_fault(c, "objective.projection", NONE, loss);
}

void scl_check_train(const scl_checker *c)
{
    const scl_data_config *data = &c->stage->data;
    const scl_train_config *t = &c->stage->train;
    if (!data->path && scl_data_in_files(data))
        scl_check_shared_fault(c, "data.path", "missing; a train stage needs images");
    if (data->format == SCL_DATA_IMAGES && data->transform.size == 0)
        scl_check_shared_fault(c, "data.transform.size", "must be given for a folder of images");
    if (data->transform.logit && data->transform.dequantize == SCL_DEQUANTIZE_NONE)
        scl_check_shared_fault(c, "data.transform.logit",
                               "needs dequantize: uniform; the logit of 0 and 1 is infinite");
    scl_check_objective(c);
    if (c->stage->model.net == SCL_NET_ANALYTIC)
        scl_check_shared_fault(c, "model.net", "the analytic score has no weights to train");
    if (t->accumulate > t->batch)
        scl_check_fault(c, "accumulate", "%d micro-batches of a batch of %d", t->accumulate, t->batch);
}
