/* Golden quantities of the losses that need derivatives of the score: the training step's graph with the file's projection. */
#include "graph/arith.h"
#include "run/golden_run.h"

/* The first n samples of the file, their labels, the noise and the projection that the file gives for them. */
static scl_status put_batch(golden *g, const golden_runner *r, int n, scl_err *err)
{
    const size_t bytes = sizeof(float) * (size_t)n * (size_t)(g->net.channels * g->net.height * g->net.width);
    const float *x = scl_golden_images(g, "in.x", 0, (size_t)n), *z = scl_golden_images(g, "ssm.noise", 0, (size_t)n);
    const float *v = scl_golden_images(g, "ssm.v", 0, (size_t)n), inv = (float)(1.0 / n);
    const scl_tensor *labels = scl_safetensors_find(g->file, "in.labels");
    uint32_t counters[SCL_COUNTERS] = { [SCL_CNT_BATCH] = (uint32_t)n };
    if (!x || !z || !v || !labels || labels->count < (size_t)n)
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0, "in.x, in.labels, ssm.noise and ssm.v do not belong together");
    int32_t *label = SCL_NEW_ARRAY(&g->arena, int32_t, labels->count);
    scl_tensor_i32(labels, label);
    for (int i = 0; i < n; i++)
        if (label[i] < 0 || label[i] >= g->net.levels)
            return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0, "in.labels[%d] is %d, there are %d levels", i, label[i],
                               g->net.levels);
    SCL_TRY(scl_golden_put(r, "given.x", x, bytes, err));
    SCL_TRY(scl_golden_put(r, "given.z", z, bytes, err));
    SCL_TRY(scl_golden_put(r, "given.v", v, bytes, err));
    SCL_TRY(scl_golden_put(r, "given.label", label, sizeof *label * (size_t)n, err));
    SCL_TRY(scl_golden_put(r, "inv_batch", &inv, sizeof inv, err));
    return scl_golden_put(r, "counters", counters, sizeof counters, err);
}

static scl_status number(golden *g, const golden_runner *r, const char *name, double *out, scl_err *err)
{
    float *data;
    SCL_TRY(scl_golden_fetch(g, r, scl_find_value(r->graph, name), &data, err));
    *out = (double)data[0];
    return SCL_OK;
}

static scl_status run_sliced(golden *g, golden_runner *r, int n, scl_err *err)
{
    double loss, term[2];
    float *along;
    SCL_TRY(scl_golden_start(g, r, err));
    SCL_TRY(put_batch(g, r, n, err));
    SCL_TRY(scl_exec_run(r->exec, err));
    SCL_TRY(number(g, r, "loss", &loss, err));
    SCL_TRY(number(g, r, "loss.first", &term[0], err));
    SCL_TRY(number(g, r, "loss.second", &term[1], err));
    SCL_TRY(scl_golden_fetch(g, r, scl_find_value(r->graph, "jvp"), &along, err));
    scl_golden_set(g, "out.ssm_loss", &loss);
    scl_golden_set(g, "out.ssm_terms", term);
    scl_golden_set_images(g, "out.jvp", along, n, g->net.height, g->net.width, g->net.channels);
    return scl_golden_keep_gradients(g, r, "ssm", err);
}

scl_status scl_golden_sliced(golden *g, scl_err *err)
{
    golden_runner r = { 0 };
    const scl_tensor *v = scl_safetensors_find(g->file, "ssm.v");
    const int n = v->rank == 4 ? (int)v->dim[0] : 0;
    if (n < 1 || n > g->n)
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0, "ssm.v has %d samples, in.x %d", n, g->n);
    const scl_step_spec spec = { .net = g->net, .n = n, .global_batch = n, .data_count = n, .given = true, .given_v = true,
                                 .objective = { .loss = "ssm_vr" } };
    SCL_TRY(scl_step_train(&r.graph, &g->arena, &spec, err));
    const scl_status status = run_sliced(g, &r, n, err);
    scl_golden_stop(&r);
    return status;
}
