/* scorecl bench --scaling: time per image against the batch, 1 to 128, and the channels, 16 to 256. */
#include <string.h>

#include "cli/bench_net.h"

enum { LARGEST_BATCH = 128, FEWEST_CHANNELS = 16, MOST_CHANNELS = 256, CHANNELS_BATCH = 8, LIMIT = 60 };

/* One sweep: the axis, what a doubling multiplies a step's arithmetic by, and the last step's time. */
typedef struct sweep {
    net_bench *s;
    const char *axis, *what;
    double growth, last_s;
} sweep;

static json_t *new_row(const sweep *w)
{
    const net_bench *s = w->s;
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i}", "config", s->name, "what", w->what, "axis",
                            w->axis, "conv", s->spec.net.conv, "threads", s->o->threads, "batch", s->spec.n,
                            "ngf", s->spec.net.ngf);
    json_array_append_new(s->rows, row);
    if (!bench_quiet(s->o))
        printf("%-20s %-10s %5d %5d ", s->name, w->what, s->spec.n, s->spec.net.ngf);
    return row;
}

static void leave_out(const sweep *w, const char *why)
{
    json_object_set_new(new_row(w), "left_out", json_string(why));
    if (!bench_quiet(w->s->o))
        printf("left out: %s\n", why);
}

static void print_row(const sweep *w, const bench_timing *t)
{
    const double median = bench_median(t), image = median / w->s->spec.n, gflops = t->flops / median * 1e-9,
                 share = t->peak > 0 ? gflops / t->peak : 0;
    json_t *row = new_row(w);
    json_object_set_new(row, "scorecl_s", json_real(median));
    json_object_set_new(row, "min_s", json_real(t->sample[0]));
    json_object_set_new(row, "max_s", json_real(t->sample[t->n - 1]));
    json_object_set_new(row, "image_s", json_real(image));
    json_object_set_new(row, "gflop_s", json_real(gflops));
    json_object_set_new(row, "fma_peak_gflop_s", json_real(t->peak));
    json_object_set_new(row, "share", json_real(share));
    if (!bench_quiet(w->s->o))
        printf("%11.3f %11.3f %9.1f %8.1f%%\n", median * 1e3, image * 1e3, gflops, 100 * share);
    fflush(stdout);
}

/* One size.  Left out, and said so: what by the last size would take longer than a minute for each second of
 * --seconds, and what fails where a smaller size did not, as for want of memory. */
static scl_status time_size(sweep *w, scl_err *err)
{
    char why[512];
    const double expected = w->last_s * w->growth;
    bench_timing *t;
    if (2 * expected > LIMIT * w->s->o->seconds) {
        snprintf(why, sizeof why, "about %.0f s a step by the size before", expected);
        leave_out(w, why);
        w->last_s = expected;
        return SCL_OK;
    }
    const scl_status status = bench_time(w->s, w->what, 1, &t, err);
    if (status == SCL_OK) {
        print_row(w, t);
        w->last_s = bench_median(t);
    }
    scl_arena_free(&w->s->arena);
    if (status != SCL_FAILED || w->last_s == 0)
        return status;
    scl_err_text(err, why, sizeof why);
    leave_out(w, why);
    scl_err_clear(err);
    return SCL_OK;
}

static scl_status sweep_batch(net_bench *s, const char *what, scl_err *err)
{
    sweep w = { s, "batch", what, 2, 0 };
    for (s->spec.n = 1; s->spec.n <= LARGEST_BATCH; s->spec.n *= 2) {
        s->spec.global_batch = s->spec.n;
        SCL_TRY(time_size(&w, err));
    }
    return SCL_OK;
}

static scl_status sweep_channels(net_bench *s, const char *what, scl_err *err)
{
    sweep w = { s, "channels", what, 4, 0 };
    for (s->spec.net.ngf = FEWEST_CHANNELS; s->spec.net.ngf <= MOST_CHANNELS; s->spec.net.ngf *= 2)
        SCL_TRY(time_size(&w, err));
    return SCL_OK;
}

scl_status bench_scaling(net_bench *s, scl_err *err)
{
    static const char *const names[] = { "forward", "train_step", "conv2d", "conv2d_dx", "conv2d_dw" };
    const scl_step_spec given = s->spec;
    if (!bench_quiet(s->o))
        printf("%-20s %-10s %5s %5s %11s %11s %9s %9s\n", "network", "what", "batch", "ngf", "step [ms]",
               "image [ms]", "GFLOP/s", "of peak");
    for (int i = 0; i < 5; i++) {
        if (s->o->what.n && !bench_asked(s->o, names[i]))
            continue;
        s->spec = given;
        SCL_TRY(sweep_batch(s, names[i], err));
        s->spec = given;
        s->spec.n = s->spec.global_batch = given.n < CHANNELS_BATCH ? given.n : CHANNELS_BATCH;
        SCL_TRY(sweep_channels(s, names[i], err));
    }
    return SCL_OK;
}
