/* Safetensors: what is written is read back; every damage of a file is named. */
#include "check.h"

#include <stdint.h>

#include "data/npy.h"
#include "data/safetensors.h"

/* A file from a header as text and a number of data bytes. */
static const char *make(const char *name, const char *header, size_t data)
{
    const char *path = in_root("%s.safetensors", name);
    const size_t length = strlen(header);
    unsigned char *bytes = calloc(1, 8 + length + data);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(bytes + 8, header, length);
    put_file(path, bytes, 8 + length + data);
    free(bytes);
    return path;
}

/* One tensor's entry. */
#define T(name, dtype, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static const struct {
    const char *name, *header;
    size_t data;
    const char *message;
} damaged[] = {
    { "truncated_data", "{" T("a", "F32", "[2]", 0, 8) "}", 7,
      "is truncated: tensor 'a' ends at byte 8 of 7" },
    { "more_data", "{" T("a", "F32", "[2]", 0, 8) "}", 9, "1 bytes behind its last tensor" },
    { "wrong_size", "{" T("a", "F32", "[3]", 0, 8) "}", 8,
      "tensor 'a' has 8 bytes, its shape and type say 12" },
    { "overlap", "{" T("a", "F32", "[2]", 0, 8) "," T("b", "F32", "[2]", 4, 12) "}", 12,
      "tensors 'a' and 'b' overlap" },
    { "twice_the_same_bytes", "{" T("a", "F32", "[2]", 0, 8) "," T("b", "F32", "[2]", 0, 8) "}", 8,
      "overlap" },
    { "hole", "{" T("a", "F32", "[1]", 0, 4) "," T("b", "F32", "[1]", 8, 12) "}", 12,
      "4 unused bytes before tensor 'b'" },
    { "same_name", "{" T("a", "F32", "[1]", 0, 4) "," T("a", "F32", "[1]", 4, 8) "}", 8, "duplicate" },
    { "backwards", "{" T("a", "F32", "[1]", 4, 0) "}", 4, "tensor 'a' has no data_offsets" },
    { "negative", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4,
      "tensor 'a' has no data_offsets" },
    { "no_offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor 'a' has no data_offsets" },
    { "no_dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor 'a' has no dtype" },
    { "unknown_dtype", "{" T("a", "BF16", "[2]", 0, 4) "}", 4, "tensor 'a' has type BF16" },
    { "no_shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor 'a' has no shape" },
    { "negative_shape", "{" T("a", "F32", "[-1]", 0, 4) "}", 4, "dimension that is not a count" },
    { "shape_that_overflows", "{" T("a", "F32", "[4294967296,4294967296]", 0, 0) "}", 0, "impossible shape" },
    { "rank_9", "{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1, "at most 8 dimensions" },
    { "entry_is_a_number", "{\"a\":3}", 0, "tensor 'a' has no dtype" },
    { "metadata_is_a_number", "{\"__metadata__\":3}", 0, "__metadata__ is not a map of texts" },
    { "metadata_of_numbers", "{\"__metadata__\":{\"step\":3}}", 0, "__metadata__ is not a map of texts" },
    { "not_json", "{\"a\":", 0, "its header is not JSON" },
    { "not_an_object", "[1, 2]  ", 0, "is not a safetensors file" },
};

static void test_damaged(void)
{
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        scl_err err = { 0 };
        scl_safetensors *s = NULL;
        const scl_status status =
            scl_safetensors_open(&s, make(damaged[i].name, damaged[i].header, damaged[i].data), &err);
        CHECK(status == SCL_FAILED && !s, "%s: was read", damaged[i].name);
        CHECK(strstr(err.message, damaged[i].message), "%s: says '%s'", damaged[i].name, err.message);
        CHECK(strstr(err.message, damaged[i].name), "%s: does not name the file: '%s'", damaged[i].name,
              err.message);
        scl_safetensors_close(s);
    }
}

static void test_not_files(void)
{
    static const struct {
        const char *name, *bytes;
        size_t count;
        const char *message;
    } bad[] = {
        { "empty", "", 0, "it has 0 bytes" },
        { "short", "abc", 3, "it has 3 bytes" },
        { "text", "This is a text and no tensors.", 30, "is not a safetensors file" },
        { "header_beyond_the_end", "\x40\0\0\0\0\0\0\0{}", 10, "is truncated: it ends in its header" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scl_err err = { 0 };
        scl_safetensors *s;
        put_file(in_root("%s", bad[i].name), bad[i].bytes, bad[i].count);
        CHECK(scl_safetensors_open(&s, in_root("%s", bad[i].name), &err) == SCL_FAILED, "%s: was read",
              bad[i].name);
        CHECK(strstr(err.message, bad[i].message), "%s: says '%s'", bad[i].name, err.message);
    }
    scl_err err = { 0 };
    scl_safetensors *s;
    CHECK(scl_safetensors_open(&s, in_root("none"), &err) == SCL_FAILED &&
              strstr(err.message, "No such file"),
          "%s", err.message);
    err = (scl_err){ 0 };
    CHECK(scl_safetensors_open(&s, root, &err) == SCL_FAILED && strstr(err.message, "not a file"), "%s",
          err.message);
}

#define TENSOR(n, type, array, r, ...)                                                                       \
    { .name = n, .dtype = SCL_TENSOR_##type, .rank = r, .dim = { __VA_ARGS__ }, .data = (const void *)array,  \
      .count = sizeof array / sizeof *array, .bytes = sizeof array }

/* Tensors of every type; the odd number of bytes leaves the ones behind it unaligned. */
static void test_round_trip(void)
{
    const float f[3] = { 1.5f, -0x1p-70f, 3.0f };
    const double d[2] = { 0.1, -2.0 };
    const int64_t l[1] = { -5 };
    const int32_t i32[2] = { -7, 7 };
    const uint32_t u[1] = { 0xffffffffu };
    const unsigned char b[3] = { 1, 2, 255 };
    const scl_tensor t[] = {
        TENSOR("z.f", F32, f, 1, 3), TENSOR("b", U8, b, 1, 3), TENSOR("c", F64, d, 2, 2, 1), TENSOR("d", I64, l, 0, 0),
        TENSOR("e", I32, i32, 1, 2), TENSOR("f", U32, u, 1, 1), { .name = "g", .rank = 2, .dim = { 0, 4 } },
    };
    const scl_tensor_meta meta[] = { { "what", "quotes \" and \n lines" }, { "a", "b" } };
    const scl_safetensors_content content = { .tensor = t, .n = 7, .meta = meta, .n_meta = 2 };
    scl_err err = { 0 };
    char written[65], read[65], again[65];
    const char *path = in_root("round.safetensors");
    CHECK(scl_safetensors_write(path, &content, written, &err) == SCL_OK, "%s", err.message);
    scl_safetensors *s;
    CHECK(scl_safetensors_open(&s, path, &err) == SCL_OK, "%s", err.message);
    if (!s)
        return;
    CHECK(s->n == 7 && !strcmp(s->tensor[0].name, "b") && !strcmp(s->tensor[6].name, "z.f"),
          "order of names");
    CHECK(!strcmp(scl_safetensors_meta(s, "what"), meta[0].value), "metadata");
    CHECK(scl_safetensors_verify(s, &err) == SCL_OK, "%s", err.message);
    for (int i = 0; i < 7; i++) {
        const scl_tensor *r = scl_safetensors_find(s, t[i].name);
        CHECK(r && r->dtype == t[i].dtype && r->rank == t[i].rank && r->bytes == t[i].bytes, "%s", t[i].name);
        CHECK(r && (!r->bytes || !memcmp(r->data, t[i].data, r->bytes)), "%s: bytes", t[i].name);
    }
    double wide[3];
    float narrow[2];
    scl_tensor_f64(scl_safetensors_find(s, "f"), wide);
    CHECK(wide[0] == 4294967295.0, "u32 as double");
    scl_tensor_f32(scl_safetensors_find(s, "c"), narrow);
    CHECK(narrow[0] == 0.1f && narrow[1] == -2.0f, "f64 as float");
    scl_safetensors_checksum(s, read);
    CHECK(!strcmp(read, written), "checksum of the written and of the read file");
    CHECK(scl_checksum_file(path, again, &err) == SCL_OK && !strcmp(read, again), "checksum of the file");
    scl_safetensors_close(s);
}

/* Every byte of a written file matters: change each one, and the file is refused. */
static void test_every_byte(void)
{
    const float f[2] = { 1.0f, 2.0f };
    const scl_tensor t = { .name = "w",
                           .dtype = SCL_TENSOR_F32,
                           .rank = 1,
                           .dim = { 2 },
                           .count = 2,
                           .bytes = 8,
                           .data = (const void *)f };
    const scl_tensor_meta meta = { "step", "12" };
    const scl_safetensors_content content = { .tensor = &t, .n = 1, .meta = &meta, .n_meta = 1 };
    const char *path = in_root("bytes.safetensors"), *other = in_root("changed.safetensors");
    char *bytes;
    size_t count;
    CHECK(scl_safetensors_write(path, &content, NULL, NULL) == SCL_OK, "write");
    CHECK(scl_file_read(path, &bytes, &count, NULL) == SCL_OK, "read");
    int accepted = 0;
    for (size_t i = 0; i < count; i++) {
        const char before = bytes[i];
        if (before == ' ') /* padding behind the header */
            continue;
        bytes[i] = (char)(before ^ 1);
        put_file(other, bytes, count);
        bytes[i] = before;
        scl_safetensors *s = NULL;
        const bool good =
            scl_safetensors_open(&s, other, NULL) == SCL_OK && scl_safetensors_verify(s, NULL) == SCL_OK;
        /* A changed name of the checksum itself leaves a file without one: somebody else's, as far as anyone
         * can tell. */
        if (good && scl_safetensors_meta(s, "content_sha256"))
            accepted++;
        scl_safetensors_close(s);
    }
    CHECK(accepted == 0, "%d changed bytes were not noticed", accepted);
    for (size_t n = 0; n < count; n++) {
        put_file(other, bytes, n);
        scl_safetensors *s = NULL;
        CHECK(scl_safetensors_open(&s, other, NULL) != SCL_OK, "accepted with %zu of %zu bytes", n, count);
        scl_safetensors_close(s);
    }
    free(bytes);
}

/* Known by an implementation in Python: name, NUL, dtype, NUL, shape, NUL, data. */
static void test_known_checksums(void)
{
    const float f[2] = { 1.0f, 2.0f };
    const scl_tensor t = { .name = "w",
                           .dtype = SCL_TENSOR_F32,
                           .rank = 2,
                           .dim = { 1, 2 },
                           .count = 2,
                           .bytes = 8,
                           .data = (const void *)f };
    const scl_safetensors_content content = { .tensor = &t, .n = 1 };
    char hex[65];
    CHECK(scl_safetensors_write(in_root("known.safetensors"), &content, hex, NULL) == SCL_OK, "write");
    CHECK(!strcmp(hex, "248aadda270ed3198a0dc4546c56ccb19a7b55c44cd4b57a9f8a5572066bdc20"),
          "checksum of w is %s", hex);
    const scl_npy a = { .dtype = SCL_NPY_F32, .rank = 2, .dim = { 1, 2 }, .count = 2, .data = (void *)f };
    CHECK(scl_npy_write(&a, in_root("known.npy"), NULL) == SCL_OK, "npy");
    CHECK(scl_checksum_file(in_root("known.npy"), hex, NULL) == SCL_OK, "npy");
    CHECK(!strcmp(hex, "d1773dc52c56d899b411d7f5a9d08a0e3c9a83ea554d9a88360dd1e9ccd06981"),
          "checksum of the array is %s", hex);
}

int main(void)
{
    if (!mkdtemp(root))
        return 1;
    test_damaged();
    test_not_files();
    test_round_trip();
    test_every_byte();
    test_known_checksums();
    return finish("safetensors");
}
