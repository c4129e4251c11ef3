/* norm_stats - everything that InstanceNorm++ needs before it can be applied: pixel_stats, channel_stats and norm_coef
 * (host/ops/norm.c has the formulas and the order of the sums) as one operator.
 *
 *   mean[n,c], variance[n,c], m[n], v[n], a[n,c], b[n,c]        from x and rows = [gamma | alpha | beta]
 *
 * On a CPU a work-item takes a sample through all of it, the image staying in its cache; a plan may have it apply the
 * coefficients too, and whatever is pointwise behind that (host/graph/fuse_sides.c: the node's further output).  Elsewhere: the
 * three kernels one after the other.  Constant to autodiff as its parts are.  Kernels: cl/ops/norm.cl. */
#include "ops/fused.h"
#include "ops/items.h"
#include "ops/norm.h"

static scl_status shape(scl_node *n, scl_err *err)
{
    SCL_TRY(scl_check_channels(n, err));
    return scl_check_rows(n, 1, err);
}

static void ref(const scl_node *n, const scl_host_values *v)
{
    const int N = scl_dim(n, 'N'), C = scl_dim(n, 'C');
    const scl_norm_values values = { v->out[0], v->out[1], v->out[2], v->out[3], v->in[1], v->out[4], v->out[5] };
    scl_norm_pixel_stats(v->in[0], N, scl_dim(n, 'H'), scl_dim(n, 'W'), C, v->out[0], v->out[1]);
    scl_norm_channel_stats(values.mean, N, C, v->out[2], v->out[3]);
    scl_norm_coefs(&values, N, C, scl_row_step(n), (float)scl_attr_real(n, "eps"));
}

/* Bytes of the levels of one stream of sums for every channel. */
static size_t level_bytes(const scl_node *n) { return sizeof(float) * SUM_LEVELS * (size_t)scl_dim(n, 'C'); }

bool scl_sample_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    if (device->klass == SCL_CLASS_GPU || scl_device_scalar(device) || 2 * level_bytes(n) > device->local_bytes)
        return false;
    return scl_dim(n, 'N') >= (int)device->compute_units && scl_items_fit_c(n, device, tune);
}

#define EDGES(H, W)                                                                                                            \
    SCL_F32_ARG(inv_pixels, scl_inverse((double)(H) * (W))),                                                                   \
        SCL_F32_ARG(inv_right, (W) % SUM_LEAF ? scl_inverse(SUM_LEAF * ((W) % SUM_LEAF)) : 0.0f),                              \
        SCL_F32_ARG(inv_bottom, (H) % SUM_LEAF ? scl_inverse((H) % SUM_LEAF * SUM_LEAF) : 0.0f),                               \
        SCL_F32_ARG(inv_corner, (H) % SUM_LEAF && (W) % SUM_LEAF ? scl_inverse((H) % SUM_LEAF * ((W) % SUM_LEAF)) : 0.0f)

static scl_status sample_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int H = scl_dim(n, 'H'), W = scl_dim(n, 'W'), C = scl_dim(n, 'C');
    return SCL_FUSED_LAUNCH(q, n, err, "norm_sample", scl_groups(1, (size_t)scl_dim(n, 'N'), 1, 1),
                            SCL_DEFINE(CUT, 0), SCL_BUF(x), SCL_BUF(rows), SCL_BUF(mean), SCL_BUF(variance),
                            SCL_BUF(m), SCL_BUF(v), SCL_BUF(a), SCL_BUF(b), SCL_BUF_AS(y, "along"),
                            SCL_I32(H, H), SCL_I32(W, W), SCL_I32(C, C), SCL_I32(row_step, scl_row_step(n)),
                            SCL_F32_ARG(eps, (float)scl_attr_real(n, "eps")), EDGES(H, W),
                            SCL_F32_ARG(inv_c, scl_inverse(C)), SCL_F32_ARG(inv_c1, scl_inverse(C - 1)),
                            SCL_LOCAL(level, level_bytes(n)));
}

static scl_status split_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int H = scl_dim(n, 'H'), W = scl_dim(n, 'W'), C = scl_dim(n, 'C'), items = scl_items(q, scl_dim(n, 'N'), C);
    const size_t wg = (size_t)scl_tune_get(scl_launcher_tune(q), "WG");
    SCL_TRY(SCL_LAUNCH(q, n, err, "pixel_stats", scl_items_grid(q, items), SCL_BUF(x), SCL_BUF(mean), SCL_BUF(variance),
                       SCL_I32(H, H), SCL_I32(W, W), SCL_I32(C, C), SCL_I32(items, items), EDGES(H, W)));
    SCL_TRY(SCL_LAUNCH(q, n, err, "channel_stats", scl_groups(wg, (size_t)scl_dim(n, 'N'), 1, 1),
                       SCL_BUF(mean), SCL_BUF(m), SCL_BUF(v), SCL_I32(C, C),
                       SCL_F32_ARG(inv_c, scl_inverse(C)), SCL_F32_ARG(inv_c1, scl_inverse(C - 1))));
    return SCL_LAUNCH(q, n, err, "norm_coef", scl_items_grid(q, items), SCL_BUF(mean), SCL_BUF(variance),
                      SCL_BUF(m), SCL_BUF(v), SCL_BUF(rows), SCL_BUF(a), SCL_BUF(b), SCL_I32(C, C),
                      SCL_I32(row_step, scl_row_step(n)), SCL_F32_ARG(eps, (float)scl_attr_real(n, "eps")),
                      SCL_I32(items, items));
}

const scl_op scl_op_norm_stats = {
    .name = "norm_stats", .family = "norm",
    .brief = "statistics and coefficients of InstanceNorm++: pixel_stats, channel_stats and norm_coef in one",
    .formula = "mean, variance over pixels; m, v over channels; a = gamma/sigma,  b = gamma*alpha*mhat + beta",
    .in = { "x f32[N,H,W,C]", "rows f32[B,S]" },
    .out = { "mean f32[N,C]", "variance f32[N,C]", "m f32[N]", "v f32[N]", "a f32[N,C]", "b f32[N,C]" },
    .attr = { "eps real 1e-12..1 = 1e-5" },
    .shape = shape,
    .constant = true,          /* norm_apply's rule is the total derivative, through these */
    .ref = ref,
    .impl = { { .name = "sample", .tune = SCL_SAMPLE_TUNE, .fits = scl_sample_fits, .fuses = SCL_FUSE_ALONG,
                .launch = sample_launch },
              { .name = "split", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c, .launch = split_launch } },
    .flops = "5*N*H*W*C", .bytes = "4*N*H*W*C",
};
