/* Data in .npy files: pictures [N,H,W] or [N,H,W,C] of bytes or floats; points [N,D] of floats. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/npy.h"
#include "data/reader.h"
#include "graph/arith.h"

static scl_status take_shape(scl_dataset *d, const scl_npy *a, bool points, const char *path, scl_err *err)
{
    if (points ? a->rank != 2 : a->rank != 3 && a->rank != 4)
        return scl_fail(err, SCL_FAILED, "'%s' has %d dimensions: %s", path, a->rank,
                        points ? "points are [N,D]" : "pictures are [N,H,W] or [N,H,W,C]");
    for (int k = 1; k < a->rank; k++)
        if (!a->dim[k] || a->dim[k] > 1 << 15)
            return scl_fail(err, SCL_FAILED, "'%s': dimension %d is %zu", path, k, a->dim[k]);
    d->count = a->dim[0];
    d->height = points ? 1 : (int)a->dim[1];
    d->width = points ? 1 : (int)a->dim[2];
    d->channels = points ? (int)a->dim[1] : a->rank == 4 ? (int)a->dim[3] : 1;
    return SCL_OK;
}

/* Floats enter as they are kept everywhere: finite and flushed. */
static scl_status clean(scl_npy *a, const char *path, scl_err *err)
{
    float *x = a->data;
    for (size_t i = 0; i < a->count; i++) {
        if (!isfinite(x[i]))
            return scl_fail(err, SCL_FAILED, "'%s': element %zu is not finite", path, i);
        x[i] = scl_flush(x[i]);
    }
    return SCL_OK;
}

scl_status scl_read_array(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err)
{
    const char *path = scl_split_path(spec, split);
    const bool points = spec->format == SCL_DATA_POINTS;
    scl_npy a;
    SCL_TRY(scl_npy_read(&a, path, err));
    scl_status status = take_shape(d, &a, points, path, err);
    if (status == SCL_OK && a.dtype == SCL_NPY_F32)
        status = clean(&a, path, err);
    if (status == SCL_OK && points && a.dtype == SCL_NPY_U8)
        status = scl_fail(err, SCL_FAILED, "'%s' holds bytes: points are floats", path);
    if (status != SCL_OK) {
        d->count = 0;
        scl_npy_free(&a);
        return status;
    }
    if (a.dtype == SCL_NPY_U8)
        d->u8 = a.data;
    else
        d->f32 = a.data;
    scl_keep_split(d, spec, split);
    return SCL_OK;
}
