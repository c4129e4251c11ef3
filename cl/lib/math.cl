// scl_exp(float) ... and, over floatV, scl_exp_v(floatV) ...; with VEC=1 both are the scalar functions.
#ifndef SCL_LIB_MATH
#define SCL_LIB_MATH
#pragma OPENCL FP_CONTRACT OFF
#include "lib/vec.cl"

#define FN(name) scl_##name
#define floatT float
#define intT int
#define uintT uint
#define as_floatT as_float
#define as_intT as_int
#define as_uintT as_uint
#define convert_floatT(x) ((float)(x))
#define convert_intT(x) ((int)(x))
#include "lib/math_body.h"
#undef FN
#undef floatT
#undef intT
#undef uintT
#undef as_floatT
#undef as_intT
#undef as_uintT
#undef convert_floatT
#undef convert_intT

#if VEC > 1
#define FN(name) scl_##name##_v
#define floatT floatV
#define intT intV
#define uintT uintV
#define as_floatT as_floatV
#define as_intT as_intV
#define as_uintT as_uintV
#define convert_floatT convert_floatV
#define convert_intT convert_intV
#include "lib/math_body.h"
#undef FN
#undef floatT
#undef intT
#undef uintT
#undef as_floatT
#undef as_intT
#undef as_uintT
#undef convert_floatT
#undef convert_intT
#else
#define scl_flush_v scl_flush
#define scl_abs_v scl_abs
#define scl_min_v scl_min
#define scl_max_v scl_max
#define scl_clamp01_v scl_clamp01
#define scl_positive_v scl_positive
#define scl_rcp_v scl_rcp
#define scl_div_v scl_div
#define scl_rsqrt_v scl_rsqrt
#define scl_sqrt_v scl_sqrt
#define scl_exp_v scl_exp
#define scl_expm1_neg_v scl_expm1_neg
#define scl_log_v scl_log
#define scl_log1p_v scl_log1p
#define scl_sigmoid_v scl_sigmoid
#define scl_softplus_v scl_softplus
#define scl_relu_v scl_relu
#define scl_relu_grad_v scl_relu_grad
#define scl_elu_v scl_elu
#define scl_elu_grad_v scl_elu_grad
#define scl_elu_grad2_v scl_elu_grad2
#define scl_sincos_turn_v scl_sincos_turn
#define scl_normal2_v scl_normal2
#endif

// An argument of its own stands for "this product is rounded" (host/graph/expr.h).
static inline float scl_rounded(float x) { return x; }
static inline floatV scl_rounded_v(floatV x) { return x; }
#endif
