/* The score, or the energy, of a trained network at given points. */
#ifndef SCL_RUN_FIELD_H
#define SCL_RUN_FIELD_H

#include "run/stage.h"

typedef struct scl_field scl_field;
typedef enum scl_field_kind { SCL_FIELD_SCORE, SCL_FIELD_ENERGY } scl_field_kind;

/* The network of the train stage that the stage needs, or of the file that its `checkpoint` names, on the stage's device.
 * *out is owned. */
scl_status scl_field_open(scl_field **out, scl_stage_context *c, scl_field_kind kind, scl_err *err);
void scl_field_close(scl_field *f);                                  /* NULL is accepted */

size_t scl_field_dimension(const scl_field *f);                      /* values of a point */
/* x [count, D]; value: scores [count, D], or energies [count]; level: the network's label, 0 the largest noise. */
scl_status scl_field_values(scl_field *f, const float *x, size_t count, int level, float *value, scl_err *err);

#endif
