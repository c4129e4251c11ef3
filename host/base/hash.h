/* sha256, as 64 hex digits. */
#ifndef SCL_BASE_HASH_H
#define SCL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct scl_sha256 { uint64_t state[32]; } scl_sha256;   /* opaque: room for the context of libmd */

void scl_sha256_init(scl_sha256 *sum);
void scl_sha256_add(scl_sha256 *sum, const void *bytes, size_t count);
/* Ends the sum; hex gets 64 digits and NUL. */
void scl_sha256_end(scl_sha256 *sum, char hex[65]);
void scl_sha256_of(const void *bytes, size_t count, char hex[65]);

#endif
