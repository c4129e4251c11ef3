/* Inside `scorecl report`: report.c is the command, report_run.c reads a run directory, report_curve.c its curves,
 * report_picture.c its pictures, report_serve.c serves the page while it runs. */
#ifndef SCL_CLI_REPORT_H
#define SCL_CLI_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "config/config.h"

enum { REPORT_PICTURE_BYTES = 5 << 20 };       /* most bytes of all pictures of a page; as text 4/3 of it */

typedef struct report_room { size_t picture_bytes; } report_room;      /* what is left of it */

/* Everything that the page shows of a run.  SCL_FAILED: the folder is none of a run.  *out is owned. */
scl_status report_run(const char *folder, report_room *room, json_t **out, scl_err *err);
/* All runs, {"made", "version", "follow", "runs": [...]}. */
scl_status report_all(const char *const *run, int n, bool follow, json_t **out, scl_err *err);
/* Changes when a file of one of the runs does. */
uint64_t report_stamp(const char *const *run, int n);

/* The columns of a metrics.jsonl: {"rows": n, "columns": {NAME: {"count", "bad", "points": [[step ...], [value ...]],
 * "means": [[step ...], [mean ...]]}}}.  At most so many buckets of neighbouring rows give their least and their greatest
 * value, in order, and their mean: no spike is lost.  bad: values that are not finite.  NULL: there is no such file. */
json_t *report_curves(const char *path, int buckets);

/* The pictures of a stage, "pictures", "samples" (over training) and "trajectory", into stage.  config: NULL where it is not known. */
void report_pictures(const char *folder, const scl_stage_config *config, report_room *room, json_t *stage, scl_arena *arena);

/* Serves the page of the runs on 127.0.0.1 until SIGINT or SIGTERM; port 0: a free one.  Prints the address. */
scl_status report_serve(const char *const *run, int n, int port, scl_err *err);

#endif
