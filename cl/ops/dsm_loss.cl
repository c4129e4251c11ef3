// dsm_loss - see host/ops/dsm_loss.c. WG: work-items per group; VEC: neighbours per work-item. Neither changes a bit.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 4
#endif
#include "lib/math.cl"
#include "lib/sum.cl"

// One group per sample.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void dsm_loss(global const float *restrict s, global const float *restrict z,
                     global const float *restrict inv_sigma, global const float *restrict weight,
                     global float *restrict loss, const int D)
{
    local float lane[SUM_ROUND * SUM_LANES];
    const int n = (int)get_group_id(0), lid = (int)get_local_id(0), blocks = (D + SUM_BLOCK - 1) / SUM_BLOCK;
    const floatV inv = (floatV)(inv_sigma[n]);
    global const float *sn = s + (size_t)n * D, *zn = z + (size_t)n * D;

    sum_stream sum = sum_start();
    for (int b0 = 0; b0 < blocks; b0 += SUM_ROUND) {
        for (int slot = lid; slot < SUM_ROUND * SUM_SLOTS; slot += WG) {
            const int block = b0 + slot / SUM_SLOTS, end = min(D, (block + 1) * SUM_BLOCK);
            floatV acc = (floatV)(0.0f);
            int d = block * SUM_BLOCK + slot % SUM_SLOTS * VEC;
            for (; d + VEC <= end; d += SUM_LANES) {
                const floatV r = fma(vloadV(zn + d), inv, vloadV(sn + d));
                acc = fma(r, r, acc);
            }
            if (d < end) {   /* the short vector that ends a row; +0 changes no lane */
                const floatV r = fma(vload_some(zn + d, end - d), inv, vload_some(sn + d, end - d));
                acc = fma(r, r, acc);
            }
            vstoreV(acc, lane + slot * VEC);
        }
        sum_fold(lane, min(SUM_ROUND, blocks - b0), &sum);
    }
    if (lid == 0)
        loss[n] = scl_flush(weight[n] * (0.5f * sum_end(&sum)));
}
