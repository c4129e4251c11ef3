// The updates of host/ops/optimizer.c, once for float, once for vectors of floats.  Included with floatT and FN(name) defined; no
// guard.  g: the clipped gradient.

#define K(c) ((floatT)(c))

// Second moments flush below 2^-100: else small gradients would lose v but keep m.
static inline floatT FN(flush_moment)(const floatT v) { return fabs(v) < K(0x1p-100f) ? K(0.0f) : v; }
static inline floatT FN(root_moment)(const floatT v) { return FN(sqrt)(v * K(0x1p60f)) * K(0x1p-30f); }

// The average after one more value.
static inline floatT FN(average)(const floatT a, const floatT x, const float rate) { return FN(flush)(fma(K(rate), x - a, a)); }

static inline floatT FN(moment)(const floatT v, const floatT g, const float rate)
{
    const floatT square = g * g;
    return FN(flush_moment)(fma(K(rate), square - v, v));
}

static inline floatT FN(adam_weight)(const floatT theta, const floatT m, const floatT v, const float rate, const float root,
                                     const float eps)
{
    return FN(flush)(fma(K(rate), FN(div)(m, fma(FN(root_moment)(v), K(root), K(eps))), theta));
}

static inline floatT FN(rmsprop_weight)(const floatT theta, const floatT v, const floatT g, const float rate, const float eps)
{
    const floatT root = FN(root_moment)(v);
    return FN(flush)(fma(K(rate), FN(div)(g, root + K(eps)), theta));
}

// fma that ends an operator.
static inline floatT FN(flushed_fma)(const float a, const floatT x, const floatT y) { return FN(flush)(fma(K(a), x, y)); }

#undef K
