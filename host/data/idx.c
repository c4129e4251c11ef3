/* IDX files (LeCun's MNIST format), plain or gzip: magic 0 0 type rank, big-endian dimensions, elements.
 *
 * A folder holds train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-..., each with or without .gz; a file is a list of
 * pictures without labels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/arena.h"
#include "data/reader.h"

enum { IDX_BYTES = 8, MAX_RANK = 4, GZIP_RATIO = 1040 };      /* deflate cannot shrink more than 1032 : 1 */

typedef struct idx { int rank; uint32_t dim[MAX_RANK]; unsigned char *data; size_t bytes; } idx;

/* gzread returns fewer bytes at the end of a file and at a damage alike; this tells which. */
static scl_status short_read(gzFile f, const char *path, scl_err *err)
{
    int code;
    const char *text = gzerror(f, &code);
    if (code == Z_OK || code == Z_BUF_ERROR || code == Z_STREAM_END)
        return scl_fail(err, SCL_FAILED, "'%s' is truncated", path);
    const size_t length = strlen(path);          /* zlib puts it in front */
    if (!strncmp(text, path, length) && !strncmp(text + length, ": ", 2))
        text += length + 2;
    return scl_fail(err, SCL_FAILED, "'%s' is corrupt: %s", path, text);
}

static scl_status read_bytes(gzFile f, void *to, size_t bytes, const char *path, scl_err *err)
{
    for (size_t done = 0; done < bytes;) {
        const size_t most = bytes - done < (1u << 30) ? bytes - done : 1u << 30;
        const int got = gzread(f, (unsigned char *)to + done, (unsigned)most);
        if (got <= 0)
            return short_read(f, path, err);
        done += (size_t)got;
    }
    return SCL_OK;
}

static scl_status read_header(gzFile f, idx *x, const char *path, scl_err *err)
{
    unsigned char magic[4], dim[4];
    SCL_TRY(read_bytes(f, magic, sizeof magic, path, err));
    if (magic[0] || magic[1])
        return scl_fail(err, SCL_FAILED, "'%s' is not an IDX file", path);
    if (magic[2] != IDX_BYTES)
        return scl_fail(err, SCL_FAILED, "'%s' holds elements of IDX type 0x%02x; only bytes (0x08) are read",
                        path, magic[2]);
    if (magic[3] < 1 || magic[3] > MAX_RANK)
        return scl_fail(err, SCL_FAILED, "'%s' has %d dimensions; 1 to %d are read", path, magic[3], MAX_RANK);
    struct stat s;
    if (stat(path, &s))
        return scl_fail(err, SCL_FAILED, "cannot read '%s'", path);
    const double most = (double)s.st_size * (gzdirect(f) ? 1 : GZIP_RATIO);
    double bytes = 1;
    x->rank = magic[3];
    for (int d = 0; d < x->rank; d++) {
        SCL_TRY(read_bytes(f, dim, sizeof dim, path, err));
        x->dim[d] = (uint32_t)dim[0] << 24 | (uint32_t)dim[1] << 16 | (uint32_t)dim[2] << 8 | dim[3];
        bytes *= x->dim[d];
    }
    if (bytes > most)
        return scl_fail(err, SCL_FAILED, "'%s' is truncated or corrupt: its header promises %.0f bytes", path, bytes);
    x->bytes = (size_t)bytes;
    return SCL_OK;
}

static scl_status read_body(gzFile f, idx *x, const char *path, scl_err *err)
{
    SCL_TRY(read_header(f, x, path, err));
    void *block;
    SCL_TRY(scl_alloc_bytes(&block, x->bytes + 1, path, err));
    x->data = block;
    SCL_TRY(read_bytes(f, x->data, x->bytes, path, err));
    /* One byte more: the checksum of a gzip file is looked at when its end is reached. */
    const int more = gzread(f, x->data + x->bytes, 1);
    int code;
    gzerror(f, &code);
    if (more > 0)
        return scl_fail(err, SCL_FAILED, "'%s' is corrupt: it is longer than its header says", path);
    return more < 0 || code != Z_OK ? short_read(f, path, err) : SCL_OK;
}

static scl_status read_file(idx *x, const char *path, scl_err *err)
{
    *x = (idx){ 0 };
    gzFile f = gzopen(path, "rb");
    if (!f)
        return scl_fail(err, SCL_FAILED, "cannot read '%s'", path);
    gzbuffer(f, 1 << 18);
    const scl_status status = read_body(f, x, path, err);
    gzclose_r(f);
    if (status != SCL_OK) {
        free(x->data);
        x->data = NULL;
    }
    return status;
}

static scl_status take_pictures(scl_dataset *d, const char *path, scl_err *err)
{
    idx x;
    SCL_TRY(read_file(&x, path, err));
    d->u8 = x.data;
    if (x.rank == 1)
        return scl_fail(err, SCL_FAILED, "'%s' holds labels, not images", path);
    if (x.rank < 3)
        return scl_fail(err, SCL_FAILED, "'%s' has %d dimensions: pictures have 3 or 4", path, x.rank);
    const uint32_t channels = x.rank == 4 ? x.dim[3] : 1;
    for (int k = 1; k < x.rank; k++)
        if (!x.dim[k] || x.dim[k] > 1 << 15)
            return scl_fail(err, SCL_FAILED, "'%s' holds pictures of %ux%ux%u", path, x.dim[1], x.dim[2], channels);
    d->count = x.dim[0];
    d->height = (int)x.dim[1];
    d->width = (int)x.dim[2];
    d->channels = (int)channels;
    return SCL_OK;
}

static scl_status take_labels(scl_dataset *d, const char *path, scl_err *err)
{
    idx x;
    SCL_TRY(read_file(&x, path, err));
    scl_status status = SCL_OK;
    void *block = NULL;
    if (x.rank != 1 || x.dim[0] != d->count)
        status = scl_fail(err, SCL_FAILED, "'%s' holds %u labels for %zu pictures", path, x.dim[0], d->count);
    if (status == SCL_OK)
        status = scl_alloc_bytes(&block, sizeof(int32_t) * d->count + 1, "labels", err);
    if (status == SCL_OK) {
        d->label = block;
        for (size_t i = 0; i < d->count; i++) {
            d->label[i] = x.data[i];
            if (d->label[i] >= d->classes)
                d->classes = d->label[i] + 1;
        }
    }
    free(x.data);
    return status;
}

/* folder/stem or folder/stem.gz; false: neither. */
static bool find(char *path, size_t size, const char *folder, const char *stem)
{
    snprintf(path, size, "%s/%s", folder, stem);
    if (scl_is_file(path))
        return true;
    snprintf(path, size, "%s/%s.gz", folder, stem);
    return scl_is_file(path);
}

scl_status scl_read_idx(scl_dataset *d, const scl_data_config *spec, scl_split split, scl_err *err)
{
    const char *folder = scl_split_path(spec, split);
    if (!scl_is_folder(folder)) {
        SCL_TRY(take_pictures(d, folder, err));
        scl_keep_split(d, spec, split);
        return SCL_OK;
    }
    const char *set = split == SCL_SPLIT_TEST ? "t10k" : "train";
    char path[4096], stem[64];
    snprintf(stem, sizeof stem, "%s-images-idx3-ubyte", set);
    if (!find(path, sizeof path, folder, stem))
        return scl_fail(err, SCL_FAILED, "'%s' holds neither %s nor %s.gz", folder, stem, stem);
    SCL_TRY(take_pictures(d, path, err));
    snprintf(stem, sizeof stem, "%s-labels-idx1-ubyte", set);
    return find(path, sizeof path, folder, stem) ? take_labels(d, path, err) : SCL_OK;
}
