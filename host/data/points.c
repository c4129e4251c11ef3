/* Points drawn from a distribution (format: points), the same on every machine.
 *
 *   mixture       component k with probability w_k, then its mean + sigma_k z
 *   ring          a circle of radius `scale`
 *   two_moons     two half circles of radius `scale`: (cos, sin), and (1 - cos, 1/2 - sin)
 *   checkerboard  the dark squares, of side `scale`, of 4 x 4 round the origin
 *   swiss_roll    a spiral of one and a half turns, t (cos t, sin t), t = 3/2 pi ... 9/2 pi, shrunk to an outer radius of `scale`
 *   line          of length 2 scale along (1,1,1), in 3-D
 * all but the mixture + noise z.  Point i: words 0 and 1 of Philox's counter { 0, i, 0, points << 24 } are its two uniform numbers
 * (32 bits), the quads 1 ... its normals; key: data.points.seed.  So a larger `count` keeps the points of a smaller one. */
#include <math.h>

#include "base/arena.h"
#include "data/points.h"
#include "data/reader.h"
#include "graph/arith.h"
#include "score/hostmath.h"
#include "score/mixture.h"

int scl_points_dimension(const scl_points_config *p)
{
    switch (p->distribution) {
    case SCL_POINTS_FILE: return 0;
    case SCL_POINTS_MIXTURE: return p->means.cols;
    case SCL_POINTS_LINE: return 3;
    case SCL_POINTS_RING: case SCL_POINTS_TWO_MOONS: case SCL_POINTS_CHECKERBOARD: case SCL_POINTS_SWISS_ROLL: break;
    }
    return 2;
}

/* (cos pi s, sin pi s) for s >= 0. */
static void on_circle(double s, double *x, double *y)
{
    const double turn = s - 2 * floor(s / 2), shifted = turn < 0.5 ? turn + 1.5 : turn - 0.5;
    *x = scl_host_cos_pi(turn > 1 ? 2 - turn : turn);
    *y = scl_host_cos_pi(shifted > 1 ? 2 - shifted : shifted);
}

/* Where a point lies before the noise; u, v uniform on [0, 1). */
static void place(const scl_points_config *p, double u, double v, double *x)
{
    switch (p->distribution) {
    case SCL_POINTS_RING: on_circle(2 * u, &x[0], &x[1]); break;
    case SCL_POINTS_TWO_MOONS:
        on_circle(u, &x[0], &x[1]);
        if (v >= 0.5) {
            x[0] = 1 - x[0];
            x[1] = 0.5 - x[1];
        }
        break;
    case SCL_POINTS_CHECKERBOARD: {
        const int column = (int)(4 * u);
        const double row = 2 * v, within = row - floor(row);
        x[0] = 4 * u - 2;
        x[1] = 2 * floor(row) + column % 2 + within - 2;
        break;
    }
    case SCL_POINTS_SWISS_ROLL: {
        const double t = (1 + 2 * u) / 3;
        on_circle(1.5 + 3 * u, &x[0], &x[1]);
        x[0] *= t;
        x[1] *= t;
        break;
    }
    case SCL_POINTS_LINE: x[0] = x[1] = x[2] = (2 * u - 1) * 0x1.279a74590331dp-1; break;     /* 1/sqrt(3) */
    case SCL_POINTS_FILE: case SCL_POINTS_MIXTURE: break;
    }
}

static int component(const scl_mixture *m, double u)
{
    double sum = 0;
    for (int k = 0; k < m->components - 1; k++)
        if (u < (sum += m->weight[k]))
            return k;
    return m->components - 1;
}

/* Point i into to; its class, the component that it is of (0 where there are none). */
static int draw(const scl_points_config *p, const scl_mixture *m, uint32_t i, int D, double *x, float *to)
{
    const scl_words w = scl_random(p->seed, 0, i, 0, SCL_STREAM_POINTS, 0);
    const double u = w.w[0] * 0x1p-32, v = w.w[1] * 0x1p-32;
    const int k = m ? component(m, u) : 0;
    const double noise = m ? m->sigma[k] : p->noise;
    if (!m)
        place(p, u, v, x);
    for (int d = 0; d < D; d += 4) {
        float z[4] = { 0 };
        if (noise > 0) {
            const scl_words n = scl_random(p->seed, (uint32_t)(1 + d / 4), i, 0, SCL_STREAM_POINTS, 0);
            scl_normal2(n.w[0], n.w[1], &z[0], &z[1]);
            scl_normal2(n.w[2], n.w[3], &z[2], &z[3]);
        }
        for (int j = 0; j < 4 && d + j < D; j++) {
            const double middle = m ? m->mean[k * D + d + j] : p->scale * x[d + j];
            to[d + j] = scl_flush((float)(middle + noise * (double)z[j]));
        }
    }
    return k;
}

scl_status scl_read_points(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err)
{
    const scl_points_config *p = &spec->points;
    const int D = scl_points_dimension(p);
    void *block;
    SCL_TRY(scl_alloc_bytes(&block, sizeof(float) * (size_t)p->count * (size_t)D, "the points", err));
    scl_arena arena = { 0 };
    const bool mixture = p->distribution == SCL_POINTS_MIXTURE;
    const scl_mixture m = mixture ? scl_mixture_of(p, &arena) : (scl_mixture){ 0 };
    double x[4] = { 0 };
    d->f32 = block;
    d->height = d->width = 1;
    d->channels = D;
    d->count = (size_t)p->count;
    d->classes = mixture ? m.components : 0;
    const scl_status status =
        mixture ? scl_alloc_bytes(&block, sizeof *d->label * d->count, "the classes", err) : SCL_OK;
    d->label = mixture && status == SCL_OK ? block : NULL;
    for (size_t i = 0; i < d->count && status == SCL_OK; i++) {
        const int class = draw(p, mixture ? &m : NULL, (uint32_t)i, D, x, d->f32 + i * (size_t)D);
        if (d->label)
            d->label[i] = class;
    }
    scl_arena_free(&arena);
    SCL_TRY(status);
    scl_keep_split(d, spec, split);
    return SCL_OK;
}
