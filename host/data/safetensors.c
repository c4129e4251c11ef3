#include "data/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors in files are little-endian, and are read as they lie"
#endif

struct scl_safetensors_file {
    scl_arena arena;
    unsigned char *bytes;
    size_t size;
};

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [SCL_TENSOR_F32] = { "F32", 4 }, [SCL_TENSOR_F64] = { "F64", 8 }, [SCL_TENSOR_I64] = { "I64", 8 },
    [SCL_TENSOR_I32] = { "I32", 4 }, [SCL_TENSOR_U32] = { "U32", 4 }, [SCL_TENSOR_U8] = { "U8", 1 },
};
enum { N_TYPES = sizeof types / sizeof *types, HEADER_LIMIT = 100000000 };

const char *scl_tensor_dtype_name(scl_tensor_dtype dtype) { return types[dtype].name; }
size_t scl_tensor_dtype_bytes(scl_tensor_dtype dtype) { return types[dtype].bytes; }

static scl_status corrupt(scl_safetensors *s, scl_err *err, const char *tensor, const char *what)
{
    if (tensor)
        return scl_fail(err, SCL_FAILED, "'%s' is corrupt: tensor '%s' %s", s->path, tensor, what);
    return scl_fail(err, SCL_FAILED, "'%s' is corrupt: %s", s->path, what);
}

static scl_status parse_dtype(scl_safetensors *s, scl_tensor *t, const json_t *entry, scl_err *err)
{
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    if (!name)
        return corrupt(s, err, t->name, "has no dtype");
    for (int i = 0; i < N_TYPES; i++)
        if (!strcmp(types[i].name, name)) {
            t->dtype = (scl_tensor_dtype)i;
            return SCL_OK;
        }
    return scl_fail(err, SCL_FAILED, "'%s': tensor '%s' has type %s; F32, F64, I64, I32, U32 and U8 are read",
                    s->path, t->name, name);
}

static scl_status parse_shape(scl_safetensors *s, scl_tensor *t, const json_t *entry, scl_err *err)
{
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > SCL_TENSOR_MAX_RANK)
        return corrupt(s, err, t->name, "has no shape of at most 8 dimensions");
    t->rank = (int)json_array_size(shape);
    t->count = 1;
    for (int d = 0; d < t->rank; d++) {
        const json_t *n = json_array_get(shape, (size_t)d);
        if (!json_is_integer(n) || json_integer_value(n) < 0)
            return corrupt(s, err, t->name, "has a dimension that is not a count");
        t->dim[d] = (size_t)json_integer_value(n);
        if (t->dim[d] && t->count > SIZE_MAX / 16 / t->dim[d])
            return corrupt(s, err, t->name, "has an impossible shape");
        t->count *= t->dim[d];
    }
    t->bytes = t->count * types[t->dtype].bytes;
    return SCL_OK;
}

/* Offsets count from the end of the header; room: bytes there. */
static scl_status parse_place(scl_safetensors *s, scl_tensor *t, const json_t *entry,
                              const unsigned char *body, size_t room, scl_err *err)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last) ||
        json_integer_value(first) < 0 || json_integer_value(last) < json_integer_value(first))
        return corrupt(s, err, t->name, "has no data_offsets [begin, end]");
    const size_t begin = (size_t)json_integer_value(first), end = (size_t)json_integer_value(last);
    if (end > room)
        return scl_fail(err, SCL_FAILED, "'%s' is truncated: tensor '%s' ends at byte %zu of %zu", s->path,
                        t->name, end, room);
    if (end - begin != t->bytes)
        return scl_fail(err, SCL_FAILED,
                        "'%s' is corrupt: tensor '%s' has %zu bytes, its shape and type say %zu", s->path,
                        t->name, end - begin, t->bytes);
    t->data = body + begin;
    return SCL_OK;
}

static int by_place(const void *a, const void *b)
{
    const scl_tensor *s = *(const scl_tensor *const *)a, *t = *(const scl_tensor *const *)b;
    if (s->data != t->data)
        return s->data < t->data ? -1 : 1;
    return s->bytes < t->bytes ? -1 : s->bytes > t->bytes;
}

/* The tensors must fill the file without overlap or hole. */
static scl_status check_cover(scl_safetensors *s, const unsigned char *body, size_t room, scl_err *err)
{
    const scl_tensor **order = SCL_NEW_ARRAY(&s->file->arena, const scl_tensor *, s->n + 1);
    for (int i = 0; i < s->n; i++)
        order[i] = &s->tensor[i];
    qsort(order, (size_t)s->n, sizeof *order, by_place);
    const unsigned char *at = body;
    for (int i = 0; i < s->n; i++) {
        if (order[i]->data < at)
            return scl_fail(err, SCL_FAILED, "'%s' is corrupt: tensors '%s' and '%s' overlap", s->path,
                            order[i - 1]->name, order[i]->name);
        if (order[i]->data > at)
            return scl_fail(err, SCL_FAILED, "'%s' is corrupt: %zu unused bytes before tensor '%s'", s->path,
                            (size_t)(order[i]->data - at), order[i]->name);
        at = order[i]->data + order[i]->bytes;
    }
    if (at != body + room)
        return scl_fail(err, SCL_FAILED, "'%s' is corrupt: %zu bytes behind its last tensor", s->path,
                        (size_t)(body + room - at));
    return SCL_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const scl_tensor *)a)->name, ((const scl_tensor *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const scl_tensor_meta *)a)->key, ((const scl_tensor_meta *)b)->key);
}

static scl_status parse_meta(scl_safetensors *s, const json_t *meta, scl_err *err)
{
    if (!json_is_object(meta))
        return corrupt(s, err, NULL, "__metadata__ is not a map of texts");
    s->meta = SCL_NEW_ARRAY(&s->file->arena, scl_tensor_meta, json_object_size(meta) + 1);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)meta, key, value)
    {
        if (!json_is_string(value))
            return corrupt(s, err, NULL, "__metadata__ is not a map of texts");
        s->meta[s->n_meta++] =
            (scl_tensor_meta){ .key = scl_arena_strdup(&s->file->arena, key),
                               .value = scl_arena_strdup(&s->file->arena, json_string_value(value)) };
    }
    qsort(s->meta, (size_t)s->n_meta, sizeof *s->meta, by_key);
    return SCL_OK;
}

static scl_status parse_tensors(scl_safetensors *s, const json_t *root, const unsigned char *body,
                                size_t room, scl_err *err)
{
    s->tensor = SCL_NEW_ARRAY(&s->file->arena, scl_tensor, json_object_size(root) + 1);
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)root, key, entry)
    {
        if (!strcmp(key, "__metadata__")) {
            SCL_TRY(parse_meta(s, entry, err));
            continue;
        }
        scl_tensor *t = &s->tensor[s->n++];
        t->name = scl_arena_strdup(&s->file->arena, key);
        SCL_TRY(parse_dtype(s, t, entry, err));
        SCL_TRY(parse_shape(s, t, entry, err));
        SCL_TRY(parse_place(s, t, entry, body, room, err));
    }
    qsort(s->tensor, (size_t)s->n, sizeof *s->tensor, by_name);
    return check_cover(s, body, room, err);
}

static scl_status parse(scl_safetensors *s, scl_err *err)
{
    const unsigned char *bytes = s->file->bytes;
    if (s->file->size < 8)
        return scl_fail(err, SCL_FAILED, "'%s' is not a safetensors file: it has %zu bytes", s->path,
                        s->file->size);
    uint64_t length = 0;
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)bytes[i] << 8 * i;
    if (length > HEADER_LIMIT || length < 2 || (s->file->size > 8 && bytes[8] != '{'))
        return scl_fail(err, SCL_FAILED, "'%s' is not a safetensors file", s->path);
    if (length > s->file->size - 8)
        return scl_fail(err, SCL_FAILED, "'%s' is truncated: it ends in its header", s->path);
    json_error_t why;
    json_t *root = json_loadb((const char *)bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return scl_fail(err, SCL_FAILED, "'%s' is corrupt: its header is not JSON: %s", s->path, why.text);
    const scl_status status = json_is_object(root) ? parse_tensors(s, root, bytes + 8 + length,
                                                                   s->file->size - 8 - (size_t)length, err)
                                                   : corrupt(s, err, NULL, "its header is not a JSON object");
    json_decref(root);
    return status;
}

static scl_status map_file(struct scl_safetensors_file *f, const char *path, scl_err *err)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        const int why = errno;
        if (fd >= 0)
            close(fd);
        return scl_fail(err, SCL_FAILED, "cannot read '%s': %s", path, strerror(why));
    }
    f->size = (size_t)st.st_size;
    void *map = S_ISREG(st.st_mode) && f->size ? mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    const int why = errno;
    close(fd);
    if (!S_ISREG(st.st_mode))
        return scl_fail(err, SCL_FAILED, "cannot read '%s': not a file", path);
    if (map == MAP_FAILED)
        return scl_fail(err, SCL_FAILED, "cannot read '%s': %s", path, strerror(why));
    f->bytes = map;
    return SCL_OK;
}

scl_status scl_safetensors_open(scl_safetensors **out, const char *path, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_safetensors *s = SCL_NEW(&arena, scl_safetensors);
    s->file = SCL_NEW(&arena, struct scl_safetensors_file);
    s->path = scl_arena_strdup(&arena, path);
    s->file->arena = arena;
    *out = NULL;
    scl_status status = map_file(s->file, path, err);
    if (status == SCL_OK)
        status = parse(s, err);
    if (status == SCL_OK)
        *out = s;
    else
        scl_safetensors_close(s);
    return status;
}

void scl_safetensors_close(scl_safetensors *s)
{
    if (!s)
        return;
    if (s->file->bytes)
        munmap(s->file->bytes, s->file->size);
    scl_arena arena = s->file->arena;
    scl_arena_free(&arena);
}

const scl_tensor *scl_safetensors_find(const scl_safetensors *s, const char *name)
{
    const scl_tensor key = { .name = name };
    return s->n ? bsearch(&key, s->tensor, (size_t)s->n, sizeof *s->tensor, by_name) : NULL;
}

const char *scl_safetensors_meta(const scl_safetensors *s, const char *key)
{
    for (int i = 0; i < s->n_meta; i++)
        if (!strcmp(s->meta[i].key, key))
            return s->meta[i].value;
    return NULL;
}

#define READ_AS(type)                                        \
    do {                                                     \
        type v_;                                             \
        for (size_t i = 0; i < t->count; i++) {              \
            memcpy(&v_, t->data + i * sizeof v_, sizeof v_); \
            to[i] = (READ_TO)v_;                             \
        }                                                    \
    } while (0)
#define READ_ANY                                   \
    switch (t->dtype) {                            \
    case SCL_TENSOR_F32: READ_AS(float); break;    \
    case SCL_TENSOR_F64: READ_AS(double); break;   \
    case SCL_TENSOR_I64: READ_AS(int64_t); break;  \
    case SCL_TENSOR_I32: READ_AS(int32_t); break;  \
    case SCL_TENSOR_U32: READ_AS(uint32_t); break; \
    case SCL_TENSOR_U8: READ_AS(uint8_t); break;   \
    }

#define READ_TO float
void scl_tensor_f32(const scl_tensor *t, float *to) { READ_ANY }
#undef READ_TO
#define READ_TO double
void scl_tensor_f64(const scl_tensor *t, double *to) { READ_ANY }
#undef READ_TO
#define READ_TO int32_t
void scl_tensor_i32(const scl_tensor *t, int32_t *to) { READ_ANY }

void scl_tensor_shape_text(const scl_tensor *t, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int d = 0; d < t->rank && used < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", d ? "," : "", t->dim[d]);
}
