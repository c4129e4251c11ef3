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

/* The pixels' zlib stream, which several IDAT chunks may hold, with a checksum of its own: it is wrong alone where a picture was
 * damaged before its chunks were summed.  raw: Apple's variant, without that checksum. */
typedef struct pixel_stream { z_stream z; bool open, raw; int code; } pixel_stream;

static bool inflate_chunk(pixel_stream *p, const unsigned char *data, size_t size)
{
    unsigned char sink[16384];
    if (!p->open) {
        p->open = inflateInit2(&p->z, p->raw ? -MAX_WBITS : MAX_WBITS) == Z_OK;
        p->code = p->open ? Z_OK : Z_MEM_ERROR;
    }
    p->z.next_in = (unsigned char *)data;
    p->z.avail_in = (uInt)size;
    do {
        p->z.next_out = sink;
        p->z.avail_out = sizeof sink;
        if (p->code == Z_OK)
            p->code = inflate(&p->z, Z_NO_FLUSH);
    } while (p->code == Z_OK && (p->z.avail_in > 0 || p->z.avail_out == 0));
    p->code = p->code == Z_BUF_ERROR ? Z_OK : p->code;   /* wants the next chunk */
    return p->code == Z_OK || p->code == Z_STREAM_END;
}

static scl_status end_pixels(pixel_stream *p, const char *path, scl_err *err)
{
    const int code = p->code;
    if (p->open)
        inflateEnd(&p->z);
    if (code == Z_STREAM_END)
        return SCL_OK;
    return scl_fail(err, SCL_FAILED, "'%s' is corrupt: its pixels %s", path,
                    code == Z_OK ? "end too early" : "cannot be decompressed");
}

/* stb_image checks no checksums: a damaged picture would train the network. */
static scl_status check_png(const unsigned char *data, size_t size, const char *path, scl_err *err)
{
    static const unsigned char magic[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    if (size < sizeof magic || memcmp(data, magic, sizeof magic))
        return SCL_OK;
    pixel_stream p = { .code = Z_OK };
    scl_status status = SCL_OK;
    bool ended = false;
    for (size_t at = sizeof magic; at + 12 <= size && status == SCL_OK && !ended;) {
        const size_t length = big_endian(data + at);
        if (length > size - at - 12)
            break;
        const char *kind = (const char *)data + at + 4;
        if (crc32(0, data + at + 4, (uInt)(length + 4)) != big_endian(data + at + 8 + length))
            status = scl_fail(err, SCL_FAILED, "'%s' is corrupt: the checksum of its chunk %.4s is wrong", path, kind);
        else if (!memcmp(kind, "IDAT", 4) && !inflate_chunk(&p, data + at + 8, length))
            break;
        p.raw |= !memcmp(kind, "CgBI", 4);
        ended = !memcmp(kind, "IEND", 4);
        at += length + 12;
    }
    if (status == SCL_OK && !ended && p.code >= Z_OK)
        status = scl_fail(err, SCL_FAILED, "'%s' is truncated: it has no IEND chunk", path);
    const scl_status stream = end_pixels(&p, path, status == SCL_OK ? err : NULL);
    return status == SCL_OK ? stream : status;
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
