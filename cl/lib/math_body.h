// The elementary functions, once for float, once for vectors of floats, once as C: fma chains and integer seeds, so every device
// and host/graph/arith.h give the same bits.  Included with floatT, intT, uintT, the conversions and FN(name) defined; no guard.
//
// Largest errors against double: rcp 0.500 ulp; div and sqrt correctly rounded on 2e7 random pairs and on all of two binades;
// exp 1.04, expm1_neg 0.86, log 0.86 ulp; log1p (0..1) 1.22, sigmoid 2.35, softplus 1.96 ulp; sine and cosine of a full turn
// 1.02 * 2^-24 on all 2^24 angles.  Arguments of rcp, div, sqrt: 2^-60 <= |x| <= 2^60, or 0 for sqrt.

#define K(c) ((floatT)(c))

// Below 2^-60 is +0: no device decides about denormals, and no -0 is stored.
static inline floatT FN(flush)(const floatT x) { return fabs(x) < K(0x1p-60f) ? K(0.0f) : x; }

static inline floatT FN(abs)(const floatT x) { return fabs(x); }
static inline floatT FN(min)(const floatT x, const floatT y) { return x < y ? x : y; }
static inline floatT FN(max)(const floatT x, const floatT y) { return x > y ? x : y; }
static inline floatT FN(clamp01)(const floatT x) { return x < K(0.0f) ? K(0.0f) : x > K(1.0f) ? K(1.0f) : x; }
static inline floatT FN(positive)(const floatT x, const floatT yes, const floatT no) { return x > K(0.0f) ? yes : no; }

static inline floatT FN(rcp)(const floatT y)
{
    const floatT a = fabs(y);
    floatT r = as_floatT(0x7EF311C7u - as_uintT(a));
    r = fma(r, fma(-a, r, K(1.0f)), r);
    r = fma(r, fma(-a, r, K(1.0f)), r);
    r = fma(r, fma(-a, r, K(1.0f)), r);
    r = fma(r, fma(-a, r, K(1.0f)), r);
    return copysign(K(1.0f), y) * r;
}

static inline floatT FN(div)(const floatT x, const floatT y)
{
    const floatT r = FN(rcp)(y), q = x * r;
    return fma(fma(-q, y, x), r, q);
}

static inline floatT FN(rsqrt)(const floatT x)
{
    floatT r = as_floatT(0x5F375A86u - (as_uintT(x) >> 1)), t = r * r;
    const floatT h = K(-0.5f) * x;
    r = fma(r, fma(h, t, K(0.5f)), r);
    t = r * r;
    r = fma(r, fma(h, t, K(0.5f)), r);
    t = r * r;
    r = fma(r, fma(h, t, K(0.5f)), r);
    t = x * r;
    const floatT lo = fma(x, r, -t);   // x*r = t + lo, exactly
    return fma(K(0.5f) * r, fma(-lo, r, fma(-t, r, K(1.0f))), r);
}

static inline floatT FN(sqrt)(const floatT x)
{
    const floatT r = FN(rsqrt)(x), s = x * r;
    return x == K(0.0f) ? K(0.0f) : fma(K(0.5f) * r, fma(-s, s, x), s);
}

// rint of |x| < 2^22, to even, by two additions: PoCL's rint is 16 instructions.  -0.4 gives +0.
static inline floatT FN(nearest)(const floatT x)
{
    const floatT up = x + K(0x1.8p+23f);
    return up - K(0x1.8p+23f);
}

// expm1 of a reduced argument, |r| <= ln2/2
static inline floatT FN(expm1_poly)(const floatT r)
{
    floatT p = fma(K(0x1.a01a02p-13f), r, K(0x1.6c16c2p-10f));
    p = fma(p, r, K(0x1.111112p-7f));
    p = fma(p, r, K(0x1.555556p-5f));
    p = fma(p, r, K(0x1.555556p-3f));
    p = fma(p, r, K(0.5f));
    const floatT r2 = r * r;
    return fma(p, r2, r);
}

static inline floatT FN(exp)(const floatT x)
{
    const floatT y = fmin(fmax(x, K(-87.0f)), K(88.0f)), k = FN(nearest)(y * K(0x1.715476p+0f));
    const floatT p = FN(expm1_poly)(fma(k, K(-0x1.7f7d1cp-20f), fma(k, K(-0x1.62e400p-1f), y))) + K(1.0f);
    return as_floatT(as_uintT(p) + (as_uintT(convert_intT(k)) << 23));
}

// x <= 0
static inline floatT FN(expm1_neg)(const floatT x)
{
    const floatT y = fmax(x, K(-25.0f)), k = FN(nearest)(y * K(0x1.715476p+0f));
    const floatT p = FN(expm1_poly)(fma(k, K(-0x1.7f7d1cp-20f), fma(k, K(-0x1.62e400p-1f), y)));
    const floatT s = as_floatT(as_uintT(convert_intT(k) + 127) << 23);
    return fma(s, p, s - K(1.0f));
}

// x > 0, normal
static inline floatT FN(log)(const floatT x)
{
    const uintT u = as_uintT(x);
    const intT k = as_intT(u - 0x3f3504f3u) >> 23;   // x = 2^k m, sqrt(1/2) <= m < sqrt(2)
    const floatT f = as_floatT(u - (as_uintT(k) << 23)) - K(1.0f), kf = convert_floatT(k);
    const floatT s = FN(div)(f, K(2.0f) + f), z = s * s;
    floatT p = fma(K(0x1.d13088p-3f), z, K(0x1.23fd38p-2f));
    p = fma(p, z, K(0x1.999ce4p-2f));
    p = fma(p, z, K(0x1.555554p-1f));
    p = p * z;
    const floatT h = K(0.5f) * f * f, hp = h + p;
    const floatT c = fma(kf, K(0x1.7f7d1cp-20f), s * hp), d = h - c;
    return fma(kf, K(0x1.62e400p-1f), f - d);
}

// 0 <= x <= 1
static inline floatT FN(log1p)(const floatT x)
{
    const floatT w = K(1.0f) + x, lost = x - (w - K(1.0f));
    return w == K(1.0f) ? x : fma(FN(rcp)(w), lost, FN(log)(w));
}

static inline floatT FN(sigmoid)(const floatT x)
{
    const floatT e = FN(exp)(-fabs(x)), d = K(1.0f) + e;
    return FN(div)(x > K(0.0f) ? K(1.0f) : e, d);
}

// These comparisons let a NaN through: what is not finite must reach the loss.
static inline floatT FN(relu)(const floatT x) { return x <= K(0.0f) ? K(0.0f) : x; }
static inline floatT FN(relu_grad)(const floatT x) { return x > K(0.0f) ? K(1.0f) : K(0.0f); }

static inline floatT FN(softplus)(const floatT x)
{
    const floatT r = FN(relu)(x), l = FN(log1p)(FN(exp)(-fabs(x)));
    return r + l;
}

static inline floatT FN(elu)(const floatT x) { return x <= K(0.0f) ? FN(expm1_neg)(fmin(x, K(0.0f))) : x; }
static inline floatT FN(elu_grad)(const floatT x) { return x > K(0.0f) ? K(1.0f) : FN(exp)(x); }
static inline floatT FN(elu_grad2)(const floatT x) { return x > K(0.0f) ? K(0.0f) : FN(exp)(x); }

// sine and cosine of 2*pi*turn/2^24: the octant by integers, so no reduction of pi
static inline void FN(sincos_turn)(const uintT turn, floatT *sine, floatT *cosine)
{
    const uintT q = (turn + (1u << 21)) >> 22;
    const floatT t = convert_floatT(as_intT(turn - (q << 22))) * K(0x1p-24f), w = t * t;   // |t| <= 1/8, exact
    floatT s = fma(K(0x1.507834p+5f), w, K(-0x1.32d2ccp+6f));
    s = fma(s, w, K(0x1.466bc6p+6f));
    s = fma(s, w, K(-0x1.4abbcep+5f));
    const floatT tw = t * w, hi = t * K(0x1.921fb6p+2f);
    const floatT lo = fma(t, K(-0x1.777a5cp-23f), fma(t, K(0x1.921fb6p+2f), -hi));         // 2*pi*t = hi + lo
    const floatT sn = hi + fma(s, tw, lo);
    floatT c = fma(K(-0x1.a6d1f2p+4f), w, K(0x1.e1f506p+5f));
    c = fma(c, w, K(-0x1.55d3c8p+6f));
    c = fma(c, w, K(0x1.03c1f0p+6f));
    c = fma(c, w, K(-0x1.3bd3ccp+4f));
    const floatT cs = fma(c, w, K(1.0f));
    const floatT a = (q & 1u) != 0u ? cs : sn, b = (q & 1u) != 0u ? sn : cs;
    *sine = (q & 2u) != 0u ? -a : a;
    *cosine = ((q + 1u) & 2u) != 0u ? -b : b;
}

// two 32-bit words of Philox -> two normals (Box-Muller)
static inline void FN(normal2)(const uintT x, const uintT y, floatT *a, floatT *b)
{
    const floatT u = convert_floatT(as_intT(2u * (x >> 9) + 1u)) * K(0x1p-24f);            // 0 < u < 1, exact
    const floatT r = FN(sqrt)(K(-2.0f) * FN(log)(u));
    floatT s, c;
    FN(sincos_turn)(y >> 8, &s, &c);
    *a = FN(flush)(r * c);
    *b = FN(flush)(r * s);
}

#undef K
