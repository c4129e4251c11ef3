/* Golden quantities computed: the same step graphs that train and sample, with the file's inputs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/arith.h"
#include "graph/optim.h"
#include "run/golden_run.h"
#include "run/layout.h"
#include "score/schedule.h"

int scl_golden_find(const golden *g, const char *name)
{
    for (int i = 0; i < g->file->n; i++)
        if (!strcmp(g->file->tensor[i].name, name))
            return i;
    return -1;
}

double *scl_golden_tensor(golden *g, const char *name)
{
    const scl_tensor *t = scl_safetensors_find(g->file, name);
    if (!t)
        return NULL;
    double *out = SCL_NEW_ARRAY(&g->arena, double, t->count + 1);
    scl_tensor_f64(t, out);
    return out;
}

void scl_golden_set(golden *g, const char *name, const double *values)
{
    const int i = scl_golden_find(g, name);
    if (i < 0)
        return;
    g->result[i] = SCL_NEW_ARRAY(&g->arena, double, g->file->tensor[i].count + 1);
    memcpy(g->result[i], values, sizeof(double) * g->file->tensor[i].count);
}

float *scl_golden_images(golden *g, const char *name, size_t first, size_t count)
{
    const scl_tensor *t = scl_safetensors_find(g->file, name);
    const size_t C = (size_t)g->net.channels, P = (size_t)g->net.height * (size_t)g->net.width;
    if (!t || t->count < (first + count) * C * P)
        return NULL;
    const double *from = scl_golden_tensor(g, name) + first * C * P;
    float *to = SCL_NEW_ARRAY(&g->arena, float, count * C * P);
    for (size_t n = 0; n < count; n++)
        for (size_t c = 0; c < C; c++)
            for (size_t p = 0; p < P; p++)
                to[(n * P + p) * C + c] = scl_flush((float)from[(n * C + c) * P + p]);
    return to;
}

void scl_golden_set_images(golden *g, const char *name, const float *nhwc, int samples, int height, int width,
                       int channels)
{
    const int i = scl_golden_find(g, name);
    const size_t C = (size_t)channels, P = (size_t)height * (size_t)width, N = (size_t)samples;
    if (i < 0 || g->file->tensor[i].count != N * C * P)
        return;
    double *to = g->result[i] = SCL_NEW_ARRAY(&g->arena, double, N * C * P);
    for (size_t n = 0; n < N; n++)
        for (size_t c = 0; c < C; c++)
            for (size_t p = 0; p < P; p++)
                to[(n * C + c) * P + p] = (double)nhwc[(n * P + p) * C + c];
}

void scl_golden_stop(golden_runner *r)
{
    scl_exec_free(r->exec);
    scl_store_free(r->store);
    *r = (golden_runner){ 0 };
}

scl_status scl_golden_put(const golden_runner *r, const char *name, const void *data, size_t bytes, scl_err *err)
{
    return scl_store_find(r->store, name).value ? scl_store_write(r->store, name, data, bytes, err) : SCL_OK;
}

static scl_status put_weight(golden *g, const golden_runner *r, const scl_value *v, scl_err *err)
{
    const scl_tensor expected = scl_layout_tensor(v), *t;
    t = scl_safetensors_find(g->file, scl_arena_printf(&g->arena, "param.%s", v->name));
    if (!t || t->rank != expected.rank ||
        memcmp(t->dim, expected.dim, sizeof *t->dim * (size_t)t->rank) != 0) {
        char have[64] = "not there", want[64];
        if (t)
            scl_tensor_shape_text(t, have, sizeof have);
        scl_tensor_shape_text(&expected, want, sizeof want);
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0, "param.%s is [%s], the network has [%s]",
                           v->name, have, want);
    }
    float *file = SCL_NEW_ARRAY(&g->arena, float, 2 * t->count), *device = file + t->count;
    scl_tensor_f32(t, file);
    for (size_t i = 0; i < t->count; i++)
        file[i] = scl_flush(file[i]);
    scl_layout_to_device(v, file, device);
    return scl_store_write(r->store, v->name, device, scl_value_bytes(v), err);
}

/* Weights, and the noise table: rounded once, weight = sigma^2. */
static scl_status put_constants(golden *g, const golden_runner *r, scl_err *err)
{
    const int L = g->net.levels;
    float *table = SCL_NEW_ARRAY(&g->arena, float, 3 * L), *inv = table + L, *weight = inv + L;
    for (int i = 0; i < L; i++) {
        table[i] = (float)g->sigma[i];
        inv[i] = (float)(1 / g->sigma[i]);
        weight[i] = g->unweighted ? 1.0f : (float)(g->sigma[i] * g->sigma[i]);
    }
    const size_t bytes = sizeof(float) * (size_t)L;
    SCL_TRY(scl_golden_put(r, "sigma", table, bytes, err));
    SCL_TRY(scl_golden_put(r, "inv_sigma", inv, bytes, err));
    SCL_TRY(scl_golden_put(r, "weight", weight, bytes, err));
    for (int i = 0; i < r->graph->n_value; i++)
        if (r->graph->value[i]->role == SCL_PARAM)
            SCL_TRY(put_weight(g, r, r->graph->value[i], err));
    return SCL_OK;
}

scl_status scl_golden_start(golden *g, golden_runner *r, scl_err *err)
{
    if (strstr(scl_net_conv(r->graph, &g->arena), "=winograd4"))
        g->W = 4;
    const scl_plan_options options = { .tune = g->tune };
    SCL_TRY(scl_plan_make(&r->plan, &g->arena, r->graph, &g->b->info, &options, err));
    SCL_TRY(scl_store_create(&r->store, g->b, &r->graph, 1, err));
    SCL_TRY(put_constants(g, r, err));
    return scl_exec_create(&r->exec, g->b, r->plan, r->store, NULL, err);
}

static scl_status put_batch(golden *g, const golden_runner *r, long step, scl_err *err)
{
    const size_t images = sizeof(float) * (size_t)(g->n * g->net.channels * g->net.height * g->net.width);
    const float *x = scl_golden_images(g, "in.x", 0, (size_t)g->n),
                *z = scl_golden_images(g, "in.noise", 0, (size_t)g->n);
    const scl_tensor *labels = scl_safetensors_find(g->file, "in.labels");
    const float inv = (float)(1.0 / g->n);
    uint32_t counters[SCL_COUNTERS] = { 0 };
    int32_t *label = SCL_NEW_ARRAY(&g->arena, int32_t, g->n);
    if (!x || !z || !labels || labels->count != (size_t)g->n)
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0,
                           "in.x, in.noise and in.labels do not belong together");
    scl_tensor_i32(labels, label);
    for (int i = 0; i < g->n; i++)
        if (label[i] < 0 || label[i] >= g->net.levels)
            return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0,
                               "in.labels[%d] is %d, there are %d levels", i, label[i], g->net.levels);
    counters[SCL_CNT_STEP] = (uint32_t)step;
    counters[SCL_CNT_SLOT] = (uint32_t)(step % SCL_RING_ROWS);
    counters[SCL_CNT_BATCH] = (uint32_t)g->n;
    SCL_TRY(scl_golden_put(r, "given.x", x, images, err));
    SCL_TRY(scl_golden_put(r, "given.z", z, images, err));
    SCL_TRY(scl_golden_put(r, "given.label", label, sizeof *label * (size_t)g->n, err));
    SCL_TRY(scl_golden_put(r, "inv_batch", &inv, sizeof inv, err));
    return scl_golden_put(r, "counters", counters, sizeof counters, err);
}

scl_status scl_golden_fetch(golden *g, const golden_runner *r, const scl_value *v, float **out, scl_err *err)
{
    *out = SCL_NEW_ARRAY(&g->arena, float, scl_value_count(v) + 1);
    return scl_exec_read(r->exec, v->name, *out, scl_value_bytes(v), err);
}

scl_status scl_golden_keep_gradients(golden *g, const golden_runner *r, const char *prefix, scl_err *err)
{
    for (int i = 0; i < r->graph->n_value; i++) {
        const scl_value *v = r->graph->value[i];
        const size_t n = scl_value_count(v);
        float *data;
        if (!v->output || strncmp(v->name, "grad.", 5) != 0)
            continue;
        SCL_TRY(scl_golden_fetch(g, r, v, &data, err));
        float *file = SCL_NEW_ARRAY(&g->arena, float, n);
        double *wide = SCL_NEW_ARRAY(&g->arena, double, n);
        scl_layout_to_file(v, data, file);
        for (size_t k = 0; k < n; k++)
            wide[k] = (double)file[k];
        scl_golden_set(g, scl_arena_printf(&g->arena, "%s_%s", prefix, v->name), wide);
    }
    return SCL_OK;
}

/* An output of the gradient graph, under the name that the file gives it. */
static scl_status keep(golden *g, const golden_runner *r, const scl_value *v, scl_err *err)
{
    float *data;
    if (!strncmp(v->name, "grad.", 5))
        return SCL_OK;
    SCL_TRY(scl_golden_fetch(g, r, v, &data, err));
    if (!strcmp(v->name, "loss")) {
        const double loss = (double)data[0];
        scl_golden_set(g, "out.dsm_loss", &loss);
    } else {
        const bool stage = !strncmp(v->name, "stage.", 6);      /* of the first sample */
        scl_golden_set_images(g, stage ? v->name : scl_arena_printf(&g->arena, "out.%s", v->name), data,
                          stage ? 1 : v->dim[0], v->dim[1], v->dim[2], v->dim[3]);
    }
    return SCL_OK;
}

static scl_step_spec spec_of(const golden *g, const char *optimizer)
{
    return (scl_step_spec){ .net = g->net,
                            .n = g->n,
                            .global_batch = g->n,
                            .data_count = g->n,
                            .given = true,
                            .optimizer = optimizer };
}

static scl_status run_gradients(golden *g, golden_runner *r, scl_err *err)
{
    SCL_TRY(scl_golden_start(g, r, err));
    SCL_TRY(put_batch(g, r, 0, err));
    SCL_TRY(scl_exec_run(r->exec, err));
    for (int i = 0; i < r->graph->n_value; i++)
        if (r->graph->value[i]->output)
            SCL_TRY(keep(g, r, r->graph->value[i], err));
    return scl_golden_keep_gradients(g, r, "dsm", err);
}

scl_status scl_golden_gradients(golden *g, scl_err *err)
{
    golden_runner r = { 0 };
    scl_step_spec spec = spec_of(g, NULL);
    spec.net.stages = true;
    SCL_TRY(scl_step_train(&r.graph, &g->arena, &spec, err));
    const scl_status status = run_gradients(g, &r, err);
    scl_golden_stop(&r);
    return status;
}

/* "lr=1e-3 betas=0.9,0.999 eps=1e-8" */
static scl_train_config adam_config(const golden *g)
{
    scl_train_config t = { .steps = 4 };
    t.optimizer.method = SCL_OPTIMIZER_ADAM;
    t.optimizer.lr = 1e-3;
    t.optimizer.beta1 = 0.9;
    t.optimizer.beta2 = 0.999;
    t.optimizer.eps = 1e-8;
    const char *text = scl_safetensors_meta(g->file, "adam"), *at;
    if (text && (at = strstr(text, "lr=")))
        t.optimizer.lr = strtod(at + 3, NULL);
    if (text && (at = strstr(text, "eps=")))
        t.optimizer.eps = strtod(at + 4, NULL);
    if (text && (at = strstr(text, "betas="))) {
        char *end;
        t.optimizer.beta1 = strtod(at + 6, &end);
        t.optimizer.beta2 = strtod(end + 1, NULL);
    }
    return t;
}

static scl_status keep_weights(golden *g, const golden_runner *r, scl_err *err)
{
    for (int i = 0; i < r->graph->n_value; i++) {
        const scl_value *v = r->graph->value[i];
        const char *name = scl_arena_printf(&g->arena, "adam3.%s", v->name ? v->name : "");
        if (v->role != SCL_PARAM || scl_golden_find(g, name) < 0)
            continue;
        const size_t n = scl_value_count(v);
        float *device = SCL_NEW_ARRAY(&g->arena, float, 2 * n), *file = device + n;
        double *wide = SCL_NEW_ARRAY(&g->arena, double, n);
        SCL_TRY(scl_store_read(r->store, v->name, device, scl_value_bytes(v), err));
        scl_layout_to_file(v, device, file);
        for (size_t k = 0; k < n; k++)
            wide[k] = (double)file[k];
        scl_golden_set(g, name, wide);
    }
    return SCL_OK;
}

/* Three steps; the loss is computed before each, and once more after the third (whose update is not kept). */
static scl_status run_adam(golden *g, golden_runner *r, scl_err *err)
{
    const scl_train_config t = adam_config(g);
    double losses[4];
    SCL_TRY(scl_golden_start(g, r, err));
    for (int step = 0; step < 4; step++) {
        float coef[SCL_COEFS], loss;
        scl_optim_coefs(&t, step, coef);
        SCL_TRY(put_batch(g, r, step, err));
        SCL_TRY(scl_golden_put(r, "coef", coef, sizeof coef, err));
        SCL_TRY(scl_exec_run(r->exec, err));
        SCL_TRY(scl_exec_read(r->exec, "loss", &loss, sizeof loss, err));
        losses[step] = (double)loss;
        if (step == 2)
            SCL_TRY(keep_weights(g, r, err));
    }
    scl_golden_set(g, "out.adam_losses", losses);
    return SCL_OK;
}

scl_status scl_golden_adam(golden *g, scl_err *err)
{
    golden_runner r = { 0 };
    const scl_step_spec spec = spec_of(g, "adam");
    SCL_TRY(scl_step_train(&r.graph, &g->arena, &spec, err));
    const scl_status status = run_adam(g, &r, err);
    scl_golden_stop(&r);
    return status;
}
