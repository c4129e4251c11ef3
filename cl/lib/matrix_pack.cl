// Rounding and packing for matrix units: rows of words, padded with zeros to whole steps of the inner dimension, so that
// nothing behind has to ask where a row ends.  See host/ops/conv_matrix.c.
#ifndef LIB_MATRIX_PACK_CL
#define LIB_MATRIX_PACK_CL
#ifndef FLIP
#define FLIP 0
#endif
#if !EMULATED
#define FN(name) matrix_##name
#include "lib/matrix_round_body.h"
#undef FN
#endif

#if PRECISION == TF32
#define MATRIX_ROUND(x) matrix_round_tf32(x)
#elif PRECISION == BF16
#define MATRIX_ROUND(x) matrix_round_bf16(x)
#else
#define MATRIX_ROUND(x) matrix_round_f16(x)
#endif

// Values `first`, first+1 ... of `count`, `step` floats apart, as one word.
static inline uint matrix_word(global const float *from, const int step, const int first, const int count)
{
    uint word = first < count ? MATRIX_ROUND(from[first * step]) : 0u;
#if PRECISION != TF32
    word |= (first + 1 < count ? MATRIX_ROUND(from[(first + 1) * step]) : 0u) << 16;
#endif
    return word;
}

// x [rows][C] to [rows][words].  A work-item per word.
__attribute__((reqd_work_group_size(64, 1, 1)))
kernel void matrix_pack(global const float *restrict x, global uint *restrict packed, const int rows, const int C, const int words)
{
    const int i = (int)get_global_id(0), row = i / words;
    if (row < rows)
        packed[i] = matrix_word(x + row * C, 1, (i - row * words) * PER, C);
}

// w [tap][C][K] to [tap][K][words]; FLIP: w [taps-1-tap][K][C].
__attribute__((reqd_work_group_size(64, 1, 1)))
kernel void matrix_pack_weights(global const float *restrict w, global uint *restrict packed, const int C, const int K,
                                const int words, const int taps)
{
    const int i = (int)get_global_id(0), row = i / words, tap = row / K, k = row - tap * K, first = (i - row * words) * PER;
    if (tap < taps)
#if FLIP
        packed[i] = matrix_word(w + ((taps - 1 - tap) * K + k) * C, 1, first, C);
#else
        packed[i] = matrix_word(w + tap * C * K + k, K, first, C);
#endif
}
#endif
