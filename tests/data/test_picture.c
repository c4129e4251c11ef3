/* Samples as pictures: written, read back, compared pixel by pixel. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/image.h"
#include "failures.h"
#include "run/picture.h"

static char root[] = "/tmp/scl-picture-XXXXXX";
static char path[256];

static const char *in_root(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static scl_image back(const char *name)
{
    scl_err err = { 0 };
    scl_image image = { 0 };
    CHECK(scl_image_read(&image, in_root(name), &err) == SCL_OK, "%s", err.message);
    scl_err_clear(&err);
    return image;
}

static void test_bytes(void)
{
    /* 0, tiny, halves at 0.5/255 and 1.5/255, 1, outside, no number */
    const float x[8] = { 0.0f, 1e-9f, 0.0019f, 0.0020f, 0.9981f, 1.0f, 7.0f, NAN };
    const unsigned char want[8] = { 0, 0, 0, 1, 255, 255, 255, 0 };
    const scl_pictures p = { .x = x, .count = 1, .height = 2, .width = 4, .channels = 1 };
    scl_err err = { 0 };
    CHECK(scl_picture_grid(&p, 1, 0, in_root("bytes.png"), &err) == SCL_OK, "%s", err.message);
    scl_image image = back("bytes.png");
    CHECK(image.height == 2 && image.width == 4, "%d x %d", image.height, image.width);
    for (int i = 0; i < 8 && image.data; i++)
        CHECK(image.data[3 * i] == want[i] && image.data[3 * i + 2] == want[i], "%g became %d", (double)x[i],
              image.data[3 * i]);
    free(image.data);
}

static void test_grid(void)
{
    enum { N = 5, H = 3, W = 2, GAP = 2 };
    float x[N * H * W * 3];
    for (int i = 0; i < N * H * W * 3; i++)
        x[i] = (float)i / 255.0f;
    const scl_pictures p = { .x = x, .count = N, .height = H, .width = W, .channels = 3 };
    scl_err err = { 0 };
    CHECK(scl_picture_grid(&p, 0, GAP, in_root("grid.png"), &err) == SCL_OK, "%s", err.message);
    scl_image image = back("grid.png");
    CHECK(image.width == GAP + 3 * (W + GAP) && image.height == GAP + 2 * (H + GAP),
          "3 x 2 pictures: %d x %d", image.width, image.height);
    int painted = 0;
    for (int y = 0; y < image.height && image.data; y++)
        for (int c = 0; c < image.width; c++) {
            const int column = (c - GAP) / (W + GAP), row = (y - GAP) / (H + GAP), i = row * 3 + column;
            const int px = c - GAP - column * (W + GAP), py = y - GAP - row * (H + GAP);
            const bool inside = c >= GAP && y >= GAP && px < W && py < H && i < N;
            const unsigned char *v = image.data + (y * image.width + c) * 3;
            for (int k = 0; k < 3; k++)
                CHECK(v[k] == (inside ? ((i * H + py) * W + px) * 3 + k : 255), "pixel %d,%d", c, y);
            painted += inside;
        }
    CHECK(painted == N * H * W, "%d pixels", painted);
    free(image.data);
    CHECK(scl_picture_files(&p, 8, 13, in_root("images"), &err) == SCL_OK, "%s", err.message);
    image = back("images/0012.png");
    CHECK(image.width == W && image.height == H && image.data && image.data[4] == 4 * H * W * 3 + 4, "0012.png");
    free(image.data);
    CHECK(access(in_root("images/0008.png"), R_OK) == 0 && access(in_root("images/0013.png"), R_OK) != 0, "numbers");
    char text[512];
    CHECK(scl_picture_grid(&p, 5, 0, "/nonexistent/grid.png", &err) == SCL_FAILED, "a folder that is not there");
    scl_err_text(&err, text, sizeof text);
    CHECK(strstr(text, "/nonexistent/grid.png"), "an unwritable path: %s", text);
    scl_err_clear(&err);
}

int main(void)
{
    if (!mkdtemp(root))
        return 1;
    test_bytes();
    test_grid();
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    CHECK(system(command) == 0, "cannot remove %s", root);
    if (!failures)
        printf("pictures: all checks passed\n");
    return failures != 0;
}
