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

// Words of local memory: the two buffers, and the tile when it is done.
#define BUFFERS (2 * (BM + BN) * ROW)
#define TILE_WORDS (BUFFERS > BM * BN ? BUFFERS : BM * BN)

#if EMULATED
#define MATRIX_LOCALS local uint4 a[TILE_WORDS / 4], *b = a + 2 * BM * ROW / 4; local uint exchange[SUBS * EXCHANGE];
#else
#define MATRIX_LOCALS local uint4 a[TILE_WORDS / 4], *b = a + 2 * BM * ROW / 4;
#endif

// A work-item's place: its lane, and the first row and column of its sub-group.
#define MATRIX_PLACE(lid)                                                                                                      \
    const int lane = (lid) % LANES, m0 = (lid) / LANES / (BN / SN) * SM, n0 = (lid) / LANES % (BN / SN) * SN;

static inline void matrix_zero(unit_sums acc[FRAGMENTS_M][FRAGMENTS_N])
{
MATRIX_UNROLL
    for (int m = 0; m < FRAGMENTS_M; m++)
MATRIX_UNROLL
        for (int n = 0; n < FRAGMENTS_N; n++)
            acc[m][n] = 0.0f;
}

// acc += a b' of one step's buffers.
static inline void matrix_multiply(unit_sums acc[FRAGMENTS_M][FRAGMENTS_N], local const uint *a, local const uint *b,
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
                acc[m][n] = unit_mad(acc[m][n], left, right[n], lane UNIT_PASS);
        }
    }
}

// Where a sum lies in local memory: neighbouring rows begin at different banks.
#define SUM_AT(row, column) ((row) * BN + ((column) ^ (row) % 8 * 8 % BN))

static inline void matrix_lay(local float *sums, const unit_sums acc[FRAGMENTS_M][FRAGMENTS_N], const int m0, const int n0,
                              const int lane)
{
#define LAY(i) sums[SUM_AT(m0 + m * UM + C_ROW(lane, i), n0 + n * UN + C_COLUMN(lane, i))] = acc[m][n].s##i;
MATRIX_UNROLL
    for (int m = 0; m < FRAGMENTS_M; m++)
MATRIX_UNROLL
        for (int n = 0; n < FRAGMENTS_N; n++) {
            LAY(0) LAY(1) LAY(2) LAY(3)
#if C_VALUES == 8
            LAY(4) LAY(5) LAY(6) LAY(7)
#endif
        }
#undef LAY
}

// F(row, column, value) for every sum of the tile, columns fastest: whatever a work-item holds of it, neighbours write
// neighbours, and what is done to a sum stands once in the kernel.  The sums take the place of the operands.
#define MATRIX_EACH(acc, F)                                                                                                    \
    local float *sums_ = (local float *)a;                                                                                     \
    matrix_lay(sums_, acc, m0, n0, lane);                                                                                      \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                              \
    MATRIX_ROLL for (int i_ = lid; i_ < BM * BN; i_ += TILE_ITEMS)                                                             \
    {                                                                                                                          \
        const int row_ = i_ / BN, column_ = i_ % BN;                                                                           \
        F(row_, column_, sums_[SUM_AT(row_, column_)])                                                                         \
    }

#if EMULATED
#define MATRIX_MULTIPLY(acc, a, b) matrix_multiply(acc, a, b, m0, n0, lane, exchange + lid / LANES * EXCHANGE)
#else
#define MATRIX_MULTIPLY(acc, a, b) matrix_multiply(acc, a, b, m0, n0, lane)
#endif
#endif
