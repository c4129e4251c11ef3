/* scorecl bench --by-operator: where the time of a step goes, on the device's own clock. */
#include <stdlib.h>
#include <string.h>

#include "cli/bench_net.h"
#include "graph/signature.h"

enum { FEWEST_RUNS = 3, MOST_RUNS = 50 };

/* The build options of a step's last launch: its tile, and what is fused into it. */
static const char *options_of(const scl_plan *plan, const struct scl_step *step)
{
    return step->n_launch ? plan->schedule.launch[step->first_launch + step->n_launch - 1].options : "";
}

static bool same_shape(const scl_value *a, const scl_value *b)
{
    return a == b || (a && b && a->rank == b->rank && !memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank));
}

static bool alike(const operator_time *r, const scl_node *n, const char *options)
{
    if (r->op != n->op || !r->like)
        return r->op == n->op;
    return !strcmp(r->options, options) && same_shape(r->like->in[0], n->in[0]) &&
           same_shape(r->like->out[0], n->out[0]);
}

static operator_time *row_of(bench_timing *t, const scl_plan *plan, const struct scl_step *step, bool by_shape)
{
    const char *options = options_of(plan, step);
    for (int i = 0; i < t->n_operator; i++)
        if (alike(&t->operator_[i], step->node, options))
            return &t->operator_[i];
    t->operator_[t->n_operator] = (operator_time){ .op = step->node->op, .like = by_shape ? step->node : NULL, .options = options };
    return &t->operator_[t->n_operator++];
}

static int longest_first(const void *a, const void *b)
{
    const double x = ((const operator_time *)a)->seconds, y = ((const operator_time *)b)->seconds;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Adds one run.  Launches go in order, so what no launch covers is time in which the device waited. */
static void add_run(const scl_plan *plan, const scl_span *span, bench_timing *t, bool by_shape)
{
    const scl_schedule *p = &plan->schedule;
    double busy = 0;
    for (int i = 0; i < p->n_node; i++) {
        operator_time *row = row_of(t, plan, &p->step[i], by_shape);
        for (int k = p->step[i].first_launch; k < p->step[i].first_launch + p->step[i].n_launch; k++) {
            row->seconds += span[k].end - span[k].begin;
            busy += span[k].end - span[k].begin;
        }
    }
    const double whole = span[t->launches - 1].end - span[0].begin;
    t->span_s += whole;
    t->idle_s += whole > busy ? whole - busy : 0;
    t->n_run++;
}

scl_status bench_time_operators(net_bench *s, scl_exec *exec, const scl_plan *plan, bench_timing *t,
                                scl_err *err)
{
    const scl_schedule *p = &plan->schedule;
    if (!t->launches)
        return scl_fail(err, SCL_FAILED, "%s has no launches to tell apart", s->b->info.name);
    t->operator_ = SCL_NEW_ARRAY(&s->arena, operator_time, p->n_node);
    for (int i = 0; i < p->n_node; i++) {
        operator_time *row = row_of(t, plan, &p->step[i], s->o->by_shape);
        row->nodes++;
        row->launches += p->step[i].n_launch;
        row->flops += scl_cost(p->step[i].node, row->op->flops);
    }
    scl_span *span = SCL_NEW_ARRAY(&s->arena, scl_span, t->launches);
    const double begin = bench_clock();
    while (t->n_run < MOST_RUNS && (t->n_run < FEWEST_RUNS || bench_clock() - begin < s->o->seconds)) {
        SCL_TRY(scl_exec_run_timed(exec, span, err));
        add_run(plan, span, t, s->o->by_shape);
    }
    for (int i = 0; i < t->n_operator; i++)
        t->operator_[i].seconds /= t->n_run;
    t->span_s /= t->n_run;
    t->idle_s /= t->n_run;
    qsort(t->operator_, (size_t)t->n_operator, sizeof *t->operator_, longest_first);
    return SCL_OK;
}

static double seconds_of(const bench_timing *t, const char *op)
{
    double seconds = 0;
    for (int i = 0; i < t->n_operator; i++)
        if (!strcmp(t->operator_[i].op->name, op))
            seconds += t->operator_[i].seconds;
    return seconds;
}

/* "32,28,28,64 > 32,28,28,128  -DVEC=16 ..." */
static void shape_text(char *text, size_t size, const operator_time *r)
{
    size_t used = 0;
    const scl_value *value[2] = { r->like->in[0], r->like->out[0] };
    for (int i = 0; i < 2; i++)
        for (int d = 0; value[i] && d < value[i]->rank && used < size; d++)
            used += (size_t)snprintf(text + used, size - used, "%s%d", d ? "," : i ? " > " : "", value[i]->dim[d]);
    if (used < size)
        snprintf(text + used, size - used, "  %s", r->options);
}

static void print_table(const bench_timing *t)
{
    printf("  %-20s %6s %9s %10s %7s %9s %8s\n", "operator", "nodes", "launches", "time [ms]", "share",
           "GFLOP/s", "of peak");
    for (int i = 0; i < t->n_operator; i++) {
        const operator_time *r = &t->operator_[i];
        const double rate = r->seconds > 0 ? r->flops / r->seconds * 1e-9 : 0;
        char shape[256] = "";
        if (r->like)
            shape_text(shape, sizeof shape, r);
        printf("  %-20s %6d %9d %10.3f %6.1f%% %9.1f %7.1f%%%s%s\n", r->op->name, r->nodes, r->launches,
               r->seconds * 1e3, 100 * r->seconds / t->span_s, rate, t->peak > 0 ? 100 * rate / t->peak : 0,
               shape[0] ? "  " : "", shape);
    }
}

void bench_print_operators(const net_bench *s, const bench_timing *t, json_t *row)
{
    const double y = seconds_of(t, "conv2d"), dx = seconds_of(t, "conv2d_dx"),
                 dw = seconds_of(t, "conv2d_dw"), all = t->span_s, outside = all - t->idle_s - y - dx - dw;
    if (!bench_quiet(s->o)) {
        print_table(t);
        printf("  a run of %.1f ms (mean of %d): convolutions forward %.1f%%, dx %.1f%%, dw %.1f%%, "
               "everything else "
               "%.1f%%, device idle %.1f%%\n",
               all * 1e3, t->n_run, 100 * y / all, 100 * dx / all, 100 * dw / all, 100 * outside / all,
               100 * t->idle_s / all);
    }
    json_t *list = json_array();
    for (int i = 0; i < t->n_operator; i++) {
        const operator_time *r = &t->operator_[i];
        json_t *item = json_pack("{s:s, s:i, s:i, s:f, s:f}", "op", r->op->name, "nodes", r->nodes,
                                 "launches", r->launches, "seconds", r->seconds, "flops", r->flops);
        char shape[256];
        if (r->like) {
            shape_text(shape, sizeof shape, r);
            json_object_set_new(item, "shape", json_string(shape));
        }
        json_array_append_new(list, item);
    }
    json_object_set_new(row, "operators", list);
    json_object_set_new(row, "run_s", json_real(all));
    json_object_set_new(row, "outside_conv_share", json_real(outside / all));
    json_object_set_new(row, "idle_share", json_real(t->idle_s / all));
}
