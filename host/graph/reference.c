/* The reference device: a schedule's nodes run by their C definitions.  Memory is host memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/phase.h"
#include "base/progress.h"
#include "graph/backend.h"
#include "graph/build.h"

struct scl_memory { size_t bytes; unsigned char *data; };

struct scl_loaded {
    const scl_schedule *schedule;
    scl_host_values *values;     /* of each step */
};

/* When a command that may be noted begins: 0, it is not. */
static int64_t begin(const scl_backend *b) { return b->watch && b->watch->noting ? scl_now_ns() : 0; }

/* Commands are done when their call returns: queued, submitted and started at once. */
static void note(scl_backend *b, int64_t since, scl_event what)
{
    if (!since)
        return;
    what.enqueue[0] = what.enqueue[1] = since;
    what.stamp[SCL_STAMP_QUEUED] = what.stamp[SCL_STAMP_SUBMIT] = what.stamp[SCL_STAMP_START] = since;
    what.seen = what.stamp[SCL_STAMP_END] = scl_now_ns();
    b->watch->event(b->watch->user, &what);
}

static void note_transfer(scl_backend *b, int64_t since, scl_command command, size_t bytes)
{
    note(b, since, (scl_event){ .command = command, .bytes = bytes });
}

static void note_memory(const scl_backend *b, long long bytes)
{
    if (b->watch)
        b->watch->memory(b->watch->user, bytes);
}

static scl_status ref_note(scl_backend *b, bool on, scl_err *err)
{
    (void)err;
    b->watch->noting = on;
    b->watch->host_clock = true;
    b->watch->alignment = "none";
    snprintf(b->watch->reason, sizeof b->watch->reason, "the reference device computes on the host");
    return SCL_OK;
}

static scl_status ref_collect(scl_backend *b, scl_err *err)
{
    (void)b, (void)err;
    return SCL_OK;
}

static scl_status ref_alloc(scl_backend *b, size_t bytes, scl_memory **out, scl_err *err)
{
    void *data, *memory;
    SCL_TRY(scl_alloc_bytes(&data, bytes, "the reference device", err));
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_memory), "the reference device", err));
    *out = memory;
    **out = (scl_memory){ .bytes = bytes, .data = data };
    note_memory(b, (long long)bytes);
    return SCL_OK;
}

static void ref_release(scl_backend *b, scl_memory *memory)
{
    if (memory) {
        note_memory(b, -(long long)memory->bytes);
        free(memory->data);
    }
    free(memory);
}

static unsigned char *at(scl_region r) { return r.memory->data + r.offset; }

static scl_status ref_write(scl_backend *b, scl_region to, const void *from, scl_err *err)
{
    (void)err;
    const int64_t since = begin(b);
    memcpy(at(to), from, to.bytes);
    note_transfer(b, since, SCL_COMMAND_WRITE, to.bytes);
    return SCL_OK;
}

static scl_status ref_read(scl_backend *b, scl_region from, void *to, scl_err *err)
{
    (void)err;
    const int64_t since = begin(b);
    memcpy(to, at(from), from.bytes);
    note_transfer(b, since, SCL_COMMAND_READ, from.bytes);
    return SCL_OK;
}

static scl_status ref_read_start(scl_backend *b, scl_region from, void *to, scl_ticket *ticket, scl_err *err)
{
    ticket->event = NULL;
    return ref_read(b, from, to, err);
}

static scl_status ref_write_start(scl_backend *b, scl_region to, const void *from, scl_ticket *ticket, scl_err *err)
{
    ticket->event = NULL;
    return ref_write(b, to, from, err);
}

static scl_status ref_wait(scl_backend *b, scl_ticket *ticket, bool *done, scl_err *err)
{
    (void)b, (void)ticket, (void)err;
    if (done)
        *done = true;
    return SCL_OK;
}

static scl_status ref_fill(scl_backend *b, scl_region to, unsigned char byte, scl_err *err)
{
    (void)err;
    const int64_t since = begin(b);
    memset(at(to), byte, to.bytes);
    note_transfer(b, since, SCL_COMMAND_FILL, to.bytes);
    return SCL_OK;
}

static scl_status ref_copy(scl_backend *b, scl_region to, scl_region from, scl_err *err)
{
    (void)err;
    const int64_t since = begin(b);
    memmove(at(to), at(from), from.bytes);
    note_transfer(b, since, SCL_COMMAND_COPY, from.bytes);
    return SCL_OK;
}

static void ref_unload(scl_backend *b, scl_loaded *loaded)
{
    (void)b;
    if (loaded)
        free(loaded->values);
    free(loaded);
}

static scl_status resolve(const scl_place *place, scl_memory *slab, const scl_binding *binding, int n_binding,
                          void **out, scl_err *err)
{
    *out = NULL;
    if (place->in == SCL_PLACE_SLAB)
        *out = slab->data + place->offset;
    for (int i = 0; i < n_binding && place->in == SCL_PLACE_STORE; i++)
        if (!strcmp(binding[i].value->name, place->value->name))
            *out = at(binding[i].region);
    if (place->in == SCL_PLACE_STORE && !*out)
        return scl_fail(err, SCL_FAILED, "value '%s' is not bound", place->value->name);
    return SCL_OK;
}

static scl_status ref_load(scl_backend *b, const scl_schedule *s, scl_memory *slab,
                           const scl_binding *binding, int n_binding, scl_loaded **out, scl_err *err)
{
    void *loaded, *values;
    SCL_TRY(scl_alloc_bytes(&loaded, sizeof(scl_loaded), "a schedule", err));
    *out = loaded;
    SCL_TRY(scl_alloc_bytes(&values, sizeof(scl_host_values) * (size_t)s->n_node, "a schedule", err));
    **out = (scl_loaded){ .schedule = s, .values = values };
    for (int i = 0; i < s->n_node; i++) {
        const struct scl_step *step = &s->step[i];
        scl_status status = SCL_OK;
        for (int k = 0; k < step->node->n_in && status == SCL_OK; k++)
            status = resolve(&step->in[k], slab, binding, n_binding, &(*out)->values[i].in[k], err);
        for (int o = 0; o < step->node->n_out && status == SCL_OK; o++)
            status = resolve(&step->out[o], slab, binding, n_binding, &(*out)->values[i].out[o], err);
        if (status != SCL_OK) {
            ref_unload(b, *out);
            return status;
        }
    }
    return SCL_OK;
}

static scl_status run_step(scl_backend *b, const scl_loaded *loaded, int i, scl_err *err)
{
    const scl_node *n = loaded->schedule->step[i].node;
    void (*ref)(const scl_node *, const scl_host_values *) =
        scl_is_pointwise(n) ? scl_op_pointwise()->ref : n->op->ref;
    if (!ref)
        return scl_fail(err, SCL_FAILED, "operator '%s' has no definition in C", n->op->name);
    const int64_t since = begin(b);
    ref(n, &loaded->values[i]);
    note(b, since, (scl_event){ .command = SCL_COMMAND_LAUNCH, .loaded = loaded, .index = i });
    return SCL_OK;
}

static scl_status ref_run(scl_backend *b, scl_loaded *loaded, int first, int end, scl_err *err)
{
    const int64_t since = scl_phase_begin();
    scl_status status = SCL_OK;
    for (int i = first; i < end && status == SCL_OK; i++)
        status = run_step(b, loaded, i, err);
    scl_phase_end(SCL_PHASE_COMPUTE, since);
    return status;
}

static scl_status ref_finish(scl_backend *b, scl_err *err)
{
    (void)b, (void)err;
    return SCL_OK;
}

static void ref_close(scl_backend *b) { free(b); }

scl_status scl_reference_open(scl_backend **out, scl_err *err)
{
    static const scl_backend_vtable vtable = {
        .alloc = ref_alloc, .release = ref_release, .write = ref_write, .read = ref_read, .read_start = ref_read_start,
        .write_start = ref_write_start, .wait = ref_wait, .fill = ref_fill, .copy = ref_copy, .load = ref_load,
        .unload = ref_unload, .run = ref_run, .finish = ref_finish, .note = ref_note, .collect = ref_collect, .close = ref_close,
    };
    void *backend;
    SCL_TRY(scl_alloc_bytes(&backend, sizeof(scl_backend), "the reference device", err));
    *out = backend;
    (*out)->v = &vtable;
    (*out)->info = (scl_device_info){ .klass = SCL_CLASS_REFERENCE, .platform = "ScoreCL", .name = "reference",
                           .vendor = "ScoreCL", .driver = SCL_VERSION, .version = "C definitions", .compute_units = 1,
                           .units_per_core = 1, .vector_width = 1, .max_work_group = 1, .align_bytes = 64,
                           .denormals = true, .index = -1 };
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0)
        (*out)->info.global_bytes = (size_t)pages * (size_t)page;
    return SCL_OK;
}
