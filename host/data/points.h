/* Toy distributions: points drawn instead of read. */
#ifndef SCL_DATA_POINTS_H
#define SCL_DATA_POINTS_H

#include "data/dataset.h"

/* Coordinates of a point; 0: only the file tells. */
int scl_points_dimension(const scl_points_config *p);

/* Fills d with the points of a split: as for other lists, number i is held out when i % holdout == holdout - 1.  What it allocated
 * stays in d on failure. */
scl_status scl_read_points(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err);

#endif
