/* Safetensors files: named tensors behind a JSON header (https://github.com/huggingface/safetensors).
 *
 * The reader maps the file and checks everything before anything is used: lengths, types, shapes, overlaps,
 * holes, names that appear twice.  Tensors may begin at any byte: read elements through scl_tensor_f32 and
 * its like, never through a cast. */
#ifndef SCL_DATA_SAFETENSORS_H
#define SCL_DATA_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SCL_TENSOR_MAX_RANK = 8 };
typedef enum scl_tensor_dtype {
    SCL_TENSOR_F32,
    SCL_TENSOR_F64,
    SCL_TENSOR_I64,
    SCL_TENSOR_I32,
    SCL_TENSOR_U32,
    SCL_TENSOR_U8
} scl_tensor_dtype;

typedef struct scl_tensor {
    const char *name;
    scl_tensor_dtype dtype;
    int rank; /* 0: one number */
    size_t dim[SCL_TENSOR_MAX_RANK], count, bytes;
    const unsigned char *data; /* little-endian; any alignment; borrowed from the file */
} scl_tensor;

typedef struct scl_tensor_meta {
    const char *key, *value;
} scl_tensor_meta;

typedef struct scl_safetensors {
    const char *path;
    int n;
    scl_tensor *tensor; /* in byte order of names */
    int n_meta;
    scl_tensor_meta *meta; /* in byte order of keys */
    struct scl_safetensors_file *file;
} scl_safetensors;

/* Errors (SCL_FAILED) name the file, and the tensor where there is one.  *out is owned:
 * scl_safetensors_close. */
scl_status scl_safetensors_open(scl_safetensors **out, const char *path, scl_err *err);
void scl_safetensors_close(scl_safetensors *s);                                     /* NULL is accepted */
const scl_tensor *scl_safetensors_find(const scl_safetensors *s, const char *name); /* NULL: none */
const char *scl_safetensors_meta(const scl_safetensors *s, const char *key);        /* NULL: none */

const char *scl_tensor_dtype_name(scl_tensor_dtype dtype); /* "F32" ... */
size_t scl_tensor_dtype_bytes(scl_tensor_dtype dtype);
/* Elements as floats or doubles, converted from any type, not flushed; to holds t->count of them. */
void scl_tensor_f32(const scl_tensor *t, float *to);
void scl_tensor_f64(const scl_tensor *t, double *to);
void scl_tensor_i32(const scl_tensor *t, int32_t *to);
/* "2,3,4"; "" for one number. */
void scl_tensor_shape_text(const scl_tensor *t, char *text, size_t size);

/* sha256 of docs/interfaces.md (checksum): over the tensors in byte order of names, without metadata. */
void scl_safetensors_checksum(const scl_safetensors *s, char hex[65]);
/* The same for a file by its ending: .safetensors, or .npy as one tensor named ''. */
scl_status scl_checksum_file(const char *path, char hex[65], scl_err *err);

/* What is to be written: tensors in any order (written in byte order of names); data may be NULL, then fetch
 * is asked for it. fetch fills to (t->bytes bytes), tensor after tensor, so that one tensor at a time lies in
 * memory. */
typedef struct scl_safetensors_content {
    const scl_tensor *tensor;
    int n;
    const scl_tensor_meta *meta;
    int n_meta;
    scl_status (*fetch)(void *user, const scl_tensor *t, void *to, scl_err *err);
    void *user;
    const char *fault; /* kind of file for SCL_FAULT (base/file.h); NULL: none */
} scl_safetensors_content;

/* Writes atomically and adds the metadata key content_sha256: over tensors and all other metadata;
 * scl_safetensors_verify checks it.  hex (may be NULL) gets the tensors' checksum. */
scl_status scl_safetensors_write(const char *path, const scl_safetensors_content *content, char hex[65],
                                 scl_err *err);
/* Fails when a byte of the file has changed since it was written.  A file without content_sha256 passes (not
 * ours). */
scl_status scl_safetensors_verify(const scl_safetensors *s, scl_err *err);

#endif
