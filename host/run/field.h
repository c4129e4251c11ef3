/* The score, or the energy, of a network at given points, on the stage's device. */
#ifndef SCL_RUN_FIELD_H
#define SCL_RUN_FIELD_H

#include "run/build.h"
#include "run/stage.h"
#include "score/noise.h"

enum { SCL_FIELD_POINTS = 4096 }; /* evaluated at once, where nothing speaks for another number */

typedef enum scl_field_kind { SCL_FIELD_SCORE, SCL_FIELD_ENERGY, SCL_FIELD_TRACES } scl_field_kind;

typedef struct scl_field {
    scl_stage_context *c;
    scl_field_kind kind;
    scl_backend *b;
    scl_checkpoint *from; /* NULL: the true score, which has no weights */
    const char *from_path;
    scl_step_spec spec; /* spec.n: points at once */
    scl_noise noise;
    scl_graph *graph; /* of scl_step_score, scl_step_energy or scl_build_likelihood */
    scl_tuning tuning;
    scl_plan *plan;
    scl_store *store;
    scl_exec *exec;
    size_t dimension; /* values of a point */
} scl_field;

/* The network of the train stage that the stage needs, or of the file that its `checkpoint` names, or the true
 * score, on the stage's device, for n points at once.  TRACES: scores with the traces that a likelihood stage asks for.
 * SCL_FAILED where that does not fit the device.  *out is owned. */
scl_status scl_field_open(scl_field **out, scl_stage_context *c, int n, scl_field_kind kind, scl_err *err);
void scl_field_close(scl_field *f); /* NULL is accepted */

/* A value of the data as the network sees it, of a byte with the noise in word; adds to volume ln of what the transform stretches
 * by. */
float scl_field_value(const scl_field *f, bool byte, float v, uint32_t word, double *volume);

/* x [count, D]; value: scores [count, D], or energies [count]; level: the network's label, 0 the largest noise. */
scl_status scl_field_values(scl_field *f, const float *x, size_t count, int level, float *value, scl_err *err);

#endif
