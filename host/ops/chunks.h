/* Launches over a flat list of values: a work-group takes a run of `chunk` neighbours, a few thousand groups at most. */
#ifndef SCL_OPS_CHUNKS_H
#define SCL_OPS_CHUNKS_H

#include "graph/op.h"

#define SCL_CHUNKS_TUNE "WG=1|16|64 VEC=16|8|4|2|1"
#define SCL_CHUNKS_CPU "WG=1 VEC=16"
#define SCL_CHUNKS_GPU "WG=64 VEC=4"

/* Groups of one launch: enough to share out among cores, few enough that starting them costs nothing. */
enum { SCL_CHUNK_GROUPS = 1024, SCL_CHUNK_LEAST = 8192 };

/* Wide vectors are for CPUs that ask for them: elsewhere a compiler may need minutes to take them apart (llvmpipe, which also
 * ends every loop after 65,535 rounds: work-items must share long rows). */
static inline bool scl_chunks_fit(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)n;
    const int vec = scl_tune_get(tune, "VEC"), wg = scl_tune_get(tune, "WG");
    const bool scalar = scl_device_scalar(device);
    const int most = scalar ? 1 : device->klass == SCL_CLASS_GPU ? 4 : 16;
    return vec <= most && (size_t)wg <= device->max_work_group && !(scalar && wg == 1 && device->max_work_group > 1);
}

/* Values of a chunk: a multiple of a group's stride. */
static inline int scl_chunk(const scl_launcher *q, int count)
{
    const scl_tune *t = scl_launcher_tune(q);
    const int stride = scl_tune_get(t, "WG") * scl_tune_get(t, "VEC");
    int chunk = (count + SCL_CHUNK_GROUPS - 1) / SCL_CHUNK_GROUPS;
    chunk = chunk < SCL_CHUNK_LEAST ? SCL_CHUNK_LEAST : chunk;
    return (chunk + stride - 1) / stride * stride;
}

/* rows: further rows of `count` values, as the grid's second dimension. */
static inline scl_grid scl_chunk_grid(const scl_launcher *q, int count, int rows)
{
    const int chunk = scl_chunk(q, count);
    return scl_groups((size_t)scl_tune_get(scl_launcher_tune(q), "WG"), (size_t)((count + chunk - 1) / chunk),
                      (size_t)rows, 1);
}

#endif
