/* The largest distance between two samples of a data set. */
#ifndef SCL_DATA_DISTANCE_H
#define SCL_DATA_DISTANCE_H

#include "data/dataset.h"

typedef struct scl_diameter {
    double distance;             /* Euclidean, between two samples as the network gets them */
    size_t first, second;        /* which two */
    size_t samples;              /* looked at */
    bool whole;                  /* those are all */
} scl_diameter;

/* In units of the network's input: bytes are k/256 under `dequantize`, else k/255; logit: of these (k + 1/2 under dequantize).
 * Exact over the samples that are looked at: all, but for sets so large and so round that it would take minutes, of which 10,000
 * are drawn (Song & Ermon 2020, technique 1, does so beyond 60,000).  The same result on every machine. */
scl_status scl_dataset_diameter(scl_diameter *out, const scl_dataset *d,
                                const scl_transform_config *transform, scl_err *err);

#endif
