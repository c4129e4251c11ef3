/* The plot stage: numbers of other stages as a figure, drawn by gnuplot (figure.png, figure.svg; its program stays beside them). */
#include "run/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

extern char **environ;

scl_status scl_page_open(scl_page *p, scl_err *err)
{
    *p = (scl_page){ 0 };
    p->file = open_memstream(&p->text, &p->size);
    return p->file ? SCL_OK : scl_fail(err, SCL_FAILED, "no memory for a page of text");
}

void scl_page_close(scl_page *p)
{
    if (p->file)
        fclose(p->file);
    free(p->text);
    *p = (scl_page){ 0 };
}

scl_status scl_page_write(scl_page *p, scl_stage_context *c, const char *name, scl_err *err)
{
    const bool whole = !fflush(p->file) && !ferror(p->file);
    const char *path = scl_arena_printf(c->arena, "%s/%s", c->folder, name);
    const scl_status status = whole ? scl_file_write(path, p->text, p->size, NULL, err)
                                    : scl_fail(err, SCL_FAILED, "not enough host memory for '%s'", path);
    scl_page_close(p);
    return status;
}

void scl_plot_text(scl_page *p, const char *command, const char *text)
{
    fprintf(p->file, "%s '", command);
    for (; *text; text++)
        fprintf(p->file, *text == '\'' ? "''" : "%c", *text);
    fputs("' noenhanced", p->file);
}

static void set_text(scl_page *p, const char *command, const char *text)
{
    if (!text)
        return;
    scl_plot_text(p, command, text);
    fputc('\n', p->file);
}

void scl_plot_begin(scl_page *p, const scl_plot_config *plot)
{
    fputs("set style data lines\nset key outside top center horizontal\nset samples 400\nset encoding utf8\n", p->file);
    set_text(p, "set title", plot->title);
    set_text(p, "set xlabel", plot->x_label);
    set_text(p, "set ylabel", plot->y_label);
    if (plot->log & SCL_LOG_X)
        fputs("set logscale x\n", p->file);
    if (plot->log & SCL_LOG_Y)
        fputs("set logscale y\n", p->file);
}

/* Runs gnuplot in the folder; *code is its exit code, 127: it is not there. */
static scl_status run_gnuplot(scl_stage_context *c, int *code, scl_err *err)
{
    char *const argv[] = { "gnuplot", "figure.gp", NULL };
    posix_spawn_file_actions_t actions;
    pid_t child;
    int state = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, c->folder);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "gnuplot.log", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    const int failed = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed == ENOENT || failed == EACCES) {
        *code = 127;
        return SCL_OK;
    }
    if (failed)
        return scl_fail(err, SCL_FAILED, "gnuplot cannot be started: %s", strerror(failed));
    if (waitpid(child, &state, 0) != child)
        return scl_fail(err, SCL_FAILED, "cannot wait for gnuplot");
    *code = WIFEXITED(state) ? WEXITSTATUS(state) : 1;
    return SCL_OK;
}

static const char *first_line(scl_stage_context *c, const char *name)
{
    char *text;
    size_t n;
    if (scl_file_read(scl_arena_printf(c->arena, "%s/%s", c->folder, name), &text, &n, NULL) != SCL_OK)
        return "";
    const char *start = text + strspn(text, " \n\t^");
    const char *line = scl_arena_printf(c->arena, "%.*s", (int)strcspn(start, "\n"), start);
    free(text);
    return line;
}

scl_status scl_plot_run(scl_stage_context *c, int width, int height, scl_err *err)
{
    scl_page p;
    int code = 0;
    if (c->observer)             /* of interest are the numbers */
        return SCL_OK;
    SCL_TRY(scl_page_open(&p, err));
    fprintf(p.file, "set terminal pngcairo size %d,%d font 'sans,11'\nset output 'figure.png'\nload 'draw.gp'\nunset output\n"
            "set terminal svg size %d,%d font 'sans,11'\nset output 'figure.svg'\nload 'draw.gp'\nunset output\n",
            width, height, width, height);
    SCL_TRY(scl_page_write(&p, c, "figure.gp", err));
    SCL_TRY(run_gnuplot(c, &code, err));
    if (code == 127) {
        scl_warn("%s: no picture: the program gnuplot is not installed (apt install gnuplot-nox); the numbers, and figure.gp for "
                 "it, are in %s", c->stage->name, c->folder);
        return SCL_OK;
    }
    if (code && *c->stop)        /* the interrupt reaches gnuplot, too */
        return scl_stage_interrupted(c, -1, err);
    if (code)
        return scl_fail(err, SCL_FAILED, "gnuplot failed on %s/figure.gp: %s", c->folder, first_line(c, "gnuplot.log"));
    remove(scl_arena_printf(c->arena, "%s/gnuplot.log", c->folder));
    scl_info("%s: %s/figure.png and figure.svg", c->stage->name, c->folder);
    return SCL_OK;
}

static scl_status draw(scl_stage_context *c, int size[2], scl_err *err)
{
    switch (c->stage->plot.type) {
    case SCL_PLOT_SCATTER: return scl_plot_scatter(c, size, err);
    case SCL_PLOT_FIELD: return scl_plot_field(c, size, err);
    case SCL_PLOT_CURVE: return scl_plot_curve(c, size, err);
    case SCL_PLOT_DENSITY: return scl_plot_density(c, size, err);
    case SCL_PLOT_LEVELS: return scl_plot_levels(c, size, err);
    case SCL_PLOT_LOSS: break;
    }
    return scl_plot_loss(c, size, err);
}

scl_status scl_stage_plot(scl_stage_context *c, scl_err *err)
{
    int size[2] = { 640, 480 };
    scl_status status = draw(c, size, err);
    if (status == SCL_OK)
        status = scl_plot_run(c, size[0], size[1], err);
    if (status != SCL_OK && status != SCL_INTERRUPTED)
        scl_err_context(err, "stage %s", c->stage->name);
    return status;
}
