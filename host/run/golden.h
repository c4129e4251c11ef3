/* The golden outputs of the official implementations, recomputed (docs/design/ncsn-spec.md, section 7). */
#ifndef SCL_RUN_GOLDEN_H
#define SCL_RUN_GOLDEN_H

#include "graph/backend.h"

typedef enum scl_golden_verdict { SCL_GOLDEN_PASS, SCL_GOLDEN_FAIL, SCL_GOLDEN_SKIP } scl_golden_verdict;

/* One quantity of the file: a tensor out.*, stage.*, adam3.*, or a group *_grad. */
typedef struct scl_golden_row {
    const char *name;
    scl_golden_verdict verdict;
    double error, gate;         /* comparable: it passes when error <= gate */
    const char *note;           /* why it was skipped, or which tensor is worst; "" */
} scl_golden_row;

/* Calls visit for every quantity, in byte order of names.  conv: as in a config; tune: forced candidates
 * (scl_plan_options), may be NULL.  The texts live during the call. */
typedef void scl_golden_visit(void *user, const scl_golden_row *row);
scl_status scl_golden_check(scl_backend *b, const char *file, const char *conv, const char *const *tune,
                            scl_golden_visit *visit, void *user, scl_err *err);

#endif
