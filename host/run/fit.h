/* How many parts a batch is dealt into so that a stage fits its device. */
#ifndef SCL_RUN_FIT_H
#define SCL_RUN_FIT_H

#include "graph/plan.h"

/* What a stage takes: the largest slab of its plans, the persistent values of its graphs, the largest of
 * them. */
typedef struct scl_need {
    size_t slab_bytes, store_bytes, largest_bytes;
} scl_need;

bool scl_need_fits(const scl_need *need, const scl_device_info *device);
/* Adds a graph's plan to what is needed. */
scl_status scl_need_plan(scl_need *need, scl_graph *graph, const scl_device_info *device,
                         const scl_plan_options *options, scl_err *err);
/* Adds the persistent values of graphs that share a store. */
scl_status scl_need_store(scl_need *need, scl_graph *const *graphs, int n_graphs, scl_err *err);

/* What runs of n samples take. */
typedef scl_status scl_need_function(void *context, int n, scl_need *out, scl_err *err);

/* The smallest number of parts, `least` or more, that `batch` samples must be dealt into to fit; parts are of
 * ceil(batch / parts) samples.  SCL_FAILED with the numbers where single samples do not fit. */
scl_status scl_fit_parts(int *parts, int batch, int least, const scl_device_info *device,
                         scl_need_function *need, void *context, scl_err *err);

/* The MiB that a stage may take: of the device, or of the limit below it. */
double scl_fit_mib(const scl_device_info *device);

#endif
