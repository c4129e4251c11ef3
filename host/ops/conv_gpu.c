/* Launches of the direct kernels for GPUs: cl/lib/conv_gpu.cl and cl/lib/conv_dw_gpu.cl. */
#include "ops/conv_shape.h"
#include "ops/gpu_tile.h"

/* Leaves of the weight gradient are kept until they are merged: so many bytes of them, or one unit.  On CPUs, which gain
 * nothing by it, few enough that small cases of the tests take several rounds. */
enum { MOST_LEAVES = 64 << 20, MOST_LEAVES_CPU = 4 << 10, TREE_ITEMS = 64 };

static int divide_up(int n, int by) { return (n + by - 1) / by; }
static int least(int a, int b) { return a < b ? a : b; }

/* The kernels count floats of a tensor in 32 bits. */
static bool counts_fit(const scl_conv_shape *s)
{
    const double most = 2147483647.0, pixels = (double)s->N * s->H * s->W;
    return pixels * s->C <= most && pixels * s->K <= most && (double)s->R * s->S * s->C * s->K <= most;
}

/* The widest tile leaves too few registers for the places of the pixels and for what is fused into the output side. */
bool scl_conv_gpu_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_conv_shape s = scl_conv_shape_of(n);
    scl_gpu_tile t;
    return scl_conv_is(n, "direct") && counts_fit(&s) && scl_gpu_tile_of(tune, &t) && t.BN < 128 &&
           scl_gpu_tile_fits(&t, device, (long)s.N * s.H * s.W, s.K, 1);
}

scl_status scl_conv_gpu_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape shape = scl_conv_shape_of(n), *s = &shape;
    const int pixels = s->N * s->H * s->W;
    scl_gpu_tile t;
    if (!scl_gpu_tile_of(scl_launcher_tune(q), &t))
        return scl_fail(err, SCL_FAILED, "%s: no such tile", n->op->name);
    return SCL_FUSED_LAUNCH(q, n, err, "conv_gpu",
                           scl_groups((size_t)t.items, (size_t)scl_gpu_tile_groups(&t, pixels, s->K), 1, 1),
                           SCL_GPU_TILE_DEFINES(t, scl_launcher_device(q), s->C, s->K), SCL_DEFINE(FLIP, s->flipped),
                           SCL_DEFINE(VEC, s->K % 4 ? 1 : 4), SCL_DEFINE(CUT, 0), SCL_BUF_AS(x, s->in),
                           SCL_BUF_AS(w, s->weights), SCL_BUF_AS(bias, s->has_bias ? "bias" : s->weights),
                           SCL_BUF_AS(y, s->out), SCL_I32(pixels, pixels), SCL_I32(H, s->H), SCL_I32(W, s->W),
                           SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(R, s->R), SCL_I32(S, s->S),
                           SCL_I32(ry, least(s->R / 2, (s->H - 1) / s->dilation)),
                           SCL_I32(rx, least(s->S / 2, (s->W - 1) / s->dilation)), SCL_I32(dilation, s->dilation),
                           SCL_I32(has_bias, s->has_bias));
}

/* ---- weight gradient ---- */

static int level_of(const scl_conv_shape *s) { return s->R * s->S * s->C * s->K; }

/* Units (segments of leaves) that a run of N samples can touch, wherever in a leaf it begins; how many are kept at a time. */
static int units_of(const scl_conv_shape *s, const scl_conv_leaves *l) { return (s->N + 2 * l->Q - 2) / l->Q * l->G; }

static int units_at_once(const scl_conv_shape *s, const scl_conv_leaves *l, const scl_device_info *device)
{
    const size_t bytes = sizeof(float) * (size_t)level_of(s);
    const size_t fit = (device->klass == SCL_CLASS_GPU ? MOST_LEAVES : MOST_LEAVES_CPU) / bytes;
    return fit < 1 ? 1 : least((int)fit, units_of(s, l));
}

bool scl_conv_dw_gpu_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_conv_shape s = scl_conv_shape_of(n);
    const scl_conv_leaves l = scl_conv_leaves_of(s.H * s.W);
    scl_gpu_tile t;
    /* One output channel has a whole tile of 16: the tile of 4 is for pixels. */
    return scl_conv_is(n, "direct") && counts_fit(&s) && scl_gpu_tile_of(tune, &t) && t.BN > 4 &&
           scl_gpu_tile_fits(&t, device, (long)s.R * s.S * s.C, s.K, units_at_once(&s, &l, device));
}

size_t scl_conv_dw_gpu_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)tune;
    const scl_conv_shape s = scl_conv_shape_of(n);
    const scl_conv_leaves l = scl_conv_leaves_of(s.H * s.W);
    return sizeof(float) * (size_t)level_of(&s) * (size_t)units_at_once(&s, &l, device);
}

scl_status scl_conv_dw_gpu_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape shape = scl_conv_shape_of(n), *s = &shape;
    const scl_conv_leaves l = scl_conv_leaves_of(s->H * s->W);
    const scl_device_info *device = scl_launcher_device(q);
    const int units = units_of(s, &l), most = units_at_once(s, &l, device), level = level_of(s);
    const size_t bytes = sizeof(float) * (size_t)level * (size_t)most;
    scl_gpu_tile t;
    if (!scl_gpu_tile_of(scl_launcher_tune(q), &t))
        return scl_fail(err, SCL_FAILED, "%s: no such tile", n->op->name);
    const size_t groups = (size_t)scl_gpu_tile_groups(&t, s->R * s->S * s->C, s->K);
    for (int first = 0; first < units; first += most) {
        const int count = least(most, units - first);
        SCL_TRY(SCL_LAUNCH(q, n, err, "conv_dw_gpu", scl_groups((size_t)t.items, groups, (size_t)count, 1),
                           SCL_GPU_TILE_DEFINES(t, device, s->C, s->K), SCL_BUF_AS(x, s->in),
                           SCL_BUF_AS(dy, s->weights), SCL_BUF(counters), SCL_BUF_AS(stack, s->out),
                           SCL_WORK(units, 0, bytes), SCL_I32(first, first), SCL_I32(N, s->N),
                           SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(C, s->C), SCL_I32(K, s->K),
                           SCL_I32(R, s->R), SCL_I32(S, s->S), SCL_I32(dilation, s->dilation),
                           SCL_I32(Q, l.Q), SCL_I32(G, l.G)));
        SCL_TRY(SCL_LAUNCH(
            q, n, err, "conv_dw_gpu_tree", scl_groups(TREE_ITEMS, (size_t)divide_up(level, TREE_ITEMS), 1, 1),
            SCL_GPU_TILE_DEFINES(t, device, s->C, s->K), SCL_WORK(units, 0, bytes), SCL_BUF(counters),
            SCL_BUF_AS(stack, s->out), SCL_I32(first, first), SCL_I32(count, count), SCL_I32(level, level),
            SCL_I32(N, s->N), SCL_I32(Q, l.Q), SCL_I32(G, l.G)));
    }
    return SCL_OK;
}
