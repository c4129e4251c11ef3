/* Event files for TensorBoard: what metrics.jsonl has as scalars, pictures, the config as text.
 *
 * A file is a sequence of TFRecords: u64 length, u32 masked CRC-32C of those 8 bytes, the bytes, u32 masked
 * CRC-32C of the bytes, all little-endian; masked: rotated right by 15 and added to a282ead8 (hex).  The
 * bytes of a record are a protocol buffer `Event`.  Sources: tensorflow/core/lib/io/record_writer.h;
 * tensorboard/compat/proto/{event,summary,tensor}.proto. */
#ifndef SCL_RUN_EVENTS_H
#define SCL_RUN_EVENTS_H

#include <stddef.h>

#include "run/stage.h"

typedef struct scl_events scl_events;

/* A new file FOLDER/events.out.tfevents.SECONDS.scorecl, whose name is behind those of all that are there.
 * first: the first step that will be written; readers forget what earlier files have of it and of later
 * steps.  *out is owned. */
scl_status scl_events_open(scl_events **out, const char *folder, long first, scl_err *err);
/* The same in a stage's folder, with its config as the text `config`; *out is NULL unless the config has
 * log.tensorboard. */
scl_status scl_events_open_stage(scl_events **out, scl_stage_context *c, long first, scl_err *err);

/* All of these do nothing when e is NULL; what they write is in the file when they return. */

/* One event with n scalars, rounded to float; those that are NAN are left out. */
scl_status scl_events_scalars(scl_events *e, long step, const char *const *tags, const double *values, int n,
                              scl_err *err);
/* The PNG file at path, as it is. */
scl_status scl_events_picture(scl_events *e, long step, const char *tag, const char *path, scl_err *err);
/* Markdown. */
scl_status scl_events_text(scl_events *e, long step, const char *tag, const char *text, scl_err *err);
void scl_events_close(scl_events *e);

#endif
