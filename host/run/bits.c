#include "run/bits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/inspect.h"

static uint32_t element(const void *data, scl_dtype dtype, size_t i)
{
    uint32_t bits = 0;
    const size_t bytes = scl_dtype_bytes(dtype);
    memcpy(&bits, (const unsigned char *)data + i * bytes, bytes);      /* of a little-endian host */
    return bits;
}

scl_bits scl_bits_compare(const char *name, scl_dtype dtype, int rank, const int *dims, const void *got, const void *expected)
{
    scl_bits b = { .name = name, .dtype = dtype, .rank = rank, .count = 1 };
    for (int d = 0; d < rank; d++) {
        b.dim[d] = dims[d];
        b.count *= (size_t)dims[d];
    }
    if (!memcmp(got, expected, b.count * scl_dtype_bytes(dtype)))
        return b;
    for (size_t i = 0; i < b.count; i++) {
        const uint32_t x = element(got, dtype, i), y = element(expected, dtype, i);
        if (x == y)
            continue;
        if (b.shown < SCL_BITS_SHOWN) {
            b.index[b.shown] = i;
            b.got[b.shown] = x;
            b.expected[b.shown++] = y;
        }
        b.differ++;
    }
    return b;
}

static void value_text(scl_dtype dtype, uint32_t bits, char *text, size_t size)
{
    float f;
    int32_t i;
    memcpy(&f, &bits, sizeof f);
    memcpy(&i, &bits, sizeof i);
    if (dtype == SCL_F32)
        snprintf(text, size, "%.9g", (double)f);
    else if (dtype == SCL_I32)
        snprintf(text, size, "%d", i);
    else
        snprintf(text, size, "%u", bits);
}

static void place_text(const scl_bits *b, int k, char *text, size_t size)
{
    const scl_value shape = { .rank = b->rank, .dim = { b->dim[0], b->dim[1], b->dim[2], b->dim[3], b->dim[4], b->dim[5] } };
    scl_element_text(&shape, b->index[k], text, size);
}

char *scl_bits_text(const scl_bits *b, scl_arena *arena)
{
    char at[96], got[32], expected[32];
    const int digits = 2 * (int)scl_dtype_bytes(b->dtype);
    char *text = scl_arena_printf(arena, "  %zu of %zu elements of %s differ\n", b->differ, b->count, b->name);
    for (int k = 0; k < b->shown; k++) {
        place_text(b, k, at, sizeof at);
        value_text(b->dtype, b->got[k], got, sizeof got);
        value_text(b->dtype, b->expected[k], expected, sizeof expected);
        text = scl_arena_printf(arena, "%s    %s%s = 0x%0*x (%s) instead of 0x%0*x (%s)\n", text, b->name, at, digits, b->got[k],
                                got, digits, b->expected[k], expected);
    }
    return text;
}

json_t *scl_bits_json(const scl_bits *b)
{
    char at[96], got[32], expected[32], got_bits[16], expected_bits[16];
    const int digits = 2 * (int)scl_dtype_bytes(b->dtype);
    json_t *first = json_array(), *shape = json_array();
    for (int d = 0; d < b->rank; d++)
        json_array_append_new(shape, json_integer(b->dim[d]));
    for (int k = 0; k < b->shown; k++) {
        place_text(b, k, at, sizeof at);
        value_text(b->dtype, b->got[k], got, sizeof got);
        value_text(b->dtype, b->expected[k], expected, sizeof expected);
        snprintf(got_bits, sizeof got_bits, "0x%0*x", digits, b->got[k]);
        snprintf(expected_bits, sizeof expected_bits, "0x%0*x", digits, b->expected[k]);
        json_array_append_new(first, json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "at", at, "index", (json_int_t)b->index[k],
                                               "got", got_bits, "expected", expected_bits, "got_value", got,
                                               "expected_value", expected));
    }
    return json_pack("{s:s, s:s, s:o, s:I, s:I, s:o}", "buffer", b->name, "type", scl_dtype_name(b->dtype), "shape", shape,
                     "elements", (json_int_t)b->count, "differ", (json_int_t)b->differ, "first", first);
}
