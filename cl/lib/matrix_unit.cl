// Matrix units: D = A B + C of UM x UN values by a sub-group of LANES work-items, inner dimension 8 words of A and B.
// A word is one tf32, or two neighbours of the inner dimension in bf16 or f16, the first in the lower half.
//
// UNIT       PRECISION 1: tf32                2: bf16                      3: f16
//   1 mma    mma.sync m16n8k8                 m16n8k16                     m16n8k16                  NVIDIA, from sm_80 on
//   2 mfma   v_mfma_f32_16x16x8_xf32          16x16x16_bf16_1k             16x16x16_f16              AMD CDNA 2 and 3 (tf32: 3)
//   3 wmma   -                                v_wmma_f32_16x16x16_bf16     v_wmma_f32_16x16x16_f16   AMD RDNA 3, waves of 32
//   4 wmma12 -                                the same, another layout                               AMD RDNA 4, waves of 32
//   5 dpas8  -                                ..._matrix_mad_k16           ..._matrix_mad_k16        Intel, sub-groups of 8
//   6 dpas16 ..._tf32_matrix_mad_k8           ..._matrix_mad_k16           ..._matrix_mad_k16        Intel, sub-groups of 16
//
// Which values a lane holds (A_ROW, A_WORD of its word i of A; B_COLUMN, B_WORD; C_ROW, C_COLUMN of its value i of C and D) is
// from the vendors' documents:
//   1     PTX ISA 8, "Matrix Fragments for mma.m16n8k8" and "... m16n8k16"
//   2     AMD Instinct MI200 and MI300 ISA, "Matrix Arithmetic Instructions"; AMD matrix instruction calculator
//   3, 4  RDNA 3 ISA 7.9, "Wave Matrix Multiply Accumulate"; RDNA 4 ISA 7.12
//   5, 6  Khronos registry, cl_intel_subgroup_matrix_multiply_accumulate and ..._tf32
// A device is asked before it is trusted: host/cl/matrix.c multiplies two matrices of small integers with it.
// EMULATED: the instruction is replaced by lib/matrix_emulated.cl, which any device runs; for tests.
#ifndef LIB_MATRIX_UNIT_CL
#define LIB_MATRIX_UNIT_CL
#ifndef UNIT
#define UNIT 1
#define EMULATED 1
#endif
#ifndef PRECISION
#define PRECISION 2
#endif
#ifndef EMULATED
#define EMULATED 0
#endif

#if EMULATED      /* loops stay loops: barriers inside would be copied */
#define MATRIX_UNROLL
#define MATRIX_ROLL
#else
#define MATRIX_ROLL _Pragma("unroll 1")
#define MATRIX_UNROLL _Pragma("unroll")
#endif

#define TF32 1
#define BF16 2
#define F16 3
#define PER (PRECISION == TF32 ? 1 : 2)     /* values of a word */
#define UNIT_WORDS 8

#if UNIT == 1
#define LANES 32
#define UM 16
#define UN 8
#define A_WORDS 4
#define B_WORDS 2
#define C_VALUES 4
#define A_ROW(lane, i) ((lane) / 4 + (i) % 2 * 8)
#define A_WORD(lane, i) ((lane) % 4 + (i) / 2 * 4)
#define B_COLUMN(lane, i) ((lane) / 4)
#define B_WORD(lane, i) ((lane) % 4 + (i) * 4)
#define C_ROW(lane, i) ((lane) / 4 + (i) / 2 * 8)
#define C_COLUMN(lane, i) ((lane) % 4 * 2 + (i) % 2)
#elif UNIT == 2
#define LANES 64
#define UM 16
#define UN 16
#define A_WORDS 2
#define B_WORDS 2
#define C_VALUES 4
#define A_ROW(lane, i) ((lane) % 16)
#define A_WORD(lane, i) ((lane) / 16 * 2 + (i))
#define B_COLUMN(lane, i) ((lane) % 16)
#define B_WORD(lane, i) ((lane) / 16 * 2 + (i))
#define C_ROW(lane, i) ((lane) / 16 * 4 + (i))
#define C_COLUMN(lane, i) ((lane) % 16)
#elif UNIT == 3     /* the upper lanes repeat what the lower ones hold of A and B */
#define LANES 32
#define UM 16
#define UN 16
#define A_WORDS 8
#define B_WORDS 8
#define C_VALUES 8
#define A_ROW(lane, i) ((lane) % 16)
#define A_WORD(lane, i) (i)
#define B_COLUMN(lane, i) ((lane) % 16)
#define B_WORD(lane, i) (i)
#define C_ROW(lane, i) ((i) * 2 + (lane) / 16)
#define C_COLUMN(lane, i) ((lane) % 16)
#elif UNIT == 4
#define LANES 32
#define UM 16
#define UN 16
#define A_WORDS 4
#define B_WORDS 4
#define C_VALUES 8
#define A_ROW(lane, i) ((lane) % 16)
#define A_WORD(lane, i) ((lane) / 16 * 4 + (i))
#define B_COLUMN(lane, i) ((lane) % 16)
#define B_WORD(lane, i) ((lane) / 16 * 4 + (i))
#define C_ROW(lane, i) ((lane) / 16 * 8 + (i))
#define C_COLUMN(lane, i) ((lane) % 16)
#elif UNIT == 5
#define LANES 8
#define UM 8
#define UN 8
#define A_WORDS 8
#define B_WORDS 8
#define C_VALUES 8
#define A_ROW(lane, i) (i)
#define A_WORD(lane, i) (lane)
#define B_COLUMN(lane, i) (lane)
#define B_WORD(lane, i) (i)
#define C_ROW(lane, i) (i)
#define C_COLUMN(lane, i) (lane)
#else
#define LANES 16
#define UM 8
#define UN 16
#define A_WORDS 4
#define B_WORDS 8
#define C_VALUES 8
#if PRECISION == TF32       /* a register holds two rows of 8 */
#define A_ROW(lane, i) ((i) * 2 + (lane) / 8)
#define A_WORD(lane, i) ((lane) % 8)
#else                       /* a lane holds one value of each row; two rows are a word here */
#define A_BY_HALVES
#endif
#define B_COLUMN(lane, i) (lane)
#define B_WORD(lane, i) (i)
#define C_ROW(lane, i) (i)
#define C_COLUMN(lane, i) (lane)
#endif

// A lane's values of C and D: a vector, as the instructions take it; of an array a compiler keeps both.
#if C_VALUES == 4
#define unit_sums float4
#else
#define unit_sums float8
#endif

#if UNIT >= 5 && !EMULATED
#define SUB_GROUPS __attribute__((intel_reqd_sub_group_size(LANES)))
#else
#define SUB_GROUPS
#endif

// A lane's words of A from the buffer's row 0 and word 0 of the fragment; row: words from row to row.
static inline void unit_load_a(uint a[A_WORDS], local const uint *from, const int row, const int lane)
{
MATRIX_UNROLL
    for (int i = 0; i < A_WORDS; i++) {
#ifdef A_BY_HALVES
        const uint shift = lane % 2 * 16, low = from[2 * i * row + lane / 2], high = from[(2 * i + 1) * row + lane / 2];
        a[i] = (low >> shift & 0xffffu) | (high >> shift) << 16;
#else
        a[i] = from[A_ROW(lane, i) * row + A_WORD(lane, i)];
#endif
    }
}

static inline void unit_load_b(uint b[B_WORDS], local const uint *from, const int row, const int lane)
{
MATRIX_UNROLL
    for (int i = 0; i < B_WORDS; i++)
        b[i] = from[B_COLUMN(lane, i) * row + B_WORD(lane, i)];
}

#if EMULATED
#include "lib/matrix_emulated.cl"
#define UNIT_EXCHANGE , local uint *exchange
#define UNIT_PASS , exchange
#else
#define UNIT_EXCHANGE
#define UNIT_PASS

#if UNIT == 1
#if PRECISION == TF32
#define MMA "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"
#elif PRECISION == BF16
#define MMA "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"
#else
#define MMA "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"
#endif
static inline unit_sums unit_mad(const unit_sums c, const uint a[A_WORDS], const uint b[B_WORDS], const int lane)
{
    float d0 = c.s0, d1 = c.s1, d2 = c.s2, d3 = c.s3;
    __asm__ volatile(MMA " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                     : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3)
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    return (float4)(d0, d1, d2, d3);
}
#elif UNIT == 2 || UNIT == 3 || UNIT == 4
#if PRECISION == F16
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define as_unit8 as_half8
#define as_unit16 as_half16
#else
#define as_unit8 as_short8
#define as_unit16 as_short16
#endif
#if UNIT == 2
#if PRECISION == TF32
#define MAD(a, b, c) __builtin_amdgcn_mfma_f32_16x16x8_xf32(as_float2(a), as_float2(b), c, 0, 0, 0)
#elif PRECISION == BF16
#define MAD(a, b, c) __builtin_amdgcn_mfma_f32_16x16x16bf16_1k(as_short4(a), as_short4(b), c, 0, 0, 0)
#else
#define MAD(a, b, c) __builtin_amdgcn_mfma_f32_16x16x16f16(as_half4(a), as_half4(b), c, 0, 0, 0)
#endif
#define INPUT(a) (uint2)(a[0], a[1])
#elif UNIT == 3
#if PRECISION == BF16
#define MAD(a, b, c) __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(as_unit16(a), as_unit16(b), c)
#else
#define MAD(a, b, c) __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(as_unit16(a), as_unit16(b), c)
#endif
#define INPUT(a) (uint8)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7])
#else
#if PRECISION == BF16
#define MAD(a, b, c) __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32_gfx12(as_unit8(a), as_unit8(b), c)
#else
#define MAD(a, b, c) __builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12(as_unit8(a), as_unit8(b), c)
#endif
#define INPUT(a) (uint4)(a[0], a[1], a[2], a[3])
#endif
static inline unit_sums unit_mad(const unit_sums c, const uint a[A_WORDS], const uint b[B_WORDS], const int lane)
{
    return MAD(INPUT(a), INPUT(b), c);
}
#else
#if PRECISION == TF32
#define intA float4
#define MAD intel_sub_group_tf32_tf32_matrix_mad_k8
#elif PRECISION == BF16
#define MAD intel_sub_group_bf16_bf16_matrix_mad_k16
#else
#define MAD intel_sub_group_f16_f16_matrix_mad_k16
#endif
#if PRECISION == TF32
#define intB float8
#define INPUT_A(a) as_float4((uint4)(a[0], a[1], a[2], a[3]))
#define INPUT_B(b) as_float8((uint8)(b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]))
#else
#define intB int8
#if UNIT == 5
#define intA int8
#define INPUT_A(a) as_int8((uint8)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]))
#else
#define intA short8
#define INPUT_A(a) as_short8((uint4)(a[0], a[1], a[2], a[3]))
#endif
#define INPUT_B(b) as_int8((uint8)(b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]))
#endif
float8 __attribute__((overloadable)) MAD(intA a, intB b, float8 c);
static inline unit_sums unit_mad(const unit_sums c, const uint a[A_WORDS], const uint b[B_WORDS], const int lane)
{
    return MAD(INPUT_A(a), INPUT_B(b), c);
}
#endif
#endif
#endif
