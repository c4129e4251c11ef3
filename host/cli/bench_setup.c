/* What `scorecl bench` runs: a network's graphs, and data and weights made up here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cl/matrix.h"
#include "cl/tuning_cache.h"
#include "cli/bench_net.h"
#include "graph/autodiff.h"
#include "graph/optim.h"
#include "run/build.h"
#include "run/engine.h"
#include "score/noise.h"
#include "score/schedule.h"

enum { DATA_BATCHES = 4 };

/* "28x28x1-ngf64-b32" as the config of a training, so that -o reaches every key.  No average of the weights:
 * the peer that tools/bench-pytorch times keeps none. */
static bool config_of_sizes(const char *name, int shape[3], char *text, size_t size)
{
    int ngf, batch, end = 0;
    if (sscanf(name, "%dx%dx%d-ngf%d-b%d%n", &shape[0], &shape[1], &shape[2], &ngf, &batch, &end) != 5 ||
        name[end])
        return false;
    snprintf(
        text, size,
        "data: { path: none }\nmodel: { ngf: %d }\nstages:\n  train: { kind: train, ema: 0, batch: %d }\n",
        ngf, batch);
    return true;
}

static const scl_stage_config *training_of(const scl_config *config)
{
    for (int i = 0; i < config->n_stage; i++)
        if (config->stage[i].kind == SCL_STAGE_TRAIN)
            return &config->stage[i];
    return NULL;
}

static scl_status read_config(net_bench *s, int shape[3], scl_err *err)
{
    char text[256];
    scl_config_errors errors = { 0 };
    const scl_override *o = s->o->overrides;
    const bool sizes = config_of_sizes(s->name, shape, text, sizeof text);
    const scl_status status = sizes
                                  ? scl_config_parse(text, strlen(text), s->name, NULL, o, s->o->n_overrides,
                                                     &s->config, &errors, err)
                                  : scl_config_read(s->name, o, s->o->n_overrides, &s->config, &errors, err);
    for (int i = 1; status != SCL_OK && i < errors.n; i++) /* the first is in err, which main prints */
        fprintf(stderr, "%s\n", errors.line[i]);
    scl_config_errors_free(&errors);
    SCL_TRY(status);
    const scl_stage_config *stage = training_of(s->config);
    if (!stage)
        return scl_fail(err, SCL_BAD_CONFIG, "%s has no stage of kind train", s->name);
    return sizes ? SCL_OK : scl_build_shape(s->config, stage, shape, err);
}

scl_status bench_setup(net_bench *s, scl_err *err)
{
    int shape[3];
    SCL_TRY(read_config(s, shape, err));
    const scl_stage_config *stage = training_of(s->config);
    scl_matrix_result units;
    SCL_TRY(scl_matrix_use(s->b, scl_config_choice("precision", (int)s->config->precision), &units, err));
    if (s->config->precision != SCL_PRECISION_F32)
        scl_info("%s", units.text);
    s->spec = scl_build_spec(s->config, stage, shape, 0);
    s->spec.accumulate = false;
    s->spec.n = s->spec.global_batch;
    s->noise = stage->noise;
    s->train = stage->train;
    if (!s->o->untuned)
        scl_tuning_load(s->b, &s->tuning);
    s->plan =
        scl_build_plan_options(s->config, stage, scl_tune_list(s->config, &s->config->arena), &s->tuning);
    s->device = scl_build_device(stage, &s->b->info);
    return scl_net_check(&s->spec.net, err);
}

void bench_setup_free(net_bench *s)
{
    scl_config_free(s->config);
    scl_tuning_free(&s->tuning);
    scl_arena_free(&s->arena);
}

static scl_status forward_graph(net_bench *s, bool along, scl_graph **out, scl_err *err)
{
    const scl_net_config *c = &s->spec.net;
    scl_value *x, *label, *score, *v, *tangent;
    scl_graph *g = scl_graph_new(&s->arena, along ? "jvp" : "forward");
    SCL_TRY(scl_value_get(g, &x, SCL_INPUT, "sample.x", SCL_F32,
                          SCL_DIMS(s->spec.n, c->height, c->width, c->channels), err));
    SCL_TRY(scl_value_get(g, &label, SCL_INPUT, "sample.label", SCL_I32, SCL_DIMS(s->spec.n), err));
    const scl_level level = { .label = label };
    SCL_TRY(scl_net_build(g, c, "", x, &level, &score, err));
    scl_output(score, "score");
    *out = g;
    if (!along)
        return SCL_OK;
    SCL_TRY(scl_value_get(g, &v, SCL_INPUT, "vector", SCL_F32, x->rank, x->dim, err));
    SCL_TRY(scl_jvp(g, score, &x, &v, 1, &tangent, err));
    scl_output(tangent, "jvp");
    return SCL_OK;
}

/* The pass that is not asked for is there too, but leads to no output: a plan drops it. */
static scl_status conv_graph(net_bench *s, const char *what, scl_graph **out, scl_err *err)
{
    const scl_net_config *c = &s->spec.net;
    const int channels = c->ngf;
    scl_value *x, *w, *y, *dy, *gradient[2];
    scl_graph *g = scl_graph_new(&s->arena, what);
    SCL_TRY(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(s->spec.n, c->height, c->width, channels),
                          err));
    SCL_TRY(scl_value_get(g, &dy, SCL_INPUT, "dy", SCL_F32,
                          SCL_DIMS(s->spec.n, c->height, c->width, channels), err));
    SCL_TRY(scl_value_get(g, &w, SCL_PARAM, "w", SCL_F32, SCL_DIMS(3, 3, channels, channels), err));
    SCL_TRY(SCL_APPLY(g, &y, err, "conv2d", SCL_IN("x", x), SCL_IN("w", w), SCL_INT("dilation", 1),
                      SCL_TEXT("algorithm", c->conv)));
    *out = g;
    if (!strcmp(what, "conv2d")) {
        scl_output(y, "out");
        return SCL_OK;
    }
    SCL_TRY(scl_vjp(g, y, dy, (scl_value *const[]){ x, w }, 2, gradient, err));
    scl_output(gradient[!strcmp(what, "conv2d_dw")], "out");
    return SCL_OK;
}

scl_status bench_graph(net_bench *s, const char *what, scl_graph **out, scl_err *err)
{
    s->spec.data_count = DATA_BATCHES * s->spec.n;
    if (!strcmp(what, "forward"))
        return forward_graph(s, false, out, err);
    if (!strcmp(what, "jvp"))
        return forward_graph(s, true, out, err);
    if (!strcmp(what, "train_step"))
        return scl_step_train(out, &s->arena, &s->spec, err);
    if (!strcmp(what, "sample_step"))
        return scl_step_sample(out, &s->arena, &s->spec, NULL, "", err);
    return conv_graph(s, what, out, err);
}

/* Any numbers of a value's type, within its range. */
static scl_status fill_value(net_bench *s, scl_store *store, const scl_value *v, scl_err *err)
{
    const size_t n = scl_value_count(v);
    const unsigned below = (unsigned)(strstr(v->name, "label") ? s->spec.net.levels : (int)n);
    void *data;
    SCL_TRY(scl_alloc_bytes(&data, scl_value_bytes(v), "made-up data", err));
    for (size_t i = 0; i < n; i++)
        if (v->dtype == SCL_U8)
            ((unsigned char *)data)[i] = (unsigned char)(i * 2654435761u >> 24);
        else if (v->dtype == SCL_F32)
            ((float *)data)[i] = (float)(i * 2654435761u % 65536) * 0x1p-16f;
        else if (v->dtype == SCL_I32)
            ((int32_t *)data)[i] = (int32_t)(i % below);
    const scl_status status = scl_store_write(store, v->name, data, scl_value_bytes(v), err);
    free(data);
    return status;
}

static scl_status fill_weights(net_bench *s, const scl_graph *g, scl_store *store, scl_err *err)
{
    const scl_param_list params = scl_net_params(g, "", &s->arena);
    scl_status status = SCL_OK;
    for (int i = 0; i < params.n && status == SCL_OK; i++) {
        const size_t bytes = scl_value_bytes(params.item[i].value);
        void *data;
        SCL_TRY(scl_alloc_bytes(&data, bytes, "weights", err));
        scl_param_init(&params.item[i], i, 1, data);
        status = scl_store_write(store, params.item[i].value->name, data, bytes, err);
        free(data);
    }
    return status;
}

static scl_status put(scl_store *store, const char *name, const void *data, size_t bytes, scl_err *err)
{
    return scl_store_find(store, name).value ? scl_store_write(store, name, data, bytes, err) : SCL_OK;
}

scl_status bench_fill(net_bench *s, const scl_graph *g, scl_store *store, scl_err *err)
{
    SCL_TRY(fill_weights(s, g, store, err));
    for (int i = 0; i < g->n_value; i++) {
        const scl_value *v = g->value[i];
        if (v->role == SCL_INPUT || v->role == SCL_CONST || (v->name && !strcmp(v->name, "sample.x")))
            SCL_TRY(fill_value(s, store, v, err));
    }
    scl_noise noise;
    SCL_TRY(scl_noise_of(&noise, &s->arena, &s->noise, 2, false, err));
    SCL_TRY(scl_noise_write(store, &noise, err));
    const float inv = (float)(1.0 / s->spec.n), sample[SCL_SAMPLE_COEFS] = { [SCL_SAMPLE_STEP] = 2e-5f, [SCL_SAMPLE_NOISE] = 6e-3f };
    float coef[SCL_COEFS];
    scl_optim_coefs(&s->train, 10, coef);
    uint32_t counters[SCL_COUNTERS] = { 1, 0, 10 };
    counters[SCL_CNT_BATCH] = (uint32_t)s->spec.n;
    counters[SCL_CNT_SLOT] = 10;
    SCL_TRY(put(store, "inv_batch", &inv, sizeof inv, err));
    SCL_TRY(put(store, "coef", coef, sizeof coef, err));
    SCL_TRY(put(store, "sample.coef", sample, sizeof sample, err));
    return put(store, "counters", counters, sizeof counters, err);
}
