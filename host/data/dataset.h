/* Data sets: decoded, cropped, resized and hashed pictures (or points) in host memory, as they go to the device.
 *
 * What changes from step to step (dequantisation, flips, logit) is done on the device by gather_batch, not here. */
#ifndef SCL_DATA_DATASET_H
#define SCL_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

typedef struct scl_dataset {
    size_t count;
    int height, width, channels;
    unsigned char *u8;       /* [count, height, width, channels], 0 ... 255; NULL when f32 is there */
    float *f32;              /* the same shape: npy files of floats, and points (height = width = 1) */
    int32_t *label;          /* [count]; NULL: none */
    int classes;             /* labels are 0 ... classes - 1 */
    char sha256[65];         /* of the shape as text "N,H,W,C", a zero byte, and the elements (floats little-endian) */
} scl_dataset;

/* Reads a split.  Held-out pictures of a list without a split of its own: number i (in file order, from 0) belongs to the test split when
 * i % holdout == holdout - 1.  Picture folders are read recursively, paths in byte order, every file once, links
 * left out.  Alpha is composed on white.  Pictures that are not square are cut to the largest centred square where a size is
 * asked for.  Errors name the file: missing (with the Debian package that brings it, where known), truncated, corrupt, of an
 * unknown kind, of mixed sizes without `size`, none at all.  *out is owned: scl_dataset_free. */
scl_status scl_dataset_open(scl_dataset **out, const scl_data_config *spec, scl_split split, scl_err *err);
void scl_dataset_free(scl_dataset *d);                            /* NULL is accepted */

size_t scl_dataset_bytes(const scl_dataset *d);                  /* of the elements */
/* Elements of picture i, in the order [height, width, channels], as floats: u8 as they are (0 ... 255). */
void scl_dataset_picture(const scl_dataset *d, size_t i, float *to);
/* A byte 0 ... 255 as a network sees it: in the middle of what dequantisation makes of it, k/255 without it;
 * the logit as gather_batch has it. */
float scl_pixel_value(float byte, bool dequantize, bool logit);

#endif
