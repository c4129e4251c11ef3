/* Launches of Winograd convolution in three kernels: cl/lib/winograd_gpu.cl.  For devices whose local memory does not hold the
 * transformed values of a work-group: GPUs, and CPU drivers that take vectors apart.  The whole batch at once where its
 * transformed values are of a reasonable size, else tiles in order, a chunk at a time. */
#include "ops/winograd_gpu.h"

#include "ops/winograd.h"

/* Bytes of V and M of a chunk: on a CPU its second cache. */
enum { MOST_VALUES = 128 << 20, MOST_VALUES_CPU = 1 << 20, ITEMS = 64 };

static int round_up(int n, int to) { return (n + to - 1) / to * to; }

typedef struct sizes {
    scl_conv_shape s;
    scl_winograd w;
    scl_gpu_tile t;
    int CP, KP, total, rows; /* channels as padded, tiles in all, tiles of a chunk */
    size_t u, v, m;          /* bytes of the transformed weights, inputs and products */
} sizes;

static bool sizes_of(sizes *z, const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    *z = (sizes){ .s = scl_conv_shape_of(n) };
    const int m = scl_winograd_m(scl_attr_text(n, "algorithm"));
    if (!m || !scl_gpu_tile_of(tune, &z->t))
        return false;
    z->w = scl_winograd_of(&z->s, m);
    z->CP = round_up(z->s.C, z->t.BK);
    z->KP = round_up(z->s.K, z->t.BN);
    z->total = z->s.N * z->w.tiles;
    const size_t F = sizeof(float) * (size_t)z->w.frequencies;
    const size_t most = device->klass == SCL_CLASS_GPU ? MOST_VALUES : MOST_VALUES_CPU;
    const size_t fit = most / (F * (size_t)(z->CP + z->KP)) / (size_t)z->t.BM * (size_t)z->t.BM;
    z->rows = round_up(z->total, z->t.BM);
    z->rows = fit >= (size_t)z->rows ? z->rows : fit ? (int)fit : z->t.BM;
    z->u = F * (size_t)z->CP * z->KP;
    z->v = F * (size_t)z->rows * z->CP;
    z->m = F * (size_t)z->rows * z->KP;
    return true;
}

bool scl_winograd_gpu_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    sizes z;
    return sizes_of(&z, n, device, tune) && scl_gpu_tile_fits(&z.t, device, z.rows, z.s.K, z.w.frequencies);
}

size_t scl_winograd_gpu_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    sizes z;
    return sizes_of(&z, n, device, tune) ? z.v + z.m : 0;
}

size_t scl_winograd_gpu_prepared(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    sizes z;
    return sizes_of(&z, n, device, tune) ? z.u : 0;
}

static scl_grid items(long n) { return scl_groups(ITEMS, ((size_t)n + ITEMS - 1) / ITEMS, 1, 1); }

/* WINOGRAD_BUILD: one program for all four kernels. */
#define WINOGRAD_BUILD(z)                                                                                                      \
    SCL_GPU_TILE_DEFINES((z)->t, scl_launcher_device(q), 4, 4), SCL_DEFINE(FLIP, (z)->s.flipped), SCL_DEFINE(WM, (z)->w.m),    \
        SCL_DEFINE(VEC, 1)

static scl_status chunk(scl_launcher *q, const scl_node *n, const sizes *z, int first, scl_err *err)
{
    const scl_conv_shape *s = &z->s;
    const int here = z->total - first < z->rows ? z->total - first : z->rows, rows = round_up(here, z->t.BM);
    const size_t groups = (size_t)scl_gpu_tile_groups(&z->t, rows, z->KP);
    SCL_TRY(SCL_FUSED_LAUNCH(
        q, n, err, "winograd_gpu_input", items((long)rows * z->CP), WINOGRAD_BUILD(z), SCL_BUF_AS(x, s->in),
        SCL_WORK(v, 0, z->v), SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(C, s->C), SCL_I32(CP, z->CP),
        SCL_I32(dilation, s->dilation), SCL_I32(down, z->w.down), SCL_I32(across, z->w.across),
        SCL_I32(tiles, z->w.tiles), SCL_I32(first, first), SCL_I32(total, z->total), SCL_I32(rows, rows)));
    SCL_TRY(SCL_LAUNCH(q, n, err, "winograd_gpu_products",
                       scl_groups((size_t)z->t.items, groups, (size_t)z->w.frequencies, 1), WINOGRAD_BUILD(z),
                       SCL_WORK(v, 0, z->v), SCL_PREPARED(u, z->u), SCL_WORK(m, z->v, z->m), SCL_I32(rows, rows),
                       SCL_I32(CP, z->CP), SCL_I32(KP, z->KP)));
    return SCL_FUSED_LAUNCH(q, n, err, "winograd_gpu_output", items((long)here * s->K), WINOGRAD_BUILD(z),
                      SCL_WORK(m, z->v, z->m), SCL_BUF_AS(bias, s->has_bias ? "bias" : s->weights),
                      SCL_BUF_AS(y, s->out), SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(K, s->K), SCL_I32(KP, z->KP),
                      SCL_I32(dilation, s->dilation),
                      SCL_I32(down, z->w.down), SCL_I32(across, z->w.across), SCL_I32(tiles, z->w.tiles),
                      SCL_I32(first, first), SCL_I32(here, here), SCL_I32(rows, rows), SCL_I32(has_bias, s->has_bias));
}

scl_status scl_winograd_gpu_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    sizes z;
    if (!sizes_of(&z, n, scl_launcher_device(q), scl_launcher_tune(q)))
        return scl_fail(err, SCL_FAILED, "%s: no such tile", n->op->name);
    SCL_TRY(SCL_LAUNCH(q, n, err, "winograd_gpu_weights", items((long)z.CP * z.KP), WINOGRAD_BUILD(&z),
                       SCL_BUF_AS(w, z.s.weights), SCL_PREPARED(u, z.u), SCL_I32(C, z.s.C), SCL_I32(K, z.s.K),
                       SCL_I32(CP, z.CP), SCL_I32(KP, z.KP)));
    scl_launch_prepares(q);
    for (int first = 0; first < z.total; first += z.rows)
        SCL_TRY(chunk(q, n, &z, first, err));
    return SCL_OK;
}
