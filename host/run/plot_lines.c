/* Figures of numbers that other stages left: values of evaluations, and losses. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "run/engine.h"
#include "run/plot.h"

enum { PANEL = 420 };                        /* pixels of a side */

/* A value of the evaluation of a stage, with its error (0: not known). */
static scl_status value_of(scl_stage_context *c, const char *stage, const char *name, double *value, double *error, scl_err *err)
{
    const char *path = scl_arena_printf(c->arena, "%s/%s/evaluation.json", c->run->folder, stage);
    json_error_t fault;
    json_t *all = json_load_file(path, 0, &fault), *v = json_object_get(json_object_get(all, "values"), name);
    const char *names = "", *key;
    json_t *other;
    if (!all)
        return scl_fail(err, SCL_FAILED, "'%s': %s", path, fault.text);
    if (!json_is_object(v)) {
        json_object_foreach(json_object_get(all, "values"), key, other)
            names = scl_arena_printf(c->arena, "%s %s", names, key);
        json_decref(all);
        return scl_fail(err, SCL_FAILED, "plot.value: '%s' has no value '%s'; it has%s", path, name, names);
    }
    *value = json_number_value(json_object_get(v, "value"));
    *error = json_number_value(json_object_get(v, "error"));
    json_decref(all);
    return SCL_OK;
}

scl_status scl_plot_curve(scl_stage_context *c, int size[2], scl_err *err)
{
    const scl_plot_config *plot = &c->stage->plot;
    const int n = c->stage->n_needs;
    scl_page data = { 0 }, p;
    SCL_TRY(scl_page_open(&data, err));
    scl_status status = SCL_OK;
    for (int i = 0; i < n && status == SCL_OK; i++) {
        double value = 0, error = 0;
        status = value_of(c, c->stage->needs[i], plot->value, &value, &error, err);
        if (status == SCL_OK)
            fprintf(data.file, "%.9g %.9g %.9g\n", plot->x.at[i], value, error);
    }
    if (status != SCL_OK) {
        scl_page_close(&data);
        return status;
    }
    SCL_TRY(scl_page_write(&data, c, "curve.txt", err));
    SCL_TRY(scl_page_open(&p, err));
    scl_plot_begin(&p, plot);
    fprintf(p.file, "set offsets graph 0.03, graph 0.03, graph 0.05, graph 0.05\n"
            "plot 'curve.txt' with %s pt 7 ps 0.8 lw 1.5 lc rgb '#20509a' title '%s'",
            plot->formula ? "yerrorbars" : "yerrorlines", plot->value);
    if (plot->formula)
        fprintf(p.file, ", %s with lines dt 2 lw 1.5 lc rgb '#e08214' title '%s'", plot->formula, plot->formula);
    fputc('\n', p.file);
    (void)size;                              /* as it is */
    return scl_page_write(&p, c, "draw.gp", err);
}

/* step and loss of every line of metrics.jsonl that has one. */
static scl_status write_losses(scl_stage_context *c, const char *stage, scl_err *err)
{
    char *text, *save = NULL;
    size_t n;
    scl_page p;
    SCL_TRY(scl_file_read(scl_arena_printf(c->arena, "%s/%s/metrics.jsonl", c->run->folder, stage), &text, &n, err));
    const scl_status status = scl_page_open(&p, err);
    for (char *line = strtok_r(text, "\n", &save); line && status == SCL_OK; line = strtok_r(NULL, "\n", &save)) {
        json_t *row = json_loads(line, 0, NULL), *step = json_object_get(row, "step"), *loss = json_object_get(row, "loss");
        if (json_is_number(step) && json_is_number(loss))
            fprintf(p.file, "%.9g %.9g\n", json_number_value(step), json_number_value(loss));
        json_decref(row);
    }
    free(text);
    SCL_TRY(status);
    return scl_page_write(&p, c, scl_arena_printf(c->arena, "%s.txt", stage), err);
}

scl_status scl_plot_loss(scl_stage_context *c, int size[2], scl_err *err)
{
    const scl_stage_config *stage = c->stage;
    scl_page p;
    for (int i = 0; i < stage->n_needs; i++)
        SCL_TRY(write_losses(c, stage->needs[i], err));
    SCL_TRY(scl_page_open(&p, err));
    scl_plot_begin(&p, &stage->plot);
    /* Losses of different problems differ by orders of magnitude: a panel each. */
    fprintf(p.file, "unset key\nset format y '%%.3g'\nset multiplot layout 1,%d\n", stage->n_needs);
    for (int i = 0; i < stage->n_needs; i++) {
        if (stage->n_needs > 1 || !stage->plot.title)
            fprintf(p.file, "set title '%s' noenhanced\n", stage->needs[i]);
        const long steps = scl_config_stage(c->config, stage->needs[i])->train.steps;
        fprintf(p.file, "set xtics %ld\n", steps > 4 ? steps / 4 : 1);
        fprintf(p.file, "plot '%s.txt' with lines lw 1.2 lc rgb '#20509a'\n", stage->needs[i]);
    }
    fputs("unset multiplot\n", p.file);
    size[0] = stage->n_needs > 1 ? PANEL * stage->n_needs : size[0];
    size[1] = stage->n_needs > 1 ? PANEL : size[1];
    return scl_page_write(&p, c, "draw.gp", err);
}
