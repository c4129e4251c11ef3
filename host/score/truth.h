/* The true distribution of the data on the device, where it is known. */
#ifndef SCL_SCORE_TRUTH_H
#define SCL_SCORE_TRUTH_H

#include "config/config.h"
#include "graph/store.h"

/* Components of the mixture that the data are drawn from; 0: they are something else. */
int scl_truth_components(const scl_data_config *data);

/* Writes truth.log_weight, truth.mean and truth.variance where the store has them. */
scl_status scl_truth_write(scl_store *store, const scl_data_config *data, scl_err *err);

#endif
