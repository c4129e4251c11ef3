/* Picture files, decoded by stb_image (whose SIMD paths give the bytes of its plain ones). */
#include "data/image.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_MAX_DIMENSIONS 32768
#pragma GCC diagnostic ignored "-Wunused-function"      /* static, and not all of it is used */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <stb_image.h>
#pragma GCC diagnostic pop

#include "base/file.h"

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* stb_image checks no checksums: a damaged picture would train the network. */
static scl_status check_png(const unsigned char *data, size_t size, const char *path, scl_err *err)
{
    static const unsigned char magic[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    if (size < sizeof magic || memcmp(data, magic, sizeof magic))
        return SCL_OK;
    for (size_t at = sizeof magic; at + 12 <= size;) {
        const size_t length = big_endian(data + at);
        if (length > size - at - 12)
            break;
        const uLong crc = crc32(0, data + at + 4, (uInt)(length + 4));
        if (crc != big_endian(data + at + 8 + length))
            return scl_fail(err, SCL_FAILED, "'%s' is corrupt: the checksum of its chunk %.4s is wrong", path,
                            (const char *)data + at + 4);
        if (!memcmp(data + at + 4, "IEND", 4))
            return SCL_OK;
        at += length + 12;
    }
    return scl_fail(err, SCL_FAILED, "'%s' is truncated: it has no IEND chunk", path);
}

scl_status scl_image_read(scl_image *out, const char *path, scl_err *err)
{
    char *bytes;
    size_t size;
    SCL_TRY(scl_file_read(path, &bytes, &size, err));
    const unsigned char *file = (const unsigned char *)bytes;
    scl_status status = check_png(file, size, path, err);
    unsigned char *rgba = NULL;
    if (status == SCL_OK) {
        int channels;
        rgba = size < INT_MAX ? stbi_load_from_memory(file, (int)size, &out->width, &out->height, &channels, 4) : NULL;
        if (!rgba)
            status = scl_fail(err, SCL_FAILED, "'%s' is not a picture that can be read: %s", path,
                              size ? stbi_failure_reason() : "it is empty");
    }
    free(bytes);
    if (status != SCL_OK)
        return status;
    const size_t pixels = (size_t)out->width * (size_t)out->height;
    for (size_t p = 0; p < pixels; p++) {       /* in place: the write position never passes the read position */
        const int a = rgba[4 * p + 3];
        for (int k = 0; k < 3; k++)
            rgba[3 * p + k] = (unsigned char)((rgba[4 * p + k] * a + 255 * (255 - a) + 127) / 255);
    }
    out->channels = 3;
    out->data = rgba;
    return SCL_OK;
}
