/* Kernels of launches: made from their programs, and looked at before a plan is settled. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/device.h"
#include "cl/load.h"
#include "cl/program.h"

scl_status scl_cl_check_grid(scl_cl *cl, cl_kernel kernel, const char *name, const scl_grid *grid, scl_err *err)
{
    const size_t *l = grid->local, *g = grid->global, items = l[0] * l[1] * l[2];
    for (int d = 0; d < 3; d++)
        if (!g[d] || !l[d] || g[d] % l[d])
            return scl_fail(err, SCL_FAILED, "kernel %s: global size %zu is no multiple of local size %zu",
                            name, g[d], l[d]);
    if (items > cl->base.info.max_work_group)
        return scl_fail(err, SCL_FAILED, "kernel %s: work-groups of %zu, %s allows %zu", name, items,
                        cl->base.info.name, cl->base.info.max_work_group);
    /* CL_KERNEL_WORK_GROUP_SIZE is not asked: rusticl says 32 of kernels that run at 256. */
    size_t want[3] = { 0 };
    SCL_CL(err, name, clGetKernelWorkGroupInfo, kernel, cl->device, CL_KERNEL_COMPILE_WORK_GROUP_SIZE,
           sizeof want, want, NULL);
    if (want[0] && (want[0] != l[0] || want[1] != l[1] || want[2] != l[2]))
        return scl_fail(err, SCL_FAILED, "kernel %s: local size %zux%zux%zu, its source says %zux%zux%zu",
                        name, l[0], l[1], l[2], want[0], want[1], want[2]);
    cl_ulong local = 0;
    SCL_CL(err, name, clGetKernelWorkGroupInfo, kernel, cl->device, CL_KERNEL_LOCAL_MEM_SIZE, sizeof local,
           &local, NULL);
    if (local > 2 * cl->base.info.local_bytes)      /* rusticl counts twice */
        return scl_fail(err, SCL_FAILED, "kernel %s: %lu bytes of local memory, %s has %zu", name, (unsigned long)local,
                        cl->base.info.name, cl->base.info.local_bytes);
    return SCL_OK;
}

scl_status scl_cl_kernel(scl_cl *cl, const scl_launch *l, char *file, cl_kernel *out, scl_err *err)
{
    snprintf(file, 128, "%s/%s.cl", l->source ? "generated" : "ops", l->family);
    cl_program program;
    SCL_TRY(scl_program_get(cl, file, l->source, l->options ? l->options : "", &program, err));
    cl_int code;
    *out = clCreateKernel(program, l->kernel, &code);
    char called[256];
    scl_source_called(file, l->source, called, sizeof called);
    if (code == CL_INVALID_KERNEL_NAME)
        return scl_fail(err, SCL_FAILED, "%s has no kernel '%s'", called, l->kernel);
    SCL_TRY(scl_cl_check(code, "clCreateKernel", l->kernel, err));
    return scl_cl_check_grid(cl, *out, l->kernel, &l->grid, err);
}

/* Kernels that were created once, by name, options and local size. */
struct scl_kernels { struct scl_kernels *next; const char *name, *options, *source; size_t local[3]; char text[]; };

static bool was_created(const scl_cl *cl, const scl_launch *l)
{
    const char *source = l->source ? l->source : l->family;
    for (const scl_kernels *k = cl->kernels; k; k = k->next)
        if (!strcmp(k->name, l->kernel) && !strcmp(k->options, l->options ? l->options : "") && !strcmp(k->source, source) &&
            !memcmp(k->local, l->grid.local, sizeof k->local))
            return true;
    return false;
}

static void note_created(scl_cl *cl, const scl_launch *l)
{
    const char *source = l->source ? l->source : l->family, *options = l->options ? l->options : "";
    const size_t a = strlen(l->kernel) + 1, b = strlen(options) + 1, c = strlen(source) + 1;
    scl_kernels *k = malloc(sizeof *k + a + b + c);
    if (!k)
        return;      /* then it is looked at again */
    k->name = memcpy(k->text, l->kernel, a);
    k->options = memcpy(k->text + a, options, b);
    k->source = memcpy(k->text + a + b, source, c);
    memcpy(k->local, l->grid.local, sizeof k->local);
    k->next = cl->kernels;
    cl->kernels = k;
}

scl_status scl_cl_builds(scl_builder *builder, const scl_launch *l, scl_err *err)
{
    scl_cl *cl = (scl_cl *)((char *)builder - offsetof(scl_cl, builder));
    char file[128];
    cl_kernel kernel = NULL;
    if (!l->kernel || was_created(cl, l))
        return SCL_OK;
    const scl_status status = scl_cl_kernel(cl, l, file, &kernel, err);
    if (kernel)
        clReleaseKernel(kernel);
    if (status == SCL_OK)
        note_created(cl, l);
    return status;
}

void scl_kernels_free(scl_kernels *k)
{
    while (k) {
        scl_kernels *next = k->next;
        free(k);
        k = next;
    }
}

/* Writes 7, and reads it. */
static scl_status run_seven(scl_cl *cl, cl_kernel kernel, int *got, scl_err *err)
{
    static const scl_grid one = { .global = { 1, 1, 1 }, .local = { 1, 1, 1 } };
    scl_memory *memory;
    SCL_TRY(scl_cl_alloc(&cl->base, sizeof *got, &memory, err));
    const cl_int code = clSetKernelArg(kernel, 0, sizeof memory->buffer, &memory->buffer);
    scl_status status = scl_cl_check(code, "clSetKernelArg", NULL, err);
    if (status == SCL_OK)
        status = scl_cl_launch(cl, kernel, "seven", &one, err);
    if (status == SCL_OK)
        status = scl_cl_read(&cl->base, (scl_region){ memory, 0, sizeof *got }, got, err);
    scl_cl_release(&cl->base, memory);
    return status;
}

scl_status scl_device_usable(scl_backend *b, scl_err *err)
{
    scl_cl *cl = scl_cl_of(b);
    cl_program program;
    scl_err fault = { 0 };
    cl_int code = CL_SUCCESS;
    int got = 0;
    if (!cl)
        return SCL_OK;
    scl_status status = scl_program_get(cl, "generated/seven.cl", "kernel void seven(global int *x) { x[0] = 7; }\n", "", &program,
                                        &fault);
    cl_kernel kernel = status == SCL_OK ? clCreateKernel(program, "seven", &code) : NULL;
    if (status == SCL_OK)
        status = scl_cl_check(code, "clCreateKernel", NULL, &fault);
    if (status == SCL_OK)
        status = run_seven(cl, kernel, &got, &fault);
    if (kernel)
        clReleaseKernel(kernel);
    if (status != SCL_OK)
        scl_fail(err, SCL_NO_DEVICE, "%s is listed, and cannot %s: %s; its driver is broken or of a version that does not fit: another "
                 "one, or --device with another device", b->info.name, kernel ? "run a kernel" : "build any kernel", fault.message);
    else if (got != 7)
        scl_fail(err, SCL_NO_DEVICE, "%s computes nonsense: a kernel that writes 7 wrote %d; --device names another device",
                 b->info.name, got);
    scl_err_clear(&fault);
    return status != SCL_OK || got != 7 ? SCL_NO_DEVICE : SCL_OK;
}
