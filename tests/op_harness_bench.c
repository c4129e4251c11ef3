/* Timing of cases, and the list of kernels that cases use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph/passes.h"
#include "op_run.h"

enum { MOST_REPEATS = 200, LEAST_REPEATS = 5 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static scl_status write_inputs(const t_run *r, scl_store *store, scl_err *err)
{
    for (int i = 0; i < r->n_in; i++) {
        const t_tensor *t = &r->tensor[i];
        if (t->given)
            T_TRY(scl_store_write(store, r->built.value[i]->name, t->data, t->bytes, err));
    }
    return SCL_OK;
}

/* One sample is as many runs in a row as take about 2 ms, so that waiting for the device does not count. */
static scl_status time_runs(scl_backend *b, scl_exec *exec, double seconds, t_time *out, scl_err *err)
{
    double sample[MOST_REPEATS];
    int n = 0, row = 1;
    T_TRY(scl_exec_run(exec, err));
    T_TRY(b->v->finish(b, err));
    const double begin = now();
    T_TRY(scl_exec_run(exec, err));
    T_TRY(b->v->finish(b, err));
    const double one = now() - begin;
    if (one < 2e-3)
        row = (int)(2e-3 / (one > 1e-6 ? one : 1e-6)) + 1;
    for (; n < MOST_REPEATS && (n < LEAST_REPEATS || now() - begin < seconds); n++) {
        const double start = now();
        for (int i = 0; i < row; i++)
            T_TRY(scl_exec_run(exec, err));
        T_TRY(b->v->finish(b, err));
        sample[n] = (now() - start) / row;
    }
    qsort(sample, (size_t)n, sizeof *sample, ascending);
    out->min_s = sample[0];
    out->median_s = sample[n / 2];
    out->max_s = sample[n - 1];
    return SCL_OK;
}

static scl_status bench_run(t_run *r, scl_backend *b, int candidate, double seconds, t_time *out,
                            scl_err *err)
{
    const scl_plan_options options = { .candidate_index = true, .candidate = candidate, .weights_rest = true };
    scl_plan *plan;
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    T_TRY(scl_plan_make(&plan, &r->arena, r->built.graph, &b->info, &options, err));
    scl_choice c = { 0 };
    if (scl_choice_at(&c, r->built.node, &b->info, candidate)) {
        size_t used =
            (size_t)snprintf(out->choice, sizeof out->choice, "%s", c.impl->name ? c.impl->name : "");
        for (int k = 0; k < c.tune.n && used < sizeof out->choice; k++)
            used += (size_t)snprintf(out->choice + used, sizeof out->choice - used, " %s=%d", c.tune.name[k],
                                     c.tune.value[k]);
    }
    out->launches = plan->schedule.n_launch;
    const scl_op *op = r->table;
    out->flops = scl_cost(r->built.node, op->flops);
    out->bytes = scl_cost(r->built.node, op->bytes);
    if (!op->bytes)     /* every buffer once */
        for (int i = 0; i < r->n; i++)
            out->bytes += r->tensor[i].given ? (double)r->tensor[i].bytes : 0;
    scl_status status = scl_store_create(&store, b, &r->built.graph, 1, err);
    if (status == SCL_OK)
        status = write_inputs(r, store, err);
    if (status == SCL_OK)
        status = scl_exec_create(&exec, b, plan, store, NULL, err);
    if (status == SCL_OK)
        status = time_runs(b, exec, seconds, out, err);
    scl_exec_free(exec);
    scl_store_free(store);
    return status;
}

double t_case_flops(const t_op *op, const t_case *c)
{
    t_run r;
    scl_err err = { 0 };
    const double flops = t_run_make(&r, op, c, &err) == SCL_OK ? scl_cost(r.built.node, r.table->flops) : 0;
    scl_err_clear(&err);
    t_run_free(&r);
    return flops;
}

int t_candidates(const t_op *op, const t_case *c, const scl_device_info *device)
{
    t_run r;
    scl_err ignored = { 0 };
    const int n = t_run_make(&r, op, c, &ignored) == SCL_OK ? scl_candidate_count(r.built.node, device) : 0;
    scl_err_clear(&ignored);
    t_run_free(&r);
    return n;
}

scl_status t_bench_case(const t_op *op, const t_case *c, scl_backend *device, int candidate, double seconds,
                        t_time *out, scl_err *err)
{
    t_run r;
    *out = (t_time){ 0 };
    scl_status status = t_run_make(&r, op, c, err);
    if (status == SCL_OK)
        status = bench_run(&r, device, candidate, seconds, out, err);
    t_run_free(&r);
    return status;
}

static scl_status list_case(t_run *r, const scl_device_info *device, bool all, t_kernel_visit *visit,
                            void *user, scl_err *err)
{
    const int n = scl_candidate_count(r->built.node, device);
    for (int i = 0; i < n; i++) {
        if (!all && i > 1 && i < n - 1)
            continue;
        const scl_plan_options options = { .candidate_index = true, .candidate = i };
        scl_plan *plan;
        T_TRY(scl_plan_make(&plan, &r->arena, r->built.graph, device, &options, err));
        for (int k = 0; k < plan->schedule.n_launch; k++) {
            const scl_launch *l = &plan->schedule.launch[k];
            if (l->kernel)
                visit(user, l->family, l->source, l->kernel, l->options);
        }
    }
    return SCL_OK;
}

scl_status t_list_kernels(const scl_device_info *device, bool all, t_kernel_visit *visit, void *user,
                          scl_err *err)
{
    const t_family *f;
    for (int i = 0; (f = t_family_at(i)); i++)
        for (int o = 0; o < f->n_ops; o++)
            for (int c = 0; c < f->ops[o].n_cases; c++) {
                t_run r;
                scl_status status = SCL_OK;
                status = t_run_make(&r, &f->ops[o], &f->ops[o].cases[c], err);
                if (status == SCL_OK)
                    status = list_case(&r, device, all, visit, user, err);
                t_run_free(&r);
                if (status != SCL_OK)
                    return status;
            }
    return SCL_OK;
}
