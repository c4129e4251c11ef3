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

#define FN(name) sum64_##name
#define STREAM sum64
#define floatT float
#include "lib/stream_body.h"
#undef FN
#undef STREAM
#undef floatT

#if VEC > 1
#define FN(name) sum64_##name##_v
#define STREAM sum64_v
#define floatT floatV
#include "lib/stream_body.h"
#undef FN
#undef STREAM
#undef floatT
#else
#define sum64_v sum64
#define sum64_clear_v sum64_clear
#define sum64_join_v sum64_join
#define sum64_total_v sum64_total
#endif

// A stream that counts for itself.
typedef struct sum_stream { sum64 sum; int count; } sum_stream;

static inline sum_stream sum_start(void)
{
    sum_stream s;
    sum64_clear(&s.sum);
    s.count = 0;
    return s;
}

static inline void sum_push(sum_stream *s, const float v) { sum64_join(&s->sum, s->count++, v); }
static inline float sum_end(const sum_stream *s) { return sum64_total(&s->sum); }

// A group of one waits for nobody, and Mesa 25.0's compiler crashes on its barriers in a loop.
#if WG > 1
#define SUM_BARRIER barrier(CLK_LOCAL_MEM_FENCE)
#else
#define SUM_BARRIER
#endif

// Folds SUM_ROUND blocks of lanes, then adds the first `blocks` of them in order.  All work-items call it.
static inline void sum_fold(local float *lane, const int blocks, sum_stream *s)
{
    const int lid = (int)get_local_id(0);
    for (int h = SUM_LANES / 2; h; h /= 2) {
        SUM_BARRIER;
        for (int i = lid; i < SUM_ROUND * h; i += WG)
            lane[i / h * SUM_LANES + i % h] += lane[i / h * SUM_LANES + i % h + h];
    }
    SUM_BARRIER;
    for (int b = 0; b < blocks; b++)
        sum_push(s, lane[b * SUM_LANES]);
    SUM_BARRIER;
}
#endif
