/* The batches of a training run in host memory, gathered ahead of the steps by a thread: for data that are
 * not on the device.
 *
 * The order is that of the steps: each epoch its permutation (data/permutation.h), the last batch of an epoch
 * may be smaller, a batch is dealt into parts.  A part is what one run of a plan reads: the stored elements,
 * one sample after the other, and their classes where the data have some. */
#ifndef SCL_DATA_STREAM_H
#define SCL_DATA_STREAM_H

#include "data/dataset.h"

enum { SCL_STREAM_PARTS = 4 }; /* gathered or in use at a time */

typedef struct scl_stream scl_stream;

/* batch: samples of a step; part: most samples of a run.  data must outlive the stream.  *out is owned. */
scl_status scl_stream_open(scl_stream **out, const scl_dataset *data, uint64_t seed, int batch, int part,
                           scl_err *err);
void scl_stream_close(scl_stream *s); /* NULL is accepted; ends the thread */

/* The part of step `step` that begins at `position` of its batch; waits until it is gathered.  Parts asked
 * for in order are there already; any other begins anew from there, and then no part may be in use.  *data
 * stays until it is released. */
void scl_stream_take(scl_stream *s, long step, int position, const void **data, size_t *bytes);
/* The classes of the samples of the part taken last; they stay as long as it.  NULL: the data have none. */
const int32_t *scl_stream_classes(const scl_stream *s);
/* The oldest part in use may be overwritten.  At most SCL_STREAM_PARTS - 1 may be in use when the next is
 * taken. */
void scl_stream_release(scl_stream *s);

#endif
