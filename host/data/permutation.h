/* The order in which an epoch visits a data set. */
#ifndef SCL_DATA_PERMUTATION_H
#define SCL_DATA_PERMUTATION_H

#include <stdint.h>

/* Fills order[0 ... n-1] with the permutation of epoch `epoch`: Fisher-Yates from the last place down, place i exchanged with
 * mul_hi(word, i + 1), word = word i mod 4 of Philox at counter { i / 4, 0, epoch, shuffle << 24 }, key = seed. */
void scl_permutation(uint64_t seed, uint32_t epoch, int32_t *order, int32_t n);

#endif
