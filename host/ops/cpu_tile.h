/* The register tile of a work-item on a CPU (cl/lib/tile.cl): MR rows by NR channels in vectors of VEC floats. */
#ifndef SCL_OPS_CPU_TILE_H
#define SCL_OPS_CPU_TILE_H

#include "graph/op.h"

/* Floats of a register. */
static inline int scl_cpu_lanes(const scl_device_info *device)
{
    return device->vector_width >= 16 ? 16 : device->vector_width >= 8 ? 8 : 4;
}

/* The vector for rows of K channels: the narrowest that holds them, a register at most. */
static inline int scl_cpu_vector(const scl_device_info *device, int K)
{
    const int lanes = scl_cpu_lanes(device), wanted = K > 8 ? 16 : K > 4 ? 8 : 4;
    return wanted < lanes ? wanted : lanes;
}

/* Whole tiles must make up K rounded up to the vector. */
static inline bool scl_cpu_columns_fit(const scl_device_info *device, int K, const scl_tune *tune)
{
    const int VEC = scl_tune_get(tune, "VEC"), NR = scl_tune_get(tune, "NR");
    return VEC == scl_cpu_vector(device, K) && NR >= VEC && NR <= 4 * VEC && (K + VEC - 1) / VEC * VEC % NR == 0;
}

/* Is the tile worth its registers?  8 sums hide the latency of fma (two pipes of 4 cycles); AVX-512 has 32 registers and room for
 * 24 sums, others have 16 and room for 12, beyond which they spill. */
static inline bool scl_cpu_tile_fits(const scl_device_info *device, int K, const scl_tune *tune)
{
    if (!scl_cpu_columns_fit(device, K, tune))
        return false;
    const int sums = scl_tune_get(tune, "MR") * (scl_tune_get(tune, "NR") / scl_tune_get(tune, "VEC"));
    return sums >= 8 && sums <= (scl_cpu_lanes(device) == 16 ? 24 : 12);
}

#endif
