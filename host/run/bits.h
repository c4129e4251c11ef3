/* Two tensors that should be equal to the bit: which elements are not. */
#ifndef SCL_RUN_BITS_H
#define SCL_RUN_BITS_H

#include <jansson.h>

#include "graph/graph.h"

enum { SCL_BITS_SHOWN = 8 };

typedef struct scl_bits {
    const char *name;                          /* borrowed */
    scl_dtype dtype;
    int rank, dim[SCL_MAX_RANK];
    size_t count, differ;                      /* elements; those that differ */
    int shown;                                 /* the first of them: */
    size_t index[SCL_BITS_SHOWN];
    uint32_t got[SCL_BITS_SHOWN], expected[SCL_BITS_SHOWN];
} scl_bits;

/* NaNs are equal when their bits are. */
scl_bits scl_bits_compare(const char *name, scl_dtype dtype, int rank, const int *dims, const void *got, const void *expected);

/* Lines "y[0,1] = 0x3f800001 (1.00000012) instead of 0x3f800000 (1)", indented, the last with a newline.  In arena. */
char *scl_bits_text(const scl_bits *b, scl_arena *arena);
/* {"buffer", "type", "shape", "elements", "differ", "first": [{"at", "index", "got", "expected", "got_value", "expected_value"}]}: bits
 * as hexadecimal texts, values for people. */
json_t *scl_bits_json(const scl_bits *b);

#endif
