#include "run/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic ignored "-Wunused-function"      /* static, and not all of it is used */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

#include "base/arena.h"
#include "base/file.h"

static unsigned char byte_of(float v)
{
    if (!(v > 0.0f))                 /* not a number too */
        return 0;
    return v < 1.0f ? (unsigned char)(v * 255.0f + 0.5f) : 255;
}

static int shown_channels(const scl_pictures *p) { return p->channels >= 3 ? 3 : 1; }

/* Picture i at (top, left) of a sheet `width` pixels wide. */
static void paint(unsigned char *sheet, size_t width, const scl_pictures *p, size_t i, size_t top, size_t left)
{
    const size_t w = (size_t)p->width, h = (size_t)p->height, c = (size_t)p->channels,
                 shown = (size_t)shown_channels(p);
    const float *x = p->x + i * h * w * c;
    for (size_t y = 0; y < h; y++)
        for (size_t k = 0; k < w; k++)
            for (size_t s = 0; s < shown; s++)
                sheet[((top + y) * width + left + k) * shown + s] = byte_of(x[(y * w + k) * c + s]);
}

typedef struct buffer { unsigned char *data; size_t size; } buffer;

static void take(void *context, void *data, int size)
{
    buffer *b = context;
    unsigned char *bigger = realloc(b->data, b->size + (size_t)size);
    if (!bigger)
        return;
    memcpy(bigger + b->size, data, (size_t)size);
    b->data = bigger;
    b->size += (size_t)size;
}

static scl_status write_png(const char *path, const unsigned char *sheet, size_t width, size_t height,
                            int channels, scl_err *err)
{
    buffer b = { 0 };
    if (width > 30000 || height > 30000)
        return scl_fail(err, SCL_FAILED, "picture '%s' would be %zu x %zu pixels", path, width, height);
    const int done = stbi_write_png_to_func(take, &b, (int)width, (int)height, channels, sheet, (int)width * channels);
    const scl_status status = done && b.data ? scl_file_write(path, b.data, b.size, NULL, err)
                                             : scl_fail(err, SCL_FAILED, "no memory for picture '%s'", path);
    free(b.data);
    return status;
}

scl_status scl_picture_grid(const scl_pictures *p, int columns, int gap, const char *path, scl_err *err)
{
    size_t across = columns > 0 ? (size_t)columns : 1;
    while (columns <= 0 && across * across < p->count)
        across++;
    const size_t down = (p->count + across - 1) / across, space = (size_t)gap;
    const size_t width = space + across * ((size_t)p->width + space),
                 height = space + down * ((size_t)p->height + space);
    void *sheet;
    SCL_TRY(scl_alloc_bytes(&sheet, width * height * (size_t)shown_channels(p), "a grid of pictures", err));
    memset(sheet, 255, width * height * (size_t)shown_channels(p));
    for (size_t i = 0; i < p->count; i++)
        paint(sheet, width, p, i, space + i / across * ((size_t)p->height + space),
              space + i % across * ((size_t)p->width + space));
    const scl_status status = write_png(path, sheet, width, height, shown_channels(p), err);
    free(sheet);
    return status;
}

scl_status scl_picture_files(const scl_pictures *p, size_t first, size_t total, const char *folder, scl_err *err)
{
    SCL_TRY(scl_file_make_folder(folder, err));
    int digits = 4;
    for (size_t most = 10000; total > most; most *= 10)
        digits++;
    void *sheet;
    SCL_TRY(scl_alloc_bytes(&sheet, (size_t)p->width * p->height * (size_t)shown_channels(p), "a picture", err));
    scl_status status = SCL_OK;
    for (size_t i = 0; i < p->count && status == SCL_OK; i++) {
        char path[4096];
        paint(sheet, (size_t)p->width, p, i, 0, 0);
        snprintf(path, sizeof path, "%s/%0*zu.png", folder, digits, first + i);
        status = write_png(path, sheet, (size_t)p->width, (size_t)p->height, shown_channels(p), err);
    }
    free(sheet);
    return status;
}
