/* What is known of samples before they are drawn: pictures under a mask, grey values, the samples between which others lie. */
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "data/image.h"
#include "graph/arith.h"
#include "run/draw.h"
#include "score/hostmath.h"

enum { MOST_COLOURS = 4 };

static scl_status look_at(const scl_image *mask, const char *path, int height, int width, bool *white, scl_err *err)
{
    const size_t places = (size_t)height * (size_t)width;
    size_t known = 0;
    if (mask->height != height || mask->width != width)
        return scl_fail(err, SCL_FAILED, "mask '%s' is of %d x %d pixels, the samples are of %d x %d (height x width)", path,
                        mask->height, mask->width, height, width);
    for (size_t p = 0; p < places; p++) {
        int sum = 0;
        for (int k = 0; k < mask->channels; k++)
            sum += mask->data[p * (size_t)mask->channels + (size_t)k];
        known += sum >= 128 * mask->channels;
        if (white)
            white[p] = sum >= 128 * mask->channels;
    }
    if (known == 0 || known == places)
        return scl_fail(
            err, SCL_FAILED,
            "mask '%s' is all %s: it must be white where a picture is known, black where it is not", path,
            known ? "white" : "black");
    return SCL_OK;
}

scl_status scl_mask_read(const char *path, int height, int width, bool *known, scl_err *err)
{
    scl_image mask = { 0 };
    SCL_TRY(scl_image_read(&mask, path, err));
    const scl_status status = look_at(&mask, path, height, width, known, err);
    free(mask.data);
    return status;
}

/* The same for all channels; everything, where the task is another. */
static scl_status open_mask(scl_draw *s, scl_err *err)
{
    const scl_net_config *n = &s->spec.net;
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, s->pixels * sizeof *s->mask, "the mask", err));
    s->mask = memory;
    bool *known = SCL_NEW_ARRAY(s->c->arena, bool, n->height * n->width);
    if (s->config->condition.task == SCL_CONDITION_INPAINT)
        SCL_TRY(scl_mask_read(s->config->condition.mask, n->height, n->width, known, err));
    for (size_t i = 0; i < s->pixels; i++)
        s->mask[i] = s->config->condition.task != SCL_CONDITION_INPAINT || known[i / (size_t)n->channels];
    return SCL_OK;
}

static scl_status take(scl_draw *s, const scl_dataset *d, const char *where, scl_err *err)
{
    const scl_net_config *n = &s->spec.net;
    const size_t first = (size_t)s->config->condition.first;
    const int per = s->config->condition.per_image;
    s->n_known = (s->config->count + per - 1) / per;
    if (d->height != n->height || d->width != n->width || d->channels != n->channels)
        return scl_fail(err, SCL_FAILED, "the known pictures of '%s' are %dx%dx%d, the samples are %dx%dx%d", where, d->height, d->width,
                        d->channels, n->height, n->width, n->channels);
    if (first + (size_t)s->n_known > d->count)
        return scl_fail(err, SCL_FAILED, "%d samples, %d of each known picture, from number %zu on need %d pictures; '%s' has %zu",
                        s->config->count, per, first, s->n_known, where, d->count);
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, (size_t)s->n_known * s->pixels * sizeof *s->known, "the known pictures", err));
    s->known = memory;
    for (int i = 0; i < s->n_known; i++) {
        float *to = s->known + (size_t)i * s->pixels;
        scl_dataset_picture(d, first + (size_t)i, to);
        for (size_t p = 0; p < s->pixels; p++)
            to[p] = d->u8 ? scl_pixel_value(to[p], s->spec.dequantize, s->spec.net.logit) : scl_flush(to[p]);
    }
    return SCL_OK;
}

scl_status scl_draw_open_known(scl_draw *s, scl_err *err)
{
    if (!s->how.known)
        return SCL_OK;
    if (s->how.grey && (s->spec.net.channels < 2 || s->spec.net.channels > MOST_COLOURS))
        return scl_fail(err, SCL_FAILED, "condition.task: colorize needs pictures of 2 to %d colours; the checkpoint's have %d", MOST_COLOURS,
                        s->spec.net.channels);
    SCL_TRY(open_mask(s, err));
    const char *images = s->config->condition.images;
    scl_data_config spec = s->c->stage->data;
    const size_t length = images ? strlen(images) : 0;
    if (images) {
        spec.format = length > 4 && !strcmp(images + length - 4, ".npy") ? SCL_DATA_NPY : SCL_DATA_IMAGES;
        spec.path = images;
        spec.test_path = NULL;
        spec.holdout = 0;
    }
    if (!spec.transform.size && spec.format == SCL_DATA_IMAGES)
        spec.transform.size = s->spec.net.height;
    if (!spec.transform.channels)
        spec.transform.channels = s->spec.net.channels;
    scl_dataset *d;
    SCL_TRY(scl_dataset_open(&d, &spec, images ? SCL_SPLIT_TRAIN : SCL_SPLIT_TEST, err));
    const scl_status status = take(s, d, spec.path, err);
    scl_dataset_free(d);
    return status;
}

void scl_draw_close_known(scl_draw *s)
{
    free(s->known);
    free(s->mask);
    s->known = s->mask = NULL;
}

const float *scl_draw_known_of(const scl_draw *s, int i)
{
    return s->known + (size_t)(i / s->config->condition.per_image) * s->pixels;
}

/* Sample k of a row lies at the angle (pi/2) k / (columns - 1). */
static scl_status put_angles(scl_draw *s, scl_draw_batch *r, int first, scl_err *err)
{
    scl_arena scratch = { 0 };
    float *cosine = SCL_NEW_ARRAY(&scratch, float, 2 * r->n), *sine = cosine + r->n;
    const int last = s->how.columns - 1;
    for (int i = 0; i < r->n; i++) {
        const int k = (first + i) % s->how.columns;
        cosine[i] = k == last ? 0.0f : scl_flush((float)scl_host_cos_pi(0.5 * k / last));
        sine[i] = k == 0 ? 0.0f : scl_flush((float)scl_host_cos_pi(0.5 * (last - k) / last));
    }
    scl_status status = scl_store_write(r->store, "sample.cos", cosine, sizeof *cosine * (size_t)r->n, err);
    if (status == SCL_OK)
        status = scl_store_write(r->store, "sample.sin", sine, sizeof *sine * (size_t)r->n, err);
    scl_arena_free(&scratch);
    return status;
}

scl_status scl_draw_put_known(scl_draw *s, scl_draw_batch *r, int first, scl_err *err)
{
    if (s->how.columns > 0)
        return put_angles(s, r, first, err);
    const size_t bytes = sizeof(float) * (size_t)r->n * s->pixels;
    const int C = s->spec.net.channels;
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, bytes, "the known pictures", err));
    float *all = memory, grey[MOST_COLOURS * MOST_COLOURS];
    for (int i = 0; i < r->n; i++)
        memcpy(all + (size_t)i * s->pixels, scl_draw_known_of(s, first + i), sizeof *all * s->pixels);
    scl_status status = scl_store_write(r->store, "sample.known", all, bytes, err);
    for (int i = 0; i < r->n; i++)
        memcpy(all + (size_t)i * s->pixels, s->mask, sizeof *all * s->pixels);
    if (status == SCL_OK)
        status = scl_store_write(r->store, "sample.mask", all, bytes, err);
    for (int i = 0; s->how.grey && i < C * C; i++)
        grey[i] = (float)(1.0 / C);
    if (status == SCL_OK && s->how.grey)
        status = scl_draw_put(r, "sample.grey", grey, sizeof *grey * (size_t)(C * C), err);
    free(memory);
    return status;
}

scl_status scl_draw_put_known_counters(scl_draw *s, scl_draw_batch *r, int first, int update, int level, scl_err *err)
{
    const uint64_t seed = s->c->config->seed;
    const int step = s->config->condition.noise == SCL_KNOWN_LEVEL ? level : update;
    const uint32_t counters[SCL_COUNTERS] = { [SCL_CNT_SEED_LO] = (uint32_t)seed, [SCL_CNT_SEED_HI] = (uint32_t)(seed >> 32),
                                              [SCL_CNT_STEP] = (uint32_t)step, [SCL_CNT_BATCH] = (uint32_t)r->n,
                                              [SCL_CNT_SAMPLE] = (uint32_t)first };
    return scl_store_write(r->store, "sample.known_counters", counters, sizeof counters, err);
}
