// What a matrix unit does, by local memory: every lane lays down its registers, and each value of D is a chain of fma over the
// inner dimension.  Where the registers of A[row][k], B[k][column] and C[row][column] are is written the other way round than in
// lib/matrix_unit.cl: from the value to (lane, register, half), so that a slip in either shows as a wrong product.
#ifndef LIB_MATRIX_EMULATED_CL
#define LIB_MATRIX_EMULATED_CL
#define FN(name) matrix_##name
#include "lib/matrix_round_body.h"
#undef FN

// Words of local memory that a sub-group's registers take.
#define EXCHANGE (LANES * (A_WORDS + B_WORDS + C_VALUES))
#define UNIT_K (UNIT_WORDS * PER)

static inline float exchange_value(local const uint *words, const int lane, const int words_of_lane, const int word, const int half_)
{
    const uint w = words[lane * words_of_lane + word];
    return PRECISION == TF32 ? as_float(w)
                             : PRECISION == BF16 ? matrix_widen_bf16(w >> half_ * 16 & 0xffffu)
                                                 : matrix_widen_f16(w >> half_ * 16 & 0xffffu);
}

static inline float exchange_a(local const uint *a, const int row, const int k)
{
    const int word = k / PER, half_ = k % PER;
#if UNIT == 1
    return exchange_value(a, row % 8 * 4 + word % 4, A_WORDS, row / 8 + word / 4 * 2, half_);
#elif UNIT == 2
    return exchange_value(a, word / 2 * 16 + row, A_WORDS, word % 2, half_);
#elif UNIT == 3
    return exchange_value(a, row + k % 2 * 16, A_WORDS, word, half_);      /* both copies must be there */
#elif UNIT == 4
    return exchange_value(a, k / 8 * 16 + row, A_WORDS, k % 8 / 2, half_);
#elif UNIT == 5
    return exchange_value(a, word, A_WORDS, row, half_);
#elif PRECISION == TF32
    return exchange_value(a, row % 2 * 8 + k, A_WORDS, row / 2, 0);
#else
    return exchange_value(a, k, A_WORDS, row / 2, row % 2);
#endif
}

static inline float exchange_b(local const uint *b, const int k, const int column)
{
    const int word = k / PER, half_ = k % PER;
#if UNIT == 1
    return exchange_value(b, column * 4 + word % 4, B_WORDS, word / 4, half_);
#elif UNIT == 2
    return exchange_value(b, word / 2 * 16 + column, B_WORDS, word % 2, half_);
#elif UNIT == 3
    return exchange_value(b, column + k % 2 * 16, B_WORDS, word, half_);
#elif UNIT == 4
    return exchange_value(b, k / 8 * 16 + column, B_WORDS, k % 8 / 2, half_);
#else
    return exchange_value(b, column, B_WORDS, word, half_);
#endif
}

static inline int exchange_c(const int row, const int column)
{
#if UNIT == 1
    return (row % 8 * 4 + column / 2) * C_VALUES + row / 8 * 2 + column % 2;
#elif UNIT == 2
    return (row / 4 * 16 + column) * C_VALUES + row % 4;
#elif UNIT == 3
    return (row % 2 * 16 + column) * C_VALUES + row / 2;
#elif UNIT == 4
    return (row / 8 * 16 + column) * C_VALUES + row % 8;
#else
    return column * C_VALUES + row;
#endif
}

#if C_VALUES == 4
#define SUMS_STORE vstore4
#define SUMS_LOAD vload4
#else
#define SUMS_STORE vstore8
#define SUMS_LOAD vload8
#endif

// exchange: EXCHANGE words of the sub-group.
static unit_sums unit_mad(const unit_sums c, const uint a[A_WORDS], const uint b[B_WORDS], const int lane, local uint *exchange)
{
    local uint *bs = exchange + LANES * A_WORDS, *cs = bs + LANES * B_WORDS;
    for (int i = 0; i < A_WORDS; i++)
        exchange[lane * A_WORDS + i] = a[i];
    for (int i = 0; i < B_WORDS; i++)
        bs[lane * B_WORDS + i] = b[i];
    SUMS_STORE(c, lane, (local float *)cs);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = lane; i < UM * UN; i += LANES) {
        const int row = i / UN, column = i % UN, at = exchange_c(row, column);
        float sum = as_float(cs[at]);
        for (int k = 0; k < UNIT_K; k++)
            sum = fma(exchange_a(exchange, row, k), exchange_b(bs, k, column), sum);
        cs[at] = as_uint(sum);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const unit_sums d = SUMS_LOAD(lane, (local const float *)cs);
    barrier(CLK_LOCAL_MEM_FENCE);
    return d;
}
#endif
