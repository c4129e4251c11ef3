/* CIFAR-10, binary version: records of a label byte and 32x32 pixels in three planes; data_batch_1.bin to data_batch_5.bin and
 * test_batch.bin in a folder or in its sub-folder cifar-10-batches-bin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/reader.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE, PICTURE = 3 * PIXELS, RECORD = 1 + PICTURE, CLASSES = 10 };

static scl_status take_records(scl_dataset *d, const unsigned char *data, size_t records, const char *path,
                               scl_err *err)
{
    for (size_t r = 0; r < records; r++) {
        const unsigned char *record = data + r * RECORD;
        if (record[0] >= CLASSES)
            return scl_fail(err, SCL_FAILED, "'%s' is corrupt: record %zu has label %d", path, r, record[0]);
        unsigned char *picture = d->u8 + (d->count + r) * PICTURE;
        for (int p = 0; p < PIXELS; p++)
            for (int k = 0; k < 3; k++)
                picture[3 * p + k] = record[1 + k * PIXELS + p];
        d->label[d->count + r] = record[0];
    }
    d->count += records;
    return SCL_OK;
}

static scl_status take_file(scl_dataset *d, const char *path, scl_err *err)
{
    char *data;
    size_t size;
    SCL_TRY(scl_file_read(path, &data, &size, err));
    const size_t records = size / RECORD;
    scl_status status = SCL_OK;
    if (!size || size % RECORD)
        status = scl_fail(err, SCL_FAILED,
                          "'%s' is truncated or corrupt: %zu bytes are no number of %d-byte records", path,
                          size, RECORD);
    void *u8 = status == SCL_OK ? realloc(d->u8, (d->count + records) * PICTURE) : NULL;
    void *label = u8 ? realloc(d->label, (d->count + records) * sizeof(int32_t)) : NULL;
    d->u8 = u8 ? u8 : d->u8;
    d->label = label ? label : d->label;
    if (status == SCL_OK && !label)
        status = scl_fail(err, SCL_FAILED, "no memory for the pictures of '%s'", path);
    if (status == SCL_OK)
        status = take_records(d, (const unsigned char *)data, records, path, err);
    free(data);
    return status;
}

scl_status scl_read_cifar10(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err)
{
    static const char *const train[] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                         "data_batch_5.bin", NULL };
    static const char *const test[] = { "test_batch.bin", NULL };
    const char *const *names = split == SCL_SPLIT_TEST ? test : train;
    const char *folder = scl_split_path(spec, split);
    char path[4096];
    snprintf(path, sizeof path, "%s/cifar-10-batches-bin/%s", folder, names[0]);
    const char *sub = scl_is_file(path) ? "/cifar-10-batches-bin" : "";
    d->height = d->width = SIDE;
    d->channels = 3;
    d->classes = CLASSES;
    for (; *names; names++) {
        snprintf(path, sizeof path, "%s%s/%s", folder, sub, *names);
        if (!scl_is_file(path))
            return scl_fail(err, SCL_FAILED, "'%s' is missing; CIFAR-10's binary version has it", path);
        SCL_TRY(take_file(d, path, err));
    }
    return SCL_OK;
}
