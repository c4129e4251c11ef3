/* Recorded launches: a schedule as one command buffer (cl_khr_command_buffer), enqueued by one call.  For the
 * cl room alone. */
#ifndef SCL_CL_RECORD_H
#define SCL_CL_RECORD_H

#include "cl/opencl.h"

typedef struct scl_record scl_record;

/* Begins a recording; NULL where the device has no command buffers that may be enqueued again while they run.
 */
scl_record *scl_record_begin(scl_cl *cl);
/* Appends a launch behind all before it; the kernel's arguments as they are now.  false: it cannot be
 * recorded. */
bool scl_record_launch(scl_record *r, cl_kernel kernel, const scl_grid *grid);
bool scl_record_end(scl_record *r);
scl_status scl_record_run(scl_record *r, scl_err *err);
void scl_record_free(scl_record *r); /* NULL is accepted */

#endif
