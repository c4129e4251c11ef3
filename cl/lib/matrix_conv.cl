// Convolution by matrix units: the product of the pixels' neighbourhoods, gathered from packed rows (lib/matrix_pack.cl) on the way
// into local memory, with packed weights; floats are added by the unit in an order of its own.  Then bias, flush and what is
// fused behind.  See host/ops/conv_matrix.c.
// Needs VEC = 1, lib/vec.cl, lib/math.cl, lib/fused.cl, lib/matrix_tile.cl.
#ifndef LIB_MATRIX_CONV_CL
#define LIB_MATRIX_CONV_CL
#define A_LOADS LOADS(BM * QUADS)
#define B_LOADS LOADS(BN * QUADS)
#define NOWHERE (-(1 << 29))
#define LOAD_ROW(i) ((lid + (i) * TILE_ITEMS) / QUADS)
#define LOAD_QUAD(i) ((lid + (i) * TILE_ITEMS) % QUADS)

// Where a step begins: a tap and the first of its words.
typedef struct matrix_step { int dy, dx, word; } matrix_step;

static inline void matrix_conv_fetch(uint4 av[A_LOADS], uint4 bv[B_LOADS], global const uint *x, global const uint *w,
                                     const int ys[A_LOADS], const int xs[A_LOADS], const matrix_step at, const int p0,
                                     const int k0, const int lid, const int H, const int W, const int words, const int K,
                                     const int R, const int S, const int dilation)
{
    const int oy = at.dy * dilation, ox = at.dx * dilation, tap = (at.dy + R / 2) * S + at.dx + S / 2;
MATRIX_UNROLL
    for (int i = 0; i < A_LOADS; i++) {
        const int yy = ys[i] + oy, xx = xs[i] + ox, inside = (yy >= 0) & (yy < H) & (xx >= 0) & (xx < W);
        global const uint *from = x + (p0 + LOAD_ROW(i) + oy * W + ox) * words + at.word + LOAD_QUAD(i) * 4;
        av[i] = inside ? *(global const uint4 *)from : (uint4)(0u);
    }
MATRIX_UNROLL
    for (int i = 0; i < B_LOADS; i++) {
        const int k = k0 + LOAD_ROW(i), there = (k < K) & (LOAD_ROW(i) < BN);
        global const uint *from = w + (tap * K + k) * words + at.word + LOAD_QUAD(i) * 4;
        bv[i] = there ? *(global const uint4 *)from : (uint4)(0u);
    }
}

static inline void matrix_conv_keep(local uint4 *a, local uint4 *b, const uint4 av[A_LOADS], const uint4 bv[B_LOADS], const int lid)
{
MATRIX_UNROLL
    for (int i = 0; i < A_LOADS; i++)
        if (LOAD_ROW(i) < BM)
            a[LOAD_ROW(i) * (ROW / 4) + LOAD_QUAD(i)] = av[i];
MATRIX_UNROLL
    for (int i = 0; i < B_LOADS; i++)
        if (LOAD_ROW(i) < BN)
            b[LOAD_ROW(i) * (ROW / 4) + LOAD_QUAD(i)] = bv[i];
}

static inline void matrix_conv_put(const float sum, global float *y, POST_ARGS global const float *bias, const int p, const int k,
                                   const int pixels, const int pixels_of_sample, const int K)
{
    if ((p >= pixels) | (k >= K))
        return;
    const int n = p / pixels_of_sample, count = 1;
    const size_t e = (size_t)p * K + k;
    const floatV v = scl_flush(bias ? sum + bias[k] : sum);
    POST_HOIST(n, k, count)
    POST_LOAD(e, count)
    y[e] = POST(v);
}

// A group per tile, blocks of output channels fastest.  x [pixels][words], w [tap][K][words].  Of the R x S taps only those of
// the middle 2 ry + 1 rows and 2 rx + 1 columns meet the image anywhere.  bias is not read without has_bias.
__attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) SUB_GROUPS
kernel void matrix_conv(global const uint *restrict x, global const uint *restrict w, global const float *restrict bias,
                        global float *restrict y, POST_ARGS const int pixels, const int H, const int W, const int words,
                        const int K, const int R, const int S, const int ry, const int rx, const int dilation,
                        const int has_bias)
{
    MATRIX_LOCALS
    const int lid = (int)get_local_id(0), blocks = (K + BN - 1) / BN, group = (int)get_group_id(0);
    const int p0 = group / blocks * BM, k0 = group % blocks * BN, steps = (2 * ry + 1) * (2 * rx + 1) * (words / STEP);
    MATRIX_PLACE(lid)
    int ys[A_LOADS], xs[A_LOADS];
    uint4 av[A_LOADS], bv[B_LOADS];
    unit_sums acc[FRAGMENTS_M][FRAGMENTS_N];
    matrix_step at = { -ry, -rx, 0 };
MATRIX_UNROLL
    for (int i = 0; i < A_LOADS; i++) {
        const int p = p0 + LOAD_ROW(i), row = p / W;
        xs[i] = p - row * W;
        ys[i] = p < pixels && LOAD_ROW(i) < BM ? row % H : NOWHERE;
    }
    matrix_zero(acc);
    matrix_conv_fetch(av, bv, x, w, ys, xs, at, p0, k0, lid, H, W, words, K, R, S, dilation);
    matrix_conv_keep(a, b, av, bv, lid);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int step = 0; step < steps; step++) {      /* multiplies this step's words and fetches the next one's */
        const int here = step & 1, more = step + 1 < steps;
        if (more) {
            at.word += STEP;
            if (at.word == words) {
                at.word = 0;
                at.dy += at.dx == rx;
                at.dx = at.dx == rx ? -rx : at.dx + 1;
            }
            matrix_conv_fetch(av, bv, x, w, ys, xs, at, p0, k0, lid, H, W, words, K, R, S, dilation);
        }
        MATRIX_MULTIPLY(acc, (local const uint *)a + here * BM * ROW, (local const uint *)b + here * BN * ROW);
        if (more)
            matrix_conv_keep(a + (here ^ 1) * BM * ROW / 4, b + (here ^ 1) * BN * ROW / 4, av, bv, lid);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#define PUT(row, column, v)                                                                                                    \
    matrix_conv_put(v, y, POST_PASS has_bias ? bias : 0, p0 + row, k0 + column, pixels, H * W, K);
    MATRIX_EACH(acc, PUT)
#undef PUT
}
#undef A_LOADS
#undef B_LOADS
#endif
