// The register tile of a work-item, MR rows by NV vectors, unrolled by the preprocessor: ROWS(F) is F(0) F(1) ... F(MR-1)
// and COLUMNS(F, i) is F(i, 0) ... F(i, NV-1).  Not every compiler obeys #pragma unroll, and llvmpipe silently ends a
// work-item's loops after 65,535 rounds in all: the rounds of the innermost loops are not to be spent on counting
// registers.  After lib/vec.cl.
#ifndef LIB_TILE_CL
#define LIB_TILE_CL

#if NR == VEC
#define NV 1
#elif NR == 2 * VEC
#define NV 2
#elif NR == 4 * VEC
#define NV 4
#else
#error "NR is VEC, 2 VEC or 4 VEC"
#endif

#define ROWS_1(F) F(0)
#define ROWS_4(F) F(0) F(1) F(2) F(3)
#define ROWS_6(F) ROWS_4(F) F(4) F(5)
#define ROWS_8(F) ROWS_6(F) F(6) F(7)
#define ROWS_12(F) ROWS_8(F) F(8) F(9) F(10) F(11)
#define COLUMNS_1(F, i) F(i, 0)
#define COLUMNS_2(F, i) F(i, 0) F(i, 1)
#define COLUMNS_4(F, i) F(i, 0) F(i, 1) F(i, 2) F(i, 3)
#define TILE_CAT_(a, b) a##b
#define TILE_CAT(a, b) TILE_CAT_(a, b)
#define ROWS(F) TILE_CAT(ROWS_, MR)(F)
#define COLUMNS(F, i) TILE_CAT(COLUMNS_, NV)(F, i)

// A vector of which only the first `count` floats exist.
static floatV load_some(global const float *p, const int count)
{
    if (count >= VEC)
        return vloadV(p);
    float lane[VEC];
    for (int l = 0; l < VEC; l++)
        lane[l] = l < count ? p[l] : 0.0f;
    return vloadV(lane);
}

static void store_some(const floatV v, global float *p, const int count)
{
    if (count >= VEC) {
        vstoreV(v, p);
        return;
    }
    float lane[VEC];
    vstoreV(v, lane);
    for (int l = 0; l < count; l++)
        p[l] = lane[l];
}

#endif
