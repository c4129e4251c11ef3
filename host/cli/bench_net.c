/* scorecl bench CONFIG: one forward pass, training step and sampling step of a network. */
#include <string.h>

#include "cli/bench_net.h"

static void print_row(const net_bench *s, const char *what, const bench_timing *t)
{
    const double median = bench_median(t), gflops = t->flops / median * 1e-9, mib = 1.0 / (1 << 20);
    const size_t grown = t->resident_bytes > s->resident_before ? t->resident_bytes - s->resident_before : 0;
    if (!bench_quiet(s->o))
        printf("%-20s %-12s %9.2f %9.2f %9.2f ms %8.1f images/s %8.1f GFLOP/s %5.1f%% of the peak  host "
               "%.2f%%  %4d launches  planned %.1f MiB, resident %.1f MiB (%.1f over the library's)\n",
               s->name, what, t->sample[0] * 1e3, median * 1e3, t->sample[t->n - 1] * 1e3, s->spec.n / median,
               gflops, t->peak > 0 ? 100 * gflops / t->peak : 0.0, 100 * t->host, t->launches,
               (double)t->plan_bytes * mib, (double)t->resident_bytes * mib, (double)grown * mib);
    json_t *row = json_pack(
        "{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:i, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:i}", "config", s->name,
        "what", what, "conv", s->spec.net.conv, "threads", s->o->threads, "scorecl_s", median, "min_s",
        t->sample[0], "max_s", t->sample[t->n - 1], "samples", t->n, "first_s", t->first_s, "gflop_s", gflops,
        "fma_peak_gflop_s", t->peak, "host_share", t->host, "scorecl_peak_bytes", (json_int_t)t->plan_bytes,
        "resident_peak_bytes", (json_int_t)t->resident_bytes, "resident_growth_bytes", (json_int_t)grown,
        "launches", t->launches);
    if (s->o->by_operator)
        bench_print_operators(s, t, row);
    fflush(stdout);
    json_array_append_new(s->rows, row);
}

static scl_status bench_steps(net_bench *s, scl_err *err)
{
    static const char *const names[] = { "forward", "train_step", "sample_step", "jvp" };
    for (int i = 0; i < 4; i++) {
        bench_timing *t;
        if (s->o->what.n ? !bench_asked(s->o, names[i]) : i == 3)     /* jvp: only when asked for */
            continue;
        SCL_TRY(bench_time(s, names[i], 3, &t, err));
        print_row(s, names[i], t);
        scl_arena_free(&s->arena);
    }
    return SCL_OK;
}

scl_status bench_network(scl_backend *b, const char *config, const bench_options *o, json_t *rows,
                         scl_err *err)
{
    net_bench s = { .b = b, .o = o, .name = config, .rows = rows, .resident_before = bench_resident() };
    scl_status status = bench_setup(&s, err);
    if (status == SCL_OK)
        status = o->scaling ? bench_scaling(&s, err) : bench_steps(&s, err);
    bench_setup_free(&s);
    return status;
}
