#include "data/dataset.h"

#include <errno.h>
#include <math.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "data/points.h"
#include "data/reader.h"
#include "graph/arith.h"
#include "lib/coef.h"

bool scl_is_folder(const char *path)
{
    struct stat s;
    return !stat(path, &s) && S_ISDIR(s.st_mode);
}

bool scl_is_file(const char *path)
{
    struct stat s;
    return !stat(path, &s) && S_ISREG(s.st_mode);
}

scl_status scl_path_missing(const scl_data_config *spec, const char *path, scl_err *err)
{
    static const struct { const char *prefix, *package; } known[] = {
        { "/usr/share/datasets/fashion-mnist", "dataset-fashion-mnist" },
        { "/usr/share/icons/oxygen", "oxygen-icon-theme" },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strncmp(path, known[i].prefix, strlen(known[i].prefix)))
            return scl_fail(err, SCL_FAILED, "data path '%s' does not exist; it comes with Debian's package %s (apt install %s)",
                            path, known[i].package, known[i].package);
    if (spec->format == SCL_DATA_CIFAR10 && spec->path && !strcmp(path, spec->path))
        return scl_fail(err, SCL_FAILED, "data path '%s' does not exist; unpack CIFAR-10's binary version there (cifar-10-binary.tar.gz of "
                        "https://www.cs.toronto.edu/~kriz/cifar.html, 170 MB), or name its folder", path);
    return scl_fail(err, SCL_FAILED, "data path '%s' does not exist", path);
}

bool scl_in_split(const scl_data_config *spec, scl_split split, size_t i)
{
    if (spec->test_path)
        return true;
    if (spec->holdout <= 0)
        return split == SCL_SPLIT_TRAIN;
    return (i % (size_t)spec->holdout == (size_t)spec->holdout - 1) == (split == SCL_SPLIT_TEST);
}

const char *scl_split_path(const scl_data_config *spec, scl_split split)
{
    return split == SCL_SPLIT_TEST && spec->test_path ? spec->test_path : spec->path;
}

size_t scl_dataset_bytes(const scl_dataset *d)
{
    return d->count * (size_t)d->height * (size_t)d->width * (size_t)d->channels * (d->f32 ? sizeof(float) : 1);
}

void scl_keep_split(scl_dataset *d, const scl_data_config *spec, scl_split split)
{
    unsigned char *data = d->f32 ? (unsigned char *)d->f32 : d->u8;
    const size_t bytes = d->count ? scl_dataset_bytes(d) / d->count : 0;
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        if (!scl_in_split(spec, split, i))
            continue;
        memmove(data + kept * bytes, data + i * bytes, bytes);
        if (d->label)
            d->label[kept] = d->label[i];
        kept++;
    }
    d->count = kept;
}

scl_status scl_fitted_shape(scl_image *shape, const scl_data_config *spec, const scl_image *from, const char *path, scl_err *err)
{
    *shape = (scl_image){ .height = from->height, .width = from->width, .channels = from->channels };
    const int least = from->height < from->width ? from->height : from->width;
    if (spec->transform.crop)
        shape->height = shape->width = spec->transform.crop < least ? spec->transform.crop : least;
    if (spec->transform.size)
        shape->height = shape->width = spec->transform.size;
    if (spec->transform.channels && spec->transform.channels != from->channels) {
        if ((spec->transform.channels != 1 && spec->transform.channels != 3) || (from->channels != 1 && from->channels != 3))
            return scl_fail(err, SCL_FAILED, "'%s' has %d channels: they cannot be made %d", path, from->channels, spec->transform.channels);
        shape->channels = spec->transform.channels;
    }
    return SCL_OK;
}

scl_status scl_fit_image(unsigned char *to, const scl_data_config *spec, const scl_image *from, scl_err *err)
{
    void *block;
    const size_t largest = (size_t)from->height * from->width > (size_t)spec->transform.size * spec->transform.size
                               ? (size_t)from->height * from->width : (size_t)spec->transform.size * spec->transform.size;
    const size_t bytes = largest * (size_t)from->channels;
    SCL_TRY(scl_alloc_bytes(&block, 2 * bytes, "a picture", err));
    scl_image cut = { .data = block }, fitted = { .data = (unsigned char *)block + bytes }, now = *from;
    const bool square = now.height == now.width;
    if (spec->transform.crop || (spec->transform.size && !square)) {
        scl_image_crop(&cut, &now, spec->transform.crop ? spec->transform.crop : now.height < now.width ? now.height : now.width);
        now = cut;
    }
    if (spec->transform.size && (now.height != spec->transform.size || now.width != spec->transform.size)) {
        fitted.height = fitted.width = spec->transform.size;
        scl_image_resize(&fitted, &now);
        now = fitted;
    }
    scl_image_channels(to, spec->transform.channels ? spec->transform.channels : now.channels, &now);
    free(block);
    return SCL_OK;
}

static bool changes(const scl_data_config *spec, const scl_dataset *d)
{
    return (spec->transform.size && (d->height != spec->transform.size || d->width != spec->transform.size)) ||
           (spec->transform.crop && (d->height != spec->transform.crop || d->width != spec->transform.crop)) ||
           (spec->transform.channels && d->channels != spec->transform.channels);
}

/* Brings pictures that were read as they are (all of one shape) to the shape of the spec. */
static scl_status fit_all(scl_dataset *d, const scl_data_config *spec, scl_err *err)
{
    if (!changes(spec, d))
        return SCL_OK;
    if (!d->u8)
        return scl_fail(err, SCL_FAILED, "'%s' holds %dx%dx%d floats: only pictures of bytes can be cropped, resized or recoloured",
                        scl_data_in_files(spec) ? spec->path : "data.points", d->height, d->width, d->channels);
    scl_image from = { .height = d->height, .width = d->width, .channels = d->channels }, to;
    SCL_TRY(scl_fitted_shape(&to, spec, &from, spec->path, err));
    const size_t old = (size_t)from.height * from.width * from.channels, new = (size_t)to.height * to.width * to.channels;
    void *block;
    SCL_TRY(scl_alloc_bytes(&block, d->count * new, "the data set", err));
    scl_status status = SCL_OK;
    for (size_t i = 0; i < d->count && status == SCL_OK; i++) {
        from.data = d->u8 + i * old;
        status = scl_fit_image((unsigned char *)block + i * new, spec, &from, err);
    }
    free(d->u8);
    d->u8 = block;
    d->height = to.height;
    d->width = to.width;
    d->channels = to.channels;
    return status;
}

static void hash(scl_dataset *d)
{
    SHA2_CTX context;
    char shape[80];
    const int length = snprintf(shape, sizeof shape, "%zu,%d,%d,%d", d->count, d->height, d->width, d->channels);
    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)shape, (size_t)length + 1);
    SHA256Update(&context, d->f32 ? (const uint8_t *)d->f32 : d->u8, scl_dataset_bytes(d));
    SHA256End(&context, d->sha256);
}

static scl_status read(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err)
{
    if (!scl_data_in_files(spec))
        return scl_read_points(d, spec, split, err);
    const char *path = scl_split_path(spec, split);
    struct stat s;
    if (stat(path, &s))
        return errno == ENOENT ? scl_path_missing(spec, path, err)
                               : scl_fail(err, SCL_FAILED, "cannot read '%s': %s", path, strerror(errno));
    switch (spec->format) {
    case SCL_DATA_IDX: return scl_read_idx(d, spec, split, err);
    case SCL_DATA_IMAGES: return scl_read_images(d, spec, split, err);
    case SCL_DATA_CIFAR10: return scl_read_cifar10(d, spec, split, err);
    case SCL_DATA_NPY: case SCL_DATA_POINTS: break;
    }
    return scl_read_array(d, spec, split, err);
}

scl_status scl_dataset_open(scl_dataset **out, const scl_data_config *spec, scl_split split, scl_err *err)
{
    void *block;
    SCL_TRY(scl_alloc_bytes(&block, sizeof(scl_dataset), "the data set", err));
    scl_dataset *d = block;
    scl_status status = read(d, spec, split, err);
    if (status == SCL_OK && !d->count)
        status = scl_fail(err, SCL_FAILED, "'%s' has no pictures for the %s split%s", scl_data_in_files(spec) ? scl_split_path(spec, split) : "data.points",
                          split == SCL_SPLIT_TEST ? "test" : "train",
                          split == SCL_SPLIT_TEST ? ": give data.test_path, or data.holdout" : "");
    if (status == SCL_OK)
        status = fit_all(d, spec, err);
    if (status != SCL_OK) {
        scl_dataset_free(d);
        return status;
    }
    hash(d);
    *out = d;
    return SCL_OK;
}

void scl_dataset_free(scl_dataset *d)
{
    if (!d)
        return;
    free(d->u8);
    free(d->f32);
    free(d->label);
    free(d);
}

void scl_dataset_picture(const scl_dataset *d, size_t i, float *to)
{
    const size_t size = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    for (size_t k = 0; k < size; k++)
        to[k] = d->f32 ? d->f32[i * size + k] : (float)d->u8[i * size + k];
}

float scl_pixel_value(float byte, bool dequantize, bool logit)
{
    const float x = dequantize ? (byte + 0.5f) * 0x1p-8f : scl_div(byte, 255.0f);
    const float y = fmaf(LOGIT_SCALE, x, LOGIT_EDGE), rest = fmaf(LOGIT_SCALE, 1.0f - x, LOGIT_EDGE);
    return scl_flush(logit ? scl_log(y) - scl_log(rest) : x);
}
