/* Matrix units: which there are, and what a reduced precision promises.
 *
 * `precision: tf32 | bf16 | f16` lets a plan compute products of matrices by them: their inputs are rounded to the precision, sums are
 * floats in an order of the unit's.  That is outside of the promise of bits and checked by tolerance.  A device that has no unit for
 * the precision computes with floats, with the bits of `precision: f32`.  Which unit a device has is measured (cl/matrix.h) or
 * described; scl_device_info.matrix.precision is 0 until someone wants to use it, and then no plan knows of matrix units. */
#ifndef SCL_GRAPH_MATRIX_H
#define SCL_GRAPH_MATRIX_H

#include "graph/op.h"

typedef struct scl_unit {
    const char *name;          /* "mma" */
    const char *instruction;   /* "mma.sync of NVIDIA, sm_80 and later" */
    const char *extension;     /* only a device that names it is asked */
    int number;                /* UNIT of cl/lib/matrix_unit.cl */
    int lanes;                 /* work-items of a sub-group */
    int rows, columns;         /* of a fragment of the result */
    unsigned precisions;       /* bit SCL_TF32 ... */
} scl_unit;

/* All of them; NULL after the last, and where no unit has that number or name. */
const scl_unit *scl_unit_at(int i);
const scl_unit *scl_unit_numbered(int number);
const scl_unit *scl_unit_named(const char *name);

/* "f32", "tf32", "bf16", "f16": SCL_F32_PRECISION ...; -1 for another text.  And back. */
int scl_precision_named(const char *name);
const char *scl_precision_name(int precision);
/* Largest error of a product over the largest value of it; inputs in [-1, 1) give a third of it or less.  0: the bits of ref. */
double scl_precision_tolerance(int precision);

/* The unit that a plan for this device uses; NULL: none. */
const scl_unit *scl_matrix_unit(const scl_device_info *device);

/* What an implementation is compared with on a device. */
double scl_impl_tolerance(const scl_impl *impl, const scl_device_info *device);

#endif
