/* Memory and transfers.  Small writes go through a ring of host buffers, so that the caller's memory is free at once and
 * nobody waits for the device, unless the ring is a whole turn ahead of it. */
#include "cl/memory.h"

#include "cl/limit.h"

#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "base/phase.h"
#include "cl/watch.h"

enum { LARGE_PAGE = 2 << 20 };
enum { RING_SLOTS = 32, RING_BYTES = 64 << 10 };

struct scl_ring {
    int next;
    cl_event busy[RING_SLOTS];
    unsigned char data[RING_SLOTS][RING_BYTES];
};

/* Host memory in large pages where the system gives them: the kernels stride through images, and small pages cost a miss of
 * the address cache at almost every row.  NULL: the device allocates for itself. */
static void *large_pages(const scl_backend *b, size_t bytes)
{
#if defined __linux__ && defined MADV_HUGEPAGE
    void *data;
    if (b->info.klass == SCL_CLASS_CPU && bytes >= 2 * LARGE_PAGE && !posix_memalign(&data, LARGE_PAGE, bytes)) {
        (void)madvise(data, bytes, MADV_HUGEPAGE);
        return data;
    }
#else
    (void)b, (void)bytes;
#endif
    return NULL;
}

static void CL_CALLBACK free_pages(cl_mem buffer, void *data)
{
    (void)buffer;
    free(data);
}

/* The buffer owns its host memory: commands in flight may outlive the caller's hold on it. */
static cl_mem create_buffer(scl_backend *b, size_t bytes, cl_int *code)
{
    const cl_context context = scl_cl_of(b)->context;
    void *data = large_pages(b, bytes);
    if (!data)
        return clCreateBuffer(context, CL_MEM_READ_WRITE, bytes ? bytes : 1, NULL, code);
    cl_mem buffer = clCreateBuffer(context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, bytes, data, code);
    if (*code == CL_SUCCESS && (*code = clSetMemObjectDestructorCallback(buffer, free_pages, data)) != CL_SUCCESS)
        clReleaseMemObject(buffer);
    if (*code != CL_SUCCESS)
        free(data);
    return buffer;
}

scl_status scl_cl_alloc(scl_backend *b, size_t bytes, scl_memory **out, scl_err *err)
{
    if (b->info.max_alloc_bytes && bytes > b->info.max_alloc_bytes)
        return scl_fail(err, SCL_FAILED, "%s gives at most %zu MB in one block, not %zu MB", b->info.name,
                        b->info.max_alloc_bytes >> 20, bytes >> 20);
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_memory), "a device buffer", err));
    scl_memory *m = memory;
    cl_int code;
    m->bytes = bytes;
    m->buffer = create_buffer(b, bytes, &code);
    if (code != CL_SUCCESS) {
        free(m);
        return scl_fail(err, SCL_FAILED, "%zu MB of device memory on %s: clCreateBuffer: %s (%d)%s",
                        bytes >> 20, b->info.name, scl_cl_error_name(code), code, scl_cl_error_advice(code));
    }
    scl_cl_note_memory(scl_cl_of(b), (long long)bytes);
    *out = m;
    return SCL_OK;
}

void scl_cl_release(scl_backend *b, scl_memory *memory)
{
    if (memory) {
        if (!scl_cl_of(b)->lost)
            clReleaseMemObject(memory->buffer);
        scl_cl_note_memory(scl_cl_of(b), -(long long)memory->bytes);
    }
    free(memory);
}

static scl_status inside(scl_region r, const char *what, scl_err *err)
{
    if (r.offset > r.memory->bytes || r.bytes > r.memory->bytes - r.offset)
        return scl_fail(err, SCL_FAILED, "%s of %zu bytes at %zu leaves a block of %zu", what, r.bytes,
                        r.offset, r.memory->bytes);
    return SCL_OK;
}

static scl_status write_small(scl_cl *cl, scl_region to, const void *from, scl_err *err)
{
    if (!cl->ring) {
        void *memory;
        SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_ring), "the ring of small writes", err));
        cl->ring = memory;
    }
    scl_ring *r = cl->ring;
    const int slot = r->next;
    if (r->busy[slot]) {
        cl_event event = r->busy[slot];
        SCL_TRY(scl_cl_settle(cl, err));
        r->busy[slot] = NULL;
        const int64_t waits = scl_phase_begin();
        const cl_int code = clWaitForEvents(1, &event);
        scl_phase_end(SCL_PHASE_WAIT, waits);
        clReleaseEvent(event);
        SCL_TRY(scl_cl_check(code, "clWaitForEvents", "a write before this one", err));
    }
    memcpy(r->data[slot], from, to.bytes);
    const int64_t since = scl_cl_note_begin(cl);
    SCL_CL(err, "write", clEnqueueWriteBuffer, cl->queue, to.memory->buffer, CL_FALSE, to.offset, to.bytes,
           r->data[slot], 0, NULL, &r->busy[slot]);
    r->next = (slot + 1) % RING_SLOTS;
    return scl_cl_note_transfer(cl, since, SCL_COMMAND_WRITE, to.bytes, true, r->busy[slot], err);
}

scl_status scl_cl_write(scl_backend *b, scl_region to, const void *from, scl_err *err)
{
    scl_cl *cl = scl_cl_of(b);
    if (!to.bytes)
        return SCL_OK;
    SCL_TRY(inside(to, "a write", err));
    if (to.bytes <= RING_BYTES)
        return write_small(cl, to, from, err);
    const int64_t since = scl_cl_note_begin(cl), waits = scl_phase_begin();
    cl_event event = NULL;
    SCL_TRY(scl_cl_settle(cl, err));
    SCL_CL(err, "write", clEnqueueWriteBuffer, cl->queue, to.memory->buffer, CL_TRUE, to.offset, to.bytes,
           from, 0, NULL, since ? &event : NULL);
    scl_phase_end(SCL_PHASE_WAIT, waits);
    return scl_cl_note_transfer(cl, since, SCL_COMMAND_WRITE, to.bytes, false, event, err);
}

scl_status scl_cl_read(scl_backend *b, scl_region from, void *to, scl_err *err)
{
    if (!from.bytes)
        return SCL_OK;
    SCL_TRY(inside(from, "a read", err));
    const int64_t since = scl_cl_note_begin(scl_cl_of(b)), waits = scl_phase_begin();
    cl_event event = NULL;
    SCL_TRY(scl_cl_settle(scl_cl_of(b), err));
    SCL_CL(err, "read", clEnqueueReadBuffer, scl_cl_of(b)->queue, from.memory->buffer, CL_TRUE, from.offset,
           from.bytes, to, 0, NULL, since ? &event : NULL);
    scl_phase_end(SCL_PHASE_WAIT, waits);
    return scl_cl_note_transfer(scl_cl_of(b), since, SCL_COMMAND_READ, from.bytes, false, event, err);
}

scl_status scl_cl_read_start(scl_backend *b, scl_region from, void *to, scl_ticket *ticket, scl_err *err)
{
    cl_event event;
    ticket->event = NULL;
    if (!from.bytes)
        return SCL_OK;
    SCL_TRY(inside(from, "a read", err));
    const int64_t since = scl_cl_note_begin(scl_cl_of(b));
    SCL_CL(err, "read", clEnqueueReadBuffer, scl_cl_of(b)->queue, from.memory->buffer, CL_FALSE, from.offset,
           from.bytes, to, 0, NULL, &event);
    ticket->event = event;
    SCL_CL(err, "read", clFlush, scl_cl_of(b)->queue);
    return scl_cl_note_transfer(scl_cl_of(b), since, SCL_COMMAND_READ, from.bytes, true, event, err);
}

scl_status scl_cl_write_start(scl_backend *b, scl_region to, const void *from, scl_ticket *ticket, scl_err *err)
{
    cl_event event;
    ticket->event = NULL;
    if (!to.bytes)
        return SCL_OK;
    SCL_TRY(inside(to, "a write", err));
    const int64_t since = scl_cl_note_begin(scl_cl_of(b));
    SCL_CL(err, "write", clEnqueueWriteBuffer, scl_cl_of(b)->queue, to.memory->buffer, CL_FALSE, to.offset,
           to.bytes, from, 0, NULL, &event);
    ticket->event = event;
    SCL_CL(err, "write", clFlush, scl_cl_of(b)->queue);
    return scl_cl_note_transfer(scl_cl_of(b), since, SCL_COMMAND_WRITE, to.bytes, true, event, err);
}

scl_status scl_cl_wait(scl_backend *b, scl_ticket *ticket, bool *done, scl_err *err)
{
    cl_event event = ticket->event;
    if (done)
        *done = true;
    if (!event)
        return SCL_OK;
    if (!done)
        SCL_TRY(scl_cl_settle(scl_cl_of(b), err));
    cl_int state = CL_COMPLETE, code;
    if (done)
        code = clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
    else {
        const int64_t waits = scl_phase_begin();
        code = clWaitForEvents(1, &event);
        scl_phase_end(SCL_PHASE_WAIT, waits);
    }
    if (done && code == CL_SUCCESS && state > CL_COMPLETE) {
        *done = false;
        return SCL_OK;
    }
    clReleaseEvent(event);
    ticket->event = NULL;
    SCL_TRY(scl_cl_check(code, done ? "clGetEventInfo" : "clWaitForEvents", "read", err));
    return scl_cl_check(state < 0 ? state : CL_SUCCESS, "an earlier command", "read", err);
}

scl_status scl_cl_fill(scl_backend *b, scl_region to, unsigned char byte, scl_err *err)
{
    if (!to.bytes)
        return SCL_OK;
    SCL_TRY(inside(to, "a fill", err));
    unsigned char pattern[16];
    memset(pattern, byte, sizeof pattern);
    const size_t width = to.bytes % 16 == 0 && to.offset % 16 == 0 ? 16
                         : to.bytes % 4 == 0 && to.offset % 4 == 0 ? 4
                                                                   : 1;
    scl_cl *cl = scl_cl_of(b);
    const int64_t since = scl_cl_note_begin(cl);
    cl_event event = NULL;
    SCL_CL(err, "fill", clEnqueueFillBuffer, cl->queue, to.memory->buffer, pattern, width, to.offset, to.bytes, 0,
           NULL, since ? &event : NULL);
    return scl_cl_note_transfer(cl, since, SCL_COMMAND_FILL, to.bytes, false, event, err);
}

scl_status scl_cl_copy(scl_backend *b, scl_region to, scl_region from, scl_err *err)
{
    if (!to.bytes)
        return SCL_OK;
    SCL_TRY(inside(to, "a copy", err));
    SCL_TRY(inside((scl_region){ from.memory, from.offset, to.bytes }, "a copy", err));
    scl_cl *cl = scl_cl_of(b);
    const int64_t since = scl_cl_note_begin(cl);
    cl_event event = NULL;
    SCL_CL(err, "copy", clEnqueueCopyBuffer, cl->queue, from.memory->buffer, to.memory->buffer, from.offset,
           to.offset, to.bytes, 0, NULL, since ? &event : NULL);
    return scl_cl_note_transfer(cl, since, SCL_COMMAND_COPY, to.bytes, false, event, err);
}

void scl_ring_free(scl_ring *ring)
{
    if (!ring)
        return;
    for (int i = 0; i < RING_SLOTS; i++)
        if (ring->busy[i])
            clReleaseEvent(ring->busy[i]);
    free(ring);
}
