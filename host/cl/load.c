/* load: a cl_kernel per launch with every argument set; run: nothing but clEnqueueNDRangeKernel. */
#include "cl/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/phase.h"
#include "cl/limit.h"
#include "cl/program.h"
#include "cl/record.h"
#include "cl/watch.h"

typedef struct item {
    const scl_launch *launch;
    cl_kernel kernel;             /* NULL: a gemm */
    scl_cl_gemm gemm;
} item;

/* Parts of blocks, made once each. */
typedef struct part { const scl_memory *memory; size_t offset, bytes; cl_mem buffer; } part;

struct scl_loaded {
    const scl_schedule *schedule;
    scl_memory *slab;
    const scl_binding *binding; int n_binding;    /* valid during load only */
    item *item;
    part *part; int n_part, cap_part;
    scl_record *record;           /* all launches; NULL: they are enqueued one by one */
};

static scl_status launch(scl_cl *cl, cl_kernel kernel, const char *name, const scl_grid *grid, cl_event *event,
                         scl_err *err)
{
    const cl_int code =
        clEnqueueNDRangeKernel(cl->queue, kernel, 3, NULL, grid->global, grid->local, 0, NULL, event);
    if (code == CL_SUCCESS)
        return SCL_OK;
    return scl_fail(err, SCL_FAILED,
                    "kernel %s, global %zux%zux%zu, local %zux%zux%zu: clEnqueueNDRangeKernel: %s (%d)%s", name,
                    grid->global[0], grid->global[1], grid->global[2], grid->local[0], grid->local[1],
                    grid->local[2], scl_cl_error_name(code), code, scl_cl_error_advice(code));
}

scl_status scl_cl_launch(scl_cl *cl, cl_kernel kernel, const char *name, const scl_grid *grid, scl_err *err)
{
    cl_event event = NULL;
    const scl_status status = launch(cl, kernel, name, grid, scl_cl_limited(cl) ? &event : NULL, err);
    scl_cl_limit_note(cl, NULL, name, grid, event);
    return status;
}

/* The buffer of a region: the block itself, or a sub-buffer of it. */
static scl_status part_of(scl_cl *cl, scl_loaded *s, scl_region r, cl_mem *out, scl_err *err)
{
    if (r.offset == 0 && r.bytes == r.memory->bytes) {
        *out = r.memory->buffer;
        return SCL_OK;
    }
    for (int i = 0; i < s->n_part; i++)
        if (s->part[i].memory == r.memory && s->part[i].offset == r.offset && s->part[i].bytes == r.bytes) {
            *out = s->part[i].buffer;
            return SCL_OK;
        }
    if (r.offset % cl->base.info.align_bytes || r.offset + r.bytes > r.memory->bytes)
        return scl_fail(err, SCL_FAILED,
                        "a buffer of %zu bytes at byte %zu of %zu is misplaced (alignment %u)", r.bytes,
                        r.offset, r.memory->bytes, cl->base.info.align_bytes);
    if (s->n_part == s->cap_part) {
        const int cap = s->cap_part ? 2 * s->cap_part : 256;
        part *bigger = realloc(s->part, sizeof *bigger * (size_t)cap);
        if (!bigger)
            return scl_fail(err, SCL_FAILED, "out of memory for a schedule");
        s->part = bigger;
        s->cap_part = cap;
    }
    const cl_buffer_region region = { .origin = r.offset, .size = r.bytes };
    cl_int code;
    *out = clCreateSubBuffer(r.memory->buffer, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    SCL_TRY(scl_cl_check(code, "clCreateSubBuffer", NULL, err));
    s->part[s->n_part++] = (part){ r.memory, r.offset, r.bytes, *out };
    return SCL_OK;
}

/* The buffer of a place; NULL for an absent value. */
static scl_status buffer_of(scl_cl *cl, scl_loaded *s, const scl_place *place, cl_mem *out, scl_err *err)
{
    *out = NULL;
    if (place->in == SCL_PLACE_NONE || !place->bytes)
        return SCL_OK;
    if (place->in == SCL_PLACE_SLAB) {
        if (!s->slab)
            return scl_fail(err, SCL_FAILED, "the schedule needs a slab");
        return part_of(cl, s, (scl_region){ s->slab, place->offset, place->bytes }, out, err);
    }
    for (int i = 0; i < s->n_binding; i++)
        if (!strcmp(s->binding[i].value->name, place->value->name))
            return part_of(cl, s, s->binding[i].region, out, err);
    return scl_fail(err, SCL_FAILED, "value '%s' is not bound", place->value->name);
}

static scl_status set_argument(scl_cl *cl, scl_loaded *s, item *it, int a, cl_uint index, char address, scl_err *err)
{
    const scl_launch_arg *arg = &it->launch->arg[a];
    const char *kernel = it->launch->kernel;
    const bool global = arg->kind == SCL_ARG_VALUE || arg->kind == SCL_ARG_WORK || arg->kind == SCL_ARG_PREPARED;
    const char want = global ? 'g' : arg->kind == SCL_ARG_LOCAL ? 'l' : 'p';
    if (address != want)
        return scl_fail(err, SCL_FAILED, "kernel %s: parameter '%s' is %s", kernel, arg->name,
                        address == 'g' ? "a global pointer" : address == 'l' ? "a local pointer" : "not a pointer");
    cl_mem buffer = NULL;
    const void *from = &buffer;
    size_t size = sizeof buffer;
    if (want == 'g')
        SCL_TRY(buffer_of(cl, s, &it->launch->place[a], &buffer, err));
    if (want == 'l')
        from = NULL, size = arg->bytes;
    if (want == 'p') {
        size = 4;
        from = arg->kind == SCL_ARG_F32   ? (const void *)&arg->f
               : arg->kind == SCL_ARG_U32 ? (const void *)&arg->u
                                          : &arg->i;
    }
    if (want == 'g' && !buffer)
        from = NULL;
    const cl_int code = clSetKernelArg(it->kernel, index, size, from);
    if (code == CL_SUCCESS)
        return SCL_OK;
    return scl_fail(err, SCL_FAILED, "kernel %s, parameter '%s': clSetKernelArg: %s (%d)", kernel, arg->name,
                    scl_cl_error_name(code), code);
}

/* Every parameter gets the argument of its name, and no argument is left over. */
static scl_status set_arguments(scl_cl *cl, scl_loaded *s, item *it, const char *file, scl_err *err)
{
    const scl_launch *l = it->launch;
    char parameter[SCL_MAX_PARAMETERS][64], address[SCL_MAX_PARAMETERS], called[256];
    int n;
    scl_source_called(file, l->source, called, sizeof called);
    SCL_TRY(scl_program_parameters(cl, it->kernel, file, l->source, l->kernel, parameter, address, &n, err));
    for (int p = 0; p < n; p++) {
        int a = 0;
        while (a < l->n_arg && strcmp(l->arg[a].name, parameter[p]) != 0)
            a++;
        if (a == l->n_arg)
            return scl_fail(err, SCL_FAILED, "%s: kernel %s has a parameter '%s' that %s does not give",
                            called, l->kernel, parameter[p], l->node->op->name);
        SCL_TRY(set_argument(cl, s, it, a, (cl_uint)p, address[p], err));
    }
    for (int a = 0; a < l->n_arg; a++) {
        int p = 0;
        while (p < n && strcmp(l->arg[a].name, parameter[p]) != 0)
            p++;
        if (p == n)
            return scl_fail(err, SCL_FAILED, "%s: kernel %s has no parameter '%s', which %s gives", called, l->kernel,
                            l->arg[a].name, l->node->op->name);
    }
    return SCL_OK;
}

static scl_status load_item(scl_cl *cl, scl_loaded *s, item *it, scl_err *err)
{
    const scl_launch *l = it->launch;
    if (!l->kernel) {
        it->gemm.gemm = l->gemm;
        SCL_TRY(buffer_of(cl, s, &l->place[0], &it->gemm.a, err));
        SCL_TRY(buffer_of(cl, s, &l->place[1], &it->gemm.b, err));
        SCL_TRY(buffer_of(cl, s, &l->place[2], &it->gemm.c, err));
        return scl_cl_gemm_prepare(cl, &it->gemm, err);
    }
    char file[128];
    SCL_TRY(scl_cl_kernel(cl, l, file, &it->kernel, err));
    return set_arguments(cl, s, it, file, err);
}

/* All launches as one recording, where that is asked for and can be made. */
static scl_record *record(scl_cl *cl, const scl_loaded *s)
{
    scl_record *r = s->schedule->record ? scl_record_begin(cl) : NULL;
    bool all = r != NULL;
    const int n = s->schedule->n_launch - s->schedule->n_prepare;
    for (int i = 0; i < n && all; i++)
        all = s->item[i].kernel && scl_record_launch(r, s->item[i].kernel, &s->item[i].launch->grid);
    if (all && scl_record_end(r)) {
        scl_debug("%s: %d launches recorded", cl->base.info.name, n);
        return r;
    }
    if (s->schedule->record)
        scl_info("%s cannot record these launches: they are enqueued one by one", cl->base.info.name);
    scl_record_free(r);
    return NULL;
}

scl_status scl_cl_load(scl_backend *b, const scl_schedule *schedule, scl_memory *slab,
                       const scl_binding *binding, int n_binding, scl_loaded **out, scl_err *err)
{
    const int64_t since = scl_phase_begin();
    void *loaded, *items;
    SCL_TRY(scl_alloc_bytes(&loaded, sizeof(scl_loaded), "a schedule", err));
    scl_loaded *s = loaded;
    scl_status status = scl_alloc_bytes(&items, sizeof(item) * (size_t)(schedule->n_launch + 1), "a schedule", err);
    *s = (scl_loaded){ .schedule = schedule, .slab = slab, .binding = binding, .n_binding = n_binding };
    if (status == SCL_OK)
        s->item = items;
    for (int i = 0; i < schedule->n_launch && status == SCL_OK; i++) {
        s->item[i].launch = &schedule->launch[i];
        status = load_item(scl_cl_of(b), s, &s->item[i], err);
        if (status != SCL_OK && schedule->launch[i].node)
            scl_err_context(err, "%s", schedule->launch[i].node->op->name);
    }
    s->binding = NULL;
    scl_phase_end(SCL_PHASE_PROGRAMS, since);
    if (status != SCL_OK) {
        scl_cl_unload(b, s);
        return status;
    }
    s->record = record(scl_cl_of(b), s);
    *out = s;
    return SCL_OK;
}

void scl_cl_unload(scl_backend *b, scl_loaded *s)
{
    if (!s)
        return;
    scl_err late = { 0 };         /* what fails here has been told, or comes with the next wait */
    const scl_status settled = scl_cl_settle(scl_cl_of(b), &late);
    scl_err_clear(&late);
    if (settled != SCL_OK && scl_cl_of(b)->lost)
        return;
    clFinish(scl_cl_of(b)->queue);
    scl_cl_collect(b, NULL);      /* events name this schedule */
    scl_record_free(s->record);
    for (int i = 0; s->item && i < s->schedule->n_launch; i++) {
        if (s->item[i].kernel)
            clReleaseKernel(s->item[i].kernel);
        if (s->item[i].gemm.scratch)
            clReleaseMemObject(s->item[i].gemm.scratch);
    }
    for (int i = 0; i < s->n_part; i++)
        clReleaseMemObject(s->part[i].buffer);
    free(s->part);
    free(s->item);
    free(s);
}

/* event: one for each launch of the range; NULL: none are kept. */
static scl_status enqueue_all(scl_cl *cl, scl_loaded *s, int from, int to, cl_event *event, scl_err *err)
{
    const bool whole = s->record && !event && !cl->notes && !scl_cl_limited(cl) && from == 0 && to == s->schedule->n_launch - s->schedule->n_prepare;
    if (whole)
        SCL_TRY(scl_record_run(s->record, err));
    for (int i = whole ? to : from; i < to; i++) {
        const item *it = &s->item[i];
        const int64_t since = event ? 0 : scl_cl_note_begin(cl);
        cl_event own = NULL, *note = event ? &event[i - from] : since || scl_cl_limited(cl) ? &own : NULL;
        if (it->kernel)
            SCL_TRY(launch(cl, it->kernel, it->launch->kernel, &it->launch->grid, note, err));
        else
            SCL_TRY(scl_cl_gemm_run(cl, &it->gemm, note, err));
        if (own && scl_cl_limited(cl)) {
            if (since)
                clRetainEvent(own);
            scl_cl_limit_note(cl, it->launch, it->kernel ? it->launch->kernel : "CLBlast's product", &it->launch->grid, own);
        }
        SCL_TRY(scl_cl_note_launch(cl, since, s, i, !it->kernel, own, err));
    }
    SCL_CL(err, "run", clFlush, cl->queue);
    return SCL_OK;
}

static scl_status enqueue(scl_cl *cl, scl_loaded *s, int from, int to, cl_event *event, scl_err *err)
{
    const int64_t since = scl_phase_begin();
    const scl_status status = enqueue_all(cl, s, from, to, event, err);
    scl_phase_end(SCL_PHASE_ENQUEUE, since);
    return status;
}

scl_status scl_cl_run(scl_backend *b, scl_loaded *s, int first, int end, scl_err *err)
{
    const struct scl_step *step = s->schedule->step;
    if (first >= end)
        return SCL_OK;
    const int from = step[first].first_launch, to = step[end - 1].first_launch + step[end - 1].n_launch;
    return enqueue(scl_cl_of(b), s, from, to, NULL, err);
}

scl_status scl_cl_prepare(scl_backend *b, scl_loaded *s, scl_err *err)
{
    const int n = s->schedule->n_launch;
    return enqueue(scl_cl_of(b), s, n - s->schedule->n_prepare, n, NULL, err);
}

/* CLBlast gives the event of its last kernel alone: a product counts from the end of the launch before it. */
static scl_status read_spans(const scl_loaded *s, int n, const cl_event *event, scl_span *span, scl_err *err)
{
    for (int i = 0; i < n; i++) {
        cl_ulong at[2] = { 0 };
        for (int k = 0; k < 2; k++)
            SCL_CL(err, "run", clGetEventProfilingInfo, event[i],
                   k ? CL_PROFILING_COMMAND_END : CL_PROFILING_COMMAND_START, sizeof at[k], &at[k], NULL);
        span[i] = (scl_span){ 1e-9 * (double)at[0], 1e-9 * (double)at[1] };
        if (!s->item[i].kernel && i > 0)
            span[i].begin = span[i - 1].end;
    }
    return SCL_OK;
}

/* On a queue of its own: one that notes times pays for it on every launch. */
scl_status scl_cl_run_timed(scl_backend *b, scl_loaded *s, scl_span *span, scl_err *err)
{
    scl_cl *cl = scl_cl_of(b);
    const cl_command_queue usual = cl->queue;
    const int n = s->schedule->n_launch - s->schedule->n_prepare;
    void *memory;
    cl_int code;
    SCL_TRY(scl_cl_settle(cl, err));
    SCL_CL(err, "run", clFinish, usual);
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(cl_event) * (size_t)(n + 1), "the events of a run", err));
    cl_event *event = memory;
    cl->queue = clCreateCommandQueue(cl->context, cl->device, CL_QUEUE_PROFILING_ENABLE, &code);
    scl_status status = scl_cl_check(code, "clCreateCommandQueue", cl->base.info.name, err);
    if (status == SCL_OK) {
        status = enqueue(cl, s, 0, n, event, err);
        code = clFinish(cl->queue);
        clReleaseCommandQueue(cl->queue);
    }
    cl->queue = usual;
    if (status == SCL_OK)
        status = scl_cl_check(code, "clFinish", "run", err);
    if (status == SCL_OK)
        status = read_spans(s, n, event, span, err);
    for (int i = 0; i < n; i++)
        if (event[i])
            clReleaseEvent(event[i]);
    free(event);
    return status;
}
