// linear - see host/ops/linear.c: the kernels of a convolution by 1x1 over images of one pixel.
// WG, MR, NR, VEC, BM and UNIT as in conv.cl.
#pragma OPENCL FP_CONTRACT OFF
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
#elif defined BM
#include "lib/conv_gpu.cl"
#include "lib/conv_dw_gpu.cl"
#else
#include "lib/conv_direct.cl"
#include "lib/conv_dw.cl"
#include "lib/conv_gemm.cl"
#endif
