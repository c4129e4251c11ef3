/* Golden quantities of the losses that need derivatives of the score: the training step's graph with the file's projection.
 * Networks: annealed, variance-reduced sliced score matching.  The toy: every loss on points. */
#include <math.h>
#include <string.h>

#include "graph/arith.h"
#include "run/golden_run.h"

/* One loss of a file: what it is called there, what it is, and which tensors go in. */
typedef struct golden_loss {
    const char *name;              /* out.NAME_loss, NAME_grad.* */
    scl_objective_spec objective;
    const char *z, *v;             /* NULL: the loss has no use for it */
    bool unit;                     /* projections of length 1 */
} golden_loss;

static scl_status not_together(const golden *g, scl_err *err)
{
    return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0,
                       "in.x, in.labels, noise and projection do not belong together");
}

/* Each sample's vector as it is, or by its length. */
static float *projection(golden *g, const golden_loss *l, int n)
{
    const size_t D = (size_t)(g->net.channels * g->net.height * g->net.width);
    float *v = scl_golden_images(g, l->v, 0, (size_t)n);
    for (size_t i = 0; v && l->unit && i < (size_t)n; i++) {
        double square = 0;
        for (size_t d = 0; d < D; d++)
            square += (double)v[i * D + d] * (double)v[i * D + d];
        for (size_t d = 0; d < D; d++)
            v[i * D + d] = scl_flush((float)((double)v[i * D + d] / sqrt(square)));
    }
    return v;
}

/* Labels of the first n samples; all 0 where the network knows no levels. */
static scl_status labels_of(golden *g, int n, int32_t **out, scl_err *err)
{
    const scl_tensor *labels = scl_safetensors_find(g->file, "in.labels");
    const size_t count = labels && labels->count > (size_t)n ? labels->count : (size_t)n;
    *out = SCL_NEW_ARRAY(&g->arena, int32_t, count);
    if (!labels && g->net.levels == 1)
        return SCL_OK;
    if (!labels || labels->count < (size_t)n)
        return not_together(g, err);
    scl_tensor_i32(labels, *out);
    for (int i = 0; i < n; i++)
        if ((*out)[i] < 0 || (*out)[i] >= g->net.levels)
            return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0,
                               "in.labels[%d] is %d, there are %d levels", i, (*out)[i], g->net.levels);
    return SCL_OK;
}

static scl_status put_batch(golden *g, const golden_runner *r, const golden_loss *l, int n, scl_err *err)
{
    const size_t bytes = sizeof(float) * (size_t)n * (size_t)(g->net.channels * g->net.height * g->net.width);
    const float *x = scl_golden_images(g, "in.x", 0, (size_t)n),
                *z = l->z ? scl_golden_images(g, l->z, 0, (size_t)n) : NULL;
    const float *v = l->v ? projection(g, l, n) : NULL, inv = (float)(1.0 / n);
    uint32_t counters[SCL_COUNTERS] = { [SCL_CNT_BATCH] = (uint32_t)n };
    int32_t *label;
    if (!x || (l->z && !z) || (l->v && !v))
        return not_together(g, err);
    SCL_TRY(labels_of(g, n, &label, err));
    SCL_TRY(scl_golden_put(r, "given.x", x, bytes, err));
    if (z)
        SCL_TRY(scl_golden_put(r, "given.z", z, bytes, err));
    if (v)
        SCL_TRY(scl_golden_put(r, "given.v", v, bytes, err));
    SCL_TRY(scl_golden_put(r, "given.label", label, sizeof *label * (size_t)n, err));
    SCL_TRY(scl_golden_put(r, "inv_batch", &inv, sizeof inv, err));
    return scl_golden_put(r, "counters", counters, sizeof counters, err);
}

static scl_status number(golden *g, const golden_runner *r, const char *name, double *out, scl_err *err)
{
    const scl_value *v = scl_find_value(r->graph, name);
    float *data;
    *out = 0;
    if (!v)
        return SCL_OK;
    SCL_TRY(scl_golden_fetch(g, r, v, &data, err));
    *out = (double)data[0];
    return SCL_OK;
}

static scl_status keep_image(golden *g, const golden_runner *r, const char *value, const char *name, int n,
                             scl_err *err)
{
    float *data;
    const scl_value *v = scl_find_value(r->graph, value);
    if (!v || scl_golden_find(g, name) < 0)
        return SCL_OK;
    SCL_TRY(scl_golden_fetch(g, r, v, &data, err));
    scl_golden_set_images(g, name, data, n, g->net.height, g->net.width, g->net.channels);
    return SCL_OK;
}

static scl_status run_loss(golden *g, golden_runner *r, const golden_loss *l, int n, scl_err *err)
{
    double loss[3];
    SCL_TRY(scl_golden_start(g, r, err));
    SCL_TRY(put_batch(g, r, l, n, err));
    SCL_TRY(scl_exec_run(r->exec, err));
    SCL_TRY(number(g, r, "loss", &loss[0], err));
    SCL_TRY(number(g, r, "loss.first", &loss[1], err));
    SCL_TRY(number(g, r, "loss.second", &loss[2], err));
    scl_golden_set(g, scl_arena_printf(&g->arena, "out.%s_loss", l->name), loss);       /* the total, or all three */
    scl_golden_set(g, scl_arena_printf(&g->arena, "out.%s_terms", l->name), loss + 1);
    if (!strcmp(l->name, "ism"))
        g->ism_scale = fmax(fabs(loss[1]), fabs(loss[2]));
    return scl_golden_keep_gradients(g, r, l->name, err);
}

static scl_status one_loss(golden *g, const golden_loss *l, int n, golden_runner *r, scl_err *err)
{
    const scl_step_spec spec = { .net = g->net, .n = n, .global_batch = n, .data_count = n, .given = true,
                                 .given_v = l->v != NULL, .objective = l->objective };
    *r = (golden_runner){ 0 };
    SCL_TRY(scl_step_train(&r->graph, &g->arena, &spec, err));
    return run_loss(g, r, l, n, err);
}

scl_status scl_golden_sliced(golden *g, scl_err *err)
{
    static const golden_loss sliced = { .name = "ssm", .objective = { .loss = "ssm_vr" }, .z = "ssm.noise", .v = "ssm.v" };
    const scl_tensor *v = scl_safetensors_find(g->file, "ssm.v");
    const int n = v->rank == 4 ? (int)v->dim[0] : 0;
    golden_runner r;
    if (n < 1 || n > g->n)
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0, "ssm.v has %d samples, in.x %d", n, g->n);
    scl_status status = one_loss(g, &sliced, n, &r, err);
    if (status == SCL_OK)
        status = keep_image(g, &r, "jvp", "out.jvp", n, err);
    scl_golden_stop(&r);
    return status;
}

scl_status scl_golden_points(golden *g, scl_err *err)
{
    static const golden_loss all[] = {
        { .name = "ssm_vr", .objective = { .loss = "ssm_vr", .clean = true }, .v = "in.v" },
        { .name = "ssm", .objective = { .loss = "ssm", .clean = true }, .v = "in.v", .unit = true },
        { .name = "ism", .objective = { .loss = "ism", .clean = true } },
        { .name = "dsm", .objective = { .loss = "dsm" }, .z = "dsm.noise" },
    };
    scl_status status = SCL_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == SCL_OK; i++) {
        golden_runner r;
        if (scl_golden_find(g, scl_arena_printf(&g->arena, "out.%s_loss", all[i].name)) < 0)
            continue;
        status = one_loss(g, &all[i], g->n, &r, err);
        if (status == SCL_OK && all[i].objective.clean)
            status = keep_image(g, &r, "score", "out.score", g->n, err);
        scl_golden_stop(&r);
    }
    return status;
}
