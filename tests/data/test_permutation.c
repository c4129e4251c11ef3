/* The order of an epoch: a permutation, another one for every epoch and seed, and the numbers it must always be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/permutation.h"

static int failures;

static void check(int good, const char *what)
{
    if (!good) {
        failures++;
        fprintf(stderr, "%s\n", what);
    }
}

/* Philox4x32-10 once more, from the paper, so that a change of the library shows. */
static void philox(uint32_t c[4], uint64_t seed)
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int r = 0; r < 10; r++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
        const uint32_t next[4] = { (uint32_t)(p1 >> 32) ^ c[1] ^ k0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c[3] ^ k1, (uint32_t)p0 };
        memcpy(c, next, sizeof next);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

static void definition(uint64_t seed, uint32_t epoch, int32_t *order, int32_t n)
{
    enum { SHUFFLE = 8 };
    for (int32_t i = 0; i < n; i++)
        order[i] = i;
    for (int32_t i = n - 1; i > 0; i--) {
        uint32_t c[4] = { (uint32_t)i / 4, 0, epoch, (uint32_t)SHUFFLE << 24 };
        philox(c, seed);
        const int32_t j = (int32_t)(((uint64_t)c[i % 4] * (uint32_t)(i + 1)) >> 32), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

enum { MANY = 60000 };

int main(void)
{
    static int32_t a[MANY], b[MANY], seen[MANY];
    for (int32_t n = 0; n < 70; n++) {
        scl_permutation(1234567890123u, 7, a, n);
        definition(1234567890123u, 7, b, n);
        check(!memcmp(a, b, sizeof *a * (size_t)n), "a short permutation differs from its definition");
    }
    scl_permutation(1, 0, a, MANY);
    definition(1, 0, b, MANY);
    check(!memcmp(a, b, sizeof a), "the permutation of seed 1, epoch 0 differs from its definition");
    long fixed = 0;
    for (int i = 0; i < MANY; i++) {
        seen[a[i]]++;
        fixed += a[i] == i;
    }
    for (int i = 0; i < MANY; i++)
        check(seen[i] == 1, "not a permutation");
    check(fixed < 12, "too many stay in place");
    scl_permutation(1, 1, b, MANY);
    check(memcmp(a, b, sizeof a) != 0, "two epochs in the same order");
    scl_permutation(2, 0, b, MANY);
    check(memcmp(a, b, sizeof a) != 0, "two seeds with the same order");
    scl_permutation((uint64_t)1 << 32 | 1, 0, b, MANY);
    check(memcmp(a, b, sizeof a) != 0, "the upper half of the seed is not used");
    if (!failures)
        printf("permutation: all checks passed\n");
    return failures != 0;
}
