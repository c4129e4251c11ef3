/* Crop, resize and colour of pictures, in integers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "data/image.h"

void scl_image_crop(scl_image *out, const scl_image *in, int side)
{
    const int least = in->height < in->width ? in->height : in->width, n = side < least ? side : least;
    const int top = (in->height - n) / 2, left = (in->width - n) / 2, c = in->channels;
    out->height = out->width = n;
    out->channels = c;
    for (int y = 0; y < n; y++)
        memmove(out->data + (size_t)y * n * c, in->data + ((size_t)(top + y) * in->width + left) * c, (size_t)n * c);
}

/* The source pixels first ... first + count - 1 of one output pixel, and their weights, whose sum is `sum` for every pixel. */
typedef struct taps { int first, count; int64_t *weight; } taps;
typedef struct axis { int64_t sum; taps *of; } axis;

/* Area: output x covers [x*from, (x+1)*from) in units of 1/to source pixels. */
static void area_taps(taps *t, int x, int from, int to)
{
    const int64_t low = (int64_t)x * from, high = low + from;
    t->first = (int)(low / to);
    t->count = (int)((high + to - 1) / to) - t->first;
    for (int k = 0; k < t->count; k++) {
        const int64_t a = (int64_t)(t->first + k) * to, b = a + to;
        t->weight[k] = (b < high ? b : high) - (a > low ? a : low);
    }
}

/* Bilinear: the centre of output x lies at ((2x + 1) from - to) / (2 to) between source centres; outside, the edge repeats. */
static void linear_taps(taps *t, int x, int from, int to)
{
    int64_t at = (int64_t)(2 * x + 1) * from - to;
    const int64_t last = (int64_t)(from - 1) * 2 * to;
    at = at < 0 ? 0 : at > last ? last : at;
    t->first = (int)(at / (2 * to));
    const int64_t part = at % (2 * to);
    t->count = part ? 2 : 1;
    t->weight[0] = 2 * to - part;
    t->weight[1] = part;
}

static axis make_axis(scl_arena *arena, int from, int to)
{
    const int most = to < from ? from / to + 2 : 2;
    axis a = { .sum = to < from ? from : 2 * to, .of = SCL_NEW_ARRAY(arena, taps, to) };
    for (int x = 0; x < to; x++) {
        a.of[x].weight = SCL_NEW_ARRAY(arena, int64_t, most);
        if (to < from)
            area_taps(&a.of[x], x, from, to);
        else
            linear_taps(&a.of[x], x, from, to);
    }
    return a;
}

void scl_image_resize(scl_image *out, const scl_image *in)
{
    scl_arena arena = { 0 };
    const int c = out->channels = in->channels;
    const axis ay = make_axis(&arena, in->height, out->height), ax = make_axis(&arena, in->width, out->width);
    const int64_t sum = ay.sum * ax.sum;
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++)
            for (int k = 0; k < c; k++) {
                const taps *ty = &ay.of[y], *tx = &ax.of[x];
                int64_t total = 0;
                for (int i = 0; i < ty->count; i++) {
                    const unsigned char *row = in->data + ((size_t)(ty->first + i) * in->width + tx->first) * c + k;
                    int64_t line = 0;
                    for (int j = 0; j < tx->count; j++)
                        line += tx->weight[j] * row[(size_t)j * c];
                    total += ty->weight[i] * line;
                }
                out->data[((size_t)y * out->width + x) * c + k] = (unsigned char)((2 * total + sum) / (2 * sum));
            }
    scl_arena_free(&arena);
}

void scl_image_channels(unsigned char *out, int channels, const scl_image *in)
{
    const size_t pixels = (size_t)in->height * in->width;
    if (channels == in->channels) {
        memcpy(out, in->data, pixels * (size_t)channels);
        return;
    }
    for (size_t p = 0; p < pixels; p++) {
        const unsigned char *v = in->data + p * (size_t)in->channels;
        if (channels == 1)
            out[p] = (unsigned char)((299 * v[0] + 587 * v[1] + 114 * v[2] + 500) / 1000);
        else
            out[3 * p] = out[3 * p + 1] = out[3 * p + 2] = v[0];
    }
}
