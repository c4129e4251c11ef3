// The tile of a work-group on a GPU: BM rows by BN columns of a matrix product.  Both operands go through local memory, BK of
// the inner dimension at a time, in two buffers: one barrier a step, and the next step's values are on their way from global
// memory while this one's are multiplied.  Every value is one chain of fma, so that no size changes a bit.
// A work-item holds TM x TN values, in runs of four rows and four columns: the items of a row of runs read neighbouring words.
// VC, VK: floats of a vector along channels of the input and of the output, 4 or 1.  ROLLED: loops stay loops (llvmpipe).
// SUB_GROUP: work-items that run in lockstep; left to itself a compiler may take more, and then each has too few registers.
#ifndef LIB_TILE_GPU_CL
#define LIB_TILE_GPU_CL
#ifndef BM
#define BM 64
#endif
#ifndef BN
#define BN 64
#endif
#ifndef TM
#define TM 8
#endif
#ifndef TN
#define TN 4
#endif
#ifndef BK
#define BK 8
#endif
#ifndef VC
#define VC 4
#endif
#ifndef VK
#define VK 4
#endif
#ifndef FLIP
#define FLIP 0
#endif

#define CHAIN 128       /* channels of one chain: canonical, not tunable */
#define TILE_ITEMS (BM / TM * (BN / TN))
#define ROW_RUNS (TM / 4)
#define COLUMN_RUNS (TN / 4)
#define LDA (BM / 4 + 1)        /* float4s from one inner index to the next; the odd one spreads columns over the banks */
#define LDB (BN / 4 + 1)
#define TILE_A (BK * LDA)
#define TILE_B (BK * LDB)

#ifdef SUB_GROUP
#define SUB_GROUPS __attribute__((intel_reqd_sub_group_size(SUB_GROUP)))
#else
#define SUB_GROUPS
#endif

/* Two steps of the inner dimension hide the latency of local memory, of a tile of 8 x 8 one: more cost registers and with them
   groups that could be there at the same time (docs/results has the figures).  With SUB_GROUP the second did not fit. */
#ifdef ROLLED
#define UNROLL
#define UNROLL_INNER
#else
#define UNROLL _Pragma("unroll")
#if TM * TN == 64 || defined SUB_GROUP
#define UNROLL_INNER _Pragma("unroll 1")
#else
#define UNROLL_INNER _Pragma("unroll 2")
#endif
#endif
#if VC == 4
#define floatC float4
#else
#define floatC float
#endif
#if VK == 4
#define floatK float4
#else
#define floatK float
#endif

// F(i, j) for every run of four values of a work-item, i of TM and j of COLUMN_RUNS: literal indices, which even compilers that
// pay no heed to the pragma keep in registers.
#ifdef ROLLED
#define TILE_EACH(F)                                                                                                           \
    for (int i_ = 0; i_ < TM; i_++)                                                                                            \
        for (int j_ = 0; j_ < COLUMN_RUNS; j_++) {                                                                             \
            F(i_, j_)                                                                                                          \
        }
#else
#if TN == 8
#define TILE_RUNS(F, i) F(i, 0) F(i, 1)
#else
#define TILE_RUNS(F, i) F(i, 0)
#endif
#define TILE_ROWS_4(F, i) TILE_RUNS(F, i) TILE_RUNS(F, i + 1) TILE_RUNS(F, i + 2) TILE_RUNS(F, i + 3)
#if TM == 8
#define TILE_EACH(F) TILE_ROWS_4(F, 0) TILE_ROWS_4(F, 4)
#else
#define TILE_EACH(F) TILE_ROWS_4(F, 0)
#endif
#endif

// Row and column, in the tile, of a work-item's value i of TM, of its run j of columns.
#define TILE_ROW(m, i) ((i) / 4 * (BM / ROW_RUNS) + (m) * 4 + (i) % 4)
#define TILE_COLUMN(n, j) ((j) * (BN / COLUMN_RUNS) + (n) * 4)

static inline void tile_zero(float4 acc[TM][COLUMN_RUNS])
{
#define ZERO(i, j) acc[i][j] = (float4)(0.0f);
    TILE_EACH(ZERO)
#undef ZERO
}

// BK links of every chain, from the buffers a [BK][LDA] and b [BK][LDB]; m, n: the work-item's place in the tile.
static inline void tile_multiply(float4 acc[TM][COLUMN_RUNS], local const float4 *a, local const float4 *b, const int m,
                                 const int n)
{
#define RIGHT(j) const float4 right##j = b[k * LDB + n + (j) * (BN / TN)];
#define LINKS(i, j)                                                                                                            \
    acc[4 * (i)][j] = fma((float4)(left.x), right##j, acc[4 * (i)][j]);                                                        \
    acc[4 * (i) + 1][j] = fma((float4)(left.y), right##j, acc[4 * (i) + 1][j]);                                                \
    acc[4 * (i) + 2][j] = fma((float4)(left.z), right##j, acc[4 * (i) + 2][j]);                                                \
    acc[4 * (i) + 3][j] = fma((float4)(left.w), right##j, acc[4 * (i) + 3][j]);
#if TN == 8
#define FOUR_ROWS(i) { const float4 left = a[k * LDA + m + (i) * (BM / TM)]; LINKS(i, 0) LINKS(i, 1) }
#else
#define FOUR_ROWS(i) { const float4 left = a[k * LDA + m + (i) * (BM / TM)]; LINKS(i, 0) }
#endif
    UNROLL_INNER
    for (int k = 0; k < BK; k++) {
        RIGHT(0)
#if TN == 8
        RIGHT(1)
#endif
        FOUR_ROWS(0)
#if TM == 8
        FOUR_ROWS(1)
#endif
    }
#undef FOUR_ROWS
#undef LINKS
#undef RIGHT
}

// A vector along the inner dimension goes down a column of the buffer, `row` floats a step.
static inline void tile_turn(local float *to, const int row, const floatC v)
{
#if VC == 4
    to[0] = v.x;
    to[row] = v.y;
    to[2 * row] = v.z;
    to[3 * row] = v.w;
#else
    to[0] = v;
#endif
}

// Four values of row r from column k on of a matrix [rows][K], zero outside of it.
static inline float4 tile_at(global const float *from, const int r, const int k, const int rows, const int K)
{
    const global float *o = from + r * K + k;
#if VK == 4
    return ((r < rows) & (k < K)) ? *(global const float4 *)o : (float4)(0.0f);
#else
    float4 v = (float4)(0.0f);
    if ((r < rows) & (k < K))
        v.x = o[0];
    if ((r < rows) & (k + 1 < K))
        v.y = o[1];
    if ((r < rows) & (k + 2 < K))
        v.z = o[2];
    if ((r < rows) & (k + 3 < K))
        v.w = o[3];
    return v;
#endif
}

// The work-item's values from a matrix [rows][K], and to it; what is outside of it is zero and is not touched.
static inline void tile_load(float4 acc[TM][COLUMN_RUNS], global const float *from, const int r0, const int k0, const int m,
                             const int n, const int rows, const int K)
{
#define LOAD(i, j) acc[i][j] = tile_at(from, r0 + TILE_ROW(m, i), k0 + TILE_COLUMN(n, j), rows, K);
    TILE_EACH(LOAD)
#undef LOAD
}

static inline void tile_put(const float4 v, global float *to, const int r, const int k, const int rows, const int K)
{
    global float *o = to + r * K + k;
#if VK == 4
    if ((r < rows) & (k < K))
        *(global float4 *)o = v;
#else
    if ((r < rows) & (k < K))
        o[0] = v.x;
    if ((r < rows) & (k + 1 < K))
        o[1] = v.y;
    if ((r < rows) & (k + 2 < K))
        o[2] = v.z;
    if ((r < rows) & (k + 3 < K))
        o[3] = v.w;
#endif
}

static inline void tile_store(float4 acc[TM][COLUMN_RUNS], global float *to, const int r0, const int k0, const int m,
                              const int n, const int rows, const int K)
{
#define STORE(i, j) tile_put(acc[i][j], to, r0 + TILE_ROW(m, i), k0 + TILE_COLUMN(n, j), rows, K);
    TILE_EACH(STORE)
#undef STORE
}

#endif
