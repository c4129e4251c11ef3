/* Launches of the kernels for matrix units (cl/lib/matrix.cl): implicit products of matrices over inputs that are rounded and packed
 * before, x and dy in a launch each, into words of which a pixel's channels fill whole steps; weights into memory of their own.
 * Whatever the node's algorithm: a unit computes the direct product, and the weight gradient leaves the sum of its run in slot 0 of
 * the stack.  f16 has a range of its own: inputs from 65520 on become infinite, and the run stops there; below 6e-5 they lose digits, below 3e-8
 * they are zero.
 *
 * Tiles: enough fragments of a sub-group that a word of local memory is used four times or more, within 64 registers of sums. */
#include <string.h>

#include "graph/matrix.h"
#include "ops/conv_shape.h"
#include "ops/gpu_tile.h"

enum { STEP = 16, ROW = 20, ALIGN = 4096, FEW = 8, LOCAL_ITEMS = 64 };
/* Pixels of a part of the weight gradient, and bytes of all parts; on CPUs few enough that small cases have several. */
enum { LEAST_PART = 1024, LEAST_PART_CPU = 64, MOST_PARTS = 64, MOST_BYTES = 64 << 20 };

typedef struct tile {
    int BM, BN, SM, SN, items;
} tile;

static int divide_up(int n, int by) { return (n + by - 1) / by; }
static size_t round_up(size_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }
static int least(int a, int b) { return a < b ? a : b; }

/* What a sub-group computes: a quarter of the tile.  Narrower ones need more registers for as many sums and get less: of 128,
 * 16 x 16 sums take 32 in a sub-group of 8, their operands 24, the next step's words 24. */
static bool tile_of(const scl_tune *tune, const scl_unit *unit, tile *t)
{
    *t = (tile){ .BM = scl_tune_get(tune, "BM"), .BN = scl_tune_get(tune, "BN") };
    const bool known = (t->BM >= 64 && t->BN == 64) || (t->BM == 32 && t->BN == 32);
    t->SM = least(t->BM / (unit->lanes < 16 ? 4 : 2), 2 * unit->lanes);
    t->SN = unit->lanes < 32 ? 16 : t->BN / 2;
    t->items = t->BM / t->SM * (t->BN / t->SN) * unit->lanes;
    return known && t->SM % unit->rows == 0 && t->SN % unit->columns == 0;
}

static int per_word(const scl_device_info *device) { return device->matrix.precision == SCL_TF32 ? 1 : 2; }

/* Words of a row of so many values. */
static int words_of(const scl_device_info *device, int values)
{
    return divide_up(values, STEP * per_word(device)) * STEP;
}

static bool is_weight_gradient(const scl_node *n) { return n->op->out[0][0] == 's'; }

/* Rows and columns of the product. */
static long rows_of(const scl_node *n, const scl_conv_shape *s)
{
    return is_weight_gradient(n) ? (long)s->R * s->S * s->C : (long)s->N * s->H * s->W;
}

/* The kernels count words of a tensor in 32 bits. */
static bool counts_fit(const scl_conv_shape *s, const scl_device_info *device)
{
    const double most = 2147483647.0 - (1 << 20), pixels = (double)s->N * s->H * s->W, taps = (double)s->R * s->S;
    const double C = words_of(device, s->C), K = words_of(device, s->K);
    return pixels * 2 * C <= most && pixels * 2 * K <= most && taps * 2 * C * s->K <= most;
}

/* Few channels fill no step, and little is to be gained; the wide tiles want a group for every compute unit. */
static bool is_worth_it(const tile *t, const scl_node *n, const scl_conv_shape *s, const scl_device_info *device)
{
    if (s->C < FEW || s->K < FEW)
        return false;
    const long groups = (rows_of(n, s) + t->BM - 1) / t->BM * divide_up(s->K, t->BN);
    return t->BM == 32 || (s->K > t->BN / 2 && (is_weight_gradient(n) || groups >= scl_gpu_cores(device)));
}

bool scl_conv_matrix_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_unit *unit = scl_matrix_unit(device);
    tile t;
    if (!unit || !tile_of(tune, unit, &t) || scl_conv_is(n, "clblast"))
        return false;
    const scl_conv_shape s = scl_conv_shape_of(n);
    const int buffers = 2 * ROW * (t.BM + t.BN), sums = t.BM * t.BN;
    const size_t local = sizeof(int) * (size_t)(buffers > sums ? buffers : sums);
    return local <= device->local_bytes && (size_t)t.items <= device->max_work_group && counts_fit(&s, device) &&
           (device->matrix.emulated || is_worth_it(&t, n, &s, device));
}

static size_t packed_bytes(const scl_device_info *device, const scl_conv_shape *s, int channels)
{
    return round_up(sizeof(int) * (size_t)s->N * s->H * s->W * (size_t)words_of(device, channels));
}

size_t scl_conv_matrix_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)tune;
    const scl_conv_shape s = scl_conv_shape_of(n);
    return packed_bytes(device, &s, s.C);
}

size_t scl_conv_matrix_prepared(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)tune;
    const scl_conv_shape s = scl_conv_shape_of(n);
    return sizeof(int) * (size_t)s.R * s.S * s.K * (size_t)words_of(device, s.C);
}

static scl_launch_arg emulated_of(const scl_device_info *device)
{
    if (device->matrix.emulated)
        return SCL_DEFINE(EMULATED, 1);
    return (scl_launch_arg){ .kind = SCL_ARG_NONE };
}

#define DEFINES(t, unit, device)                                                                                               \
    SCL_DEFINE(UNIT, (unit)->number), SCL_DEFINE(PRECISION, (device)->matrix.precision), emulated_of(device),                  \
        SCL_DEFINE(SM, (t).SM), SCL_DEFINE(SN, (t).SN), SCL_DEFINE(VEC, 1)

static scl_grid items_grid(size_t items) { return scl_groups(LOCAL_ITEMS, (items + LOCAL_ITEMS - 1) / LOCAL_ITEMS, 1, 1); }

/* A tensor of s's pixels into the workspace, from byte `at` on. */
static scl_status pack(scl_launcher *q, const scl_node *n, const scl_conv_shape *s, const tile *t, const char *value, int channels,
                       size_t at, scl_err *err)
{
    const scl_device_info *device = scl_launcher_device(q);
    const int rows = s->N * s->H * s->W, words = words_of(device, channels);
    return SCL_LAUNCH(q, n, err, "matrix_pack", items_grid((size_t)rows * (size_t)words),
                      DEFINES(*t, scl_matrix_unit(device), device), SCL_BUF_AS(x, value),
                      SCL_WORK(packed, at, packed_bytes(device, s, channels)), SCL_I32(rows, rows), SCL_I32(C, channels),
                      SCL_I32(words, words));
}

scl_status scl_conv_matrix_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape shape = scl_conv_shape_of(n), *s = &shape;
    const scl_device_info *device = scl_launcher_device(q);
    const scl_unit *unit = scl_matrix_unit(device);
    const int pixels = s->N * s->H * s->W, words = words_of(device, s->C), taps = s->R * s->S;
    const size_t x_bytes = packed_bytes(device, s, s->C), w_bytes = scl_conv_matrix_prepared(n, device, NULL);
    tile t;
    if (!unit || !tile_of(scl_launcher_tune(q), unit, &t))
        return scl_fail(err, SCL_FAILED, "%s: no such tile", n->op->name);
    SCL_TRY(SCL_LAUNCH(q, n, err, "matrix_pack_weights", items_grid((size_t)taps * s->K * (size_t)words), DEFINES(t, unit, device),
                       SCL_DEFINE(FLIP, s->flipped), SCL_BUF_AS(w, s->weights), SCL_PREPARED(packed, w_bytes), SCL_I32(C, s->C),
                       SCL_I32(K, s->K), SCL_I32(words, words), SCL_I32(taps, taps)));
    scl_launch_prepares(q);
    SCL_TRY(pack(q, n, s, &t, s->in, s->C, 0, err));
    const size_t groups = (size_t)divide_up(pixels, t.BM) * (size_t)divide_up(s->K, t.BN);
    return SCL_FUSED_LAUNCH(q, n, err, "matrix_conv", scl_groups((size_t)t.items, groups, 1, 1), DEFINES(t, unit, device),
                            SCL_DEFINE(CUT, 0), SCL_WORK(x, 0, x_bytes), SCL_PREPARED(w, w_bytes),
                            SCL_BUF_AS(bias, s->has_bias ? "bias" : s->weights), SCL_BUF_AS(y, s->out),
                            SCL_I32(pixels, pixels), SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(words, words), SCL_I32(K, s->K),
                            SCL_I32(R, s->R), SCL_I32(S, s->S), SCL_I32(ry, least(s->R / 2, (s->H - 1) / s->dilation)),
                            SCL_I32(rx, least(s->S / 2, (s->W - 1) / s->dilation)), SCL_I32(dilation, s->dilation),
                            SCL_I32(has_bias, s->has_bias));
}

/* ---- weight gradient ---- */

static size_t level_of(const scl_conv_shape *s) { return (size_t)s->R * s->S * s->C * (size_t)s->K; }

/* Pixels of a part: four groups for every compute unit, where there are pixels for it. */
static int part_of(const scl_conv_shape *s, const scl_device_info *device, const tile *t)
{
    const int pixels = s->N * s->H * s->W, step = STEP * per_word(device);
    const bool gpu = device->klass == SCL_CLASS_GPU;
    const long tiles = (long)divide_up(s->R * s->S * s->C, t->BM) * divide_up(s->K, t->BN);
    const long wanted = gpu ? 4 * scl_gpu_cores(device) / tiles + 1 : MOST_PARTS;
    const long fit = (long)(MOST_BYTES / (sizeof(float) * level_of(s)));
    const int parts = (int)(fit < 1 ? 1 : wanted < fit ? wanted : fit), most = least(parts, MOST_PARTS);
    const int even = divide_up(pixels, most), floor = gpu ? LEAST_PART : LEAST_PART_CPU;
    return divide_up(even > floor ? even : floor, step) * step;
}

static size_t parts_bytes(const scl_conv_shape *s, int part)
{
    return sizeof(float) * level_of(s) * (size_t)divide_up(s->N * s->H * s->W, part);
}

size_t scl_conv_dw_matrix_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_conv_shape s = scl_conv_shape_of(n);
    tile t;
    if (!scl_matrix_unit(device) || !tile_of(tune, scl_matrix_unit(device), &t))
        return 0;
    return packed_bytes(device, &s, s.C) + packed_bytes(device, &s, s.K) + parts_bytes(&s, part_of(&s, device, &t));
}

scl_status scl_conv_dw_matrix_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape shape = scl_conv_shape_of(n), *s = &shape;
    const scl_device_info *device = scl_launcher_device(q);
    const scl_unit *unit = scl_matrix_unit(device);
    tile t;
    if (!unit || !tile_of(scl_launcher_tune(q), unit, &t))
        return scl_fail(err, SCL_FAILED, "%s: no such tile", n->op->name);
    const int pixels = s->N * s->H * s->W, part = part_of(s, device, &t), count = divide_up(pixels, part), level = (int)level_of(s);
    const size_t x_bytes = packed_bytes(device, s, s->C), dy_bytes = packed_bytes(device, s, s->K), at = x_bytes + dy_bytes;
    const int words = words_of(device, s->C), rows = s->R * s->S * words * per_word(device);
    SCL_TRY(pack(q, n, s, &t, s->in, s->C, 0, err));
    SCL_TRY(pack(q, n, s, &t, s->weights, s->K, x_bytes, err));
    const size_t groups = (size_t)divide_up(rows, t.BM) * (size_t)divide_up(s->K, t.BN);
    SCL_TRY(SCL_LAUNCH(q, n, err, "matrix_dw", scl_groups((size_t)t.items, groups, (size_t)count, 1), DEFINES(t, unit, device),
                       SCL_WORK(x, 0, x_bytes), SCL_WORK(dy, x_bytes, dy_bytes), SCL_WORK(parts, at, parts_bytes(s, part)),
                       SCL_I32(pixels, pixels), SCL_I32(part, part), SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(words, words),
                       SCL_I32(dy_words, words_of(device, s->K)), SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(R, s->R),
                       SCL_I32(S, s->S), SCL_I32(dilation, s->dilation)));
    return SCL_LAUNCH(q, n, err, "matrix_deposit", items_grid((size_t)level), DEFINES(t, unit, device),
                      SCL_WORK(parts, at, parts_bytes(s, part)), SCL_BUF(counters), SCL_BUF_AS(stack, s->out),
                      SCL_I32(level, level), SCL_I32(count, count), SCL_I32(T, scl_dim(n, 'T')));
}
