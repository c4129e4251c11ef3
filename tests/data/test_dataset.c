/* Data readers of arrays: small files written here, damaged ones, and a real set where it is installed.
 * (Pictures: test_images.c.) */
#include <zlib.h>

#include "base/file.h"
#include "data/folder.h"
#include "data/npy.h"

static void put_gzip(const char *path, const void *data, size_t size)
{
    gzFile f = gzopen(path, "wb");
    CHECK(f && gzwrite(f, data, (unsigned)size) == (int)size, "cannot write %s", path);
    gzclose(f);
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
    put_file(in_root("idx/train-labels-idx1-ubyte"), labels, sizeof labels);
    put_file(in_root("idx/t10k-images-idx3-ubyte"), file, IDX_SIZE);
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

    put_file(in_root("whole"), file, IDX_SIZE);
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
    put_file(spec.path, bytes, size);
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
    put_file(in_root("idx/train-labels-idx1-ubyte"), labels, sizeof labels - 1);
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
    put_file(in_root("cut.gz"), packed, packed_size / 2);
    spec.path = in_root("cut.gz");
    must_fail(&spec, SCL_SPLIT_TRAIN, "is truncated");
    put_file(in_root("no-crc.gz"), packed, packed_size - 8);
    spec.path = in_root("no-crc.gz");
    must_fail(&spec, SCL_SPLIT_TRAIN, "is truncated");
    packed[packed_size / 2] = (char)(packed[packed_size / 2] ^ 0x10);
    put_file(in_root("bad.gz"), packed, packed_size);
    spec.path = in_root("bad.gz");
    must_fail(&spec, SCL_SPLIT_TRAIN, "bad.gz' is corrupt: in");
    packed[packed_size / 2] = (char)(packed[packed_size / 2] ^ 0x10);
    packed[packed_size - 6] = (char)(packed[packed_size - 6] ^ 1);                                                      /* the checksum itself */
    put_file(in_root("crc.gz"), packed, packed_size);
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
        put_file(in_root("cifar/cifar-10-batches-bin/data_batch_%d.bin", b), file, 2 * RECORD);
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
    put_file(in_root("cifar/cifar-10-batches-bin/data_batch_5.bin"), file, 2 * RECORD - 1);
    must_fail(&spec, SCL_SPLIT_TRAIN, "data_batch_5.bin' is truncated or corrupt");
    file[RECORD] = 10;
    put_file(in_root("cifar/cifar-10-batches-bin/data_batch_2.bin"), file, 2 * RECORD);
    must_fail(&spec, SCL_SPLIT_TRAIN, "record 1 has label 10");
    free(file);
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
    put_file(spec.path, file, size - 1);
    must_fail(&spec, SCL_SPLIT_TRAIN, "damaged.npy' is truncated: 47 bytes of elements, its header says 48");
    put_file(spec.path, file, 40);
    must_fail(&spec, SCL_SPLIT_TRAIN, "damaged.npy' is truncated: it ends in its header");
    put_file(spec.path, file, 3);
    must_fail(&spec, SCL_SPLIT_TRAIN, "damaged.npy' is not an npy file");
    memcpy(file + size - 4, "\x00\x00\x80\x7f", 4);
    put_file(spec.path, file, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, "damaged.npy': element 11 is not finite");
    memcpy(strstr(file + 10, "False"), "True ", 5);
    put_file(spec.path, file, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, "is in Fortran order");
    memcpy(strstr(file + 10, "True "), "False", 5);
    memcpy(strstr(file + 10, "<f4"), "<i4", 3);
    put_file(spec.path, file, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, "holds elements of type '<i4': uint8, and");
    free(file);
}

/* ---- a set of Debian ---- */

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
}

int main(void)
{
    if (!mkdtemp(root))
        return 1;
    test_idx();
    test_broken_idx();
    test_gzip();
    test_cifar10();
    test_npy();
    test_installed();
    return finish("data sets");
}
