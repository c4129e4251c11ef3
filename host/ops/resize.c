/* resize_bilinear - bilinear interpolation with aligned corners, H x W to I x J, and its transpose.
 *
 *   row i of I lies at source row  i*(H-1) div (I-1)  =: lo,  t = rem / (I-1)  (I = 1: row 0, t = 0);  columns likewise
 *   y = along x, then along y, each step fma(t, b - a, a); b is the next row or column, at the far edge (t = 0) the same
 *   dx = chain over the contributing outputs in raster order of fma(wy*wx rounded, dy, acc), w = 1 - t at lo and t at lo + 1
 * A weight of 0 changes nothing, so whether such an output is visited does not matter.
 * The places of both axes are computed once, by a small launch, into the workspace: I + J places lo and weights t.
 * Source: PyTorch's interpolate(mode='bilinear', align_corners=True), which NCSN uses.  Kernels: cl/ops/resize.cl.
 * Canonical order: docs/design/arithmetic.md 3.  Oracles and cases: tests/ops/resize.c. */
#include "graph/arith.h"
#include "ops/items.h"

typedef struct place { int lo, hi; float t; } place;

/* Where output i of `to` lies among `from` sources. */
static place place_of(int i, int from, int to)
{
    if (to == 1)
        return (place){ 0, 0, 0.0f };
    const int lo = i * (from - 1) / (to - 1), rem = i * (from - 1) % (to - 1);
    return (place){ lo, lo + 1 < from ? lo + 1 : lo, scl_div((float)rem, (float)(to - 1)) };
}

SCL_FAST_REF static float lerp(float a, float b, float t) { return fmaf(t, b - a, a); }

static scl_status forward_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return SCL_APPLY(g, &dx[0], err, "resize_bilinear_grad", SCL_IN("dy", dy[0]), SCL_INT("H", scl_dim(n, 'H')),
                     SCL_INT("W", scl_dim(n, 'W')));
}

static scl_status forward_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return SCL_APPLY(g, &dy[0], err, "resize_bilinear", SCL_IN("x", dx[0]), SCL_INT("I", scl_dim(n, 'I')),
                     SCL_INT("J", scl_dim(n, 'J')));
}

static void forward_ref(const scl_node *n, const scl_host_values *v)
{
    const int H = scl_dim(n, 'H'), W = scl_dim(n, 'W'), C = scl_dim(n, 'C'), I = scl_dim(n, 'I'), J = scl_dim(n, 'J');
    float *y = v->out[0];
    for (int row = 0; row < scl_dim(n, 'N') * I; row++) {
        const place py = place_of(row % I, H, I);
        const float *image = (const float *)v->in[0] + (size_t)(row / I) * H * W * C;
        for (int j = 0; j < J; j++, y += C) {
            const place px = place_of(j, W, J);
            const float *a = image + ((size_t)py.lo * W + px.lo) * C, *b = image + ((size_t)py.lo * W + px.hi) * C;
            const float *c = image + ((size_t)py.hi * W + px.lo) * C, *d = image + ((size_t)py.hi * W + px.hi) * C;
            for (int k = 0; k < C; k++)
                y[k] = scl_flush(lerp(lerp(a[k], b[k], px.t), lerp(c[k], d[k], px.t), py.t));
        }
    }
}

/* Bytes of one list of I + J places; lists begin at multiples of 4096, which every device can address: rusticl
 * asks for 512. */
static size_t places_bytes(const scl_node *n)
{
    return (sizeof(float) * (size_t)(scl_dim(n, 'I') + scl_dim(n, 'J')) + 4095) / 4096 * 4096;
}

static size_t workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device, (void)tune;
    return 2 * places_bytes(n);
}

/* The places of both axes: rows in the first I entries, columns behind them. */
static scl_status places_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int I = scl_dim(n, 'I'), J = scl_dim(n, 'J');
    return SCL_LAUNCH(q, n, err, "resize_places", scl_items_grid(q, I + J), SCL_WORK(lo, 0, places_bytes(n)),
                      SCL_WORK(t, places_bytes(n), places_bytes(n)), SCL_I32(H, scl_dim(n, 'H')),
                      SCL_I32(W, scl_dim(n, 'W')), SCL_I32(I, I), SCL_I32(J, J));
}

static scl_status forward_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = scl_items(q, (size_t)scl_dim(n, 'N') * scl_dim(n, 'I'), scl_dim(n, 'C'));
    SCL_TRY(places_launch(q, n, err));
    return SCL_LAUNCH(q, n, err, "resize_bilinear", scl_items_grid(q, items), SCL_BUF(x), SCL_BUF(y),
                      SCL_WORK(lo, 0, places_bytes(n)), SCL_WORK(t, places_bytes(n), places_bytes(n)),
                      SCL_I32(H, scl_dim(n, 'H')), SCL_I32(W, scl_dim(n, 'W')), SCL_I32(I, scl_dim(n, 'I')),
                      SCL_I32(J, scl_dim(n, 'J')), SCL_I32(C, scl_dim(n, 'C')), SCL_I32(items, items));
}

static const scl_op resize_bilinear = {
    .name = "resize_bilinear", .family = "resize",
    .brief = "bilinear resize with aligned corners", .formula = "y[i,j] = sum of the 4 corners, weights (1-t, t) x (1-t, t)",
    .in = { "x f32[N,H,W,C]" }, .out = { "y f32[N,I,J,C]" }, .attr = { "I int 1..32768", "J int 1..32768" },
    .vjp = forward_vjp, .jvp = forward_jvp, .ref = forward_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .workspace = workspace, .launch = forward_launch } },
    .flops = "9*N*I*J*C", .bytes = "4*N*H*W*C+4*N*I*J*C",
};

/* ---- transpose ---- */

/* The outputs [first, end) that may touch source p: those whose lo is p-1 or p. */
static void touching(int p, int from, int to, int *first, int *end)
{
    *first = 0;
    *end = to;
    if (from == 1 || to == 1)
        return;
    if (p > 0)
        *first = ((p - 1) * (to - 1) + from - 2) / (from - 1);
    if (p < from - 1)
        *end = ((p + 1) * (to - 1) + from - 2) / (from - 1);
}

static float weight_at(int i, int p, int from, int to)
{
    const place at = place_of(i, from, to);
    return at.lo == p ? 1.0f - at.t : at.lo + 1 == p ? at.t : 0.0f;
}

static scl_status grad_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return SCL_APPLY(g, &dx[0], err, "resize_bilinear", SCL_IN("x", dy[0]), SCL_INT("I", scl_dim(n, 'I')),
                     SCL_INT("J", scl_dim(n, 'J')));
}

static scl_status grad_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return SCL_APPLY(g, &dy[0], err, "resize_bilinear_grad", SCL_IN("dy", dx[0]), SCL_INT("H", scl_dim(n, 'H')),
                     SCL_INT("W", scl_dim(n, 'W')));
}

SCL_FAST_REF static void grad_ref(const scl_node *n, const scl_host_values *v)
{
    const int H = scl_dim(n, 'H'), W = scl_dim(n, 'W'), C = scl_dim(n, 'C'), I = scl_dim(n, 'I'), J = scl_dim(n, 'J');
    float *dx = v->out[0];
    for (int row = 0; row < scl_dim(n, 'N') * H; row++) {
        const float *image = (const float *)v->in[0] + (size_t)(row / H) * I * J * C;
        int i0, i1, j0, j1;
        touching(row % H, H, I, &i0, &i1);
        for (int x = 0; x < W; x++, dx += C) {
            touching(x, W, J, &j0, &j1);
            for (int c = 0; c < C; c++)
                dx[c] = 0.0f;
            for (int i = i0; i < i1; i++)
                for (int j = j0; j < j1; j++) {
                    const float weight = weight_at(i, row % H, H, I) * weight_at(j, x, W, J);
                    for (int c = 0; c < C; c++)
                        dx[c] = fmaf(weight, image[((size_t)i * J + j) * C + c], dx[c]);
                }
            for (int c = 0; c < C; c++)
                dx[c] = scl_flush(dx[c]);
        }
    }
}

static scl_status grad_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = scl_items(q, (size_t)scl_dim(n, 'N') * scl_dim(n, 'H'), scl_dim(n, 'C'));
    SCL_TRY(places_launch(q, n, err));
    return SCL_LAUNCH(q, n, err, "resize_bilinear_grad", scl_items_grid(q, items), SCL_BUF(dy), SCL_BUF(dx),
                      SCL_WORK(lo, 0, places_bytes(n)), SCL_WORK(t, places_bytes(n), places_bytes(n)),
                      SCL_I32(H, scl_dim(n, 'H')), SCL_I32(W, scl_dim(n, 'W')), SCL_I32(I, scl_dim(n, 'I')),
                      SCL_I32(J, scl_dim(n, 'J')), SCL_I32(C, scl_dim(n, 'C')), SCL_I32(items, items));
}

static const scl_op resize_bilinear_grad = {
    .name = "resize_bilinear_grad", .family = "resize",
    .brief = "transpose of resize_bilinear", .formula = "dx[p] = sum over outputs that p contributes to of weight * dy",
    .in = { "dy f32[N,I,J,C]" }, .out = { "dx f32[N,H,W,C]" }, .attr = { "H int 1..32768", "W int 1..32768" },
    .vjp = grad_vjp, .jvp = grad_jvp, .ref = grad_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .workspace = workspace, .launch = grad_launch } },
    .flops = "8*N*I*J*C", .bytes = "4*N*H*W*C+4*N*I*J*C",
};

scl_family scl_family_resize = { &resize_bilinear, &resize_bilinear_grad, NULL };
