/* Data readers: small files written here, damaged ones, and the real sets where they are installed. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/file.h"
#include "data/dataset.h"
#include "data/image.h"
#include "data/npy.h"
#include "failures.h"

static char root[] = "/tmp/scl-data-XXXXXX";
static scl_arena arena;

static const char *in_root(const char *format, ...)
{
    char name[512];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return scl_arena_printf(&arena, "%s/%s", root, name);
}

static void put(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, size, f) == size, "cannot write %s", path);
    if (f)
        fclose(f);
}

static void put_gzip(const char *path, const void *data, size_t size)
{
    gzFile f = gzopen(path, "wb");
    CHECK(f && gzwrite(f, data, (unsigned)size) == (int)size, "cannot write %s", path);
    gzclose(f);
}

static scl_dataset *open_set(const scl_data_config *spec, scl_split split)
{
    scl_err err = { 0 };
    scl_dataset *d = NULL;
    CHECK(scl_dataset_open(&d, spec, split, &err) == SCL_OK, "%s: %s", spec->path, err.message);
    scl_err_clear(&err);
    return d;
}

static void must_fail(const scl_data_config *spec, scl_split split, const char *message)
{
    scl_err err = { 0 };
    scl_dataset *d = NULL;
    CHECK(scl_dataset_open(&d, spec, split, &err) == SCL_FAILED, "%s was read", spec->path);
    CHECK(strstr(err.message, message), "%s: expected \"%s\", got \"%s\"", spec->path, message, err.message);
    scl_err_clear(&err);
    scl_dataset_free(d);
}

/* ---- IDX ---- */

enum { IDX_N = 5, IDX_H = 3, IDX_W = 4, IDX_SIZE = 16 + IDX_N * IDX_H * IDX_W };

static void make_idx(unsigned char *file)
{
    const unsigned char head[16] = { 0, 0, 8, 3, 0, 0, 0, IDX_N, 0, 0, 0, IDX_H, 0, 0, 0, IDX_W };
    memcpy(file, head, sizeof head);
    for (int i = 16; i < IDX_SIZE; i++)
        file[i] = (unsigned char)(7 * i);
}

static void test_idx(void)
{
    unsigned char file[IDX_SIZE + 1] = { 0 }, labels[8 + IDX_N] = { 0, 0, 8, 1, 0, 0, 0, IDX_N, 3, 1, 4, 1, 5 };
    make_idx(file);
    mkdir(in_root("idx"), 0755);
    put_gzip(in_root("idx/train-images-idx3-ubyte.gz"), file, IDX_SIZE);
    put(in_root("idx/train-labels-idx1-ubyte"), labels, sizeof labels);
    put(in_root("idx/t10k-images-idx3-ubyte"), file, IDX_SIZE);
    scl_data_config spec = { .format = SCL_DATA_IDX, .path = in_root("idx") };
    scl_dataset *d = open_set(&spec, SCL_SPLIT_TRAIN), *test = open_set(&spec, SCL_SPLIT_TEST);
    if (d && test) {
        CHECK(d->count == IDX_N && d->height == IDX_H && d->width == IDX_W && d->channels == 1, "shape");
        CHECK(!memcmp(d->u8, file + 16, IDX_SIZE - 16), "elements");
        CHECK(d->classes == 6 && d->label[2] == 4, "labels");
        CHECK(!test->label && !strcmp(test->sha256, d->sha256) && strlen(d->sha256) == 64,
              "the same bytes, gzip or not");
    }
    scl_dataset_free(test);
    scl_dataset_free(d);

    put(in_root("whole"), file, IDX_SIZE);
    spec = (scl_data_config){ .format = SCL_DATA_IDX, .path = in_root("whole"), .holdout = 2 };
    d = open_set(&spec, SCL_SPLIT_TRAIN), test = open_set(&spec, SCL_SPLIT_TEST);
    if (d && test)
        CHECK(d->count == 3 && test->count == 2 && test->u8[0] == file[16 + 12] && d->u8[12] == file[16 + 24],
              "every second");
    scl_dataset_free(test);
    scl_dataset_free(d);
    spec.holdout = 0;
    must_fail(&spec, SCL_SPLIT_TEST, "has no pictures for the test split");
}

/* A file of these bytes is none to read. */
static void refused(const char *name, const void *bytes, size_t size, const char *message)
{
    const scl_data_config spec = { .format = SCL_DATA_IDX, .path = in_root(name) };
    put(spec.path, bytes, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, message);
}

static void test_broken_idx(void)
{
    unsigned char file[IDX_SIZE + 1] = { 0 }, labels[8 + IDX_N] = { 0, 0, 8, 1, 0, 0, 0, 4, 3, 1, 4, 1, 5 };
    make_idx(file);
    refused("short", file, IDX_SIZE - 1, "is truncated");
    refused("long", file, IDX_SIZE + 1, "longer than its header says");
    refused("head", file, 9, "is truncated");
    refused("nothing", file, 0, "is truncated");
    file[4] = 200;                                                                     /* three billion pictures */
    refused("huge", file, IDX_SIZE, "its header promises");
    file[4] = 0, file[2] = 13;
    refused("floats", file, IDX_SIZE, "IDX type 0x0d");
    refused("text", "hello world, this is text", 25, "is not an IDX file");
    refused("labels", labels, sizeof labels - 1, "holds labels, not images");
    scl_data_config spec = { .format = SCL_DATA_IDX, .path = root };
    must_fail(&spec, SCL_SPLIT_TRAIN, "holds neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz");
    put(in_root("idx/train-labels-idx1-ubyte"), labels, sizeof labels - 1);
    spec.path = in_root("idx");
    must_fail(&spec, SCL_SPLIT_TRAIN, "holds 4 labels for 5 pictures");
}

static void test_gzip(void)
{
    const size_t size = 16 + 40 * 28 * 28;
    unsigned char *file = calloc(size, 1);
    char *packed;
    const unsigned char head[16] = { 0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 28, 0, 0, 0, 28 };
    memcpy(file, head, sizeof head);
    unsigned seed = 1;
    for (size_t i = 16; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        file[i] = (unsigned char)(seed >> 29);
    }
    put_gzip(in_root("good.gz"), file, size);
    size_t packed_size;
    CHECK(scl_file_read(in_root("good.gz"), &packed, &packed_size, NULL) == SCL_OK, "read back");
    scl_data_config spec = { .format = SCL_DATA_IDX, .path = in_root("good.gz") };
    scl_dataset *d = open_set(&spec, SCL_SPLIT_TRAIN);
    scl_dataset_free(d);
    put(in_root("cut.gz"), packed, packed_size / 2);
    spec.path = in_root("cut.gz");
    must_fail(&spec, SCL_SPLIT_TRAIN, "is truncated");
    put(in_root("no-crc.gz"), packed, packed_size - 8);
    spec.path = in_root("no-crc.gz");
    must_fail(&spec, SCL_SPLIT_TRAIN, "is truncated");
    packed[packed_size / 2] = (char)(packed[packed_size / 2] ^ 0x10);
    put(in_root("bad.gz"), packed, packed_size);
    spec.path = in_root("bad.gz");
    must_fail(&spec, SCL_SPLIT_TRAIN, "bad.gz' is corrupt: in");
    packed[packed_size / 2] = (char)(packed[packed_size / 2] ^ 0x10);
    packed[packed_size - 6] = (char)(packed[packed_size - 6] ^ 1);                                                      /* the checksum itself */
    put(in_root("crc.gz"), packed, packed_size);
    spec.path = in_root("crc.gz");
    must_fail(&spec, SCL_SPLIT_TRAIN, "is corrupt");
    free(packed);
    free(file);
}

/* ---- CIFAR-10 ---- */

static void test_cifar10(void)
{
    enum { RECORD = 3073 };
    unsigned char *file = calloc(2, RECORD);
    for (int i = 0; i < 2 * RECORD; i++)
        file[i] = (unsigned char)(i % 251);
    file[0] = 7, file[RECORD] = 9;
    mkdir(in_root("cifar"), 0755);
    mkdir(in_root("cifar/cifar-10-batches-bin"), 0755);
    for (int b = 1; b <= 5; b++)
        put(in_root("cifar/cifar-10-batches-bin/data_batch_%d.bin", b), file, 2 * RECORD);
    scl_data_config spec = { .format = SCL_DATA_CIFAR10, .path = in_root("cifar") };
    scl_dataset *d = open_set(&spec, SCL_SPLIT_TRAIN);
    if (d) {
        CHECK(d->count == 10 && d->height == 32 && d->channels == 3 && d->label[1] == 9 && d->label[8] == 7, "records");
        CHECK(d->u8[3 * 5] == file[1 + 5] && d->u8[3 * 5 + 1] == file[1 + 1024 + 5] &&
                  d->u8[3 * 5 + 2] == file[1 + 2048 + 5],
              "planes");
    }
    scl_dataset_free(d);
    must_fail(&spec, SCL_SPLIT_TEST, "test_batch.bin' is missing");
    put(in_root("cifar/cifar-10-batches-bin/data_batch_5.bin"), file, 2 * RECORD - 1);
    must_fail(&spec, SCL_SPLIT_TRAIN, "data_batch_5.bin' is truncated or corrupt");
    file[RECORD] = 10;
    put(in_root("cifar/cifar-10-batches-bin/data_batch_2.bin"), file, 2 * RECORD);
    must_fail(&spec, SCL_SPLIT_TRAIN, "record 1 has label 10");
    free(file);
}

/* ---- pictures ---- */

static void chunk(unsigned char **at, const char *kind, const unsigned char *data, uint32_t size)
{
    unsigned char *p = *at;
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(size >> (24 - 8 * i));
    memcpy(p + 4, kind, 4);
    if (size)
        memcpy(p + 8, data, size);
    const uLong crc = crc32(0, p + 4, size + 4);
    for (int i = 0; i < 4; i++)
        p[8 + size + (uint32_t)i] = (unsigned char)(crc >> (24 - 8 * i));
    *at = p + 12 + size;
}

/* An RGBA PNG of one colour. */
static size_t make_png(unsigned char *file, int width, int height, const unsigned char *rgba)
{
    static unsigned char raw[1 << 16], packed[1 << 16];
    size_t n = 0;
    for (int y = 0; y < height; y++) {
        raw[n++] = 0;
        for (int x = 0; x < width; x++, n += 4)
            memcpy(raw + n, rgba, 4);
    }
    uLongf size = sizeof packed;
    compress(packed, &size, raw, n);
    unsigned char head[13] = { 0, 0, 0, (unsigned char)width, 0, 0, 0, (unsigned char)height, 8, 6, 0, 0, 0 }, *at = file;
    memcpy(at, "\x89PNG\r\n\x1a\n", 8);
    at += 8;
    chunk(&at, "IHDR", head, 13);
    chunk(&at, "IDAT", packed, (uint32_t)size);
    chunk(&at, "IEND", NULL, 0);
    return (size_t)(at - file);
}

static void put_png(const char *path, int width, int height, unsigned char r, unsigned char g,
                    unsigned char b, unsigned char a)
{
    static unsigned char file[1 << 17];
    put(path, file, make_png(file, width, height, (unsigned char[]){ r, g, b, a }));
}

static void test_images(void)
{
    mkdir(in_root("pics"), 0755);
    mkdir(in_root("pics/sub"), 0755);
    mkdir(in_root("empty"), 0755);
    put_png(in_root("pics/b.png"), 6, 4, 10, 20, 30, 255);
    put_png(in_root("pics/sub/a.PNG"), 6, 4, 200, 100, 0, 128);
    put_png(in_root("pics/a.png"), 6, 4, 0, 0, 0, 0);
    put(in_root("pics/readme.txt"), "no picture", 10);
    put_png(in_root("outside.png"), 6, 4, 1, 2, 3, 255);
    CHECK(!symlink("b.png", in_root("pics/0-link.png")) && !symlink("sub", in_root("pics/z-folder")) &&
              !symlink("../outside.png", in_root("pics/c.png")) &&
              !symlink("../outside.png", in_root("pics/d.png")) &&
              !symlink("gone.png", in_root("pics/e.png")) &&
              !link(in_root("pics/b.png"), in_root("pics/hard.png")),
          "links");
    scl_data_config spec = { .format = SCL_DATA_IMAGES, .path = in_root("pics") };
    scl_dataset *d = open_set(&spec, SCL_SPLIT_TRAIN);
    if (d) {
        CHECK(d->count == 3 && d->height == 4 && d->width == 6 && d->channels == 3,
              "%zu pictures, links not counted", d->count);
        const size_t size = 4 * 6 * 3;
        CHECK(d->u8[0] == 255, "nothing on white is white");                                              /* a.png */
        CHECK(d->u8[size] == 10 && d->u8[size + 1] == 20 && d->u8[size + 2] == 30, "b.png is second");
        CHECK(d->u8[2 * size] == (200 * 128 + 255 * 127 + 127) / 255 && d->u8[2 * size + 2] == 127,
              "half transparent: %d %d", d->u8[2 * size], d->u8[2 * size + 2]); /* sub/a.PNG */
    }
    scl_dataset_free(d);
    spec.transform.channels = 1, spec.transform.size = 8;
    d = open_set(&spec, SCL_SPLIT_TRAIN);
    if (d)
        CHECK(d->height == 8 && d->width == 8 && d->channels == 1 &&
                  d->u8[64] == (2990 + 11740 + 3420 + 500) / 1000,
              "grey");
    scl_dataset_free(d);
    put_png(in_root("pics/f.png"), 5, 5, 9, 9, 9, 255);
    d = open_set(&spec, SCL_SPLIT_TRAIN);
    CHECK(d && d->count == 4, "mixed sizes are resized");
    scl_dataset_free(d);
    spec.transform.size = 0, spec.transform.channels = 1;
    must_fail(&spec, SCL_SPLIT_TRAIN, "f.png' is 5x5, the pictures before it 4x6: give data.transform.size");
    spec.path = in_root("empty");
    must_fail(&spec, SCL_SPLIT_TRAIN, "holds no picture");
    spec.transform.size = 4;
    CHECK(!symlink("../pics/f.png", in_root("empty/1.png")) && !symlink("../outside.png", in_root("empty/2.png")) &&
          !symlink("../outside.png", in_root("empty/3.png")), "links");
    d = open_set(&spec, SCL_SPLIT_TRAIN);
    CHECK(d && d->count == 2 && d->u8[0] == 9, "a folder of links alone");
    scl_dataset_free(d);
    spec.path = in_root("pics/b.png");
    must_fail(&spec, SCL_SPLIT_TRAIN, "is not a folder of pictures");
    spec.path = in_root("nowhere");
    must_fail(&spec, SCL_SPLIT_TRAIN, "does not exist");
    spec.path = "/usr/share/datasets/fashion-mnist-2";
    must_fail(&spec, SCL_SPLIT_TRAIN, "Debian's package dataset-fashion-mnist");
}

static void test_bad_images(void)
{
    static unsigned char file[1 << 17];
    const size_t size = make_png(file, 20, 20, (unsigned char[]){ 1, 2, 3, 255 });
    mkdir(in_root("bad"), 0755);
    scl_data_config spec = { .format = SCL_DATA_IMAGES, .path = in_root("bad") };
    put(in_root("bad/a.png"), file, size - 12);
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is truncated");
    put(in_root("bad/a.png"), file, 0);
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is not a picture that can be read: it is empty");
    file[size - 20] ^= 4;
    put(in_root("bad/a.png"), file, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is corrupt: the checksum of its chunk IDAT");
    /* One wrong byte in the pixels' own checksum, under a chunk whose checksum is right; and pixels that end early. */
    make_png(file, 20, 20, (unsigned char[]){ 1, 2, 3, 255 });
    unsigned char *idat = file + 33, *at = idat, body[1 << 12];
    const uint32_t length = (uint32_t)(size - 33 - 12 - 12);
    memcpy(body, idat + 8, length);
    body[length - 1] ^= 1;
    chunk(&at, "IDAT", body, length);
    put(in_root("bad/a.png"), file, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is corrupt: its pixels cannot be decompressed");
    body[length - 1] ^= 1;
    at = idat;
    chunk(&at, "IDAT", body, length / 2);
    chunk(&at, "IEND", NULL, 0);
    put(in_root("bad/a.png"), file, (size_t)(at - file));
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is corrupt: its pixels end too early");
    at = idat;
    chunk(&at, "IDAT", body, 5);
    chunk(&at, "IDAT", body + 5, 0);
    chunk(&at, "IDAT", body + 5, length - 5);
    chunk(&at, "IEND", NULL, 0);
    put(in_root("bad/a.png"), file, (size_t)(at - file));
    scl_dataset *d = open_set(&spec, SCL_SPLIT_TRAIN);
    CHECK(d && d->count == 1 && d->u8[0] == 1 && d->u8[5] == 3, "pixels in several chunks");
    scl_dataset_free(d);
    put(in_root("bad/a.png"), "\xff\xd8\xff\xe0 no jpeg", 12);
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is not a picture that can be read");
}

/* ---- npy ---- */

static void put_npy(const char *path, scl_npy a)
{
    scl_err err = { 0 };
    CHECK(scl_npy_write(&a, path, &err) == SCL_OK, "%s", err.message);
    scl_err_clear(&err);
}

static void test_npy(void)
{
    unsigned char bytes[2 * 4 * 6 * 3];
    char *file;
    float floats[12];
    size_t size;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(3 * i);
    for (int i = 0; i < 12; i++)
        floats[i] = (float)i / 8.0f;
    floats[1] = 0x1p-70f;
    put_npy(in_root("u8.npy"), (scl_npy){ .dtype = SCL_NPY_U8, .rank = 4, .dim = { 2, 4, 6, 3 }, .data = bytes });
    put_npy(in_root("f32.npy"), (scl_npy){ .dtype = SCL_NPY_F32, .rank = 2, .dim = { 6, 2 }, .data = floats });
    scl_data_config spec = { .format = SCL_DATA_NPY, .path = in_root("u8.npy") };
    scl_dataset *d = open_set(&spec, SCL_SPLIT_TRAIN);
    CHECK(d && d->count == 2 && d->height == 4 && d->width == 6 && d->channels == 3 &&
              !memcmp(d->u8, bytes, sizeof bytes),
          "bytes");
    scl_dataset_free(d);
    spec.transform.size = 2, spec.transform.channels = 1, spec.test_path = in_root("u8.npy");
    d = open_set(&spec, SCL_SPLIT_TEST);
    CHECK(d && d->count == 2 && d->height == 2 && d->width == 2 && d->channels == 1, "cut, resized, grey");
    scl_dataset_free(d);
    spec = (scl_data_config){ .format = SCL_DATA_POINTS, .path = in_root("f32.npy"), .holdout = 3 };
    d = open_set(&spec, SCL_SPLIT_TEST);
    CHECK(d && d->count == 2 && d->channels == 2 && d->f32[0] == 0.5f && d->f32[3] == 11.0f / 8.0f,
          "points, every third");
    scl_dataset_free(d);
    d = open_set(&spec, SCL_SPLIT_TRAIN);
    CHECK(d && d->count == 4 && d->f32[1] == 0.0f, "flushed on entry");
    scl_dataset_free(d);
    spec.format = SCL_DATA_NPY;
    must_fail(&spec, SCL_SPLIT_TRAIN, "pictures are [N,H,W] or [N,H,W,C]");
    CHECK(scl_file_read(spec.path, &file, &size, NULL) == SCL_OK, "read back");
    spec = (scl_data_config){ .format = SCL_DATA_POINTS, .path = in_root("damaged.npy") };
    put(spec.path, file, size - 1);
    must_fail(&spec, SCL_SPLIT_TRAIN, "damaged.npy' is truncated: 47 bytes of elements, its header says 48");
    put(spec.path, file, 40);
    must_fail(&spec, SCL_SPLIT_TRAIN, "damaged.npy' is truncated: it ends in its header");
    put(spec.path, file, 3);
    must_fail(&spec, SCL_SPLIT_TRAIN, "damaged.npy' is not an npy file");
    memcpy(file + size - 4, "\x00\x00\x80\x7f", 4);
    put(spec.path, file, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, "damaged.npy': element 11 is not finite");
    memcpy(strstr(file + 10, "False"), "True ", 5);
    put(spec.path, file, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, "is in Fortran order");
    memcpy(strstr(file + 10, "True "), "False", 5);
    memcpy(strstr(file + 10, "<f4"), "<i4", 3);
    put(spec.path, file, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, "holds elements of type '<i4': uint8, and");
    free(file);
}

/* ---- crop and resize ---- */

static void test_resize(void)
{
    unsigned char six[6] = { 0, 60, 120, 10, 20, 90 }, out[64];
    scl_image from = { .height = 1, .width = 6, .channels = 1, .data = six };
    scl_image to = { .height = 1, .width = 2, .data = out };
    scl_image_resize(&to, &from);
    CHECK(out[0] == 60 && out[1] == 40, "mean of three: %d %d", out[0], out[1]);
    to.width = 4;                                             /* 1.5 pixels each: (0 + 30)/1.5, (30 + 120)/1.5, ... */
    scl_image_resize(&to, &from);
    CHECK(out[0] == 20 && out[1] == 100 && out[2] == 13 && out[3] == 67, "areas: %d %d %d %d", out[0], out[1],
          out[2], out[3]);
    from.width = 2, to.width = 4;                             /* 0 60: centres at -1/4, 1/4, 3/4, 5/4 */
    scl_image_resize(&to, &from);
    CHECK(out[0] == 0 && out[1] == 15 && out[2] == 45 && out[3] == 60, "bilinear: %d %d %d %d", out[0],
          out[1], out[2], out[3]);
    from.width = 6, to.width = 6;
    scl_image_resize(&to, &from);
    CHECK(!memcmp(out, six, 6), "the same size changes nothing");
    unsigned char grid[5 * 4 * 3];
    for (int i = 0; i < 60; i++)
        grid[i] = (unsigned char)i;
    from = (scl_image){ .height = 5, .width = 4, .channels = 3, .data = grid };
    to = (scl_image){ .data = out };
    scl_image_crop(&to, &from, 2);
    CHECK(to.height == 2 && to.width == 2 && out[0] == (1 * 4 + 1) * 3 && out[6] == (2 * 4 + 1) * 3, "centred crop");
    scl_image_crop(&to, &from, 9);
    CHECK(to.height == 4 && to.width == 4 && out[0] == 0, "no larger than the picture");
    unsigned char flat[7 * 9];
    memset(flat, 213, sizeof flat);
    from = (scl_image){ .height = 7, .width = 9, .channels = 1, .data = flat };
    for (int side = 1; side <= 8; side++) {
        to = (scl_image){ .height = side, .width = 9 - side, .data = out };
        scl_image_resize(&to, &from);
        for (int i = 0; i < side * (9 - side); i++)
            CHECK(out[i] == 213, "a flat picture stays flat at %d x %d", side, 9 - side);
    }
}

/* ---- the sets of Debian ---- */

static void test_installed(void)
{
    scl_data_config fashion = { .format = SCL_DATA_IDX, .path = "/usr/share/datasets/fashion-mnist" };
    if (access(fashion.path, R_OK)) {
        printf("skipped: fashion-mnist is not installed\n");
    } else {
        scl_dataset *d = open_set(&fashion, SCL_SPLIT_TEST);
        if (d) {
            CHECK(d->count == 10000 && d->height == 28 && d->width == 28 && d->channels == 1 &&
                      d->classes == 10,
                  "fashion-mnist");
            size_t counts[10] = { 0 };
            for (size_t i = 0; i < d->count; i++)
                counts[d->label[i]]++;
            for (int k = 0; k < 10; k++)
                CHECK(counts[k] == 1000, "fashion-mnist has %zu of class %d", counts[k], k);
            printf("fashion-mnist test sha256 %s\n", d->sha256);
        }
        scl_dataset_free(d);
    }
    scl_data_config icons = { .format = SCL_DATA_IMAGES, .path = "/usr/share/icons/oxygen/base/32x32", .transform = { .channels = 3, .size = 32 }, .holdout = 10 };
    if (access(icons.path, R_OK)) {
        printf("skipped: oxygen-icon-theme is not installed\n");
    } else {
        scl_dataset *d = open_set(&icons, SCL_SPLIT_TRAIN), *t = open_set(&icons, SCL_SPLIT_TEST);
        /* As many as find sees without its links: 1,204 in Debian 12's package, 1,202 in Debian 13's. */
        FILE *find = popen("find /usr/share/icons/oxygen/base/32x32 -type f -name '*.png' | wc -l", "r");
        size_t files = 0;
        CHECK(find && fscanf(find, "%zu", &files) == 1 && files > 1000, "find: %zu", files);
        if (find)
            pclose(find);
        if (d && t)
            CHECK(d->count + t->count == files && t->count == files / 10 && d->height == 32 && d->width == 32,
                  "oxygen: %zu + %zu of %zu", d->count, t->count, files);
        scl_dataset_free(t);
        scl_dataset_free(d);
    }
}

int main(void)
{
    if (!mkdtemp(root))
        return 1;
    test_idx();
    test_broken_idx();
    test_gzip();
    test_cifar10();
    test_images();
    test_bad_images();
    test_npy();
    test_resize();
    test_installed();
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    CHECK(system(command) == 0, "cannot remove %s", root);
    scl_arena_free(&arena);
    if (!failures)
        printf("data sets: all checks passed\n");
    return failures != 0;
}
