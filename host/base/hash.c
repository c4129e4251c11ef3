#include "base/hash.h"

#include <sha2.h>
#include <string.h>

_Static_assert(sizeof(SHA2_CTX) <= sizeof(scl_sha256), "libmd's context fits");

void scl_sha256_init(scl_sha256 *sum)
{
    SHA256Init((SHA2_CTX *)sum->state);
}

void scl_sha256_add(scl_sha256 *sum, const void *bytes, size_t count)
{
    SHA256Update((SHA2_CTX *)sum->state, bytes, count);
}

void scl_sha256_end(scl_sha256 *sum, char hex[65])
{
    static const char digit[] = "0123456789abcdef";
    uint8_t raw[SHA256_DIGEST_LENGTH];
    SHA256Final(raw, (SHA2_CTX *)sum->state);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        hex[2 * i] = digit[raw[i] >> 4];
        hex[2 * i + 1] = digit[raw[i] & 15];
    }
    hex[64] = 0;
}

void scl_sha256_of(const void *bytes, size_t count, char hex[65])
{
    scl_sha256 sum;
    scl_sha256_init(&sum);
    scl_sha256_add(&sum, bytes, count);
    scl_sha256_end(&sum, hex);
}
