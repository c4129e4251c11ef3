// Rounding of floats to the inputs of matrix units, in integers: the same on every device, and as C.  Needs FN(name), as_uint,
// as_float.  What a unit gets is the word; infinities and NaNs stay what they are.

// tf32: 8 bits of exponent, 10 of fraction, to nearest, ties away from zero (cvt.rna.tf32 of PTX).
static inline uint FN(round_tf32)(const float x)
{
    const uint u = as_uint(x);
    return (u & 0x7fffffffu) > 0x7f800000u ? u : (u + 0x1000u) & 0xffffe000u;
}

// bf16: the upper half of a float, ties to even.
static inline uint FN(round_bf16)(const float x)
{
    const uint u = as_uint(x);
    return (u & 0x7fffffffu) > 0x7f800000u ? u >> 16 | 0x40u : (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
}

// f16: ties to even; from 65520 on infinite; below 2^-14 multiples of 2^-24, which adding a half leaves in the last bits.
static inline uint FN(round_f16)(const float x)
{
    const uint u = as_uint(x), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    if (a >= 0x47800000u)
        return sign | (a > 0x7f800000u ? 0x7e00u : 0x7c00u);
    if (a < 0x38800000u)
        return sign | (as_uint(as_float(a) + 0.5f) - 0x3f000000u);
    return sign | (a + 0xfffu + (a >> 13 & 1u) - 0x38000000u) >> 13;
}

// And back, exactly.
static inline float FN(widen_bf16)(const uint h)
{
    return as_float(h << 16);
}

static inline float FN(widen_f16)(const uint h)
{
    const uint sign = (h & 0x8000u) << 16, e = h >> 10 & 31u, fraction = h & 1023u;
    if (e == 0u) {
        const float tiny = (float)fraction * 0x1p-24f;
        return as_float(as_uint(tiny) | sign);
    }
    return as_float(sign | (e == 31u ? 0x7f800000u : (e + 112u) << 23) | fraction << 13);
}
