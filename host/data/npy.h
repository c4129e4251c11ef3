/* NumPy's .npy files: arrays of float32 and uint8, C order, format versions 1 to 3. */
#ifndef SCL_DATA_NPY_H
#define SCL_DATA_NPY_H

#include <stddef.h>

#include "base/err.h"

enum { SCL_NPY_MAX_RANK = 8 };
typedef enum scl_npy_dtype { SCL_NPY_F32, SCL_NPY_U8 } scl_npy_dtype;

typedef struct scl_npy {
    scl_npy_dtype dtype;
    int rank;                          /* 0: one number */
    size_t dim[SCL_NPY_MAX_RANK], count;
    void *data;                        /* count elements, owned: scl_npy_free */
} scl_npy;

/* Reads '<f4', '|u1' and '<f8' (rounded to float).  Errors name the file: not npy, truncated, too long, Fortran order, another
 * dtype. */
scl_status scl_npy_read(scl_npy *out, const char *path, scl_err *err);
void scl_npy_free(scl_npy *a);                                    /* accepts a zeroed one */

/* Writes a file, atomically; data as in a->data (borrowed), count is not read. */
scl_status scl_npy_write(const scl_npy *a, const char *path, scl_err *err);

#endif
