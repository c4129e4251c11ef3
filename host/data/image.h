/* Pictures of bytes: crop, resize, grey.  All in integers, so that every machine makes the same pictures. */
#ifndef SCL_DATA_IMAGE_H
#define SCL_DATA_IMAGE_H

#include "base/err.h"

typedef struct scl_image { int height, width, channels; unsigned char *data; } scl_image;      /* [height, width, channels] */

/* Decodes a PNG, JPEG or BMP file; alpha is composed on white, so channels is 3.  data is owned (free). */
scl_status scl_image_read(scl_image *out, const char *path, scl_err *err);

/* The centred side x side square, or the largest there is; out->data is the caller's, large enough for `in`. */
void scl_image_crop(scl_image *out, const scl_image *in, int side);

/* out->height, width and data are the caller's; channels are in's.  Along each axis: shrinking takes the mean over the area that
 * an output pixel covers, enlarging is bilinear between pixel centres; one rounding (half up) at the end. */
void scl_image_resize(scl_image *out, const scl_image *in);

/* To 1 or 3 channels: grey = (299 r + 587 g + 114 b) / 1000, rounded half up; from grey the same in all. */
void scl_image_channels(unsigned char *out, int channels, const scl_image *in);

#endif
