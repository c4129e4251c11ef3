/* trace.json: the trace event format of chrome://tracing, which Perfetto opens too.  Events are written one
 * by one. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "run/profile_parts.h"

enum { KERNELS = 1, TRANSFERS = 2, STEPS = 1000 };
/* A point of the queue's depth for each of these, at most. */
static const int64_t DEPTH_NS = 100000;

typedef struct tracing {
    scl_file_writer file;
    scl_profile_stage *p;
    int host, device; /* process numbers of a stage's tracks */
    int64_t base;     /* time 0 */
    bool any;
    long flow;
    const scl_profile_block *block; /* whose times these are: */
    scl_series enqueued, ended;     /* of each command, microseconds */
} tracing;

/* Takes the reference. */
static scl_status put(tracing *t, json_t *event, scl_err *err)
{
    char small[2048];
    const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_PRESERVE_ORDER;
    if (!event)
        return scl_fail(err, SCL_FAILED, "the trace cannot be written: a text in it is not UTF-8");
    size_t n = json_dumpb(event, small, sizeof small, flags);
    char *large = n > sizeof small ? json_dumps(event, flags) : NULL;
    json_decref(event);
    scl_status status = scl_file_append(&t->file, t->any ? ",\n" : "\n", t->any ? 2 : 1, err);
    if (status == SCL_OK)
        status = scl_file_append(&t->file, large ? large : small, n, err);
    free(large);
    t->any = true;
    return status;
}

static double us(const tracing *t, int64_t at)
{
    return 1e-3 * (double)(at - t->base);
}

static scl_status name_track(tracing *t, int pid, int tid, const char *what, const char *name, scl_err *err)
{
    return put(t,
               json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "name", what, "ph", "M", "pid", pid, "tid", tid,
                         "args", "name", name),
               err);
}

static scl_status name_tracks(tracing *t, scl_err *err)
{
    scl_arena scratch = {0};
    const scl_profile_stage *p = t->p;
    SCL_TRY(name_track(t, t->host, 0, "process_name",
                       scl_arena_printf(&scratch, "stage %s: host", p->stage->name), err));
    SCL_TRY(name_track(t, t->device, 0, "process_name",
                       scl_arena_printf(&scratch, "stage %s: %s", p->stage->name, p->device.name), err));
    SCL_TRY(name_track(t, t->host, STEPS, "thread_name", "profiled steps", err));
    SCL_TRY(name_track(t, t->host, p->thread, "thread_name", "stage", err));
    SCL_TRY(name_track(t, t->device, KERNELS, "thread_name", "queue 0: kernels", err));
    SCL_TRY(name_track(t, t->device, TRANSFERS, "thread_name", "queue 0: transfers", err));
    scl_arena_free(&scratch);
    return SCL_OK;
}

static json_t *slice(const tracing *t, const char *name, const char *category, int pid, int tid,
                     int64_t begin, int64_t end)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:f, s:f}", "name", name, "cat", category, "ph", "X", "pid",
                     pid, "tid", tid, "ts", us(t, begin), "dur", 1e-3 * (double)(end - begin));
}

static scl_status counter(tracing *t, const char *name, int64_t at, const char *unit, double value,
                          scl_err *err)
{
    return put(t,
               json_pack("{s:s, s:s, s:i, s:f, s:{s:f}}", "name", name, "ph", "C", "pid", t->device, "ts",
                         us(t, at), "args", unit, value),
               err);
}

static scl_status put_host(tracing *t, scl_err *err)
{
    const scl_profile_stage *p = t->p;
    for (size_t i = 0; i < p->n_span; i++)
        SCL_TRY(put(t,
                    slice(t, scl_phase_name((scl_phase)p->span[i].phase), "host", t->host, p->span[i].thread,
                          p->span[i].begin, p->span[i].end),
                    err));
    for (int k = 0; k < p->n_block; k++)
        for (int i = p->block[k].first_step;
             p->block[k].noted && i < p->block[k].first_step + p->block[k].steps; i++) {
            char name[32];
            const bool last = i + 1 == p->block[k].first_step + p->block[k].steps;
            snprintf(name, sizeof name, "%s %d", scl_profile_unit(p->stage), i);
            SCL_TRY(put(t,
                        slice(t, name, "step", t->host, STEPS, p->step_begin[i],
                              last ? p->block[k].idle : p->step_begin[i + 1]),
                        err));
        }
    for (size_t i = 0; i < p->n_memory; i++)
        SCL_TRY(counter(t, "device memory", p->memory[i].at, "bytes", (double)p->memory[i].bytes, err));
    return SCL_OK;
}

static scl_status put_flow(tracing *t, const scl_profile_item *i, scl_err *err)
{
    const long id = ++t->flow;
    SCL_TRY(put(t,
                json_pack("{s:s, s:s, s:s, s:I, s:i, s:i, s:f}", "name", "enqueue", "cat", "flow", "ph", "s",
                          "id", (json_int_t)id, "pid", t->host, "tid", t->p->thread, "ts",
                          us(t, i->event->enqueue[0])),
                err));
    return put(t,
               json_pack("{s:s, s:s, s:s, s:s, s:I, s:i, s:i, s:f}", "name", "enqueue", "cat", "flow", "ph",
                         "f", "bp", "e", "id", (json_int_t)id, "pid", t->device, "tid", KERNELS, "ts",
                         us(t, i->stamp[SCL_STAMP_START])),
               err);
}

/* How many commands were enqueued and had not ended. */
static scl_status put_depth(tracing *t, scl_err *err)
{
    size_t in = 0, out = 0;
    double next = 0;
    while (out < t->ended.n) {
        const bool enters = in < t->enqueued.n && t->enqueued.at[in] <= t->ended.at[out];
        const double at = enters ? t->enqueued.at[in++] : t->ended.at[out++];
        if (at < next && out < t->ended.n)
            continue;
        next = at + 1e-3 * (double)DEPTH_NS;
        SCL_TRY(put(t,
                    json_pack("{s:s, s:s, s:i, s:f, s:{s:I}}", "name", "commands in the queue", "ph", "C",
                              "pid", t->device, "ts", at, "args", "commands", (json_int_t)(in - out)),
                    err));
    }
    t->enqueued.n = t->ended.n = 0;
    return SCL_OK;
}

static scl_status put_item(void *user, const scl_profile_item *i, scl_err *err)
{
    static const char *const names[SCL_COMMANDS] = {"launch", "write", "read", "fill", "copy"};
    tracing *t = user;
    if (i->block != t->block) {
        SCL_TRY(put_depth(t, err));
        t->block = i->block;
    }
    if (scl_profile_rejected(i))
        return SCL_OK;
    SCL_TRY(scl_series_add(&t->enqueued, us(t, i->event->enqueue[0]), err));
    SCL_TRY(scl_series_add(&t->ended, us(t, i->stamp[SCL_STAMP_END]), err));
    const int64_t *s = i->stamp;
    char name[320];
    const scl_profile_row *r = i->row;
    if (r)
        snprintf(name, sizeof name, "%s%s%.240s", r->op, r->scope[0] ? " " : "", r->scope);
    else
        snprintf(name, sizeof name, "%s", names[i->event->command]);
    json_t *e = slice(t, name, r ? "kernel" : "transfer", t->device, r ? KERNELS : TRANSFERS,
                      s[SCL_STAMP_START], s[SCL_STAMP_END]);
    json_t *args = r ? json_pack("{s:s, s:i, s:s, s:s}", "kernel", r->kernel, "node", r->node, "shape",
                                 r->shape, "plan", r->plan)
                     : json_pack("{s:I}", "bytes", (json_int_t)i->event->bytes);
    json_object_set_new(args, "step", json_integer(i->event->step));
    json_object_set_new(args, "queued_us",
                        json_real(1e-3 * (double)(s[SCL_STAMP_SUBMIT] - s[SCL_STAMP_QUEUED])));
    json_object_set_new(args, "submit_us",
                        json_real(1e-3 * (double)(s[SCL_STAMP_START] - s[SCL_STAMP_SUBMIT])));
    json_object_set_new(e, "args", args);
    SCL_TRY(put(t, e, err));
    return r ? put_flow(t, i, err) : SCL_OK;
}

static scl_status put_stage(tracing *t, scl_profile_stage *p, int number, scl_err *err)
{
    t->p = p;
    t->host = 2 * number + 1;
    t->device = 2 * number + 2;
    t->block = NULL;
    SCL_TRY(name_tracks(t, err));
    SCL_TRY(put_host(t, err));
    SCL_TRY(scl_profile_replay(p, put_item, t, err));
    return put_depth(t, err);
}

scl_status scl_profile_trace(scl_profile_stage *const *stages, int n, const char *path, scl_err *err)
{
    static const char head[] = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", tail[] = "\n]}\n";
    tracing t = {.file = {.fd = -1}, .base = n ? stages[0]->began : 0};
    SCL_TRY(scl_file_create(&t.file, path, NULL, err));
    scl_status status = scl_file_append(&t.file, head, sizeof head - 1, err);
    for (int i = 0; i < n && status == SCL_OK; i++)
        status = put_stage(&t, stages[i], i, err);
    if (status == SCL_OK)
        status = scl_file_append(&t.file, tail, sizeof tail - 1, err);
    if (status == SCL_OK)
        status = scl_file_commit(&t.file, err);
    scl_file_abandon(&t.file);
    scl_series_free(&t.enqueued);
    scl_series_free(&t.ended);
    return status;
}
