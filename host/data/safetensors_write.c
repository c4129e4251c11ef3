#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/npy.h"
#include "data/safetensors.h"

static const char content_key[] = "content_sha256";
static const char nothing_yet[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* The part of a checksum that comes before a tensor's data: name, NUL, dtype, NUL, shape, NUL. */
static void add_head(scl_sha256 *sum, const scl_tensor *t)
{
    char shape[256];
    const char *dtype = scl_tensor_dtype_name(t->dtype);
    scl_tensor_shape_text(t, shape, sizeof shape);
    scl_sha256_add(sum, t->name, strlen(t->name) + 1);
    scl_sha256_add(sum, dtype, strlen(dtype) + 1);
    scl_sha256_add(sum, shape, strlen(shape) + 1);
}

/* What content_sha256 adds to the tensors' sum: key, NUL, value, NUL of all other metadata, in byte order of
 * keys. */
static void end_content(scl_sha256 *sum, const scl_tensor_meta *meta, int n, char hex[65])
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(meta[i].key, content_key))
            continue;
        scl_sha256_add(sum, meta[i].key, strlen(meta[i].key) + 1);
        scl_sha256_add(sum, meta[i].value, strlen(meta[i].value) + 1);
    }
    scl_sha256_end(sum, hex);
}

static void add_tensors(scl_sha256 *sum, const scl_safetensors *s)
{
    for (int i = 0; i < s->n; i++) {
        add_head(sum, &s->tensor[i]);
        scl_sha256_add(sum, s->tensor[i].data, s->tensor[i].bytes);
    }
}

void scl_safetensors_checksum(const scl_safetensors *s, char hex[65])
{
    scl_sha256 sum;
    scl_sha256_init(&sum);
    add_tensors(&sum, s);
    scl_sha256_end(&sum, hex);
}

scl_status scl_safetensors_verify(const scl_safetensors *s, scl_err *err)
{
    const char *said = scl_safetensors_meta(s, content_key);
    if (!said)
        return SCL_OK;
    scl_sha256 sum;
    char hex[65];
    scl_sha256_init(&sum);
    add_tensors(&sum, s);
    end_content(&sum, s->meta, s->n_meta, hex);
    if (strcmp(said, hex) != 0)
        return scl_fail(err, SCL_FAILED, "'%s' is corrupt: its content does not fit its checksum", s->path);
    return SCL_OK;
}

static scl_status checksum_npy(const char *path, char hex[65], scl_err *err)
{
    scl_npy a;
    scl_status status = scl_npy_read(&a, path, err);
    if (status == SCL_OK) {
        scl_tensor t = { .name = "",
                         .dtype = a.dtype == SCL_NPY_U8 ? SCL_TENSOR_U8 : SCL_TENSOR_F32,
                         .rank = a.rank };
        memcpy(t.dim, a.dim, sizeof a.dim);
        scl_sha256 sum;
        scl_sha256_init(&sum);
        add_head(&sum, &t);
        scl_sha256_add(&sum, a.data, a.count * scl_tensor_dtype_bytes(t.dtype));
        scl_sha256_end(&sum, hex);
    }
    scl_npy_free(&a);
    return status;
}

scl_status scl_checksum_file(const char *path, char hex[65], scl_err *err)
{
    const size_t length = strlen(path);
    if (length >= 4 && !strcmp(path + length - 4, ".npy"))
        return checksum_npy(path, hex, err);
    scl_safetensors *s;
    SCL_TRY(scl_safetensors_open(&s, path, err));
    const scl_status status = scl_safetensors_verify(s, err);
    scl_safetensors_checksum(s, hex);
    scl_safetensors_close(s);
    return status;
}

static int tensor_order(const void *a, const void *b)
{
    return strcmp((*(const scl_tensor *const *)a)->name, (*(const scl_tensor *const *)b)->name);
}

static int meta_order(const void *a, const void *b)
{
    return strcmp(((const scl_tensor_meta *)a)->key, ((const scl_tensor_meta *)b)->key);
}

/* The header as text, padded with blanks to a multiple of 8 bytes; owned (free). */
static char *make_header(const scl_tensor *const *tensor, int n, const scl_tensor_meta *meta, int n_meta)
{
    json_t *root = json_object(), *map = json_object();
    for (int i = 0; i < n_meta; i++)
        json_object_set_new(map, meta[i].key, json_string(meta[i].value));
    json_object_set_new(root, "__metadata__", map);
    size_t at = 0;
    for (int i = 0; i < n; at += tensor[i++]->bytes) {
        json_t *shape = json_array();
        for (int d = 0; d < tensor[i]->rank; d++)
            json_array_append_new(shape, json_integer((json_int_t)tensor[i]->dim[d]));
        json_object_set_new(root, tensor[i]->name,
                            json_pack("{s:s, s:o, s:[I, I]}", "dtype",
                                      scl_tensor_dtype_name(tensor[i]->dtype), "shape", shape, "data_offsets",
                                      (json_int_t)at, (json_int_t)(at + tensor[i]->bytes)));
    }
    char *text = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(root);
    if (!text)
        return NULL;
    const size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    char *header = malloc(padded + 1);
    if (header) {
        memset(header, ' ', padded);
        memcpy(header, text, length);
        header[padded] = '\0';
    }
    free(text);
    return header;
}

typedef struct writing {
    scl_file_writer file;
    const scl_safetensors_content *content;
    const scl_tensor **order;
    scl_tensor_meta *meta;
    int n_meta;
    void *buffer; /* of the largest tensor that is fetched */
    scl_sha256 sum;
} writing;

static scl_status write_header(writing *w, unsigned long long *patch, scl_err *err)
{
    char *header = make_header(w->order, w->content->n, w->meta, w->n_meta);
    if (!header)
        return scl_fail(err, SCL_FAILED, "'%s' cannot be written: a name or text in it is not UTF-8",
                        w->file.path);
    /* Quotes inside texts are escaped, so this is the key itself. */
    *patch = 8 + (unsigned long long)(strstr(header, "\"content_sha256\":\"0000") - header) +
             strlen("\"content_sha256\":\"");
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)strlen(header) >> 8 * i);
    scl_status status = scl_file_append(&w->file, length, sizeof length, err);
    if (status == SCL_OK)
        status = scl_file_append(&w->file, header, strlen(header), err);
    free(header);
    return status;
}

static scl_status write_all(writing *w, char hex[65], scl_err *err)
{
    unsigned long long patch = 0;
    SCL_TRY(write_header(w, &patch, err));
    scl_sha256_init(&w->sum);
    for (int i = 0; i < w->content->n; i++) {
        const scl_tensor *t = w->order[i];
        const void *data = t->data;
        if (!data && t->bytes) {
            SCL_TRY(w->content->fetch(w->content->user, t, w->buffer, err));
            data = w->buffer;
        }
        add_head(&w->sum, t);
        if (t->bytes) {
            scl_sha256_add(&w->sum, data, t->bytes);
            SCL_TRY(scl_file_append(&w->file, data, t->bytes, err));
        }
    }
    scl_sha256 tensors = w->sum;
    if (hex)
        scl_sha256_end(&tensors, hex);
    char content[65];
    end_content(&w->sum, w->meta, w->n_meta, content);
    SCL_TRY(scl_file_patch(&w->file, patch, content, 64, err));
    return scl_file_commit(&w->file, err);
}

scl_status scl_safetensors_write(const char *path, const scl_safetensors_content *c, char hex[65],
                                 scl_err *err)
{
    scl_arena arena = { 0 };
    writing w = { .content = c };
    w.order = SCL_NEW_ARRAY(&arena, const scl_tensor *, c->n + 1);
    w.meta = SCL_NEW_ARRAY(&arena, scl_tensor_meta, c->n_meta + 1);
    size_t largest = 0;
    for (int i = 0; i < c->n; i++) {
        w.order[i] = &c->tensor[i];
        if (!c->tensor[i].data && c->tensor[i].bytes > largest)
            largest = c->tensor[i].bytes;
    }
    qsort(w.order, (size_t)c->n, sizeof *w.order, tensor_order);
    for (int i = 0; i < c->n_meta; i++)
        if (strcmp(c->meta[i].key, content_key) != 0)
            w.meta[w.n_meta++] = c->meta[i];
    w.meta[w.n_meta++] = (scl_tensor_meta){ .key = content_key, .value = nothing_yet };
    qsort(w.meta, (size_t)w.n_meta, sizeof *w.meta, meta_order);
    scl_status status = scl_alloc_bytes(&w.buffer, largest, "the largest tensor of a checkpoint", err);
    if (status == SCL_OK)
        status = scl_file_create(&w.file, path, c->fault, err);
    if (status == SCL_OK) {
        status = write_all(&w, hex, err);
        if (status != SCL_OK)
            scl_file_abandon(&w.file);
    }
    free(w.buffer);
    scl_arena_free(&arena);
    return status;
}
