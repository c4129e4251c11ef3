/* The time and the memory of one graph on one device. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/bench_net.h"
#include "graph/signature.h"

static double clock_s(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_clock(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* "VmHWM" or "VmRSS" of this process, bytes; 0 where the system does not tell. */
static size_t resident(const char *what)
{
    char line[128];
    unsigned long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, what, strlen(what)) && sscanf(line + strlen(what), ": %lu", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return (size_t)kib << 10;
}

size_t bench_resident(void)
{
    return resident("VmRSS");
}

/* Starts the high-water mark anew, without what earlier rows left to the allocator. */
static void forget_resident(void)
{
    malloc_trim(0);
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f) {
        fputs("5", f);
        fclose(f);
    }
}

/* A step is what is written for it (counters, as in training) and the launches; host: the share of it spent
 * enqueueing. */
static scl_status time_steps(net_bench *s, scl_exec *exec, scl_store *store, int least, bench_timing *t,
                             scl_err *err)
{
    uint32_t counters[SCL_COUNTERS] = { 1, 0, 10 };
    double host = 0, wall = 0;
    const bool counted = scl_store_find(store, "counters").value;
    counters[SCL_CNT_BATCH] = (uint32_t)s->spec.n;
    const double begin = bench_clock();
    while (t->n < BENCH_MOST_SAMPLES && (t->n < least || bench_clock() - begin < s->o->seconds)) {
        const double start = bench_clock(), cpu = clock_s(CLOCK_THREAD_CPUTIME_ID);
        counters[SCL_CNT_STEP]++;
        if (counted)
            SCL_TRY(scl_store_write(store, "counters", counters, sizeof counters, err));
        SCL_TRY(scl_exec_run(exec, err));
        host += clock_s(CLOCK_THREAD_CPUTIME_ID) - cpu;
        SCL_TRY(s->b->v->finish(s->b, err));
        t->sample[t->n] = bench_clock() - start;
        wall += t->sample[t->n++];
    }
    t->host = host / wall;
    qsort(t->sample, (size_t)t->n, sizeof *t->sample, ascending);
    return SCL_OK;
}

static double flops_of(const scl_plan *plan)
{
    double sum = 0;
    for (int i = 0; i < plan->schedule.n_node; i++)
        sum += scl_cost(plan->schedule.step[i].node, plan->schedule.step[i].node->op->flops);
    return sum;
}

/* Between two probes of the peak: the machine may change its speed within a minute. */
static scl_status time_exec(net_bench *s, scl_exec *exec, scl_store *store, const scl_plan *plan, int least,
                            bench_timing *t, scl_err *err)
{
    t->peak = bench_peak(s->b);
    SCL_TRY(time_steps(s, exec, store, least, t, err));
    const double after = bench_peak(s->b);
    t->peak = after > t->peak ? after : t->peak;
    t->plan_bytes = plan->peak_bytes + scl_store_bytes(store);
    t->resident_bytes = resident("VmHWM");
    t->launches = plan->schedule.n_launch - plan->schedule.n_prepare;
    t->flops = flops_of(plan);
    return s->o->by_operator ? bench_time_operators(s, exec, plan, t, err) : SCL_OK;
}

scl_status bench_time(net_bench *s, const char *what, int least, bench_timing **out, scl_err *err)
{
    bench_timing *t = *out = SCL_NEW(&s->arena, bench_timing);
    const bool trains = !strcmp(what, "train_step") || !strcmp(what, "conv2d_dx");
    scl_plan_options options = s->plan;
    const double begin = bench_clock();
    scl_graph *g;
    scl_plan *plan;
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    options.weights_rest = !trains;
    forget_resident();
    SCL_TRY(bench_graph(s, what, &g, err));
    SCL_TRY(scl_plan_make(&plan, &s->arena, g, &s->device, &options, err));
    scl_status status = scl_store_create(&store, s->b, &g, 1, err);
    if (status == SCL_OK)
        status = bench_fill(s, g, store, err);
    if (status == SCL_OK)
        status = scl_exec_create(&exec, s->b, plan, store, NULL, err);
    if (status == SCL_OK)
        status = scl_exec_run(exec, err);
    if (status == SCL_OK)
        status = s->b->v->finish(s->b, err);
    t->first_s = bench_clock() - begin;
    if (status == SCL_OK)
        status = time_exec(s, exec, store, plan, least, t, err);
    scl_exec_free(exec);
    scl_store_free(store);
    return status;
}
