/* Figures of numbers that other stages left: values of evaluations, and losses. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "run/engine.h"
#include "run/plot.h"

enum { PANEL = 420 };                        /* pixels of a side */

/* The evaluation of a stage; owned. */
static scl_status evaluation_of(scl_stage_context *c, const char *stage, json_t **all, scl_err *err)
{
    const char *path = scl_arena_printf(c->arena, "%s/%s/evaluation.json", c->run->folder, stage);
    json_error_t fault;
    *all = json_load_file(path, 0, &fault);
    return *all ? SCL_OK : scl_fail(err, SCL_FAILED, "'%s': %s", path, fault.text);
}

static scl_status no_value(scl_stage_context *c, const char *stage, const json_t *all, const char *name, scl_err *err)
{
    const char *names = "", *key;
    json_t *other;
    json_object_foreach(json_object_get(all, "values"), key, other)
        names = scl_arena_printf(c->arena, "%s %s", names, key);
    return scl_fail(err, SCL_FAILED, "plot.value: the evaluation of stage '%s' has no value '%s'; it has%s", stage, name, names);
}

/* A line "x value error" (0: not known) of a value, if it is there. */
static bool put_value(scl_page *p, const json_t *all, const char *name, double x)
{
    const json_t *v = json_object_get(json_object_get(all, "values"), name);
    if (!json_is_object(v))
        return false;
    fprintf(p->file, "%.9g %.9g %.9g\n", x, json_number_value(json_object_get(v, "value")),
            json_number_value(json_object_get(v, "error")));
    return true;
}

/* NAME.*: a file for each stage, its values NAME.1, NAME.2 ... over their numbers. */
static scl_status write_numbered(scl_stage_context *c, scl_err *err)
{
    const char *name = c->stage->plot.value;
    const int stem = (int)strlen(name) - 1;
    for (int i = 0; i < c->stage->n_needs; i++) {
        const char *stage = c->stage->needs[i];
        scl_page p;
        json_t *all;
        SCL_TRY(evaluation_of(c, stage, &all, err));
        scl_status status = scl_page_open(&p, err);
        int n = 0;
        while (status == SCL_OK && put_value(&p, all, scl_arena_printf(c->arena, "%.*s%d", stem, name, n + 1), n + 1))
            n++;
        if (status == SCL_OK && n == 0) {
            scl_page_close(&p);
            status = no_value(c, stage, all, name, err);
        }
        json_decref(all);
        SCL_TRY(status);
        SCL_TRY(scl_page_write(&p, c, scl_arena_printf(c->arena, "%s.txt", stage), err));
    }
    return SCL_OK;
}

/* A value of each stage over x. */
static scl_status write_curve(scl_stage_context *c, scl_err *err)
{
    const scl_plot_config *plot = &c->stage->plot;
    scl_page p;
    SCL_TRY(scl_page_open(&p, err));
    scl_status status = SCL_OK;
    for (int i = 0; i < c->stage->n_needs && status == SCL_OK; i++) {
        json_t *all = NULL;
        status = evaluation_of(c, c->stage->needs[i], &all, err);
        if (status == SCL_OK && !put_value(&p, all, plot->value, plot->x.at[i]))
            status = no_value(c, c->stage->needs[i], all, plot->value, err);
        json_decref(all);
    }
    if (status != SCL_OK) {
        scl_page_close(&p);
        return status;
    }
    return scl_page_write(&p, c, "curve.txt", err);
}

scl_status scl_plot_curve(scl_stage_context *c, int size[2], scl_err *err)
{
    const scl_plot_config *plot = &c->stage->plot;
    const bool numbered = plot->value[strlen(plot->value) - 1] == '*';
    scl_page p;
    SCL_TRY(numbered ? write_numbered(c, err) : write_curve(c, err));
    SCL_TRY(scl_page_open(&p, err));
    scl_plot_begin(&p, plot);
    fputs("set offsets graph 0.03, graph 0.03, graph 0.05, graph 0.05\nplot ", p.file);
    for (int i = 0; numbered && i < c->stage->n_needs; i++)
        fprintf(p.file, "%s'%s.txt' with yerrorlines pt 7 ps 0.8 lw 1.5 title '%s' noenhanced", i ? ", " : "", c->stage->needs[i],
                c->stage->needs[i]);
    if (!numbered)
        scl_plot_text(&p, plot->formula ? "'curve.txt' with yerrorbars pt 7 ps 0.8 lw 1.5 lc rgb '#20509a' title"
                                        : "'curve.txt' with yerrorlines pt 7 ps 0.8 lw 1.5 lc rgb '#20509a' title", plot->value);
    if (plot->formula) {
        fprintf(p.file, ", %s", plot->formula);
        scl_plot_text(&p, " with lines dt 2 lw 1.5 lc rgb '#e08214' title", plot->formula);
    }
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
