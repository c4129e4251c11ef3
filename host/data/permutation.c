#include "data/permutation.h"

#include "graph/arith.h"

void scl_permutation(uint64_t seed, uint32_t epoch, int32_t *order, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        order[i] = i;
    unsigned word[4] = { 0 };
    for (int32_t i = n - 1; i > 0; i--) {
        if (i % 4 == 3 || i == n - 1) {
            word[0] = (unsigned)i / 4;
            word[1] = 0;
            word[2] = epoch;
            word[3] = (unsigned)SCL_STREAM_SHUFFLE << 24;
            scl_philox(&word[0], &word[1], &word[2], &word[3], (unsigned)seed, (unsigned)(seed >> 32));
        }
        const int32_t j = (int32_t)(((uint64_t)word[i % 4] * (uint64_t)(i + 1)) >> 32), other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}
