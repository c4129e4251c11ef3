/* A stage of profile.json (docs/profile.md). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/profile_parts.h"

static const char *const command_names[SCL_COMMANDS] = {"launch", "write", "read", "fill", "copy"};

static json_t *ratio(double a, double b)
{
    return b > 0 ? scl_number(a / b) : json_null();
}

/* The least time that the measured ceilings allow for a step's part, and what sets it: arithmetic, memory,
 * or, where a call is over before the next can be launched, launching. */
static json_t *roofline(const scl_profile_stage *p, const scl_profile_cost *c, double time)
{
    if (!p->has_peak || !p->n_step)
        return json_null();
    const double compute = isnan(c->flops) ? 0 : 1e-9 * c->flops / p->peak.fma_gflops;
    const double memory = isnan(c->bytes) ? 0 : 1e-9 * c->bytes / p->peak.copy_gb_s,
                 least = fmax(compute, memory);
    const bool short_ = time * p->n_step < 1e-6 * p->peak.launch_us * (double)c->calls;
    const char *bound = short_ ? "launch" : least <= compute ? "compute" : "memory";
    const bool known = !isnan(c->flops) || !isnan(c->bytes);
    return json_pack("{s:s, s:o, s:o, s:o}", "bound", bound, "least_s",
                     known ? scl_number(least) : json_null(), "ceiling_gflop_s",
                     isnan(c->flops) ? json_null() : ratio(1e-9 * c->flops, least), "share",
                     known ? ratio(least, time) : json_null());
}

void scl_profile_put_cost(const scl_profile_stage *p, const scl_profile_sums *s, const scl_profile_cost *c,
                          json_t *row)
{
    const double n = p->n_step;
    double median = NAN;
    json_object_set_new(row, "calls", json_integer(c->calls));
    json_object_set_new(row, "calls_per_step", ratio((double)c->calls, n));
    json_object_set_new(row, "total_s", scl_number(c->total));
    json_object_set_new(row, "share", ratio(c->total, s->kernel));
    double *step = malloc(sizeof *step * ((size_t)p->n_step + 1));
    if (step) {
        memcpy(step, c->step, sizeof *step * (size_t)p->n_step);
        json_object_set_new(row, "step_s", scl_spread(step, (size_t)p->n_step));
        median = scl_quantile(step, (size_t)p->n_step, 0.5);
    }
    free(step);
    json_object_set_new(row, "flops", scl_number(c->flops));
    json_object_set_new(row, "bytes", scl_number(c->bytes));
    json_object_set_new(row, "gflop_s", ratio(1e-9 * c->flops, median));
    json_object_set_new(row, "gb_s", ratio(1e-9 * c->bytes, median));
    json_object_set_new(row, "intensity", ratio(c->flops, c->bytes));
    json_object_set_new(row, "roofline", roofline(p, c, median));
}

/* Wall or processor time of a step: a number for each block. */
static size_t times(const scl_profile_stage *p, bool noted, bool wall, double *out)
{
    size_t n = 0;
    for (int i = 0; i < p->n_block; i++) {
        const scl_profile_block *b = &p->block[i];
        if (b->noted == noted && b->done)
            out[n++] = 1e-9 * (double)(wall ? b->done - b->begin : b->cpu[1] - b->cpu[0]) / b->steps;
    }
    return n;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Unprofiled steps beside profiled ones, block by block. */
static json_t *cost_json(const scl_profile_stage *p, bool wall, double *median)
{
    double plain[SCL_PROFILE_BLOCKS], noted[SCL_PROFILE_BLOCKS], cost[SCL_PROFILE_BLOCKS];
    const size_t n = times(p, false, wall, plain), m = times(p, true, wall, noted), pairs = n < m ? n : m;
    for (size_t i = 0; i < pairs; i++)
        cost[i] = noted[i] / plain[i] - 1;
    qsort(cost, pairs, sizeof *cost, ascending);
    json_t *o = json_pack("{s:o, s:o, s:o, s:o}", "unprofiled_s", scl_spread(plain, n), "profiled_s",
                          scl_spread(noted, m), "cost", scl_number(scl_quantile(cost, pairs, 0.5)),
                          "cost_spread", scl_spread(cost, pairs));
    *median = scl_quantile(plain, n, 0.5); /* in the order of its spread */
    return o;
}

static void put_costs(const scl_profile_stage *p, json_t *stage)
{
    double median;
    json_t *wall = cost_json(p, true, &median);
    json_object_set_new(wall, "recorded", json_boolean(p->recorded));
    json_object_set_new(wall, "images_per_s", ratio(p->batch, median));
    json_object_set_new(stage, "wall", wall);
    json_object_set_new(stage, "processor", cost_json(p, false, &median));
}

static json_t *clock_json(const scl_profile_stage *p, const scl_profile_sums *s)
{
    long checked = 0, rejected = 0;
    json_t *faults = json_object();
    for (int i = 0; i <= SCL_STAMPS_OVERLAP; i++) {
        checked += s->fault[i];
        if (i <= SCL_STAMPS_CLAMPED)
            continue;
        rejected += s->fault[i];
        if (s->fault[i])
            json_object_set_new(faults, scl_stamp_fault_name((scl_stamp_fault)i), json_integer(s->fault[i]));
    }
    const bool host = p->watch.host_clock;
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "source", host ? "host" : "device", "alignment",
        p->watch.alignment, "reason", p->watch.reason[0] ? json_string(p->watch.reason) : json_null(),
        "uncertainty_s", host ? json_null() : scl_number(s->uncertainty), "drift_ppm",
        host ? json_null() : scl_number(1e6 * s->drift), "checked", (json_int_t)checked, "rejected",
        (json_int_t)rejected, "clamped", (json_int_t)s->fault[SCL_STAMPS_CLAMPED], "faults", faults);
}

static json_t *device_json(const scl_profile_stage *p, const scl_profile_sums *s)
{
    const double n = p->n_step, busy = s->kernel + s->transfer;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "wall_s", ratio(s->wall, n), "busy_s",
                     ratio(busy, n), "kernel_s", ratio(s->kernel, n), "transfer_s", ratio(s->transfer, n),
                     "gap_s", ratio(s->gap, n), "edge_s", ratio(s->edge, n), "agreement",
                     ratio(busy + s->gap, s->wall));
}

static json_t *host_json(const scl_profile_stage *p, const scl_profile_sums *s)
{
    const double n = p->n_step;
    json_t *phases = json_array();
    scl_profile_phases(p, p->options->config_s, phases);
    return json_pack("{s:o, s:o, s:o, s:o}", "busy_s", ratio(s->wall - s->wait, n), "wait_s",
                     ratio(s->wait, n), "overlap_s", ratio(s->overlap, n), "phases", phases);
}

static json_t *transfers_json(const scl_profile_sums *s)
{
    json_t *list = json_array();
    for (int i = SCL_COMMAND_WRITE; i < SCL_COMMANDS; i++) {
        const scl_profile_transfer *t = &s->moved[i];
        if (t->calls)
            json_array_append_new(list,
                                  json_pack("{s:s, s:I, s:I, s:f, s:o}", "kind", command_names[i], "calls",
                                            (json_int_t)t->calls, "bytes", (json_int_t)t->bytes, "total_s",
                                            t->total, "gb_s", ratio(1e-9 * t->bytes, t->total)));
    }
    return list;
}

static json_t *memory_json(const scl_profile_stage *p)
{
    /* Plans share one slab and the values that several of them name. */
    size_t slab = 0, persistent = 0;
    for (int i = 0; i < p->n_plan; i++) {
        slab = p->plan[i].slab_bytes > slab ? p->plan[i].slab_bytes : slab;
        persistent = p->plan[i].persistent_bytes > persistent ? p->plan[i].persistent_bytes : persistent;
    }
    json_t *curve = json_array();
    for (size_t i = 0; i < p->n_memory; i++)
        json_array_append_new(curve, json_pack("[f,I]", 1e-9 * (double)(p->memory[i].at - p->opened),
                                               (json_int_t)p->memory[i].bytes));
    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "planned_bytes", (json_int_t)(slab + persistent),
                     "slab_bytes", (json_int_t)slab, "persistent_bytes", (json_int_t)persistent, "peak_bytes",
                     (json_int_t)p->peak_allocated, "curve", curve);
}

static json_t *plans_json(const scl_profile_stage *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->n_plan; i++) {
        const scl_profile_plan *k = &p->plan[i];
        json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:I, s:I, s:o, s:O}", "name", k->name, "nodes",
                                              k->n_nodes, "launches", k->n_launches, "slab_bytes",
                                              (json_int_t)k->slab_bytes, "persistent_bytes",
                                              (json_int_t)k->persistent_bytes, "runs_per_step",
                                              ratio((double)k->runs, p->n_step), "live", k->live));
    }
    return list;
}

static const char *kind_name(scl_stage_kind kind)
{
    return kind == SCL_STAGE_TRAIN ? "train" : kind == SCL_STAGE_SAMPLE ? "sample" : "likelihood";
}

scl_status scl_profile_stage_json(scl_profile_stage *p, scl_profile_sums *s, json_t **out, scl_err *err)
{
    long launches = 0;
    const int n_noted = p->n_block / 2;
    for (int i = 0; i < p->n_row; i++)
        launches += p->row[i].calls;
    json_t *o = *out = json_pack("{s:s, s:s, s:s, s:i, s:{s:i, s:i, s:i, s:i}}", "name", p->stage->name,
                                 "kind", kind_name(p->stage->kind), "unit", scl_profile_unit(p->stage),
                                 "batch", p->batch, "steps", "warm_up", p->warm_up, "unprofiled",
                                 n_noted * p->each, "profiled", p->n_step, "rounds", n_noted);
    put_costs(p, o);
    json_object_set_new(o, "weights",
                        p->weights[0] ? json_pack("{s:I, s:s}", "step", (json_int_t)p->weights_step, "sha256",
                                                  p->weights)
                                      : json_null());
    json_object_set_new(o, "clock", clock_json(p, s));
    json_object_set_new(o, "device", device_json(p, s));
    json_object_set_new(o, "host", host_json(p, s));
    json_object_set_new(o, "queue",
                        json_pack("{s:o, s:o, s:o}", "queued_s", scl_spread(s->queued.at, s->queued.n),
                                  "submit_s", scl_spread(s->submit.at, s->submit.n), "run_s",
                                  scl_spread(s->run.at, s->run.n)));
    json_object_set_new(o, "launches_per_step", ratio((double)launches, p->n_step));
    json_object_set_new(o, "transfers", transfers_json(s));
    json_object_set_new(o, "memory", memory_json(p));
    json_object_set_new(o, "plans", plans_json(p));
    return scl_profile_groups(p, s, o, err);
}
