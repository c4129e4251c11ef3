/* Oracles and cases for conv; tests/op_harness.h says what every case goes through. */
#include <string.h>

#include "op_harness.h"

typedef struct { int N, H, W, C, K, R, S, d; } shape;

static shape shape_of(const t_case *t)
{
    return (shape){ t_dim(t, 'N'), t_dim(t, 'H'), t_dim(t, 'W'), t_dim(t, 'C'),
                    t_dim(t, 'K'), t_dim(t, 'R'), t_dim(t, 'S'), (int)t_attr_int(t, "dilation") };
}

/* Every product of the convolution once.  dx, dw, sum: what the products go to, where given. */
static void products(const shape s, const double *x, const double *w, const double *y, double *dx, double *dw,
                     double *sum)
{
    for (int n = 0; n < s.N; n++)
        for (int h = 0; h < s.H; h++)
            for (int v = 0; v < s.W; v++)
                for (int ky = 0; ky < s.R; ky++)
                    for (int kx = 0; kx < s.S; kx++) {
                        const int hs = h + (ky - s.R / 2) * s.d, vs = v + (kx - s.S / 2) * s.d;
                        if (hs < 0 || hs >= s.H || vs < 0 || vs >= s.W)
                            continue;
                        for (int c = 0; c < s.C; c++)
                            for (int k = 0; k < s.K; k++) {
                                const int ix = ((n * s.H + hs) * s.W + vs) * s.C + c;
                                const int iw = ((ky * s.S + kx) * s.C + c) * s.K + k;
                                const int iy = ((n * s.H + h) * s.W + v) * s.K + k;
                                if (sum)
                                    sum[iy] += x[ix] * w[iw];
                                if (dx)
                                    dx[ix] += y[iy] * w[iw];
                                if (dw)
                                    dw[iw] += x[ix] * y[iy];
                            }
                    }
}

static void oracle_conv2d(const t_case *t)
{
    const shape s = shape_of(t);
    const double *bias = t_f64(t, "bias");
    double *y = t_f64(t, "y");
    for (int i = 0; i < s.N * s.H * s.W * s.K; i++)
        y[i] = bias ? bias[i % s.K] : 0;
    products(s, t_f64(t, "x"), t_f64(t, "w"), NULL, NULL, NULL, y);
}

static void oracle_conv2d_dx(const t_case *t)
{
    double *dx = t_f64(t, "dx");
    memset(dx, 0, t_count(t, "dx") * sizeof *dx);
    products(shape_of(t), NULL, t_f64(t, "w"), t_f64(t, "dy"), dx, NULL, NULL);
}

static void oracle_conv2d_dw(const t_case *t)
{
    const shape s = shape_of(t);
    double *root = t_f64(t, "root");
    if (!root)
        return;
    memset(root, 0, (size_t)(s.R * s.S * s.C * s.K) * sizeof *root);
    products(s, t_f64(t, "x"), NULL, t_f64(t, "dy"), NULL, root, NULL);
}

/* Their transforms round more than a plain chain: largest error over largest result (docs/design/arithmetic.md 5). */
#define W4 .attrs = "algorithm=winograd4", .tol = 1e-5
#define W4D2 .attrs = "algorithm=winograd4 dilation=2", .tol = 1e-5
#define W4D4 .attrs = "algorithm=winograd4 dilation=4", .tol = 1e-5
/* Where auto means winograd4 and many channels show it: twice the tolerance of direct, as measured for these points. */
#define W4_AUTO .attrs = "algorithm=auto", .tol = 4e-6
#define W2 .attrs = "algorithm=winograd2"
#define W2D2 .attrs = "algorithm=winograd2 dilation=2"

/* Of the weight gradient; `open`: runs may begin and end anywhere, and T counts the rows of a group's tree. */
#define DW4 .attrs = "algorithm=winograd4", .root = "Q=32 G=1"
#define DW4D2 .attrs = "algorithm=winograd4 dilation=2", .root = "Q=32 G=1"
#define DW4_OPEN .attrs = "algorithm=winograd4 open=1", .root = "Q=32 G=1"
#define DW2 .attrs = "algorithm=winograd2", .root = "Q=32 G=1"
#define DW2_OPEN .attrs = "algorithm=winograd2 open=1", .root = "Q=32 G=1"

static const t_case cases_conv2d[] = {
    { "one_pixel", "N=1 H=1 W=1 C=1 K=1 R=1 S=1", .grad = true }, /* smallest; all taps but none outside */
    { "centre_tap_only", "N=3 H=1 W=1 C=2 K=3 R=3 S=3", .grad = true }, /* a tile over several samples */
    { "one_channel", "N=2 H=5 W=7 C=1 K=3 R=3 S=3", .grad = true }, /* K below a vector: masked store */
    { "one_output", "N=2 H=6 W=5 C=17 K=1 R=3 S=3", .grad = true }, /* last layer of a network */
    { "tall_kernel", "N=1 H=7 W=6 C=2 K=5 R=5 S=1", .grad = true }, /* R and S exchanged */
    { "wide_kernel", "N=1 H=4 W=9 C=3 K=6 R=1 S=7", .grad = true }, /* S reaches past both edges */
    { "dilation_two", "N=1 H=9 W=8 C=4 K=20 R=3 S=3", .attrs = "dilation=2", .grad = true }, /* K = vector + 4 */
    { "dilation_beyond", "N=2 H=3 W=4 C=3 K=16 R=3 S=3", .attrs = "dilation=4" }, /* image smaller than the dilation */
    { "no_bias", "N=2 H=4 W=4 C=3 K=4 R=3 S=3", .absent = "bias", .grad = true }, /* absent input */
    { "restart_129", .dims = "N=1 H=3 W=5 C=129 K=8 R=3 S=3" }, /* second chain of one channel */
    { "restart_300", .dims = "N=1 H=3 W=4 C=300 K=33 R=3 S=3" }, /* three chains */
    { "restart_1x1", .dims = "N=2 H=5 W=3 C=257 K=16 R=1 S=1" }, /* chains without taps */
    { "ragged_columns", .dims = "N=3 H=5 W=7 C=5 K=130 R=3 S=3" }, /* blocks of 16 and a tail of 2 */
    { "tile_16", .dims = "N=3 H=7 W=7 C=16 K=16 R=3 S=3" }, /* tiles across rows and samples */
    { "tile_32", .dims = "N=2 H=9 W=6 C=12 K=32 R=3 S=3" }, /* two vectors */
    { "tile_64", "N=2 H=7 W=9 C=20 K=64 R=3 S=3", .attrs = "dilation=2" }, /* four vectors, width no multiple */
    { "two_blocks", .dims = "N=2 H=8 W=8 C=16 K=128 R=3 S=3" }, /* second block of columns */
    { "flush", "N=2 H=4 W=4 C=2 K=8 R=1 S=1", .absent = "bias", .tol = 1, /* results on both sides of 2^-60 */
      .range = { { "x", -1.5e-9, 1.5e-9 }, { "w", -1.5e-9, 1.5e-9 } } },
    { "clblast", "N=3 H=6 W=5 C=7 K=10 R=3 S=3", .attrs = "algorithm=clblast", .tol = 2e-5 }, /* columns */
    { "clblast_dilated", "N=2 H=5 W=5 C=4 K=16 R=3 S=3", .attrs = "dilation=3 algorithm=clblast", .absent = "bias", .tol = 2e-5 },
    { "clblast_1x1", "N=2 H=5 W=5 C=6 K=9 R=1 S=1", .attrs = "algorithm=clblast", .tol = 2e-5 }, /* no columns */
    { "reach_cut", .dims = "N=2 H=2 W=3 C=4 K=3 R=5 S=7" }, /* taps that are never inside; vectors of input channels alone */
    { "winograd4", "N=1 H=4 W=4 C=3 K=5 R=3 S=3", W4, .grad = true }, /* one tile; fewer channels than a vector */
    { "winograd4_edges", "N=3 H=9 W=7 C=17 K=20 R=3 S=3", W4, .grad = true }, /* tiles cut below and right; channels cut */
    { "winograd4_small", "N=2 H=1 W=2 C=2 K=3 R=3 S=3", W4 }, /* image smaller than a tile */
    { "winograd4_inside", "N=1 H=12 W=14 C=32 K=64 R=3 S=3", W4 }, /* a tile that touches no edge */
    { "winograd4_dilated", "N=2 H=14 W=13 C=16 K=16 R=3 S=3", W4D2 }, /* phases of unequal size */
    { "winograd4_dilation_beyond", "N=2 H=3 W=4 C=16 K=32 R=3 S=3", W4D4 }, /* phases of one pixel and of none */
    { "winograd4_restart", .dims = "N=1 H=5 W=6 C=129 K=33 R=3 S=3", W4 }, /* second chain of one channel */
    { "winograd4_passes", .dims = "N=1 H=6 W=5 C=300 K=144 R=3 S=3", W4, .absent = "bias" }, /* more channels than a pass */
    { "winograd4_many_tiles", "N=3 H=17 W=18 C=4 K=130 R=3 S=3", W4 }, /* last work-item is short */
    { "winograd4_on_5x1", "N=1 H=7 W=6 C=2 K=5 R=5 S=1", W4 }, /* another kernel: direct */
    { "winograd2", "N=2 H=5 W=7 C=3 K=9 R=3 S=3", W2, .grad = true },
    { "winograd2_dilated", "N=2 H=9 W=8 C=20 K=64 R=3 S=3", W2D2 },
    { "winograd2_restart", .dims = "N=1 H=4 W=5 C=257 K=16 R=3 S=3", W2 },
    { "auto_direct", "N=1 H=6 W=6 C=4 K=16 R=3 S=3", .attrs = "algorithm=auto" }, /* too few channels */
    { "28x28x64_64", "N=32 H=28 W=28 C=64 K=64 R=3 S=3", .attrs = "algorithm=auto", .bench = true },
    { "28x28x64_64_direct", "N=32 H=28 W=28 C=64 K=64 R=3 S=3", .bench = true },
    { "14x14x128_128", "N=32 H=14 W=14 C=128 K=128 R=3 S=3", W4_AUTO, .bench = true },
    { "32x32x128_128", "N=4 H=32 W=32 C=128 K=128 R=3 S=3", W4_AUTO, .bench = true },
    { "16x16x256_256_dilated", "N=4 H=16 W=16 C=256 K=256 R=3 S=3", .attrs = "dilation=2 algorithm=auto", .bench = true },
    { "28x28x16_16", "N=64 H=28 W=28 C=16 K=16 R=3 S=3", .bench = true },
    { "14x14x32_32", "N=64 H=14 W=14 C=32 K=32 R=3 S=3", .bench = true },
    { "28x28x1_64", "N=32 H=28 W=28 C=1 K=64 R=3 S=3", .bench = true },
    { "28x28x64_1", "N=32 H=28 W=28 C=64 K=1 R=3 S=3", .bench = true },
    { "14x14x128_256_1x1", "N=32 H=14 W=14 C=128 K=256 R=1 S=1", .bench = true },
};

static const t_case cases_conv2d_dx[] = {
    { "one_pixel", "N=1 H=1 W=1 C=1 K=1 R=1 S=1", .grad = true },
    { "tall_kernel", "N=1 H=7 W=6 C=2 K=5 R=5 S=1", .grad = true }, /* flipped along one axis only */
    { "wide_kernel", "N=2 H=3 W=8 C=5 K=2 R=1 S=5", .grad = true },
    { "ragged", "N=2 H=5 W=7 C=3 K=9 R=3 S=3", .grad = true }, /* C below a vector */
    { "dilation_beyond", "N=2 H=3 W=4 C=20 K=3 R=3 S=3", .attrs = "dilation=4" },
    { "restart_over_k", .dims = "N=1 H=4 W=5 C=18 K=131 R=3 S=3" }, /* the chain runs over K */
    { "reach_cut", .dims = "N=2 H=3 W=2 C=3 K=4 R=7 S=5" }, /* taps that are never inside */
    { "tile_64", "N=2 H=7 W=9 C=64 K=20 R=3 S=3", .attrs = "dilation=2" },
    { "wide", .dims = "N=1 H=6 W=6 C=130 K=32 R=3 S=3" },
    { "winograd4", "N=2 H=5 W=6 C=5 K=3 R=3 S=3", W4, .grad = true }, /* weights flipped and turned about */
    { "winograd4_ragged", "N=1 H=7 W=9 C=37 K=18 R=3 S=3", W4D2 },
    { "winograd4_restart_over_k", .dims = "N=1 H=4 W=5 C=18 K=131 R=3 S=3", W4 },
    { "winograd2", "N=2 H=5 W=6 C=20 K=7 R=3 S=3", W2, .grad = true },
    { "clblast", "N=3 H=6 W=5 C=7 K=10 R=3 S=3", .attrs = "dilation=2 algorithm=clblast", .tol = 2e-5 },
    { "clblast_1x1", "N=2 H=5 W=5 C=6 K=9 R=1 S=1", .attrs = "algorithm=clblast", .tol = 2e-5 },
    { "28x28x64_64", "N=32 H=28 W=28 C=64 K=64 R=3 S=3", .bench = true },
    { "28x28x16_16", "N=64 H=28 W=28 C=16 K=16 R=3 S=3", .bench = true },
};

static const t_case cases_conv2d_dw[] = {
    { "one_pixel", "N=1 H=1 W=1 C=1 K=1 R=1 S=1 T=1", .root = "Q=32 G=1" },
    { "one_leaf", "N=5 H=4 W=4 C=3 K=5 R=3 S=3 T=1", .root = "Q=32 G=1", .split = 2 }, /* runs end inside the leaf */
    { "two_leaves", "N=37 H=5 W=5 C=2 K=17 R=3 S=3 T=2", .root = "Q=32 G=1", .split = 5 },  /* a run holds parts of both */
    { "quarter_leaves", "N=11 H=13 W=12 C=5 K=16 R=3 S=3 T=2", .root = "Q=4 G=1", .split = 3 },
    { "sample_leaves", "N=7 H=28 W=28 C=2 K=3 R=3 S=3 T=3", .root = "Q=1 G=1", .split = 2 }, /* three merges at once */
    { "two_segments", "N=3 H=40 W=30 C=3 K=4 R=3 S=3 T=4", .root = "Q=1 G=2", .split = 1 },
    { "three_segments", "N=5 H=50 W=50 C=1 K=20 R=3 S=3 T=5", .root = "Q=1 G=3", .split = 2 }, /* odd: drained, not merged */
    { "four_segments", "N=2 H=64 W=50 C=2 K=2 R=1 S=3 T=5", .root = "Q=1 G=4", .split = 1 },
    { "dilation_beyond", "N=3 H=3 W=4 C=6 K=3 R=3 S=3 T=1", .attrs = "dilation=5", .root = "Q=32 G=1" }, /* taps that are never inside */
    { "tall_kernel", "N=2 H=6 W=5 C=3 K=9 R=5 S=1 T=1", .attrs = "dilation=2", .root = "Q=32 G=1" },
    { "cut_tile", "N=2 H=5 W=5 C=7 K=64 R=3 S=3 T=1", .root = "Q=32 G=1" }, /* last tile of channels is cut */
    { "ragged_columns", "N=2 H=4 W=5 C=9 K=130 R=3 S=3 T=1", .root = "Q=32 G=1" }, /* dy padded to 144 */
    { "one_channel", "N=4 H=6 W=5 C=1 K=48 R=3 S=3 T=1", .root = "Q=32 G=1", .split = 3 },  /* tile of one row */
    { "row_vectors", "N=67 H=4 W=5 C=8 K=15 R=3 S=3 T=3", .root = "Q=32 G=1", .split = 9 }, /* of input channels alone */
    { "later_run", "N=2 H=16 W=16 C=4 K=8 R=3 S=3 T=3", .counters = "position=5 batch=16" }, /* continues what it finds */
    { "clblast", "N=3 H=6 W=5 C=7 K=10 R=3 S=3 T=1", .attrs = "algorithm=clblast", .root = "Q=32 G=1", .tol = 2e-5 },
    { "clblast_1x1", "N=3 H=28 W=28 C=4 K=8 R=1 S=1 T=2", .attrs = "algorithm=clblast", .root = "Q=1 G=1", .tol = 2e-5 },
    { "winograd4", "N=1 H=4 W=4 C=3 K=5 R=3 S=3 T=1", DW4 }, /* one tile; fewer channels than a vector */
    { "winograd4_open", "N=5 H=7 W=6 C=17 K=20 R=3 S=3 T=5", DW4_OPEN, .split = 2 }, /* runs end inside the leaf */
    { "winograd4_leaves", "N=21 H=14 W=13 C=4 K=16 R=3 S=3 T=13", DW4_OPEN, .split = 3 }, /* leaves of 8; a short last one */
    { "winograd4_groups", "N=37 H=9 W=8 C=3 K=64 R=3 S=3 T=10", DW4_OPEN, .split = 5 }, /* a run holds parts of both groups */
    { "winograd4_large_runs", "N=101 H=4 W=5 C=5 K=16 R=3 S=3 T=7", DW4_OPEN, .split = 50 }, /* and the end of one */
    { "winograd4_whole_groups", "N=70 H=13 W=4 C=5 K=16 R=3 S=3 T=2", DW4, .split = 32 }, /* runs of whole groups */
    { "winograd4_sample_leaves", "N=7 H=28 W=42 C=2 K=16 R=3 S=3 T=25", DW4_OPEN, .split = 2 }, /* three merges at once */
    { "winograd4_two_segments", "N=3 H=50 W=44 C=3 K=16 R=3 S=3 T=33", DW4_OPEN, .split = 1 }, /* drained into its leaf */
    { "winograd4_three_segments", "N=5 H=70 W=62 C=1 K=16 R=3 S=3 T=1", DW4 }, /* odd: drained, not merged */
    { "winograd4_dilated", "N=9 H=14 W=13 C=20 K=64 R=3 S=3 T=1", DW4D2 }, /* phases of unequal size */
    { "winograd4_dilation_beyond", "N=3 H=3 W=4 C=6 K=16 R=3 S=3 T=1", .attrs = "algorithm=winograd4 dilation=4",
      .root = "Q=32 G=1" }, /* phases of one pixel and of none */
    { "winograd4_ragged", "N=2 H=9 W=7 C=37 K=45 R=3 S=3 T=1", DW4 }, /* last tiles of channels are cut */
    { "winograd4_cut_leaf", "N=5 H=14 W=14 C=1900 K=16 R=3 S=3 T=1", DW4 }, /* a leaf's panels beyond a chunk */
    { "winograd4_cut_segment", "N=1 H=2 W=520 C=1900 K=16 R=3 S=3 T=1", DW4 }, /* a segment's */
    { "winograd4_cut_sample", "N=2 H=3 W=1030 C=20 K=64 R=3 S=3 T=1", DW4 }, /* a chunk of one segment of three */
    { "winograd4_later_run", "N=2 H=16 W=16 C=4 K=16 R=3 S=3 T=14", .attrs = "algorithm=winograd4 open=1",
      .counters = "position=29 batch=64" }, /* continues what it finds */
    { "winograd4_on_1x1", "N=5 H=4 W=4 C=3 K=5 R=1 S=1 T=1", .attrs = "algorithm=winograd4", .root = "Q=32 G=1" }, /* direct */
    { "winograd2", "N=3 H=5 W=7 C=18 K=64 R=3 S=3 T=1", DW2 },
    { "winograd2_open", "N=37 H=6 W=7 C=3 K=16 R=3 S=3 T=8", DW2_OPEN, .split = 6 },
    { "winograd2_dilated", "N=9 H=9 W=8 C=20 K=64 R=3 S=3 T=1", .attrs = "algorithm=winograd2 dilation=2", .root = "Q=32 G=1" },
    { "28x28x64_64", "N=32 H=28 W=28 C=64 K=64 R=3 S=3 T=6", .bench = true },
    { "28x28x64_64_winograd", "N=32 H=28 W=28 C=64 K=64 R=3 S=3 T=1", .attrs = "algorithm=winograd4", .bench = true },
    { "14x14x128_128_winograd", "N=32 H=14 W=14 C=128 K=128 R=3 S=3 T=1", .attrs = "algorithm=winograd4", .bench = true },
    { "16x16x256_256_dilated", "N=16 H=16 W=16 C=256 K=256 R=3 S=3 T=5", .attrs = "dilation=2", .bench = true },
    { "16x16x256_256_dilated_winograd", "N=16 H=16 W=16 C=256 K=256 R=3 S=3 T=1", .attrs = "algorithm=winograd4 dilation=2",
      .bench = true },
    { "28x28x16_16_winograd", "N=64 H=28 W=28 C=16 K=16 R=3 S=3 T=2", .attrs = "algorithm=winograd4", .bench = true },
    { "14x14x128_128", "N=32 H=14 W=14 C=128 K=128 R=3 S=3 T=4", .bench = true },
    { "32x32x128_128", "N=4 H=32 W=32 C=128 K=128 R=3 S=3 T=3", .bench = true },
    { "28x28x16_16", "N=64 H=28 W=28 C=16 K=16 R=3 S=3 T=7", .bench = true },
    { "28x28x1_64", "N=32 H=28 W=28 C=1 K=64 R=3 S=3 T=6", .bench = true },
    { "28x28x64_1", "N=32 H=28 W=28 C=64 K=1 R=3 S=3 T=6", .bench = true },
};

static const t_op ops[] = {
    T_OP(conv2d, oracle_conv2d, cases_conv2d),
    T_OP(conv2d_dx, oracle_conv2d_dx, cases_conv2d_dx),
    T_OP_TOL(conv2d_dw, oracle_conv2d_dw, cases_conv2d_dw, 5e-6),
};
OP_TESTS(conv, ops)
