/* metrics.jsonl and metrics.csv of a stage: one row per logged step. */
#ifndef SCL_RUN_METRICS_H
#define SCL_RUN_METRICS_H

#include "base/err.h"

typedef struct scl_metrics scl_metrics;

/* Opens FOLDER/metrics.jsonl and .csv.  columns: the names a row may have, in the order of the csv ("step"
 * comes first by itself); borrowed.  upto: rows of later steps are cut (what a resumed run will write again);
 * -1: starts empty. *out is owned: scl_metrics_close. */
scl_status scl_metrics_open(scl_metrics **out, const char *folder, const char *const *columns, int n,
                            long upto, scl_err *err);
/* values in the order of columns; NAN: nothing in this row.  The row is in the files when this returns. */
scl_status scl_metrics_row(scl_metrics *m, long step, const double *values, scl_err *err);
void scl_metrics_close(scl_metrics *m); /* NULL is accepted */

#endif
