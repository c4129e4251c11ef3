/* Figures of points in the plane: samples beside the data, and scores over the density. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "data/npy.h"
#include "run/density.h"
#include "run/engine.h"
#include "run/field.h"
#include "run/plot.h"
#include "score/mixture.h"
#include "score/noise.h"

enum { MOST_POINTS = 4000, PANEL = 400, MARGIN = 60, DENSITY = 100 };

/* The first two coordinates of rows of `width` values. */
static scl_status write_points(scl_stage_context *c, const char *name, const float *x, size_t n, size_t width, scl_err *err)
{
    scl_page p;
    if (width < 2)
        return scl_fail(err, SCL_FAILED, "a scatter is drawn of points of two values at least, not %zu", width);
    SCL_TRY(scl_page_open(&p, err));
    for (size_t i = 0; i < n && i < MOST_POINTS; i++)
        fprintf(p.file, "%.7g %.7g\n", (double)x[i * width], (double)x[i * width + 1]);
    return scl_page_write(&p, c, name, err);
}

static scl_status write_data(scl_stage_context *c, scl_err *err)
{
    scl_dataset *d;
    SCL_TRY(scl_dataset_open(&d, &c->stage->data, SCL_SPLIT_TRAIN, err));
    const size_t width = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    const scl_status status = d->f32 ? write_points(c, "data.txt", d->f32, d->count, width, err)
                                     : scl_fail(err, SCL_FAILED, "a scatter is drawn of points, not of pictures");
    scl_dataset_free(d);
    return status;
}

static scl_status write_samples(scl_stage_context *c, const char *stage, scl_err *err)
{
    scl_npy a;
    size_t width = 1;
    SCL_TRY(scl_npy_read(&a, scl_arena_printf(c->arena, "%s/%s/samples.npy", c->run->folder, stage), err));
    for (int k = 1; k < a.rank; k++)
        width *= a.dim[k];
    const scl_status status = a.dtype == SCL_NPY_F32 && a.rank > 0
                                  ? write_points(c, scl_arena_printf(c->arena, "%s.txt", stage), a.data, a.dim[0], width, err)
                                  : scl_fail(err, SCL_FAILED, "samples.npy of stage '%s' holds no floats", stage);
    scl_npy_free(&a);
    return status;
}

static void begin_panels(scl_page *p, const scl_plot_config *plot, int panels)
{
    scl_plot_begin(p, plot);
    fprintf(p->file, "set multiplot layout 1,%d\nset size ratio 1\nset xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\nunset key\n", panels,
            -plot->box, plot->box, -plot->box, plot->box);
}

scl_status scl_plot_scatter(scl_stage_context *c, int size[2], scl_err *err)
{
    const scl_stage_config *stage = c->stage;
    scl_page p;
    SCL_TRY(write_data(c, err));
    for (int i = 0; i < stage->n_needs; i++)
        SCL_TRY(write_samples(c, stage->needs[i], err));
    SCL_TRY(scl_page_open(&p, err));
    begin_panels(&p, &stage->plot, stage->n_needs + 1);
    for (int i = -1; i < stage->n_needs; i++) {
        const char *name = i < 0 ? "data" : stage->needs[i];
        fprintf(p.file, "set title '%s' noenhanced\nplot '%s.txt' with points pt 7 ps 0.25 lc rgb '#20509a'\n", name, name);
    }
    fputs("unset multiplot\n", p.file);
    size[0] = PANEL * (stage->n_needs + 1);
    size[1] = PANEL + MARGIN;
    return scl_page_write(&p, c, "draw.gp", err);
}

/* Scores at the points of a grid; m becomes the mixture as the level scales it. */
typedef struct grid { int side; double sigma, longest; float *x, *score; double *truth; } grid;

static scl_status fill_grid(scl_stage_context *c, grid *g, scl_mixture *m, scl_err *err)
{
    const size_t n = (size_t)g->side * (size_t)g->side;
    const double box = c->stage->plot.box, cell = 2 * box / g->side;
    const int level = c->stage->plot.level;
    scl_noise noise;
    scl_field *field;
    SCL_TRY(scl_noise_of(&noise, c->arena, &c->stage->noise, 2.0, false, err));
    g->sigma = level ? noise.level[level - 1] : 0;
    if (level)
        *m = scl_mixture_scaled(m, scl_noise_alpha(&noise, level - 1), c->arena);
    SCL_TRY(SCL_TAKE_ARRAY(&g->x, c->arena, 2 * n, "the points of a field", err));
    SCL_TRY(SCL_TAKE_ARRAY(&g->score, c->arena, 2 * n, "the scores of a field", err));
    SCL_TRY(SCL_TAKE_ARRAY(&g->truth, c->arena, 2 * n, "the true scores of a field", err));
    for (size_t i = 0; i < n; i++) {
        const double x[2] = { ((double)(i % (size_t)g->side) + 0.5) * cell - box, ((double)(i / (size_t)g->side) + 0.5) * cell - box };
        scl_mixture_log_density(m, x, g->sigma, g->truth + 2 * i);
        g->longest = fmax(g->longest, hypot(g->truth[2 * i], g->truth[2 * i + 1]));
        g->x[2 * i] = (float)x[0];
        g->x[2 * i + 1] = (float)x[1];
    }
    SCL_TRY(scl_field_open(&field, c, SCL_FIELD_POINTS, SCL_FIELD_SCORE, err));
    const scl_status status = field->dimension == 2
                                  ? scl_field_values(field, g->x, n, level ? level - 1 : noise.levels - 1, g->score, err)
                                  : scl_fail(err, SCL_FAILED, "the network takes points of %zu values, not 2",
                                             field->dimension);
    scl_field_close(field);
    return status;
}

/* x, y, true score, estimated score; arrows are as long as a cell where the true score is longest. */
static scl_status write_grid(scl_stage_context *c, const grid *g, scl_err *err)
{
    scl_page p;
    SCL_TRY(scl_page_open(&p, err));
    for (int i = 0; i < g->side * g->side; i++)
        fprintf(p.file, "%.7g %.7g %.9g %.9g %.9g %.9g\n", (double)g->x[2 * i], (double)g->x[2 * i + 1], g->truth[2 * i],
                g->truth[2 * i + 1], (double)g->score[2 * i], (double)g->score[2 * i + 1]);
    return scl_page_write(&p, c, "scores.txt", err);
}

static scl_status write_density(scl_stage_context *c, const scl_mixture *m, double sigma, scl_err *err)
{
    const double box = c->stage->plot.box;
    scl_page p;
    SCL_TRY(scl_page_open(&p, err));
    for (int j = 0; j < DENSITY; j++) {
        for (int i = 0; i < DENSITY; i++) {
            const double x[2] = { ((i + 0.5) / DENSITY * 2 - 1) * box, ((j + 0.5) / DENSITY * 2 - 1) * box };
            fprintf(p.file, "%.7g %.7g %.9g\n", x[0], x[1], exp(scl_mixture_log_density(m, x, sigma, NULL)));
        }
        fputc('\n', p.file);
    }
    return scl_page_write(&p, c, "density.txt", err);
}

scl_status scl_plot_field(scl_stage_context *c, int size[2], scl_err *err)
{
    const scl_plot_config *plot = &c->stage->plot;
    scl_mixture m = scl_mixture_of(&c->stage->data.points, c->arena);
    grid g = { .side = plot->arrows };
    scl_page p;
    SCL_TRY(fill_grid(c, &g, &m, err));
    SCL_TRY(write_grid(c, &g, err));
    SCL_TRY(write_density(c, &m, g.sigma, err));
    SCL_TRY(scl_page_open(&p, err));
    begin_panels(&p, plot, 3);
    const double scale = 1.6 * 2 * plot->box / g.side / (g.longest > 0 ? g.longest : 1);
    fprintf(p.file, "set palette defined (0 'white', 1 '#e08214')\nunset colorbox\ns = %.9g\n", scale);
    for (int k = 0; k < 2; k++)
        fprintf(p.file, "set title '%s'\nplot 'density.txt' with image, 'scores.txt' using ($1-s*$%d/2):($2-s*$%d/2):(s*$%d):(s*$%d) "
                "with vectors head size screen 0.006,20 filled lc rgb '#20509a'\n",
                k ? "estimated score" : "true score, over the density", 3 + 2 * k, 4 + 2 * k, 3 + 2 * k, 4 + 2 * k);
    fprintf(p.file, "set palette defined (0 'white', 1 '#7b3294')\nset colorbox\nset title 'half the squared difference, log_{10}'\n"
            "plot 'scores.txt' using 1:2:(log10(0.5*(($3-$5)**2+($4-$6)**2)+1e-9)) with image\nunset multiplot\n");
    size[0] = 3 * PANEL + 2 * MARGIN;
    size[1] = PANEL + MARGIN;
    return scl_page_write(&p, c, "draw.gp", err);
}

/* x, y, true density, the network's. */
static scl_status write_densities(scl_stage_context *c, const scl_density *d, scl_err *err)
{
    scl_page p;
    SCL_TRY(scl_page_open(&p, err));
    for (int i = 0; i < d->side * d->side; i++)
        fprintf(p.file, "%.7g %.7g %.9g %.9g\n%s", ((i % d->side + 0.5) / d->side * 2 - 1) * d->box,
                ((i / d->side + 0.5) / d->side * 2 - 1) * d->box, exp(d->log_truth[i]), exp(d->log_model[i]),
                (i + 1) % d->side ? "" : "\n");
    return scl_page_write(&p, c, "densities.txt", err);
}

scl_status scl_plot_density(scl_stage_context *c, int size[2], scl_err *err)
{
    const scl_plot_config *plot = &c->stage->plot;
    scl_density d;
    scl_page p;
    double most = 0;
    SCL_TRY(scl_density_read(&d, c, plot->box, DENSITY, plot->level, err));
    SCL_TRY(write_densities(c, &d, err));
    for (int i = 0; i < d.side * d.side; i++)
        most = fmax(most, exp(d.log_truth[i]));
    SCL_TRY(scl_page_open(&p, err));
    begin_panels(&p, plot, 3);
    fprintf(p.file, "set palette defined (0 'white', 1 '#e08214')\nset cbrange [0:%.9g]\n", most);
    fputs("set title 'true density'\nplot 'densities.txt' using 1:2:3 with image\n"
          "set title 'exp(-E) / Z'\nplot 'densities.txt' using 1:2:4 with image\n", p.file);
    fprintf(p.file, "set palette defined (-1 '#20509a', 0 'white', 1 '#b2182b')\nset cbrange [%.9g:%.9g]\n"
            "set title 'their difference'\nplot 'densities.txt' using 1:2:($4-$3) with image\nunset multiplot\n",
            -most / 4, most / 4);
    size[0] = 3 * (PANEL + MARGIN);
    size[1] = PANEL + MARGIN;
    return scl_page_write(&p, c, "draw.gp", err);
}
