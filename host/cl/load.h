/* Schedules made ready: for the cl room alone. */
#ifndef SCL_CL_LOAD_H
#define SCL_CL_LOAD_H

#include "cl/memory.h"
#include "graph/schedule.h"

scl_status scl_cl_load(scl_backend *b, const scl_schedule *s, scl_memory *slab, const scl_binding *binding,
                       int n_binding, scl_loaded **out, scl_err *err);
void scl_cl_unload(scl_backend *b, scl_loaded *loaded);
scl_status scl_cl_run(scl_backend *b, scl_loaded *loaded, int first, int end, scl_err *err);
scl_status scl_cl_prepare(scl_backend *b, scl_loaded *loaded, scl_err *err);
scl_status scl_cl_run_timed(scl_backend *b, scl_loaded *loaded, scl_span *span, scl_err *err);

/* The launch's kernel (owned, also on failure unless NULL), from its program, with a grid that it can run; file: of 128 bytes, gets
 * the kernel file's name. */
scl_status scl_cl_kernel(scl_cl *cl, const scl_launch *launch, char *file, cl_kernel *out, scl_err *err);
/* scl_builder.builds of every device. */
scl_status scl_cl_builds(scl_builder *builder, const scl_launch *launch, scl_err *err);
void scl_kernels_free(scl_kernels *kernels);      /* NULL is accepted */

/* The one place that enqueues kernels.  Every kernel gets an explicit local size. */
scl_status scl_cl_launch(scl_cl *cl, cl_kernel kernel, const char *name, const scl_grid *grid, scl_err *err);
/* Is the grid whole, within the device's limits and what the kernel was compiled for? */
scl_status scl_cl_check_grid(scl_cl *cl, cl_kernel kernel, const char *name, const scl_grid *grid, scl_err *err);

/* CLBlast (gemm.c): parameters for this device, once; scratch bytes; the product. */
typedef struct scl_cl_gemm {
    const scl_gemm *gemm;
    cl_mem a, b, c, scratch;      /* scratch owned; NULL: none needed */
} scl_cl_gemm;
scl_status scl_cl_gemm_prepare(scl_cl *cl, scl_cl_gemm *g, scl_err *err);
/* event: NULL, or of the product's last kernel. */
scl_status scl_cl_gemm_run(scl_cl *cl, const scl_cl_gemm *g, cl_event *event, scl_err *err);

#endif
