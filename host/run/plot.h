/* For the plot stage alone: a program for gnuplot, and running it. */
#ifndef SCL_RUN_PLOT_H
#define SCL_RUN_PLOT_H

#include <stdio.h>

#include "run/stage.h"

/* A file of the stage's folder in the making, in memory. */
typedef struct scl_page { FILE *file; char *text; size_t size; } scl_page;
scl_status scl_page_open(scl_page *p, scl_err *err);
scl_status scl_page_write(scl_page *p, scl_stage_context *c, const char *name, scl_err *err);    /* and closes */
void scl_page_close(scl_page *p);                                                             /* accepts a closed one */

/* "COMMAND 'TEXT' noenhanced": any text as it stands; in single quotes gnuplot knows no escape but the doubled quote. */
void scl_plot_text(scl_page *p, const char *command, const char *text);
/* Writes what every figure begins with. */
void scl_plot_begin(scl_page *p, const scl_plot_config *plot);

/* FOLDER/draw.gp draws a figure of so many pixels: figure.png and figure.svg.  Without gnuplot a warning says what is missing, and
 * the numbers stay in their files; SCL_FAILED where gnuplot fails. */
scl_status scl_plot_run(scl_stage_context *c, int width, int height, scl_err *err);

/* The kinds of figures: each writes its numbers and draw.gp, and tells its size. */
scl_status scl_plot_scatter(scl_stage_context *c, int size[2], scl_err *err);
scl_status scl_plot_field(scl_stage_context *c, int size[2], scl_err *err);
scl_status scl_plot_curve(scl_stage_context *c, int size[2], scl_err *err);
scl_status scl_plot_loss(scl_stage_context *c, int size[2], scl_err *err);
scl_status scl_plot_density(scl_stage_context *c, int size[2], scl_err *err);
scl_status scl_plot_levels(scl_stage_context *c, int size[2], scl_err *err);

#endif
