/* Folders of pictures: good ones, damaged ones, links, crop and resize, and the icons of Debian where they are installed. */
#include <zlib.h>

#include "data/folder.h"
#include "data/image.h"

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
    put_file(path, file, make_png(file, width, height, (unsigned char[]){ r, g, b, a }));
}

static void test_images(void)
{
    mkdir(in_root("pics"), 0755);
    mkdir(in_root("pics/sub"), 0755);
    mkdir(in_root("empty"), 0755);
    put_png(in_root("pics/b.png"), 6, 4, 10, 20, 30, 255);
    put_png(in_root("pics/sub/a.PNG"), 6, 4, 200, 100, 0, 128);
    put_png(in_root("pics/a.png"), 6, 4, 0, 0, 0, 0);
    put_file(in_root("pics/readme.txt"), "no picture", 10);
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
    put_file(in_root("bad/a.png"), file, size - 12);
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is truncated");
    put_file(in_root("bad/a.png"), file, 0);
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is not a picture that can be read: it is empty");
    file[size - 20] ^= 4;
    put_file(in_root("bad/a.png"), file, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is corrupt: the checksum of its chunk IDAT");
    /* One wrong byte in the pixels' own checksum, under a chunk whose checksum is right; and pixels that end early. */
    make_png(file, 20, 20, (unsigned char[]){ 1, 2, 3, 255 });
    unsigned char *idat = file + 33, *at = idat, body[1 << 12];
    const uint32_t length = (uint32_t)(size - 33 - 12 - 12);
    memcpy(body, idat + 8, length);
    body[length - 1] ^= 1;
    chunk(&at, "IDAT", body, length);
    put_file(in_root("bad/a.png"), file, size);
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is corrupt: its pixels cannot be decompressed");
    body[length - 1] ^= 1;
    at = idat;
    chunk(&at, "IDAT", body, length / 2);
    chunk(&at, "IEND", NULL, 0);
    put_file(in_root("bad/a.png"), file, (size_t)(at - file));
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is corrupt: its pixels end too early");
    at = idat;
    chunk(&at, "IDAT", body, 5);
    chunk(&at, "IDAT", body + 5, 0);
    chunk(&at, "IDAT", body + 5, length - 5);
    chunk(&at, "IEND", NULL, 0);
    put_file(in_root("bad/a.png"), file, (size_t)(at - file));
    scl_dataset *d = open_set(&spec, SCL_SPLIT_TRAIN);
    CHECK(d && d->count == 1 && d->u8[0] == 1 && d->u8[5] == 3, "pixels in several chunks");
    scl_dataset_free(d);
    put_file(in_root("bad/a.png"), "\xff\xd8\xff\xe0 no jpeg", 12);
    must_fail(&spec, SCL_SPLIT_TRAIN, "a.png' is not a picture that can be read");
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

static void test_installed(void)
{
    scl_data_config icons = { .format = SCL_DATA_IMAGES, .path = "/usr/share/icons/oxygen/base/32x32",
                              .transform = { .channels = 3, .size = 32 }, .holdout = 10 };
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
    test_images();
    test_bad_images();
    test_resize();
    test_installed();
    return finish("pictures");
}
