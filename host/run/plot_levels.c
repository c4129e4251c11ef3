/* How much noise samples have at each level of their trajectory: the root mean square distance of x at the end of a level to
 * the sample that it becomes, over the level's sigma.
 *
 * Langevin dynamics with steps a on the noise alone, N(0, sigma^2), keeps the variance sigma^2 / (1 - a / (2 sigma^2)).
 * Annealed, a is step_lr (sigma / sigma_last)^2, so on every level x has the noise r sigma with
 * r = 1/sqrt(1 - step_lr / (2 sigma_last^2)).  At large levels the picture itself still moves, which adds to it. */
#include <math.h>

#include "base/log.h"
#include "data/npy.h"
#include "run/engine.h"
#include "run/plot.h"
#include "score/noise.h"

typedef struct trajectory {
    scl_npy path, end;                       /* [rows, columns, ...], [count, ...] */
    size_t rows, columns, width;
} trajectory;

static scl_status open_trajectory(trajectory *t, scl_stage_context *c, const char *stage, scl_err *err)
{
    const char *folder = scl_arena_printf(c->arena, "%s/%s", c->run->folder, stage);
    SCL_TRY(scl_npy_read(&t->path, scl_arena_printf(c->arena, "%s/trajectory.npy", folder), err));
    SCL_TRY(scl_npy_read(&t->end, scl_arena_printf(c->arena, "%s/samples.npy", folder), err));
    const bool floats = t->path.dtype == SCL_NPY_F32 && t->end.dtype == SCL_NPY_F32, some = t->path.count && t->end.count;
    if (!floats || !some || t->path.rank < 3 || t->end.rank < 2 || t->path.dim[1] > t->end.dim[0])
        return scl_fail(err, SCL_FAILED, "'%s' holds no trajectory of its samples", folder);
    t->rows = t->path.dim[0];
    t->columns = t->path.dim[1];
    t->width = t->path.count / t->rows / t->columns;
    if (t->end.count / t->end.dim[0] != t->width)
        return scl_fail(err, SCL_FAILED, "'%s': trajectory.npy and samples.npy are of samples of different sizes", folder);
    return SCL_OK;
}

/* Root mean square distance of a level's x to alpha times what it becomes, and its standard error. */
static double distance(const trajectory *t, size_t row, double alpha, double *error)
{
    const float *x = (const float *)t->path.data + row * t->columns * t->width, *end = t->end.data;
    double sum = 0, square = 0;
    for (size_t i = 0; i < t->columns; i++) {
        double d = 0;
        for (size_t k = 0; k < t->width; k++)
            d += pow((double)x[i * t->width + k] - alpha * (double)end[i * t->width + k], 2) / (double)t->width;
        sum += d;
        square += d * d;
    }
    const double n = (double)t->columns, mean = sum / n, spread = fmax(square / n - mean * mean, 0), rms = sqrt(mean);
    *error = n > 1 && rms > 0 ? 0.5 / rms * sqrt(spread / (n - 1)) : 0;
    return rms;
}

/* sigma, noise over sigma, its error: a line for each level. */
static scl_status write_levels(const trajectory *t, scl_stage_context *c, const scl_stage_config *from, scl_err *err)
{
    scl_noise noise;
    scl_page p;
    double ratio = 0, error = 0;
    SCL_TRY(scl_noise_of(&noise, c->arena, &from->noise, 2.0, false, err));
    if (t->rows != (size_t)noise.levels)
        return scl_fail(err, SCL_FAILED, "the trajectory of stage '%s' has %zu rows for %d noise levels", from->name, t->rows,
                        noise.levels);
    SCL_TRY(scl_page_open(&p, err));
    for (size_t i = 0; i < t->rows; i++) {
        ratio = distance(t, i, scl_noise_alpha(&noise, (int)i), &error) / noise.level[i];
        error /= noise.level[i];
        fprintf(p.file, "%.9g %.9g %.9g\n", noise.level[i], ratio, error);
    }
    scl_info("%s: %s ends its last level with %.4g +- %.2g times the noise of that level", c->stage->name, from->name, ratio,
             error);
    return scl_page_write(&p, c, scl_arena_printf(c->arena, "%s.txt", from->name), err);
}

static scl_status take(scl_stage_context *c, const char *stage, scl_err *err)
{
    trajectory t = { 0 };
    scl_status status = open_trajectory(&t, c, stage, err);
    if (status == SCL_OK)
        status = write_levels(&t, c, scl_config_stage(c->config, stage), err);
    scl_npy_free(&t.path);
    scl_npy_free(&t.end);
    return status;
}

scl_status scl_plot_levels(scl_stage_context *c, int size[2], scl_err *err)
{
    const scl_stage_config *stage = c->stage;
    scl_page p;
    for (int i = 0; i < stage->n_needs; i++)
        SCL_TRY(take(c, stage->needs[i], err));
    SCL_TRY(scl_page_open(&p, err));
    scl_plot_begin(&p, &stage->plot);
    fputs("set xrange [*:*] reverse\nset logscale x\nset yrange [0:*]\nset offsets 0, 0, graph 0.1, 0\n", p.file);
    for (int i = 0; i < stage->n_needs; i++)
        fprintf(p.file, "%s'%s.txt' with yerrorlines pt 7 ps 0.8 lw 1.5 title '%s' noenhanced", i ? ", " : "plot ",
                stage->needs[i], stage->needs[i]);
    if (stage->plot.formula) {
        fprintf(p.file, ", %s", stage->plot.formula);
        scl_plot_text(&p, " with lines dt 2 lw 1.5 title", stage->plot.formula);
    }
    fputc('\n', p.file);
    (void)size;                              /* as it is */
    return scl_page_write(&p, c, "draw.gp", err);
}
