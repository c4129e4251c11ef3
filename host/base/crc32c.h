/* CRC-32C (Castagnoli): reflected polynomial 82f63b78 (hex), start and end inverted.  RFC 3720, appendix B.4.
 */
#ifndef SCL_BASE_CRC32C_H
#define SCL_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t scl_crc32c(const void *bytes, size_t count);

#endif
