/* Memory and transfers of an OpenCL backend; for the cl room alone. */
#ifndef SCL_CL_MEMORY_H
#define SCL_CL_MEMORY_H

#include "cl/opencl.h"

struct scl_memory { cl_mem buffer; size_t bytes; };

scl_status scl_cl_alloc(scl_backend *b, size_t bytes, scl_memory **out, scl_err *err);
void scl_cl_release(scl_backend *b, scl_memory *memory);
scl_status scl_cl_write(scl_backend *b, scl_region to, const void *from, scl_err *err);
scl_status scl_cl_read(scl_backend *b, scl_region from, void *to, scl_err *err);
scl_status scl_cl_read_start(scl_backend *b, scl_region from, void *to, scl_ticket *ticket, scl_err *err);
scl_status scl_cl_write_start(scl_backend *b, scl_region to, const void *from, scl_ticket *ticket, scl_err *err);
scl_status scl_cl_wait(scl_backend *b, scl_ticket *ticket, bool *done, scl_err *err);
scl_status scl_cl_fill(scl_backend *b, scl_region to, unsigned char byte, scl_err *err);
scl_status scl_cl_copy(scl_backend *b, scl_region to, scl_region from, scl_err *err);

void scl_ring_free(scl_ring *ring);      /* NULL is accepted; the queue must be finished */

#endif
