#include "run/classifier.h"

#include <stdlib.h>
#include <string.h>

#include "graph/arith.h"
#include "run/build.h"
#include "run/engine.h"

enum { AT_ONCE = 256 };

static scl_status no_classifier(const char *path, const scl_checkpoint *from, scl_err *err)
{
    const char *net = from->info.net;
    return scl_fail(err, SCL_FAILED, "checkpoint '%s' holds no classifier%s%s%s", path,
                    net[0] ? " (it holds " : "", net, net[0] ? ")" : "");
}

static scl_status check_shape(const char *name, const int at[3], const int shape[3], scl_err *err)
{
    if (!shape || !memcmp(at, shape, 3 * sizeof *shape))
        return SCL_OK;
    return scl_fail(err, SCL_FAILED, "the classifier '%s' looks at %dx%dx%d, the samples are %dx%dx%d", name,
                    at[0], at[1], at[2], shape[0], shape[1], shape[2]);
}

static void take(scl_classifier *k, const scl_config *config, const scl_stage_config *stage, const int shape[3])
{
    k->net = scl_build_net(config, stage, shape);
    k->noise = stage->noise;
    k->dequantize = stage->data.transform.dequantize == SCL_DEQUANTIZE_UNIFORM;
}

/* Out of the config that a checkpoint carries, and its shape. */
static scl_status take_file(scl_classifier *k, scl_arena *arena, const char *path, const int shape[3], scl_err *err)
{
    const scl_checkpoint_info *i = &k->from->info;
    scl_config_errors errors = { 0 };
    scl_config *config = NULL;
    if (!k->from->ours)
        return no_classifier(path, k->from, err);
    scl_status status = scl_config_parse(i->config, strlen(i->config), path, NULL, NULL, 0, &config, &errors, err);
    const scl_stage_config *stage = status == SCL_OK ? scl_config_stage(config, i->stage) : NULL;
    if (status == SCL_OK && (!stage || stage->model.net != SCL_NET_CLASSIFIER))
        status = no_classifier(path, k->from, err);
    if (status == SCL_OK)
        status = check_shape(path, (int[3]){ i->height, i->width, i->channels }, shape, err);
    if (status == SCL_OK) {
        take(k, config, stage, (int[3]){ i->height, i->width, i->channels });
        k->net.conv = scl_arena_strdup(arena, i->conv);
    }
    scl_config_free(config);
    scl_config_errors_free(&errors);
    return status;
}

/* Its own data tell a stage's shape, as far as the config does. */
static scl_status take_stage(scl_classifier *k, const scl_config *config, const char *name,
                             const int shape[3], scl_err *err)
{
    const scl_stage_config *stage = scl_config_stage(config, name);
    int own[3];
    if (!stage || stage->kind != SCL_STAGE_TRAIN || stage->model.net != SCL_NET_CLASSIFIER)
        return scl_fail(err, SCL_BAD_CONFIG,
                        "no stage '%s' that trains a classifier is at hand; name the file of its checkpoint",
                        name);
    if (scl_build_shape(config, stage, own, NULL) == SCL_OK)
        SCL_TRY(check_shape(name, own, shape, err));
    take(k, config, stage, shape);
    return SCL_OK;
}

scl_status scl_classifier_describe(scl_classifier *out, scl_arena *arena, const scl_config *config, const char *name,
                                   const int shape[3], scl_err *err)
{
    *out = (scl_classifier){ 0 };
    if (!scl_checkpoint_is_file(name))
        return take_stage(out, config, name, shape, err);
    out->path = name;
    scl_status status = scl_checkpoint_open(&out->from, name, err);
    if (status == SCL_OK)
        status = take_file(out, arena, name, shape, err);
    scl_classifier_close(out);
    return status;
}

scl_status scl_classifier_open(scl_classifier *out, scl_stage_context *c, const char *name,
                               const int shape[3], scl_err *err)
{
    *out = (scl_classifier){ 0 };
    if (!scl_checkpoint_is_file(name)) {
        SCL_TRY(take_stage(out, c->config, name, shape, err));
        const char *folder = scl_arena_printf(c->arena, "%s/%s/checkpoints", c->run->folder, name);
        SCL_TRY(scl_checkpoints_find(folder, "latest", c->arena, &out->path, err));
    } else {
        out->path = name;
    }
    scl_status status = scl_checkpoint_open(&out->from, out->path, err);
    if (status == SCL_OK)
        status = take_file(out, c->arena, out->path, shape, err);
    if (status != SCL_OK)
        scl_classifier_close(out);
    return status;
}

void scl_classifier_close(scl_classifier *k)
{
    scl_checkpoint_close(k->from);
    k->from = NULL;
}

scl_status scl_classifier_fits(const scl_classifier *k, const scl_stage_config *stage, scl_err *err)
{
    const scl_noise_config *a = &k->noise, *b = &stage->noise;
    if (scl_noise_equal(a, b) || (!k->net.conditional && a->schedule == b->schedule))
        return SCL_OK;
    return scl_fail(err, SCL_FAILED,
                    "the classifier '%s' knows %d noise levels from %g to %g (%s), the samples have %d from "
                    "%g to %g (%s)",
                    k->path ? k->path : "?", a->levels, a->sigma_begin, a->sigma_end,
                    scl_config_choice("noise.schedule", (int)a->schedule), b->levels, b->sigma_begin,
                    b->sigma_end, scl_config_choice("noise.schedule", (int)b->schedule));
}

/* ---- looking ---- */

typedef struct looker {
    const scl_classifier *k;
    scl_stage_context *c;
    scl_backend *b;
    scl_graph *graph;
    scl_plan *plan;
    scl_store *store;
    scl_exec *exec;
    int n, width;                /* samples of a run; features of each */
} looker;

/* x to "stage.features" f32[N,F] and "logits" f32[N,K]. */
static scl_status build(looker *l, scl_err *err)
{
    scl_net_config net = l->k->net;
    scl_value *x, *logits;
    scl_level level = { 0 };
    net.stages = true;
    l->graph = scl_graph_new(l->c->arena, "classify");
    l->graph->global_batch = l->n;
    SCL_TRY(scl_value_get(l->graph, &x, SCL_INPUT, "x", SCL_F32,
                          SCL_DIMS(l->n, net.height, net.width, net.channels), err));
    SCL_TRY(scl_value_get(l->graph, &level.label, SCL_INPUT, "label", SCL_I32, SCL_DIMS(l->n), err));
    SCL_TRY(scl_net_build(l->graph, &net, "", x, &level, &logits, err));
    scl_output(logits, "logits");
    l->width = scl_find_value(l->graph, "stage.features")->dim[1];
    return SCL_OK;
}

static scl_status open_looker(looker *l, scl_err *err)
{
    const scl_stage_config *stage = l->c->stage;
    const scl_plan_options options = scl_stage_plan_options(l->c, NULL);
    SCL_TRY(build(l, err));
    SCL_TRY(scl_stage_open_device(l->c, &l->b, err));
    const scl_device_info device = scl_build_device(stage, &l->b->info);
    SCL_TRY(scl_plan_make(&l->plan, l->c->arena, l->graph, &device, &options, err));
    SCL_TRY(scl_store_create_guarded(&l->store, l->b, &l->graph, 1, scl_observer_guard(l->c->observer), err));
    SCL_TRY(scl_exec_create(&l->exec, l->b, l->plan, l->store, NULL, err));
    SCL_TRY(scl_checkpoint_weights(l->k->from, l->store,
                                   stage->sample.weights == SCL_WEIGHTS_EMA ? "ema." : "", "", err));
    int32_t *label = SCL_NEW_ARRAY(l->c->arena, int32_t, l->n);
    for (int i = 0; i < l->n; i++)
        label[i] = l->k->net.levels - 1;
    return scl_store_find(l->store, "label").value
               ? scl_store_write(l->store, "label", label, sizeof *label * (size_t)l->n, err)
               : SCL_OK;
}

static void close_looker(looker *l)
{
    scl_exec_free(l->exec);
    scl_store_free(l->store);
    if (l->b)
        l->b->v->close(l->b);
}

/* A byte as training sees it, in the middle of its dequantisation. */
static float value_of(const looker *l, float v, bool byte)
{
    return scl_flush(!byte ? v : scl_pixel_value(v * 255.0f, l->k->dequantize, l->k->net.logit));
}

static int32_t largest(const float *z, int K)
{
    int best = 0;
    for (int k = 1; k < K; k++)
        best = z[k] > z[best] ? k : best;
    return best;
}

static scl_status look(looker *l, const float *x, size_t count, bool bytes, int32_t *class, float *features,
                       scl_err *err)
{
    const scl_net_config *net = &l->k->net;
    const size_t D = (size_t)net->height * (size_t)net->width * (size_t)net->channels, n = (size_t)l->n,
                 F = (size_t)l->width, K = (size_t)net->outputs;
    float *block, *logits, *seen;
    SCL_TRY(SCL_TAKE_ARRAY(&block, l->c->arena, n * D, "the pictures of a run", err));
    SCL_TRY(SCL_TAKE_ARRAY(&logits, l->c->arena, n * K, "their logits", err));
    SCL_TRY(SCL_TAKE_ARRAY(&seen, l->c->arena, n * F, "their features", err));
    for (size_t first = 0; first < count; first += n) {
        const size_t now = count - first < n ? count - first : n;
        for (size_t i = 0; i < now * D; i++)
            block[i] = value_of(l, x[first * D + i], bytes);
        SCL_TRY(scl_store_write(l->store, "x", block, sizeof *block * n * D, err));
        SCL_TRY(scl_stage_evaluation(l->c, first, l->exec, err));
        SCL_TRY(scl_exec_read(l->exec, "logits", logits, sizeof *logits * n * K, err));
        SCL_TRY(scl_exec_read(l->exec, "stage.features", seen, sizeof *seen * n * F, err));
        memcpy(features + first * F, seen, sizeof *seen * now * F);
        for (size_t i = 0; i < now; i++)
            class[first + i] = largest(logits + i * K, net->outputs);
        if (*l->c->stop)
            return scl_stage_interrupted(l->c, -1, err);
    }
    return SCL_OK;
}

scl_status scl_classifier_look(const scl_classifier *k, scl_stage_context *c, const float *x, size_t count,
                               bool bytes, int32_t **class, float **features, int *width, scl_err *err)
{
    looker l = { .k = k, .c = c, .n = count < AT_ONCE ? (int)count : AT_ONCE };
    void *block = NULL;
    scl_status status = open_looker(&l, err);
    if (status == SCL_OK)
        status = scl_alloc_bytes(&block, sizeof **class * count, "classes", err);
    *class = block;
    block = NULL;
    if (status == SCL_OK)
        status = scl_alloc_bytes(&block, sizeof **features * count * (size_t)l.width, "features", err);
    *features = block;
    *width = l.width;
    if (status == SCL_OK)
        status = look(&l, x, count, bytes, *class, *features, err);
    close_looker(&l);
    return status;
}
