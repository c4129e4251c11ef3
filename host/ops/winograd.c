/* Launches of Winograd convolution in one kernel: cl/lib/winograd.cl and cl/lib/winograd_fused.cl. */
#include "ops/winograd.h"

#include "ops/cpu_tile.h"

static int round_up(int n, int to) { return (n + to - 1) / to * to; }
static int divide_up(int n, int by) { return (n + by - 1) / by; }

enum { FEW = 4, PASS = 256 }; /* channels transformed at a time, whole chains: as many as a core's cache holds */

typedef struct sizes {
    scl_conv_shape s;
    scl_winograd w;
    int VEC, NR, MR, tiles, KP;
    size_t packed, v, m; /* bytes: prepared weights; transformed inputs, and products of NR channels, in local memory */
} sizes;

static sizes sizes_of(const scl_node *n, const scl_tune *tune)
{
    sizes z = { .s = scl_conv_shape_of(n), .VEC = scl_tune_get(tune, "VEC"), .NR = scl_tune_get(tune, "NR"),
                .MR = scl_tune_get(tune, "MR"), .tiles = scl_tune_get(tune, "TILES") };
    const int row = round_up(z.s.C, z.VEC);
    z.w = scl_winograd_of(&z.s, scl_winograd_m(scl_attr_text(n, "algorithm")));
    z.KP = round_up(z.s.K, z.NR);
    z.packed = sizeof(float) * ((size_t)z.VEC + (size_t)z.KP +
                                (size_t)z.w.frequencies * ((size_t)z.KP * (size_t)z.s.C + (size_t)z.VEC));
    z.v = sizeof(float) * (size_t)z.w.frequencies * (size_t)(z.tiles * (row < PASS ? row : PASS) + z.VEC);
    z.m = sizeof(float) * (size_t)z.w.frequencies * (size_t)(z.tiles * z.NR + z.VEC);
    return z;
}

/* One thread's vectors and cache: not for GPUs, and not where the driver takes vectors apart. */
bool scl_winograd_fused_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    if (!scl_winograd_m(scl_attr_text(n, "algorithm")) || device->klass == SCL_CLASS_GPU || scl_device_scalar(device) ||
        !scl_cpu_tile_fits(device, scl_dim(n, 'K'), tune))
        return false;
    const sizes z = sizes_of(n, tune);
    if (z.tiles == FEW && 2 * (z.v + z.m) <= device->local_bytes)
        return false;       /* only where more tiles do not fit */
    return z.tiles % z.MR == 0 && z.v + z.m <= device->local_bytes;
}

size_t scl_winograd_fused_prepared(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device;
    return sizes_of(n, tune).packed;
}

static scl_status pack(scl_launcher *q, const scl_node *n, const sizes *z, scl_err *err)
{
    const scl_conv_shape *s = &z->s;
    const size_t blocks = (size_t)(z->KP / z->VEC);
    if (s->flipped)
        return SCL_LAUNCH(q, n, err, "winograd_pack_flipped", scl_groups(1, (size_t)divide_up(s->C, z->VEC), blocks, 1),
                          SCL_DEFINE(WM, z->w.m), SCL_BUF_AS(w, s->weights), SCL_PREPARED(packed, z->packed), SCL_I32(C, s->C),
                          SCL_I32(K, s->K), SCL_I32(KP, z->KP));
    return SCL_LAUNCH(q, n, err, "winograd_pack", scl_groups(1, (size_t)s->C, blocks, 1), SCL_DEFINE(WM, z->w.m),
                      SCL_BUF_AS(w, s->weights), SCL_BUF(bias), SCL_PREPARED(packed, z->packed), SCL_I32(C, s->C),
                      SCL_I32(K, s->K), SCL_I32(KP, z->KP));
}

scl_status scl_winograd_fused_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const sizes z = sizes_of(n, scl_launcher_tune(q));
    const scl_conv_shape *s = &z.s;
    const int total = s->N * z.w.tiles;
    SCL_TRY(pack(q, n, &z, err));
    scl_launch_prepares(q);
    return SCL_FUSED_LAUNCH(q, n, err, "winograd_fused", scl_groups(1, (size_t)divide_up(total, z.tiles), 1, 1),
                      SCL_DEFINE(WM, z.w.m), SCL_DEFINE(PASS, PASS), SCL_DEFINE(CUT, s->C % z.VEC || s->K % z.VEC), SCL_BUF_AS(x, s->in), SCL_PREPARED(packed, z.packed), SCL_BUF_AS(y, s->out),
                      SCL_I32(H, s->H), SCL_I32(W, s->W), SCL_I32(C, s->C), SCL_I32(K, s->K), SCL_I32(KP, z.KP),
                      SCL_I32(dilation, s->dilation), SCL_I32(down, z.w.down), SCL_I32(across, z.w.across),
                      SCL_I32(tiles, z.w.tiles), SCL_I32(total, total), SCL_LOCAL(v, z.v), SCL_LOCAL(m, z.m));
}
