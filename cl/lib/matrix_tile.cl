// The tile of a work-group on a device with matrix units: BM rows by BN columns of a product, SM x SN of them by each of its
// sub-groups.  Both operands go through local memory, STEP words of the inner dimension at a time, in two buffers: one barrier a
// step, and the next step's words are on their way from global memory while this one's are multiplied.  Operands are rows of words
// in both, A by rows and B by columns of the product; a row ends with four words that spread rows over the banks.
#ifndef LIB_MATRIX_TILE_CL
#define LIB_MATRIX_TILE_CL
#ifndef BM
#define BM 64
#endif
#ifndef BN
#define BN 64
#endif
#ifndef SM
#define SM 32
#endif
#ifndef SN
#define SN 32
#endif
#include "lib/matrix_unit.cl"

#define STEP 16
#define ROW (STEP + 4)
#define QUADS (STEP / 4)
#define STEP_VALUES (STEP * PER)
#define SUBS (BM / SM * (BN / SN))
#define TILE_ITEMS (SUBS * LANES)
#define FRAGMENTS_M (SM / UM)
#define FRAGMENTS_N (SN / UN)
#define LOADS(count) (((count) + TILE_ITEMS - 1) / TILE_ITEMS)

#if EMULATED
#define MATRIX_LOCALS local uint4 a[2 * BM * ROW / 4], b[2 * BN * ROW / 4]; local uint exchange[SUBS * EXCHANGE];
#else
#define MATRIX_LOCALS local uint4 a[2 * BM * ROW / 4], b[2 * BN * ROW / 4];
#endif

// A work-item's place: its lane, and the first row and column of its sub-group.
#define MATRIX_PLACE(lid)                                                                                                      \
    const int lane = (lid) % LANES, m0 = (lid) / LANES / (BN / SN) * SM, n0 = (lid) / LANES % (BN / SN) * SN;

static inline void matrix_zero(float acc[FRAGMENTS_M][FRAGMENTS_N][C_VALUES])
{
MATRIX_UNROLL
    for (int m = 0; m < FRAGMENTS_M; m++)
MATRIX_UNROLL
        for (int n = 0; n < FRAGMENTS_N; n++)
MATRIX_UNROLL
            for (int i = 0; i < C_VALUES; i++)
                acc[m][n][i] = 0.0f;
}

// acc += a b' of one step's buffers.
static inline void matrix_multiply(float acc[FRAGMENTS_M][FRAGMENTS_N][C_VALUES], local const uint *a, local const uint *b,
                                   const int m0, const int n0, const int lane UNIT_EXCHANGE)
{
MATRIX_ROLL
    for (int s = 0; s < STEP; s += UNIT_WORDS) {
        uint right[FRAGMENTS_N][B_WORDS];
MATRIX_UNROLL
        for (int n = 0; n < FRAGMENTS_N; n++)
            unit_load_b(right[n], b + (n0 + n * UN) * ROW + s, ROW, lane);
MATRIX_UNROLL
        for (int m = 0; m < FRAGMENTS_M; m++) {
            uint left[A_WORDS];
            unit_load_a(left, a + (m0 + m * UM) * ROW + s, ROW, lane);
MATRIX_UNROLL
            for (int n = 0; n < FRAGMENTS_N; n++)
                unit_mad(acc[m][n], left, right[n], lane UNIT_PASS);
        }
    }
}

// F(row, column, value) for every value of a work-item; rows and columns of the tile.
#define MATRIX_EACH(acc, F)                                                                                                    \
    MATRIX_UNROLL for (int m_ = 0; m_ < FRAGMENTS_M; m_++)                                                                 \
        MATRIX_UNROLL for (int n_ = 0; n_ < FRAGMENTS_N; n_++)                                                             \
            MATRIX_UNROLL for (int i_ = 0; i_ < C_VALUES; i_++) {                                                          \
        F((m0 + m_ * UM + C_ROW(lane, i_)), (n0 + n_ * UN + C_COLUMN(lane, i_)), acc[m_][n_][i_])                              \
    }

#if EMULATED
#define MATRIX_MULTIPLY(acc, a, b) matrix_multiply(acc, a, b, m0, n0, lane, exchange + lid / LANES * EXCHANGE)
#else
#define MATRIX_MULTIPLY(acc, a, b) matrix_multiply(acc, a, b, m0, n0, lane)
#endif
#endif
