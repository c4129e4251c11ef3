// Vectors of VEC floats.  VEC=1 is a plain float: kernels are written once, with floatV, vloadV(p) and vstoreV(v, p).
#ifndef SCL_LIB_VEC
#define SCL_LIB_VEC
#ifndef VEC
#define VEC 4
#endif

#define VEC_CAT_(a, b) a##b
#define VEC_CAT(a, b) VEC_CAT_(a, b)

#if VEC == 1
#define floatV float
#define intV int
#define uintV uint
#define vloadV(p) (*(p))
#define vstoreV(v, p) (*(p) = (v))
#define convert_floatV(x) ((float)(x))
#define convert_intV(x) ((int)(x))
#define as_floatV as_float
#define as_intV as_int
#define as_uintV as_uint
#else
#define floatV VEC_CAT(float, VEC)
#define intV VEC_CAT(int, VEC)
#define uintV VEC_CAT(uint, VEC)
#if VEC >= 8 && defined(__clang__)
#define VEC_PLAIN
#else
#define vloadV(p) VEC_CAT(vload, VEC)(0, (p))
#define vstoreV(v, p) VEC_CAT(vstore, VEC)((v), 0, (p))
#endif
#define convert_floatV VEC_CAT(convert_float, VEC)
#define convert_intV VEC_CAT(convert_int, VEC)
#define as_floatV VEC_CAT(as_float, VEC)
#define as_intV VEC_CAT(as_int, VEC)
#define as_uintV VEC_CAT(as_uint, VEC)
#endif

// PoCL's vload16 and vstore16 are put together from halves, which LLVM does not always join again: a load became 8 loads of two
// floats and 7 shuffles, a store 3 stores.  One access to a vector that is aligned like a float is one instruction.
#ifdef VEC_PLAIN
typedef floatV float_anywhere __attribute__((aligned(4)));
typedef intV int_anywhere __attribute__((aligned(4)));
typedef uintV uint_anywhere __attribute__((aligned(4)));
#define VEC_ACCESS(type, space)                                                                                                \
    static inline VEC_CAT(type, VEC) __attribute__((overloadable, always_inline)) vloadV(space const type *p)                  \
    {                                                                                                                          \
        return *(space const type##_anywhere *)p;                                                                              \
    }                                                                                                                          \
    static inline void __attribute__((overloadable, always_inline)) vstoreV(const VEC_CAT(type, VEC) v, space type *p)         \
    {                                                                                                                          \
        *(space type##_anywhere *)p = v;                                                                                       \
    }
VEC_ACCESS(float, global)
VEC_ACCESS(float, local)
VEC_ACCESS(float, private)
VEC_ACCESS(int, global)
VEC_ACCESS(uint, private)
#undef VEC_ACCESS
#undef VEC_PLAIN
#endif

// The first `count` floats at p (count <= VEC), the rest +0; and the way back.  For the short vector that ends a row.
static inline floatV vload_some(global const float *p, const int count)
{
    float part[VEC];
    for (int i = 0; i < VEC; i++)
        part[i] = i < count ? p[i] : 0.0f;
    return vloadV(part);
}

static inline void vstore_some(const floatV v, global float *p, const int count)
{
    float part[VEC];
    vstoreV(v, part);
    for (int i = 0; i < count; i++)
        p[i] = part[i];
}
#endif
