// Weight gradient by matrix units: rows (tap, input channel) by columns (output channel), the inner dimension the pixels of the
// run, dealt into parts so that all compute units have some; every part is a product of its own, and a second kernel adds them
// in order.  Operands are packed along channels (lib/matrix_pack.cl) and turned on the way into local memory.  See
// host/ops/conv_matrix.c.  Needs lib/vec.cl, lib/math.cl, lib/tree.cl, lib/matrix_tile.cl.
#ifndef LIB_MATRIX_DW_CL
#define LIB_MATRIX_DW_CL
#define TURN (4 * PER)                  /* channels of a load: four words of each pixel of a word */
#define A_LOADS LOADS(BM / TURN * STEP)
#define B_LOADS LOADS(BN / TURN * STEP)
#define NOWHERE (-(1 << 29))

// Load i: the first channel in the tile; all loads of a work-item are of the same word, as a group has a multiple of STEP items.
#define LOAD_CHANNEL(i) ((lid + (i) * TILE_ITEMS) / STEP * TURN)
#define LOAD_WORD (lid % STEP)

// PER pixels of four words each become TURN rows of one word.
static inline void matrix_turn(local uint *to, const uint4 v[PER])
{
#if PRECISION == TF32
    to[0] = v[0].x, to[ROW] = v[0].y, to[2 * ROW] = v[0].z, to[3 * ROW] = v[0].w;
#else
#define TWO(j, part)                                                                                                           \
    to[2 * j * ROW] = (v[0].part & 0xffffu) | v[1].part << 16;                                                                 \
    to[(2 * j + 1) * ROW] = v[0].part >> 16 | (v[1].part & 0xffff0000u);
    TWO(0, x) TWO(1, y) TWO(2, z) TWO(3, w)
#undef TWO
#endif
}

// Pixels p, p+1 ... of this work-item's word, of those before `end`; (y, x): of p.
static inline void matrix_dw_fetch(uint4 av[A_LOADS][PER], uint4 bv[B_LOADS][PER], global const uint *x, global const uint *dy,
                                   const int at[A_LOADS], const int oy[A_LOADS], const int ox[A_LOADS], const int y0,
                                   const int x0, const int p, const int end, const int kw0, const int lid, const int H,
                                   const int W, const int words, const int dy_words)
{
    int yy = y0, xx = x0;
MATRIX_UNROLL
    for (int j = 0; j < PER; j++) {
MATRIX_UNROLL
        for (int i = 0; i < A_LOADS; i++) {
            const int ys = yy + oy[i], xs = xx + ox[i];
            const int inside = (ys >= 0) & (ys < H) & (xs >= 0) & (xs < W) & (p + j < end);
            av[i][j] = inside ? *(global const uint4 *)(x + (p + j) * words + at[i]) : (uint4)(0u);
        }
MATRIX_UNROLL
        for (int i = 0; i < B_LOADS; i++) {
            const int word = kw0 + LOAD_CHANNEL(i) / PER, there = (p + j < end) & (word < dy_words) & (LOAD_CHANNEL(i) < BN);
            bv[i][j] = there ? *(global const uint4 *)(dy + (p + j) * dy_words + word) : (uint4)(0u);
        }
        xx++;
        if (xx == W) {
            xx = 0;
            yy = yy + 1 == H ? 0 : yy + 1;
        }
    }
}

static inline void matrix_dw_keep(local uint *a, local uint *b, uint4 av[A_LOADS][PER], uint4 bv[B_LOADS][PER], const int lid)
{
MATRIX_UNROLL
    for (int i = 0; i < A_LOADS; i++)
        if (LOAD_CHANNEL(i) < BM)
            matrix_turn(a + LOAD_CHANNEL(i) * ROW + LOAD_WORD, av[i]);
MATRIX_UNROLL
    for (int i = 0; i < B_LOADS; i++)
        if (LOAD_CHANNEL(i) < BN)
            matrix_turn(b + LOAD_CHANNEL(i) * ROW + LOAD_WORD, bv[i]);
}

// A group per tile (0) and part (1) of `part` pixels, a multiple of a step's.  x [pixels][words], dy [pixels][dy_words]; rows of the
// product are numbered (tap, padded channel).  parts [part][tap][C][K].
__attribute__((reqd_work_group_size(TILE_ITEMS, 1, 1))) SUB_GROUPS
kernel void matrix_dw(global const uint *restrict x, global const uint *restrict dy, global float *restrict parts,
                      const int pixels, const int part, const int H, const int W, const int words, const int dy_words,
                      const int C, const int K, const int R, const int S, const int dilation)
{
    MATRIX_LOCALS
    const int lid = (int)get_local_id(0), blocks = (K + BN - 1) / BN, group = (int)get_group_id(0);
    const int r0 = group / blocks * BM, k0 = group % blocks * BN, channels = words * PER, rows = R * S * channels;
    const int begin = (int)get_group_id(1) * part, end = min(pixels, begin + part);
    const int steps = (end - begin + STEP_VALUES - 1) / STEP_VALUES;
    MATRIX_PLACE(lid)
    int at[A_LOADS], oy[A_LOADS], ox[A_LOADS];
    uint4 av[A_LOADS][PER], bv[B_LOADS][PER];
    unit_sums acc[FRAGMENTS_M][FRAGMENTS_N];
    int p = begin + LOAD_WORD * PER, y0 = p / W % H, x0 = p % W;
MATRIX_UNROLL
    for (int i = 0; i < A_LOADS; i++) {
        const int r = r0 + LOAD_CHANNEL(i), tap = r / channels, ky = tap / S;
        oy[i] = r < rows && LOAD_CHANNEL(i) < BM ? (ky - R / 2) * dilation : NOWHERE;
        ox[i] = (tap - ky * S - S / 2) * dilation;
        at[i] = ((ky - R / 2) * dilation * W + ox[i]) * words + (r - tap * channels) / PER;
    }
    matrix_zero(acc);
    matrix_dw_fetch(av, bv, x, dy, at, oy, ox, y0, x0, p, end, k0 / PER, lid, H, W, words, dy_words);
    matrix_dw_keep((local uint *)a, (local uint *)b, av, bv, lid);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int step = 0; step < steps; step++) {      /* multiplies this step's words and fetches the next one's */
        const int here = step & 1, more = step + 1 < steps;
        if (more) {
            p += STEP_VALUES;
            x0 += STEP_VALUES;
            while (x0 >= W) {
                x0 -= W;
                y0 = y0 + 1 == H ? 0 : y0 + 1;
            }
            matrix_dw_fetch(av, bv, x, dy, at, oy, ox, y0, x0, p, end, k0 / PER, lid, H, W, words, dy_words);
        }
        MATRIX_MULTIPLY(acc, (local const uint *)a + here * BM * ROW, (local const uint *)b + here * BN * ROW);
        if (more)
            matrix_dw_keep((local uint *)a + (here ^ 1) * BM * ROW, (local uint *)b + (here ^ 1) * BN * ROW, av, bv, lid);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    global float *o = parts + (size_t)get_group_id(1) * R * S * C * K;
#define PUT(row, column, v)                                                                                                    \
    {                                                                                                                          \
        const int r = r0 + row, k = k0 + column, tap = r / channels, c = r - tap * channels;                                   \
        if ((r < rows) & (c < C) & (k < K))                                                                                    \
            o[(size_t)(tap * C + c) * K + k] = v;                                                                              \
    }
    MATRIX_EACH(acc, PUT)
#undef PUT
}

// The run's sum goes into slot 0 and nothing into the others, so that batch_root finds the batch's sum.  A work-item per value.
__attribute__((reqd_work_group_size(64, 1, 1)))
kernel void matrix_deposit(global const float *restrict parts, global const uint *restrict counters, global float *restrict stack,
                           const int level, const int count, const int T)
{
    const int i = (int)get_global_id(0);
    if (i >= level)
        return;
    float sum = parts[i];
    for (int part = 1; part < count; part++)
        sum = sum + parts[(size_t)part * level + i];
    stack[i] = scl_flush(counters[CNT_POSITION] == 0u ? sum : stack[i] + sum);
    for (int t = 1; t < T; t++)
        stack[(size_t)t * level + i] = 0.0f;
}
#undef A_LOADS
#undef B_LOADS
#endif
