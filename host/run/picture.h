/* Samples as pictures: PNG files, written atomically. */
#ifndef SCL_RUN_PICTURE_H
#define SCL_RUN_PICTURE_H

#include <stddef.h>

#include "base/err.h"

/* Samples x [count, height, width, channels]; 1 channel is written as grey, 3 as RGB, 2 and 4 as the first and as RGB (the last
 * left out).  A value v becomes the byte floor(255 min(max(v, 0), 1) + 1/2) in float; a value that is not a number becomes 0. */
typedef struct scl_pictures {
    const float *x;
    size_t count;
    int height, width, channels;
} scl_pictures;

/* All pictures in rows of `columns` (0: about as many as rows), with `gap` white pixels between them and around. */
scl_status scl_picture_grid(const scl_pictures *p, int columns, int gap, const char *path, scl_err *err);
/* folder/0000.png ... (more digits where count asks for them), beginning with number first.  The folder is made. */
scl_status scl_picture_files(const scl_pictures *p, size_t first, size_t total, const char *folder, scl_err *err);

#endif
