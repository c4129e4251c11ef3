// flat_sum - see host/ops/flat_sum.c. WG: work-items per group; VEC: neighbours per work-item. Neither changes a bit.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 4
#endif
#ifndef SQUARE
#define SQUARE 0 /* 1: of squares */
#endif
#include "lib/math.cl"
#include "lib/sum.cl"

#if SQUARE
#define TERM(x, acc) fma(x, x, acc)
#else
#define TERM(x, acc) ((acc) + (x))
#endif

// Pushes the sums of blocks first ... end-1 of the row x of D values.  All work-items call it.
static inline void sum_blocks(global const float *x, const int D, const int first, const int end, local float *lane,
                              sum_stream *s)
{
    for (int b0 = first; b0 < end; b0 += SUM_ROUND) {
        for (int slot = (int)get_local_id(0); slot < SUM_ROUND * SUM_SLOTS; slot += WG) {
            const int block = b0 + slot / SUM_SLOTS;
            const int stop = block < end ? min(D, (block + 1) * SUM_BLOCK) : 0;
            floatV acc = (floatV)(0.0f);
            int d = block * SUM_BLOCK + slot % SUM_SLOTS * VEC;
            for (; d + VEC <= stop; d += SUM_LANES) {
                const floatV v = vloadV(x + d);
                acc = TERM(v, acc);
            }
            if (d < stop) {   /* the short vector that ends a row; +0 changes no lane */
                const floatV v = vload_some(x + d, stop - d);
                acc = TERM(v, acc);
            }
            vstoreV(acc, lane + slot * VEC);
        }
        sum_fold(lane, min(SUM_ROUND, end - b0), s);
    }
}

// One group per row.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void rows(global const float *restrict x, global float *restrict s, const int D)
{
    local float lane[SUM_ROUND * SUM_LANES];
    const int n = (int)get_group_id(0);
    sum_stream sum = sum_start();
    if (D > 0)      /* always; without it Mesa 25.0's compiler crashes on the barriers in the loop */
        sum_blocks(x + (size_t)n * D, D, 0, (D + SUM_BLOCK - 1) / SUM_BLOCK, lane, &sum);
    if (get_local_id(0) == 0)
        s[n] = scl_flush(sum_end(&sum));
}

// One long row, first step: a group per block (no loop round the barriers: PoCL 6 gave wrong sums with one).
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void blocks(global const float *restrict x, global float *restrict value, const int D)
{
    local float lane[SUM_ROUND * SUM_LANES];
    const int b = (int)get_group_id(0);
    sum_stream sum = sum_start();
    sum_blocks(x, D, b, b + 1, lane, &sum);
    if (get_local_id(0) == 0)
        value[b] = sum_end(&sum);
}

// One long row, second step: sum64 of the blocks; adds `before` where there is one.
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void chain(global const float *value, global const float *before, global float *after, const int count)
{
    sum_stream sum = sum_start();
    for (int b = 0; b < count; b++)
        sum_push(&sum, value[b]);
    const float own = sum_end(&sum), base = before ? before[0] : 0.0f;
    after[0] = scl_flush(base + own);
}

// Both steps in one, for a short row.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void chain_short(global const float *x, global const float *before, global float *after, const int D)
{
    local float lane[SUM_ROUND * SUM_LANES];
    sum_stream sum = sum_start();
    sum_blocks(x, D, 0, (D + SUM_BLOCK - 1) / SUM_BLOCK, lane, &sum);
    if (get_local_id(0) == 0) {
        const float own = sum_end(&sum), base = before ? before[0] : 0.0f;
        after[0] = scl_flush(base + own);
    }
}
