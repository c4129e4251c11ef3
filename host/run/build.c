#include "run/build.h"

#include <string.h>

#include "data/points.h"
#include "run/classifier.h"
#include "score/likelihood.h"
#include "score/sampler.h"
#include "score/truth.h"

scl_status scl_build_shape(const scl_config *config, const scl_stage_config *stage, int shape[3], scl_err *err)
{
    const scl_data_config *d = &stage->data;
    if (stage->noise.sigma_begin <= 0 || stage->noise.levels <= 0)
        return scl_config_fail(config, err, SCL_BAD_CONFIG, stage->noise.levels <= 0 ? "noise.levels" : "noise.sigma_begin",
                               "must be a number here: what auto stands for, `scorecl noise` tells");
    if (!scl_data_in_files(d)) {
        shape[0] = shape[1] = 1;
        shape[2] = scl_points_dimension(&d->points);
        return SCL_OK;
    }
    shape[0] = shape[1] = scl_data_size(d);
    shape[2] = scl_data_channels(d);
    if (!shape[0])
        return scl_config_fail(config, err, SCL_BAD_CONFIG, "data.transform.size", "must be set here: only the data tell the size");
    if (!shape[2])
        return scl_config_fail(config, err, SCL_BAD_CONFIG, "data.transform.channels", "must be set here: only the data tell it");
    return SCL_OK;
}

scl_net_config scl_build_net(const scl_config *config, const scl_stage_config *stage, const int shape[3])
{
    const scl_model_config *m = &stage->model;
    scl_net_config net = { .net = scl_config_choice("model.net", (int)m->net), .ngf = m->ngf, .height = shape[0],
                           .width = shape[1], .channels = shape[2], .levels = stage->noise.levels,
                           .logit = stage->data.transform.logit, .n_widths = m->widths.n,
                           .conv = scl_config_choice("conv", (int)config->conv) };
    net.components = scl_truth_components(&stage->data);
    net.timed = m->condition == SCL_CONDITION_TIME;
    net.scaled = stage->noise.process != SCL_PROCESS_VE;
    net.conditional = scl_net_conditional(net.net, scl_config_choice("model.condition", (int)m->condition));
    net.outputs = m->net == SCL_NET_CLASSIFIER ? m->classes : m->output == SCL_OUTPUT_ENERGY && m->net == SCL_NET_MLP;
    for (int i = 0; i < m->widths.n && i < SCL_MAX_WIDTHS; i++)
        net.widths[i] = m->widths.at[i];
    return net;
}

scl_step_spec scl_build_spec(const scl_config *config, const scl_stage_config *stage, const int shape[3], int data_count)
{
    const scl_train_config *t = &stage->train;
    const int accumulate = t->accumulate > 0 ? t->accumulate : 1;
    scl_step_spec spec = {
        .net = scl_build_net(config, stage, shape),
        .objective = { .loss = scl_config_choice("objective.loss", (int)t->objective.loss),
                       .predict = scl_config_choice("model.predict", (int)stage->model.predict),
                       .projection = scl_config_choice("objective.projection", (int)t->objective.projection),
                       .projections = t->objective.projections, .energy = stage->model.output == SCL_OUTPUT_ENERGY,
                       .clean = stage->noise.schedule == SCL_NOISE_NONE, .components = scl_truth_components(&stage->data),
                       .continuous = stage->noise.time == SCL_TIME_CONTINUOUS, .anneal_power = t->objective.anneal_power,
                       .likelihood = t->objective.weighting == SCL_WEIGHTING_LIKELIHOOD,
                       .sde = { stage->noise.process, stage->noise.sigma_begin, stage->noise.sigma_end,
                                stage->noise.beta_begin,
                                stage->noise.beta_end } },
        .n = (t->batch + accumulate - 1) / accumulate,
        .global_batch = t->batch,
        .accumulate = accumulate > 1,
        .micro_batch = (t->batch + accumulate - 1) / accumulate,
        .data_count = data_count,
        .data_float = !scl_data_in_files(&stage->data),
        .dequantize = stage->data.transform.dequantize == SCL_DEQUANTIZE_UNIFORM,
        .flip = stage->data.transform.flip,
        .optimizer = scl_config_choice("optimizer.method", (int)t->optimizer.method),
        .ema = scl_build_ema(stage),
    };
    return spec;
}

scl_status scl_build_guide(scl_step_spec *spec, scl_arena *arena, const scl_config *config,
                           const scl_stage_config *stage, scl_err *err)
{
    const char *name = scl_stage_classifier(stage);
    const int shape[3] = { spec->net.height, spec->net.width, spec->net.channels };
    scl_classifier k;
    if (stage->kind != SCL_STAGE_SAMPLE || !name)
        return SCL_OK;
    SCL_TRY(scl_classifier_describe(&k, arena, config, name, shape, err));
    SCL_TRY(scl_classifier_fits(&k, stage, err));
    scl_net_config *net = SCL_NEW(arena, scl_net_config);
    *net = k.net;
    spec->guide = net;
    return SCL_OK;
}

scl_plan_options scl_build_plan_options(const scl_config *config, const scl_stage_config *stage, const char *const *tune,
                                        const scl_tuning *rows)
{
    return (scl_plan_options){ .no_fuse = !config->fuse, .no_fuse_output = !config->fuse_output,
                               .no_fuse_along = !config->fuse_along, .fuse_input = config->fuse_input, .no_in_place = !stage->memory.in_place,
                               .weights_rest = stage->kind != SCL_STAGE_TRAIN,
                               .recompute = stage->memory.recompute == SCL_RECOMPUTE_ACTIVATIONS,
                               .record = config->launches == SCL_LAUNCHES_RECORDED, .tune = tune,
                               .tuning = config->tuning == SCL_TUNING_OFF ? NULL : rows };
}

scl_device_info scl_build_device(const scl_stage_config *stage, const scl_device_info *device)
{
    scl_device_info d = *device;
    const size_t limit = (size_t)stage->memory.limit << 20;
    if (limit && (!d.global_bytes || limit < d.global_bytes))
        d.global_bytes = limit;
    if (limit && d.max_alloc_bytes > limit)
        d.max_alloc_bytes = limit;
    return d;
}

double scl_build_rate(const scl_device_info *device)
{
    const double unit = device->klass == SCL_CLASS_GPU ? 100e9 : 30e9;
    return unit * (device->compute_units ? device->compute_units : 1);
}

int scl_build_sample_batch(const scl_stage_config *stage)
{
    enum { AUTO = 64 };
    const scl_sample_config *s = &stage->sample;
    const int asked = scl_sampler_couples(s) ? s->sampler.group : s->batch > 0 ? s->batch : AUTO;
    return asked < stage->sample.count ? asked : stage->sample.count;
}

scl_sampling scl_build_sampling_of(const scl_stage_config *stage)
{
    const scl_sample_config *s = &stage->sample;
    return (scl_sampling){ .corrector = s->sampler.method == SCL_SAMPLER_PREDICTOR_CORRECTOR,
                           .known = s->condition.task == SCL_CONDITION_INPAINT || s->condition.task == SCL_CONDITION_COLORIZE,
                           .grey = s->condition.task == SCL_CONDITION_COLORIZE,
                           .columns = s->condition.task == SCL_CONDITION_INTERPOLATE ? s->condition.columns : 0 };
}

scl_status scl_build_sampling(scl_graph **out, scl_arena *arena, const scl_stage_config *stage, const scl_step_spec *spec,
                              scl_err *err)
{
    const scl_sampling how = scl_build_sampling_of(stage);
    return scl_sampler_adapts(&stage->sample) ? scl_step_score(out, arena, spec, "", err)
                                              : scl_step_sample(out, arena, spec, &how, "", err);
}

int scl_build_group(const scl_stage_config *stage)
{
    const scl_likelihood_config *l = &stage->likelihood;
    return l->count > 0 && l->count < l->group ? l->count : l->group;
}

int scl_build_vectors(const scl_stage_config *stage, const scl_step_spec *spec)
{
    const scl_net_config *n = &spec->net;
    return stage->likelihood.trace == SCL_TRACE_EXACT ? n->height * n->width * n->channels : stage->likelihood.probes;
}

scl_status scl_build_likelihood(scl_graph **out, scl_arena *arena, const scl_stage_config *stage,
                                const scl_step_spec *spec, scl_err *err)
{
    const int vectors = scl_build_vectors(stage, spec);
    if (vectors > SCL_ISM_MOST)
        return scl_fail(err, SCL_BAD_CONFIG, "likelihood.trace: exact takes a forward-mode pass for each of the %d values "
                        "of a sample; at most %d: hutchinson estimates the same", vectors, SCL_ISM_MOST);
    return scl_step_trace(out, arena, spec, vectors, "", err);
}

double scl_build_likelihood_runs(const scl_stage_config *stage)
{
    const int count = stage->likelihood.count > 0 ? stage->likelihood.count : 10000, group = scl_build_group(stage);
    return (double)((count + group - 1) / group) * SCL_ADAPTIVE_GUESS;
}

scl_status scl_build_graph(scl_graph **out, scl_arena *arena, const scl_config *config, const scl_stage_config *stage,
                           const char *which, scl_err *err)
{
    int shape[3];
    if (stage->kind != SCL_STAGE_TRAIN && stage->kind != SCL_STAGE_SAMPLE && stage->kind != SCL_STAGE_LIKELIHOOD)
        return scl_fail(err, SCL_BAD_CONFIG, "stage '%s' of kind %s has no graph", stage->name,
                        scl_config_choice("stage.kind", (int)stage->kind));
    SCL_TRY(scl_build_shape(config, stage, shape, err));
    const bool trains = stage->kind == SCL_STAGE_TRAIN, measures = stage->kind == SCL_STAGE_LIKELIHOOD;
    if (!which)
        which = measures ? "likelihood" : trains ? "train" : "sample";
    scl_step_spec spec = scl_build_spec(config, stage, shape, trains ? stage->train.batch : 1);
    if (!trains)
        spec.n = spec.global_batch = measures ? scl_build_group(stage) : scl_build_sample_batch(stage);
    SCL_TRY(scl_build_guide(&spec, arena, config, stage, err));
    if (!strcmp(which, "likelihood") && measures)
        return scl_build_likelihood(out, arena, stage, &spec, err);
    if (!strcmp(which, "train") && trains)
        return scl_step_train(out, arena, &spec, err);
    if (!strcmp(which, "eval") && trains)
        return scl_step_eval(out, arena, &spec, spec.ema ? "ema." : "", err);
    if (!strcmp(which, "sample"))
        return scl_build_sampling(out, arena, stage, &spec, err);
    return scl_fail(err, SCL_BAD_CONFIG, "stage '%s' has no graph '%s'", stage->name, which);
}

const char *const *scl_tune_list(const scl_config *config, scl_arena *arena)
{
    const char **list = SCL_NEW_ARRAY(arena, const char *, config->n_tune + 1);
    for (int i = 0; i < config->n_tune; i++)
        list[i] = scl_arena_printf(arena, "%s.%s=%d", config->tune[i].op, config->tune[i].param,
                                   config->tune[i].value);
    return list;
}
