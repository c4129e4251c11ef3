/* scorecl bench CONFIG: one forward pass, training step and sampling step of a network, on data and weights
 * made up here. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/bench.h"
#include "graph/optim.h"
#include "graph/plan.h"
#include "graph/signature.h"
#include "run/build.h"
#include "score/noise.h"
#include "score/schedule.h"

enum { DATA_BATCHES = 4, MOST_SAMPLES = 200 };

typedef struct net_bench {
    scl_arena arena;
    scl_backend *b;
    const bench_options *o;
    const char *name;
    scl_step_spec spec;
    scl_train_config train;
    scl_noise_config noise;
    scl_plan_options plan;
    json_t *rows;
} net_bench;

typedef struct timing {
    int n;
    double peak, host, sample[MOST_SAMPLES];
    size_t bytes;
    int launches;
    double flops;
} timing;

static double clock_s(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* "28x28x1-ngf64-b32" */
static bool parse_sizes(net_bench *s, const char *name)
{
    int h, w, c, ngf, batch, end = 0;
    if (sscanf(name, "%dx%dx%d-ngf%d-b%d%n", &h, &w, &c, &ngf, &batch, &end) != 5 || name[end])
        return false;
    s->spec = (scl_step_spec){ .net = { .net = "ncsn",
                                        .ngf = ngf,
                                        .channels = c,
                                        .height = h,
                                        .width = w,
                                        .levels = 10,
                                        .conv = "auto" },
                               .n = batch,
                               .global_batch = batch,
                               .dequantize = true,
                               .optimizer = "adam" };
    s->noise = (scl_noise_config){ .sigma_begin = 1, .sigma_end = 0.01, .levels = 10 };
    s->plan = (scl_plan_options){ .recompute = true };            /* the defaults of a config */
    s->train = (scl_train_config){ .steps = 1000, .batch = batch };
    s->train.optimizer.method = SCL_OPTIMIZER_ADAM;
    s->train.optimizer.lr = 1e-3;
    s->train.optimizer.beta1 = 0.9;
    s->train.optimizer.beta2 = 0.999;
    s->train.optimizer.eps = 1e-8;
    return true;
}

static scl_status read_config(net_bench *s, const char *file, scl_config **config, scl_err *err)
{
    scl_config_errors errors = { 0 };
    if (scl_config_read(file, s->o->overrides, s->o->n_overrides, config, &errors, err) != SCL_OK) {
        for (int i = 1; i < errors.n; i++)             /* the first is in err, which main prints */
            fprintf(stderr, "%s\n", errors.line[i]);
        scl_config_errors_free(&errors);
        return err->code ? err->code : scl_fail(err, SCL_BAD_CONFIG, "%s is not a valid config", file);
    }
    scl_config_errors_free(&errors);
    for (int i = 0; i < (*config)->n_stage; i++) {
        const scl_stage_config *stage = &(*config)->stage[i];
        int shape[3];
        if (stage->kind != SCL_STAGE_TRAIN)
            continue;
        SCL_TRY(scl_build_shape(*config, stage, shape, err));
        s->spec = scl_build_spec(*config, stage, shape, 0);
        s->noise = stage->noise;
        s->train = stage->train;
        s->plan = scl_build_plan_options(*config, stage, NULL);
        return SCL_OK;
    }
    return scl_fail(err, SCL_BAD_CONFIG, "%s has no stage of kind train", file);
}

static scl_status forward_graph(net_bench *s, scl_graph **out, scl_err *err)
{
    const scl_net_config *c = &s->spec.net;
    scl_value *x, *label, *score;
    scl_graph *g = scl_graph_new(&s->arena, "forward");
    SCL_TRY(scl_value_get(g, &x, SCL_INPUT, "sample.x", SCL_F32,
                          SCL_DIMS(s->spec.n, c->height, c->width, c->channels), err));
    SCL_TRY(scl_value_get(g, &label, SCL_INPUT, "sample.label", SCL_I32, SCL_DIMS(s->spec.n), err));
    SCL_TRY(scl_net_build(g, c, "", x, label, &score, err));
    scl_output(score, "score");
    *out = g;
    return SCL_OK;
}

static scl_status fill(net_bench *s, scl_store *store, const scl_value *v, scl_err *err)
{
    const size_t n = scl_value_count(v);
    unsigned char *data = scl_arena_alloc(&s->arena, scl_value_bytes(v) + 1);
    for (size_t i = 0; i < n; i++)
        if (v->dtype == SCL_U8)
            data[i] = (unsigned char)(i * 2654435761u >> 24);
        else if (v->dtype == SCL_F32)
            ((float *)data)[i] = (float)(i * 2654435761u % 65536) * 0x1p-16f;
        else if (v->dtype == SCL_I32)
            ((int32_t *)data)[i] =
                (int32_t)(i % (size_t)(strstr(v->name, "label") ? s->spec.net.levels : (int)n));
    return scl_store_write(store, v->name, data, scl_value_bytes(v), err);
}

static scl_status put(scl_store *store, const char *name, const void *data, size_t bytes, scl_err *err)
{
    return scl_store_find(store, name).value ? scl_store_write(store, name, data, bytes, err) : SCL_OK;
}

/* Weights as training starts with them, the noise table, the numbers of a step; state stays zero. */
static scl_status prepare(net_bench *s, const scl_graph *g, scl_store *store, scl_err *err)
{
    const scl_param_list params = scl_net_params(g, "", &s->arena);
    for (int i = 0; i < params.n; i++) {
        const size_t bytes = scl_value_bytes(params.item[i].value);
        float *data = scl_arena_alloc(&s->arena, bytes);
        scl_param_init(&params.item[i], i, 1, data);
        SCL_TRY(scl_store_write(store, params.item[i].value->name, data, bytes, err));
    }
    for (int i = 0; i < g->n_value; i++)
        if (g->value[i]->role == SCL_INPUT || g->value[i]->role == SCL_CONST ||
            !strcmp(g->value[i]->name ? g->value[i]->name : "", "sample.x"))
            SCL_TRY(fill(s, store, g->value[i], err));
    scl_noise noise;
    SCL_TRY(
        scl_noise_make(&noise, &s->arena, s->noise.sigma_begin, s->noise.sigma_end, s->noise.levels, 2, err));
    const size_t bytes = sizeof(float) * (size_t)noise.levels;
    SCL_TRY(put(store, "sigma", noise.sigma, bytes, err));
    SCL_TRY(put(store, "inv_sigma", noise.inv_sigma, bytes, err));
    SCL_TRY(put(store, "weight", noise.weight, bytes, err));
    const float inv = (float)(1.0 / s->spec.n), sample[SCL_SAMPLE_COEFS] = { 2e-5f, 6e-3f };
    float coef[SCL_COEFS];
    scl_optim_coefs(&s->train, 10, coef);
    uint32_t counters[SCL_COUNTERS] = { 1, 0, 10 };
    counters[SCL_CNT_BATCH] = (uint32_t)s->spec.n;
    counters[SCL_CNT_SLOT] = 10;
    SCL_TRY(put(store, "inv_batch", &inv, sizeof inv, err));
    SCL_TRY(put(store, "coef", coef, sizeof coef, err));
    SCL_TRY(put(store, "sample.coef", sample, sizeof sample, err));
    return put(store, "counters", counters, sizeof counters, err);
}

/* A step is what is written for it (counters, as in training) and the launches; host: the share of it spent
 * enqueueing. */
static scl_status time_steps(net_bench *s, scl_exec *exec, scl_store *store, timing *t, scl_err *err)
{
    uint32_t counters[SCL_COUNTERS] = { 1, 0, 10 };
    double host = 0, wall = 0;
    counters[SCL_CNT_BATCH] = (uint32_t)s->spec.n;
    for (int warm = 0; warm < 2; warm++) {
        SCL_TRY(scl_exec_run(exec, err));
        SCL_TRY(s->b->v->finish(s->b, err));
    }
    const double begin = clock_s(CLOCK_MONOTONIC);
    for (t->n = 0; t->n < MOST_SAMPLES && (t->n < 5 || clock_s(CLOCK_MONOTONIC) - begin < s->o->seconds);
         t->n++) {
        const double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_THREAD_CPUTIME_ID);
        counters[SCL_CNT_STEP]++;
        SCL_TRY(put(store, "counters", counters, sizeof counters, err));
        SCL_TRY(scl_exec_run(exec, err));
        host += clock_s(CLOCK_THREAD_CPUTIME_ID) - cpu;
        SCL_TRY(s->b->v->finish(s->b, err));
        t->sample[t->n] = clock_s(CLOCK_MONOTONIC) - start;
        wall += t->sample[t->n];
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

static scl_status time_graph(net_bench *s, scl_graph *g, timing *t, scl_err *err)
{
    scl_plan *plan;
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    SCL_TRY(scl_plan_make(&plan, &s->arena, g, &s->b->info, &s->plan, err));
    scl_status status = scl_store_create(&store, s->b, &g, 1, err);
    if (status == SCL_OK)
        status = prepare(s, g, store, err);
    if (status == SCL_OK)
        status = scl_exec_create(&exec, s->b, plan, store, NULL, err);
    t->peak = bench_peak(s->b);
    if (status == SCL_OK)
        status = time_steps(s, exec, store, t, err);
    const double after = bench_peak(s->b);
    t->peak = after > t->peak ? after : t->peak;
    if (status == SCL_OK) {
        t->bytes = plan->peak_bytes + scl_store_bytes(store);
        t->launches = plan->schedule.n_launch;
        t->flops = flops_of(plan);
    }
    scl_exec_free(exec);
    scl_store_free(store);
    return status;
}

static void print_row(const net_bench *s, const char *what, const timing *t)
{
    const double median = t->sample[t->n / 2], gflops = t->flops / median * 1e-9;
    if (!s->o->json || strcmp(s->o->json, "-") != 0)
        printf("%-20s %-12s %9.2f %9.2f %9.2f ms %8.1f images/s %8.1f GFLOP/s %5.1f%% of the peak  host "
               "%.2f%%  %4d launches %8.1f MiB\n",
               s->name, what, t->sample[0] * 1e3, median * 1e3, t->sample[t->n - 1] * 1e3, s->spec.n / median,
               gflops, t->peak > 0 ? 100 * gflops / t->peak : 0.0, 100 * t->host, t->launches,
               (double)t->bytes / (1 << 20));
    fflush(stdout);
    json_array_append_new(s->rows,
                          json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:i}", "config",
                                    s->name, "what", what, "threads", s->o->threads, "scorecl_s", median,
                                    "min_s", t->sample[0], "max_s", t->sample[t->n - 1], "gflop_s", gflops,
                                    "fma_peak_gflop_s", t->peak, "host_share", t->host, "scorecl_peak_bytes",
                                    (json_int_t)t->bytes, "launches", t->launches));
}

static scl_status bench_what(net_bench *s, int what, scl_err *err)
{
    static const char *const names[] = { "forward", "train_step", "sample_step" };
    if (s->o->what && strcmp(s->o->what, names[what]) != 0)
        return SCL_OK;
    timing *t = SCL_NEW(&s->arena, timing);
    scl_graph *g;
    if (what == 0)
        SCL_TRY(forward_graph(s, &g, err));
    else if (what == 1)
        SCL_TRY(scl_step_train(&g, &s->arena, &s->spec, err));
    else
        SCL_TRY(scl_step_sample(&g, &s->arena, &s->spec, "", err));
    SCL_TRY(time_graph(s, g, t, err));
    print_row(s, names[what], t);
    return SCL_OK;
}

scl_status bench_network(scl_backend *b, const char *config, const bench_options *o, json_t *rows,
                         scl_err *err)
{
    net_bench s = { .b = b, .o = o, .name = config, .rows = rows };
    scl_config *read = NULL;
    scl_status status = parse_sizes(&s, config) ? SCL_OK : read_config(&s, config, &read, err);
    s.spec.accumulate = false;
    s.spec.n = s.spec.global_batch;
    s.spec.data_count = DATA_BATCHES * s.spec.n;
    if (status == SCL_OK)
        status = scl_net_check(&s.spec.net, err);
    for (int what = 0; what < 3 && status == SCL_OK; what++)
        status = bench_what(&s, what, err);
    scl_config_free(read);
    scl_arena_free(&s.arena);
    return status;
}
