/* Philox4x32-10 once more, from the paper's description, for oracles. */
#ifndef SCL_TESTS_PHILOX_PLAIN_H
#define SCL_TESTS_PHILOX_PLAIN_H

#include <stdint.h>

#include "op_harness.h"

typedef struct t_words { uint32_t w[4]; } t_words;

static inline t_words t_philox(const uint32_t *counters, uint32_t quad, int n, uint32_t stream, uint32_t sub)
{
    t_words x = { { quad, counters[SCL_CNT_SAMPLE] + counters[SCL_CNT_POSITION] + (uint32_t)n, counters[SCL_CNT_STEP],
                    (stream << 24) + sub } };
    uint32_t key[2] = { counters[SCL_CNT_SEED_LO], counters[SCL_CNT_SEED_HI] };
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)x.w[0] * 0xD2511F53u, b = (uint64_t)x.w[2] * 0xCD9E8D57u;
        x = (t_words){ { (uint32_t)(b >> 32) ^ x.w[1] ^ key[0], (uint32_t)b, (uint32_t)(a >> 32) ^ x.w[3] ^ key[1], (uint32_t)a } };
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return x;
}

#endif
