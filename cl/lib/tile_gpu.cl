// The tile of a work-group on a GPU: BM rows by BN columns of a matrix product.  Both operands go through local memory, BK of
// the inner dimension at a time, in two buffers: one barrier a step, and the next step's values are on their way from global
// memory while this one's are multiplied.  Every value is one chain of fma, so that no size changes a bit.
// A work-item holds TM x TN values, in runs of four rows and four columns: the items of a row of runs read neighbouring words.
// VC, VK: floats of a vector along channels of the input and of the output, 4 or 1.  ROLLED: loops stay loops (llvmpipe).
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

/* Registers stay registers only in unrolled loops.  Four steps of the inner dimension hide the latency of local memory; eight
   would cost an eighth more registers. */
#ifdef ROLLED
#define UNROLL
#define UNROLL_INNER
#else
#define UNROLL _Pragma("unroll")
#define UNROLL_INNER _Pragma("unroll 4")
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

// Row and column, in the tile, of a work-item's value i of TM, of its run j of columns.
#define TILE_ROW(m, i) ((i) / 4 * (BM / ROW_RUNS) + (m) * 4 + (i) % 4)
#define TILE_COLUMN(n, j) ((j) * (BN / COLUMN_RUNS) + (n) * 4)

static inline void tile_zero(float4 acc[TM][COLUMN_RUNS])
{
    UNROLL
    for (int i = 0; i < TM; i++) {
        UNROLL
        for (int j = 0; j < COLUMN_RUNS; j++)
            acc[i][j] = (float4)(0.0f);
    }
}

// BK links of every chain, from the buffers a [BK][LDA] and b [BK][LDB]; m, n: the work-item's place in the tile.
static inline void tile_multiply(float4 acc[TM][COLUMN_RUNS], local const float4 *a, local const float4 *b, const int m,
                                 const int n)
{
    UNROLL_INNER
    for (int k = 0; k < BK; k++) {
        float4 bv[COLUMN_RUNS];
        UNROLL
        for (int j = 0; j < COLUMN_RUNS; j++)
            bv[j] = b[k * LDB + n + j * (BN / TN)];
        UNROLL
        for (int i = 0; i < ROW_RUNS; i++) {
            const float4 av = a[k * LDA + m + i * (BM / TM)];
            UNROLL
            for (int j = 0; j < COLUMN_RUNS; j++) {
                acc[4 * i][j] = fma((float4)(av.x), bv[j], acc[4 * i][j]);
                acc[4 * i + 1][j] = fma((float4)(av.y), bv[j], acc[4 * i + 1][j]);
                acc[4 * i + 2][j] = fma((float4)(av.z), bv[j], acc[4 * i + 2][j]);
                acc[4 * i + 3][j] = fma((float4)(av.w), bv[j], acc[4 * i + 3][j]);
            }
        }
    }
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

#endif
