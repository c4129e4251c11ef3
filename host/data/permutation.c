#include "data/permutation.h"

#include "graph/arith.h"

void scl_permutation(uint64_t seed, uint32_t epoch, int32_t *order, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        order[i] = i;
    scl_words words = { { 0 } };
    for (int32_t i = n - 1; i > 0; i--) {
        if (i % 4 == 3 || i == n - 1)
            words = scl_random(seed, (uint32_t)i / 4, 0, epoch, SCL_STREAM_SHUFFLE, 0);
        const int32_t j = (int32_t)scl_integer(words.w[i % 4], (uint32_t)i + 1), other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}
