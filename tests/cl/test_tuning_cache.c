/* The stored tuning rows: kept per device and kernel source, damaged files ignored and made anew, two
 * processes at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cl/device.h"
#include "cl/tuning_cache.h"
#include "failures.h"

enum { SKIPPED = 77, EACH = 12 };
static char root[] = "/tmp/scl-tuning-XXXXXX";

static int rows(scl_backend *b)
{
    scl_tuning t = {0};
    scl_tuning_load(b, &t);
    const int n = t.n_row;
    scl_tuning_free(&t);
    return n;
}

static void store(scl_backend *b, const char *shape, int batch)
{
    scl_tuning t = {0};
    scl_tuning_put(&t, &(scl_tuning_row){shape, batch, "direct WG=1", 10, 20});
    scl_tuning_store(b, &t);
    scl_tuning_free(&t);
}

/* Two processes add rows of their own, one at a time: none gets lost. */
static void test_two_processes(void)
{
    pid_t child[2];
    for (int c = 0; c < 2; c++) {
        if ((child[c] = fork()) != 0)
            continue;
        scl_backend *b;
        if (scl_device_open("auto", &b, NULL) != SCL_OK)
            _exit(SKIPPED);
        for (int i = 0; i < EACH; i++)
            store(b, c ? "adam D=8" : "conv2d C=8", i);
        _exit(0);
    }
    int status[2];
    for (int c = 0; c < 2; c++)
        waitpid(child[c], &status[c], 0);
    if (WEXITSTATUS(status[0]) == SKIPPED) {
        printf("skipped: there is no OpenCL device\n");
        exit(SKIPPED);
    }
    CHECK(status[0] == 0 && status[1] == 0, "a process ended with %d and %d", status[0], status[1]);
}

static void change_byte(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    CHECK(f && fseek(f, at, at < 0 ? SEEK_END : SEEK_SET) == 0, "cannot open %s", path);
    const int byte = f ? fgetc(f) : 0;
    if (f && fseek(f, at, at < 0 ? SEEK_END : SEEK_SET) == 0)
        fputc(byte ^ 1, f);
    if (f)
        fclose(f);
}

static void test_damage(scl_backend *b)
{
    char path[4096];
    scl_tuning_path(b, path, sizeof path);
    CHECK(!strncmp(path, root, strlen(root)), "rows lie in %s", path);
    const long places[] = {0, 30, 120, -1}; /* magic, key, checksum, content */
    for (int i = 0; i < 4; i++) {
        store(b, "conv2d C=8", 3);
        CHECK(rows(b) > 0, "nothing was stored");
        change_byte(path, places[i]);
        CHECK(rows(b) == 0, "a file with byte %ld changed is read", places[i]);
    }
    store(b, "conv2d C=8", 3);
    CHECK(truncate(path, 200) == 0 && rows(b) == 0, "a cut file is read");
    store(b, "conv2d C=8", 3);
    CHECK(rows(b) == 1, "a damaged file is made anew: %d rows", rows(b));
}

static void put_kernel(const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/kernels/ops", root);
    FILE *f = NULL;
    char file[160];
    snprintf(file, sizeof file, "%s/guard.cl", path);
    f = fopen(file, "w");
    CHECK(f && fputs(text, f) >= 0, "cannot write %s", file);
    if (f)
        fclose(f);
}

/* Other build options, other kernel sources: other rows; and back again. */
static void test_stale(scl_backend *b)
{
    char kernels[128], path[160];
    snprintf(kernels, sizeof kernels, "%s/kernels", root);
    snprintf(path, sizeof path, "%s/ops", kernels);
    CHECK(mkdir(kernels, 0700) == 0 && mkdir(path, 0700) == 0, "cannot make %s", path);
    setenv("SCL_CL_OPTIONS", "-cl-denorms-are-zero", 1);
    CHECK(rows(b) == 0, "rows of other build options are read");
    unsetenv("SCL_CL_OPTIONS");
    put_kernel("// another\n");
    setenv("SCL_KERNEL_DIR", kernels, 1);
    CHECK(rows(b) == 0, "rows of other kernel sources are read");
    store(b, "adam D=8", 1);
    CHECK(rows(b) == 1, "rows of these kernel sources are not read");
    put_kernel("// a third\n");
    CHECK(rows(b) == 0, "rows of earlier kernel sources are read");
    unsetenv("SCL_KERNEL_DIR");
    CHECK(rows(b) == 1, "the first rows are gone: %d", rows(b));
}

int main(void)
{
    CHECK(mkdtemp(root), "no folder");
    setenv("XDG_CACHE_HOME", root, 1);
    test_two_processes(); /* before this process opens a device */
    scl_backend *b, *reference;
    CHECK(scl_device_open("auto", &b, NULL) == SCL_OK &&
              scl_device_open("reference", &reference, NULL) == SCL_OK,
          "no device");
    CHECK(rows(b) == 2 * EACH, "of %d rows, %d are there", 2 * EACH, rows(b));
    store(reference, "adam D=8", 1);
    CHECK(rows(reference) == 0 && rows(b) == 2 * EACH, "the C definitions have rows");
    test_damage(b);
    test_stale(b);
    b->v->close(b);
    reference->v->close(reference);
    setenv("XDG_CACHE_HOME", "/proc/none", 1); /* no folder: nothing is kept, nothing fails */
    CHECK(scl_device_open("auto", &b, NULL) == SCL_OK, "no device");
    store(b, "adam D=8", 1);
    CHECK(rows(b) == 0, "rows without a folder");
    b->v->close(b);
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    CHECK(system(command) == 0, "cannot remove %s", root);
    if (!failures)
        printf("stored tuning rows: all checks passed\n");
    return failures != 0;
}
