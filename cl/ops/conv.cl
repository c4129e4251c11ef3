// conv - see host/ops/conv.c.  WG: work-items of a group; MR x NR: the register tile of a work-item; VEC: floats of a vector.
// None changes a bit.  CPUs: WG=1, float16, 4x64 to 12x16.
// BM: rows of the tile of a work-group: the kernels for GPUs (lib/tile_gpu.cl has the other sizes); without it those for CPUs.
// UNIT: the kernels for matrix units (lib/matrix_unit.cl has them), with the tile BM x BN.
// WM: 4 or 2 for the kernels of Winograd F(WM x WM, 3 x 3), 0 for the others; DW: those of its weight gradient, 2: a row of
// frequencies at a time.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WM
#define WM 0
#endif
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 4
#endif
#ifndef MR
#define MR 4
#endif
#ifndef NR
#define NR VEC
#endif
#include "lib/vec.cl"
#include "lib/math.cl"
#include "lib/tree.cl"
#include "lib/tile.cl"
#include "lib/fused.cl"
#include "lib/dw_tile.cl"
#ifdef UNIT
#include "lib/matrix.cl"
#elif WM == 0 && defined BM
#include "lib/conv_gpu.cl"
#include "lib/conv_dw_gpu.cl"
#elif WM == 0
#include "lib/conv_direct.cl"
#include "lib/conv_dw.cl"
#include "lib/conv_gemm.cl"
#else
#include "lib/winograd.cl"
#ifdef DW
#include "lib/winograd_dw.cl"
#ifdef BM
#include "lib/winograd_dw_gpu.cl"
#elif DW == 2
#include "lib/winograd_dw_rows.cl"
#else
#include "lib/winograd_dw_cpu.cl"
#endif
#elif defined BM
#include "lib/winograd_gpu.cl"
#else
#ifndef TILES
#define TILES 8
#endif
#ifndef PASS
#define PASS 256
#endif
#include "lib/winograd_fused.cl"
#endif
#endif
