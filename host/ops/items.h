/* Launches of operators whose work-items stand alone: item = (sample, ..., block of VEC neighbouring channels), channel
 * block fastest.  A kernel gets the number of items, because the last work-group may be short. */
#ifndef SCL_OPS_ITEMS_H
#define SCL_OPS_ITEMS_H

#include "graph/op.h"

/* Widest vector first: on a CPU the first candidate that fits is the default. */
#define SCL_ITEMS_TUNE "VEC=16|8|4|2|1 WG=1|64"
#define SCL_ITEMS_GPU "VEC=1 WG=64"

/* A CPU device that takes vectors apart (rusticl's llvmpipe) compiles wide ones for minutes: scalars there. */
static inline bool scl_items_fit(int width, const scl_device_info *device, const scl_tune *tune)
{
    if (scl_device_scalar(device) && scl_tune_get(tune, "VEC") > 1)
        return false;
    return width % scl_tune_get(tune, "VEC") == 0 && (size_t)scl_tune_get(tune, "WG") <= device->max_work_group;
}

/* The same for rows of C channels, of D values: the `fits` of most implementations. */
static inline bool scl_items_fit_c(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    return scl_items_fit(scl_dim(n, 'C'), device, tune);
}

static inline bool scl_items_fit_d(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    return scl_items_fit(scl_dim(n, 'D'), device, tune);
}

/* `fits` of kernels whose work-group is all that the tuner chooses. */
static inline bool scl_group_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)n;
    return (size_t)scl_tune_get(tune, "WG") <= device->max_work_group;
}

/* Items of `rows` rows of `width` values. */
static inline int scl_items(const scl_launcher *q, size_t rows, int width)
{
    return (int)(rows * (size_t)(width / scl_tune_get(scl_launcher_tune(q), "VEC")));
}

static inline scl_grid scl_items_grid(const scl_launcher *q, int items)
{
    const size_t wg = (size_t)scl_tune_get(scl_launcher_tune(q), "WG");
    return scl_groups(wg, ((size_t)items + wg - 1) / wg, 1, 1);
}

#endif
