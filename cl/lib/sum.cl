// The canonical sum of a flat row (docs/design/arithmetic.md 3): blocks of SUM_BLOCK values; lane l of a block is one chain over
// values l, l+64, l+128 ...; the 64 lanes are folded by halves (l += l+32, 16, 8, 4, 2, 1); the blocks' values go through sum64.
// WG (work-items per group) and VEC (lanes per work-item) only deal out the work.
#ifndef SCL_LIB_SUM
#define SCL_LIB_SUM
#pragma OPENCL FP_CONTRACT OFF
#include "lib/vec.cl"
#include "lib/sum_order.h"

#define SUM_SLOTS (SUM_LANES / VEC)
#define SUM_ROUND (WG > SUM_SLOTS ? WG / SUM_SLOTS : 1) /* blocks in flight */

// sum64 as a stream: values join a chain of 64, a full chain joins the chain above.  An empty level holds +0, which changes
// nothing, as no value is -0.
typedef struct sum_stream { float level[SUM_LEVELS]; uint count; } sum_stream;

static inline sum_stream sum_start(void)
{
    sum_stream s;
    for (int k = 0; k < SUM_LEVELS; k++)
        s.level[k] = 0.0f;
    s.count = 0;
    return s;
}

static inline void sum_push(sum_stream *s, const float v)
{
    s->level[0] += v;
    s->count++;
    uint full = s->count;
    for (int k = 1; k < SUM_LEVELS && full % SUM_GROUP == 0; k++) {
        s->level[k] += s->level[k - 1];
        s->level[k - 1] = 0.0f;
        full /= SUM_GROUP;
    }
}

static inline float sum_end(const sum_stream *s)
{
    float sum = s->level[0];
    for (int k = 1; k < SUM_LEVELS; k++)
        sum = s->level[k] + sum;
    return sum;
}

// Folds SUM_ROUND blocks of lanes, then adds the first `blocks` of them in order.  All work-items call it.
static inline void sum_fold(local float *lane, const int blocks, sum_stream *s)
{
    const int lid = (int)get_local_id(0);
    for (int h = SUM_LANES / 2; h; h /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = lid; i < SUM_ROUND * h; i += WG)
            lane[i / h * SUM_LANES + i % h] += lane[i / h * SUM_LANES + i % h + h];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int b = 0; b < blocks; b++)
        sum_push(s, lane[b * SUM_LANES]);
    barrier(CLK_LOCAL_MEM_FENCE);
}
#endif
