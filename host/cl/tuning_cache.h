/* Tuning rows in the user's cache folder: a file per device, driver and kernel source, like the program
 * cache. */
#ifndef SCL_CL_TUNING_CACHE_H
#define SCL_CL_TUNING_CACHE_H

#include "graph/backend.h"
#include "graph/tuning.h"

/* Adds the stored rows of a device to t.  A file that is missing, damaged, or of another device, driver or
 * kernel source adds none; so does the reference device. */
void scl_tuning_load(scl_backend *b, scl_tuning *t);

/* Puts rows among the stored ones, in place of older ones of the same shape and batch.  Safe between
 * processes: what another one stored stays.  A failure to store is silent: a cache is never needed. */
void scl_tuning_store(scl_backend *b, const scl_tuning *rows);

/* Where they are; "" when there is no place. */
void scl_tuning_path(scl_backend *b, char *out, size_t size);

#endif
