#include "data/npy.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"

static const char magic[6] = { '\x93', 'N', 'U', 'M', 'P', 'Y' };

/* What stands after 'key': in the header's dictionary; NULL: no such key. */
static const char *entry(const char *header, const char *key)
{
    const char *p = strstr(header, key);
    if (!p)
        return NULL;
    p += strlen(key);
    while (*p == ' ' || *p == ':')
        p++;
    return p;
}

static scl_status parse_shape(scl_npy *a, const char *p, const char *path, scl_err *err)
{
    a->count = 1;
    if (*p++ != '(')
        return scl_fail(err, SCL_FAILED, "'%s' is corrupt: no shape in its header", path);
    for (;;) {
        while (*p == ' ' || *p == ',')
            p++;
        if (*p == ')')
            return SCL_OK;
        if (!isdigit((unsigned char)*p) || a->rank == SCL_NPY_MAX_RANK)
            return scl_fail(err, SCL_FAILED, "'%s' is corrupt: its shape cannot be read", path);
        char *end;
        const unsigned long long n = strtoull(p, &end, 10);
        if (n > SIZE_MAX / 8 || (n && a->count > SIZE_MAX / 8 / n))
            return scl_fail(err, SCL_FAILED, "'%s' is corrupt: its shape is too large", path);
        a->dim[a->rank++] = (size_t)n;
        a->count *= (size_t)n;
        p = end;
    }
}

/* Takes the header apart; *body: where the elements begin, *width: bytes of one. */
static scl_status parse_header(scl_npy *a, const unsigned char *file, size_t size, size_t *body,
                               size_t *width, scl_arena *arena, const char *path, scl_err *err)
{
    if (size < 12 || memcmp(file, magic, sizeof magic))
        return scl_fail(err, SCL_FAILED, "'%s' is not an npy file", path);
    const size_t start = file[6] == 1 ? 10 : 12;
    size_t length = file[8] | (size_t)file[9] << 8;
    if (start == 12)
        length |= (size_t)file[10] << 16 | (size_t)file[11] << 24;
    if (file[6] < 1 || file[6] > 3)
        return scl_fail(err, SCL_FAILED, "'%s' is of npy version %d; 1 to 3 are read", path, file[6]);
    if (length > size - start)
        return scl_fail(err, SCL_FAILED, "'%s' is truncated: it ends in its header", path);
    const char *header = scl_arena_printf(arena, "%.*s", (int)length, (const char *)file + start);
    const char *descr = entry(header, "'descr'"), *order = entry(header, "'fortran_order'"),
               *shape = entry(header, "'shape'");
    if (!descr || !order || !shape)
        return scl_fail(err, SCL_FAILED, "'%s' is corrupt: its header is incomplete", path);
    if (strncmp(order, "False", 5) != 0)
        return scl_fail(err, SCL_FAILED, "'%s' is in Fortran order: save it with numpy.ascontiguousarray", path);
    if (!strncmp(descr, "'|u1'", 5))
        a->dtype = SCL_NPY_U8, *width = 1;
    else if (!strncmp(descr, "'<f4'", 5) || !strncmp(descr, "'<f8'", 5))
        a->dtype = SCL_NPY_F32, *width = descr[3] == '4' ? 4 : 8;
    else
        return scl_fail(
            err, SCL_FAILED,
            "'%s' holds elements of type %.*s: uint8, and little-endian float32 and float64, are read", path,
            descr[0] == '\'' ? (int)strcspn(descr + 1, "'\n") + 2 : (int)strcspn(descr, ",\n"), descr);
    SCL_TRY(parse_shape(a, shape, path, err));
    *body = start + length;
    if (size - *body != a->count * *width)
        return scl_fail(err, SCL_FAILED, "'%s' is %s: %zu bytes of elements, its header says %zu", path,
                        size - *body < a->count * *width ? "truncated" : "too long", size - *body, a->count * *width);
    return SCL_OK;
}

scl_status scl_npy_read(scl_npy *out, const char *path, scl_err *err)
{
    char *bytes;
    size_t size, body = 0, width = 1;
    *out = (scl_npy){ 0 };
    SCL_TRY(scl_file_read(path, &bytes, &size, err));
    const unsigned char *file = (const unsigned char *)bytes;
    scl_arena arena = { 0 };
    scl_status status = parse_header(out, file, size, &body, &width, &arena, path, err);
    const size_t elements = out->count * (out->dtype == SCL_NPY_U8 ? 1 : sizeof(float));
    if (status == SCL_OK)
        status = scl_alloc_bytes(&out->data, elements + 1, path, err);
    if (status == SCL_OK && width == 8) {
        for (size_t i = 0; i < out->count; i++) {
            double v;
            memcpy(&v, file + body + 8 * i, sizeof v);
            ((float *)out->data)[i] = (float)v;
        }
    } else if (status == SCL_OK) {
        memcpy(out->data, file + body, elements);
    }
    scl_arena_free(&arena);
    free(bytes);
    return status;
}

void scl_npy_free(scl_npy *a)
{
    free(a->data);
    *a = (scl_npy){ 0 };
}

scl_status scl_npy_write(const scl_npy *a, const char *path, scl_err *err)
{
    char header[256];
    size_t used = (size_t)snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                                   a->dtype == SCL_NPY_U8 ? "|u1" : "<f4"), count = 1;
    for (int d = 0; d < a->rank; d++) {
        used += (size_t)snprintf(header + used, sizeof header - used, "%zu,%s", a->dim[d], d + 1 < a->rank ? " " : "");
        count *= a->dim[d];
    }
    used += (size_t)snprintf(header + used, sizeof header - used, "), }");
    const size_t padded = (10 + used + 1 + 63) / 64 * 64 - 10;
    const size_t bytes = count * (a->dtype == SCL_NPY_U8 ? 1 : sizeof(float));
    void *block;
    SCL_TRY(scl_alloc_bytes(&block, 10 + padded + bytes, path, err));
    unsigned char *file = block;
    memcpy(file, magic, sizeof magic);
    file[6] = 1;
    file[8] = (unsigned char)(padded & 255);
    file[9] = (unsigned char)(padded >> 8);
    memset(file + 10, ' ', padded);
    memcpy(file + 10, header, used);
    file[10 + padded - 1] = '\n';
    memcpy(file + 10 + padded, a->data, bytes);
    const scl_status status = scl_file_write(path, file, 10 + padded + bytes, NULL, err);
    free(block);
    return status;
}
