// The one-dimensional transforms of Winograd convolution F(4, 3) and F(2, 3), once for vectors of floats, once as C.
// Operation by operation as docs/design/winograd-transforms.md has them; a 2-D transform goes along y first, then along x.
// Included with floatT, FN(name) and fma of floatT defined, several times; no guard.
//
//   bt  input       6 -> 6 (4 -> 4)        at  output     6 -> 4 (4 -> 2)       gg  weights    3 -> 6 (3 -> 4)
//   aa  gradient    4 -> 6 (2 -> 4)        gt  its result 6 -> 3 (4 -> 3)
//
// F(4, 3) takes the points 0, +-a, +-b, infinity with a = 5/8, b = 3/2 (Lavin & Gray 2016; docs/design/arithmetic.md 5).

#define WK(c) ((floatT)(c))
#define W_A WK(0x1.4p-1f)            /* a */
#define W_B WK(0x1.8p+0f)            /* b */
#define W_A2 WK(0x1.9p-2f)           /* a^2 */
#define W_B2 WK(0x1.2p+1f)           /* b^2 */
#define W_A3 WK(0x1.f4p-3f)          /* a^3 */
#define W_B3 WK(0x1.bp+1f)           /* b^3 */
#define W_AB WK(0x1.c2p-1f)          /* a^2 b^2 */
#define W_AS WK(0x1.52p+1f)          /* a^2 + b^2 */
#define W_FA WK(-0x1.607668p-1f)     /* 1 / (2 a^2 (a^2 - b^2)) */
#define W_FB WK(0x1.e98802p-4f)      /* 1 / (2 b^2 (b^2 - a^2)) */
#define W_F0 WK(0x1.234568p+0f)      /* 1 / (a^2 b^2) */

static inline void FN(winograd4_bt)(floatT *o, const floatT *d)
{
    const floatT e0 = fma(-W_B2, d[2], d[4]), o0 = fma(-W_B2, d[1], d[3]);
    const floatT e1 = fma(-W_A2, d[2], d[4]), o1 = fma(-W_A2, d[1], d[3]);
    o[0] = fma(W_AB, d[0], fma(-W_AS, d[2], d[4]));
    o[1] = fma(W_A, o0, e0);
    o[2] = fma(-W_A, o0, e0);
    o[3] = fma(W_B, o1, e1);
    o[4] = fma(-W_B, o1, e1);
    o[5] = fma(W_AB, d[1], fma(-W_AS, d[3], d[5]));
}

/* One output of bt alone: of the points 0 and infinity from every other input, and of the point r, whose square is not q2, from
 * the four in the middle.  One of aa likewise, of r alone. */
static inline floatT FN(winograd4_bt_end)(const floatT d0, const floatT d2, const floatT d4)
{
    return fma(W_AB, d0, fma(-W_AS, d2, d4));
}

static inline floatT FN(winograd4_bt_at)(const float r, const float q2, const floatT *d)
{
    const floatT point = WK(r), other = WK(-q2);
    return fma(point, fma(other, d[0], d[2]), fma(other, d[1], d[3]));
}

static inline floatT FN(winograd4_aa_at)(const float r, const floatT *d)
{
    const floatT cube = WK(r * r * r) * d[3];
    return fma(WK(r * r), d[2], d[0]) + fma(WK(r), d[1], cube);
}

static inline void FN(winograd4_gg)(floatT *o, const floatT *g)
{
    const floatT s = fma(W_A2, g[2], g[0]), q = fma(W_B2, g[2], g[0]);
    o[0] = g[0] * W_F0;
    o[1] = fma(W_A, g[1], s) * W_FA;
    o[2] = fma(-W_A, g[1], s) * W_FA;
    o[3] = fma(W_B, g[1], q) * W_FB;
    o[4] = fma(-W_B, g[1], q) * W_FB;
    o[5] = g[2];
}

static inline void FN(winograd4_at)(floatT *o, const floatT *m)
{
    const floatT a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], e = m[3] - m[4];
    const floatT ab = W_A * b, a2a = W_A2 * a;      /* rounded on purpose */
    o[0] = m[0] + a + c;
    o[1] = fma(W_B, e, ab);
    o[2] = fma(W_B2, c, a2a);
    o[3] = fma(W_B3, e, fma(W_A3, b, m[5]));
}

static inline void FN(winograd4_aa)(floatT *o, const floatT *d)
{
    const floatT a3d = W_A3 * d[3], b3d = W_B3 * d[3];
    const floatT e = fma(W_A2, d[2], d[0]), h = fma(W_A, d[1], a3d);
    const floatT g = fma(W_B2, d[2], d[0]), q = fma(W_B, d[1], b3d);
    o[0] = d[0];
    o[1] = e + h;
    o[2] = e - h;
    o[3] = g + q;
    o[4] = g - q;
    o[5] = d[3];
}

static inline void FN(winograd4_gt)(floatT *o, const floatT *d)
{
    const floatT s = W_FA * (d[1] + d[2]), q = W_FA * (d[1] - d[2]);
    const floatT e = W_FB * (d[3] + d[4]), h = W_FB * (d[3] - d[4]);
    const floatT bh = W_B * h;
    o[0] = fma(d[0], W_F0, s + e);
    o[1] = fma(W_A, q, bh);
    o[2] = fma(W_A2, s, fma(W_B2, e, d[5]));
}

static inline void FN(winograd2_bt)(floatT *o, const floatT *d)
{
    o[0] = d[0] - d[2];
    o[1] = d[1] + d[2];
    o[2] = d[2] - d[1];
    o[3] = d[1] - d[3];
}

static inline void FN(winograd2_gg)(floatT *o, const floatT *g)
{
    const floatT s = g[0] + g[2];
    o[0] = g[0];
    o[1] = WK(0.5f) * (s + g[1]);
    o[2] = WK(0.5f) * (s - g[1]);
    o[3] = g[2];
}

static inline void FN(winograd2_at)(floatT *o, const floatT *m)
{
    o[0] = m[0] + m[1] + m[2];
    o[1] = m[1] - m[2] - m[3];
}

static inline void FN(winograd2_aa)(floatT *o, const floatT *d)
{
    o[0] = d[0];
    o[1] = d[0] + d[1];
    o[2] = d[0] - d[1];
    o[3] = -d[1];
}

static inline void FN(winograd2_gt)(floatT *o, const floatT *d)
{
    const floatT s = WK(0.5f) * (d[1] + d[2]);
    o[0] = d[0] + s;
    o[1] = WK(0.5f) * (d[1] - d[2]);
    o[2] = s + d[3];
}

#undef WK
#undef W_A
#undef W_B
#undef W_A2
#undef W_B2
#undef W_A3
#undef W_B3
#undef W_AB
#undef W_AS
#undef W_FA
#undef W_FB
#undef W_F0
