/* The samples of an evaluation and the data that they are compared with. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/npy.h"
#include "run/engine.h"
#include "run/evaluate.h"

static size_t width_of(const scl_evaluation *e) { return (size_t)e->height * (size_t)e->width * (size_t)e->channels; }

static size_t at_most(const scl_evaluation *e, size_t count)
{
    const size_t most = (size_t)e->config->images;
    return most && count > most ? most : count;
}

/* The first pictures of a split, as floats. */
static scl_status read_split(scl_evaluation *e, scl_split split, float **out, size_t *count, bool *bytes, scl_err *err)
{
    scl_dataset *d;
    void *block;
    SCL_TRY(scl_dataset_open(&d, &e->c->stage->data, split, err));
    e->height = d->height;
    e->width = d->width;
    e->channels = d->channels;
    *count = at_most(e, d->count);
    *bytes = d->u8 != NULL;
    const scl_status status = scl_alloc_bytes(&block, sizeof(float) * *count * width_of(e), "the reference", err);
    if (status == SCL_OK) {
        float *x = *out = block;
        for (size_t i = 0; i < *count; i++)
            scl_dataset_picture(d, i, x + i * width_of(e));
        for (size_t i = 0; *bytes && i < *count * width_of(e); i++)
            x[i] /= 255.0f;
    }
    scl_dataset_free(d);
    return status;
}

/* What a sample becomes in its picture: a byte. */
static float as_byte(float v)
{
    const float bounded = v > 0 ? v < 1 ? v : 1 : 0;
    return floorf(255 * bounded + 0.5f) / 255;
}

static scl_status take_samples(scl_evaluation *e, const scl_npy *a, const char *path, bool bytes, scl_err *err)
{
    size_t width = 1;
    for (int k = 1; k < a->rank; k++)
        width *= a->dim[k];
    if (a->rank < 1 || !a->dim[0] || width != width_of(e))
        return scl_fail(err, SCL_FAILED, "'%s' holds samples of %zu values; the data are %dx%dx%d", path, width, e->height, e->width,
                        e->channels);
    const size_t n = at_most(e, a->dim[0]);
    void *block;
    SCL_TRY(scl_alloc_bytes(&block, sizeof(float) * n * width, "the samples", err));
    e->made = block;
    for (size_t i = 0; i < n * width; i++) {
        const float v = a->dtype == SCL_NPY_U8 ? ((unsigned char *)a->data)[i] / 255.0f : ((float *)a->data)[i];
        if (!isfinite(v))
            return scl_fail(err, SCL_FAILED, "'%s': sample %zu is not finite", path, i / width);
        e->made[i] = bytes ? as_byte(v) : v;
    }
    e->made_set = (scl_set){ n, (int)width, e->made };
    e->made_from = path;
    return SCL_OK;
}

/* The file of the sample stage among the needs (check_evaluate.c: there is one), or what `samples` names. */
static const char *samples_path(const scl_evaluation *e)
{
    const scl_stage_config *stage = e->c->stage;
    if (strcmp(e->config->samples, "needs"))
        return e->config->samples;
    const char *path = NULL;
    for (int i = 0; i < stage->n_needs; i++)
        if (scl_config_stage(e->c->config, stage->needs[i])->kind == SCL_STAGE_SAMPLE)
            path = scl_arena_printf(e->c->arena, "%s/%s/samples.npy", e->c->run->folder, stage->needs[i]);
    return path;
}

static scl_status read_samples(scl_evaluation *e, bool bytes, scl_err *err)
{
    if (!strcmp(e->config->samples, "data")) {
        size_t n;
        SCL_TRY(read_split(e, SCL_SPLIT_TRAIN, &e->made, &n, &bytes, err));
        e->made_set = (scl_set){ n, (int)width_of(e), e->made };
        e->made_from = "the training data";
        return SCL_OK;
    }
    scl_npy a;
    const char *path = samples_path(e);
    SCL_TRY(scl_npy_read(&a, path, err));
    const scl_status status = take_samples(e, &a, path, bytes, err);
    scl_npy_free(&a);
    return status;
}

scl_status scl_evaluation_read(scl_evaluation *e, scl_err *err)
{
    size_t n;
    bool bytes;
    SCL_TRY(read_split(e, e->config->reference, &e->real, &n, &bytes, err));
    e->real_set = (scl_set){ n, (int)width_of(e), e->real };
    return e->config->metrics & ~(unsigned)SCL_METRICS_OF_NETWORK ? read_samples(e, bytes, err) : SCL_OK;
}
