#include "run/layout.h"

#include <string.h>

/* A device value seen as [taps, in, out]: a convolution's weight HWIO has taps = H*W, a linear one's has one.
 * In the file it is [out, in, taps].  Everything else keeps its order: kind is not WEIGHT. */
typedef struct view {
    bool weight;
    size_t taps, in, out;
} view;

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

static view look(const scl_value *v)
{
    if (!ends_with(v->name, ".weight") || ends_with(v->name, "embed.weight"))
        return (view){ 0 };
    if (v->rank == 4)
        return (view){ true, (size_t)v->dim[0] * (size_t)v->dim[1], (size_t)v->dim[2], (size_t)v->dim[3] };
    if (v->rank == 2)
        return (view){ true, 1, (size_t)v->dim[0], (size_t)v->dim[1] };
    return (view){ 0 };
}

scl_tensor scl_layout_tensor(const scl_value *v)
{
    scl_tensor t = { .name = v->name, .dtype = SCL_TENSOR_F32, .rank = v->rank };
    const bool weight = look(v).weight;
    for (int d = 0; d < v->rank; d++)
        t.dim[d] = (size_t)v->dim[d];
    if (weight && v->rank == 4) {
        t.dim[0] = (size_t)v->dim[3];
        t.dim[1] = (size_t)v->dim[2];
        t.dim[2] = (size_t)v->dim[0];
        t.dim[3] = (size_t)v->dim[1];
    } else if (weight) {
        t.dim[0] = (size_t)v->dim[1];
        t.dim[1] = (size_t)v->dim[0];
    }
    t.count = scl_value_count(v);
    t.bytes = t.count * sizeof(float);
    return t;
}

void scl_layout_to_file(const scl_value *v, const float *device, float *file)
{
    const view w = look(v);
    if (!w.weight) {
        memcpy(file, device, scl_value_bytes(v));
        return;
    }
    for (size_t o = 0; o < w.out; o++)
        for (size_t i = 0; i < w.in; i++)
            for (size_t t = 0; t < w.taps; t++)
                *file++ = device[(t * w.in + i) * w.out + o];
}

void scl_layout_to_device(const scl_value *v, const float *file, float *device)
{
    const view w = look(v);
    if (!w.weight) {
        memcpy(device, file, scl_value_bytes(v));
        return;
    }
    for (size_t t = 0; t < w.taps; t++)
        for (size_t i = 0; i < w.in; i++)
            for (size_t o = 0; o < w.out; o++)
                *device++ = file[(o * w.in + i) * w.taps + t];
}
