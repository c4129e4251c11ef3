/* Launches of the direct kernels: cl/lib/conv_direct.cl and cl/lib/conv_dw.cl. */
#include "ops/conv_shape.h"
#include "ops/cpu_tile.h"

/* A work-group of one item costs some 5 ns on a CPU: a launch of a few thousand is free.  More rounds of the
 * inner loop than llvmpipe runs before it gives up in silence are not asked of a work-item, as far as one
 * tile or sample allows. */
enum { MOST_ITEMS = 2048, MOST_ROUNDS = 32768 };
static int at_most(int n, int most) { return n < most ? n : most < 1 ? 1 : most; }

static int round_up(int n, int to) { return (n + to - 1) / to * to; }
static int divide_up(int n, int by) { return (n + by - 1) / by; }

/* CPU drivers that take vectors apart get groups of small tiles; GPUs have kernels of their own. */
static bool tile_fits(int K, const scl_device_info *device, const scl_tune *tune)
{
    if (device->klass == SCL_CLASS_GPU)
        return false;
    const int WG = scl_tune_get(tune, "WG");
    if (WG > 1)
        return scl_tune_get(tune, "VEC") == 4 && scl_tune_get(tune, "NR") == 4 && scl_tune_get(tune, "MR") == 4 &&
               (size_t)WG <= device->max_work_group;
    return !scl_device_scalar(device) && scl_cpu_tile_fits(device, K, tune);
}

bool scl_conv_direct_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    return scl_conv_is(n, "direct") && tile_fits(scl_conv_shape_of(n).K, device, tune);
}

bool scl_conv_dw_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_conv_shape s = scl_conv_shape_of(n);
    if (!scl_conv_is(n, "direct") || device->klass == SCL_CLASS_GPU)
        return false;
    /* One input channel has nothing to share a load of dy with. */
    if (s.C == 1 && scl_tune_get(tune, "WG") == 1)
        return !scl_device_scalar(device) && scl_tune_get(tune, "MR") == 1 && scl_cpu_columns_fit(device, s.K, tune);
    return tile_fits(s.K, device, tune);
}

/* Zeros, bias, weights: the layout of cl/lib/conv_direct.cl. */
static size_t packed_bytes(const scl_conv_shape *s, const scl_tune *tune)
{
    const size_t KP = (size_t)round_up(s->K, scl_tune_get(tune, "NR"));
    return sizeof(float) * (SCL_CONV_CHAIN + KP + (size_t)s->R * s->S * s->C * KP);
}

size_t scl_conv_direct_prepared(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device;
    const scl_conv_shape s = scl_conv_shape_of(n);
    return packed_bytes(&s, tune);
}

/* An operator without the input `bias` has flipped weights, whose kernel takes none. */
static scl_status pack(scl_launcher *q, const scl_node *n, const scl_conv_shape *s, int KP, size_t bytes,
                       scl_err *err)
{
    const int WG = scl_tune_get(scl_launcher_tune(q), "WG"), taps = s->R * s->S;
    const scl_grid grid = scl_groups((size_t)WG, (size_t)divide_up(s->C, WG), (size_t)taps, 1);
    if (s->flipped)
        return SCL_LAUNCH(q, n, err, "conv_pack_flipped", grid, SCL_BUF_AS(w, s->weights),
                          SCL_PREPARED(packed, bytes), SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(KP, KP),
                          SCL_I32(taps, taps));
    return SCL_LAUNCH(q, n, err, "conv_pack", grid, SCL_BUF_AS(w, s->weights), SCL_BUF(bias),
                      SCL_PREPARED(packed, bytes), SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(KP, KP),
                      SCL_I32(taps, taps));
}

scl_status scl_conv_direct_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape shape = scl_conv_shape_of(n), *s = &shape;
    const scl_tune *tune = scl_launcher_tune(q);
    const int WG = scl_tune_get(tune, "WG"), NR = scl_tune_get(tune, "NR"), MR = scl_tune_get(tune, "MR");
    const int KP = round_up(s->K, NR), tiles = divide_up(s->N * s->H * s->W, MR), blocks = KP / NR;
    const int per_item =
        WG > 1 ? 1 : at_most(divide_up(tiles * blocks, MOST_ITEMS), MOST_ROUNDS / (s->R * s->S * s->C));
    const size_t bytes = packed_bytes(s, tune);
    SCL_TRY(pack(q, n, s, KP, bytes, err));
    scl_launch_prepares(q);
    const scl_grid grid =
        scl_groups((size_t)WG, (size_t)divide_up(divide_up(tiles, per_item), WG), (size_t)blocks, 1);
    return SCL_FUSED_LAUNCH(q, n, err, "conv_direct", grid, SCL_BUF_AS(x, s->in), SCL_PREPARED(packed, bytes),
                      SCL_BUF_AS(y, s->out), SCL_I32(N, s->N), SCL_I32(H, s->H), SCL_I32(W, s->W),
                      SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(KP, KP), SCL_I32(R, s->R), SCL_I32(S, s->S),
                      SCL_I32(dilation, s->dilation), SCL_I32(tiles, tiles), SCL_I32(per_item, per_item));
}

/* dy is copied with padded channels when K is no multiple of the vector. */
static size_t widened_bytes(const scl_conv_shape *s, const scl_tune *tune)
{
    const int KP = round_up(s->K, scl_tune_get(tune, "VEC"));
    return KP == s->K ? 0 : sizeof(float) * (size_t)s->N * s->H * s->W * (size_t)KP;
}

size_t scl_conv_dw_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device;
    const scl_conv_shape s = scl_conv_shape_of(n);
    return widened_bytes(&s, tune);
}

/* Every work-item walks all samples of its launch: x and dy of so many must stay in a core's second cache, or
 * half the speed is lost.  Not more than 64 launches, unless that asks too many rounds. */
static int samples_of_launch(const scl_conv_shape *s, int KP)
{
    enum { CACHE = 1 << 20, MOST_LAUNCHES = 64 };
    const size_t sample = sizeof(float) * (size_t)s->H * s->W * (size_t)(s->C + KP), fit = CACHE / sample;
    const int least = divide_up(s->N, MOST_LAUNCHES);
    const int samples = fit > (size_t)s->N ? s->N : (int)fit > least ? (int)fit : least;
    return at_most(samples, MOST_ROUNDS / (s->H * s->W));
}

scl_status scl_conv_dw_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape shape = scl_conv_shape_of(n), *s = &shape;
    const scl_tune *tune = scl_launcher_tune(q);
    const int WG = scl_tune_get(tune, "WG"), NR = scl_tune_get(tune, "NR"), MR = scl_tune_get(tune, "MR");
    const int KP = round_up(s->K, scl_tune_get(tune, "VEC")), pixels = s->N * s->H * s->W;
    const scl_conv_leaves l = scl_conv_leaves_of(s->H * s->W);
    const size_t bytes = widened_bytes(s, tune);
    scl_launch_arg dy = SCL_BUF_AS(dy, s->weights);
    if (bytes) {
        const int items = pixels < MOST_ITEMS * WG ? pixels : MOST_ITEMS * WG,
                  per_item = divide_up(pixels, items);
        SCL_TRY(SCL_LAUNCH(q, n, err, "conv_widen",
                           scl_groups((size_t)WG, (size_t)divide_up(items, WG), 1, 1), dy,
                           SCL_WORK(wide, 0, bytes), SCL_I32(pixels, pixels), SCL_I32(per_item, per_item),
                           SCL_I32(K, s->K), SCL_I32(KP, KP)));
        dy = SCL_WORK(dy, 0, bytes);
    }
    const scl_grid grid = scl_groups((size_t)WG, (size_t)divide_up(divide_up(s->C, MR), WG),
                                     (size_t)(KP / NR), (size_t)(s->R * s->S));
    const int chunk = samples_of_launch(s, KP);
    for (int first = 0; first < s->N; first += chunk) {
        const int end = s->N - first < chunk ? s->N : first + chunk;
        SCL_TRY(SCL_LAUNCH(q, n, err, "conv_dw", grid, SCL_BUF_AS(x, s->in), dy, SCL_BUF(counters),
                           SCL_BUF_AS(stack, s->out), SCL_I32(first, first), SCL_I32(N, end),
                           SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(C, s->C), SCL_I32(K, s->K),
                           SCL_I32(KP, KP), SCL_I32(R, s->R), SCL_I32(S, s->S),
                           SCL_I32(dilation, s->dilation), SCL_I32(Q, l.Q), SCL_I32(G, l.G)));
    }
    return SCL_OK;
}
