// Does this device have the matrix unit that it is asked for?  One product of 32 x 32 values by a group's four sub-groups, operands
// packed by the host (host/cl/matrix.c).  A unit that is not there does not compile, or gives other values.
#pragma OPENCL FP_CONTRACT OFF
#define BM 32
#define BN 32
#define SM 16
#define SN 16
#include "lib/matrix_tile.cl"

// left, right [32][STEP], result [32][32] += left right'.
__attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) SUB_GROUPS
kernel void matrix_probe(global const uint *restrict left, global const uint *restrict right, global float *restrict result)
{
    MATRIX_LOCALS
    const int lid = (int)get_local_id(0);
    local uint *aw = (local uint *)a, *bw = (local uint *)b;
    MATRIX_PLACE(lid)
    unit_sums acc[FRAGMENTS_M][FRAGMENTS_N];
    for (int i = lid; i < BM * STEP; i += TILE_ITEMS) {
        aw[i / STEP * ROW + i % STEP] = left[i];
        bw[i / STEP * ROW + i % STEP] = right[i];
    }
    matrix_zero(acc);
    barrier(CLK_LOCAL_MEM_FENCE);
    MATRIX_MULTIPLY(acc, aw, bw);
    barrier(CLK_LOCAL_MEM_FENCE);
#define PUT(row, column, v) result[(row) * BN + column] += v;
    MATRIX_EACH(acc, PUT)
#undef PUT
}
