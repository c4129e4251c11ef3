/* Selection of devices, sources, build logs, parameter lists, and the cache on disk: nothing here needs a device, but the last
 * part, which shows that a damaged program is built again (argument: which device). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cl/device.h"
#include "cl/program.h"
#include "failures.h"

static void test_selection(void)
{
    const scl_device_info info[] = {
        { .klass = SCL_CLASS_CPU, .platform = "Portable Computing Language", .name = "pthread-AMD", .index = 0 },
        { .klass = SCL_CLASS_GPU, .platform = "rusticl", .name = "AMD Radeon", .index = 1 },
        { .klass = SCL_CLASS_GPU, .platform = "NVIDIA CUDA", .name = "GeForce", .index = 2 },
        { .klass = SCL_CLASS_CPU, .platform = "Intel OpenCL", .name = "rusticl-like CPU", .index = 3 },
        { .klass = SCL_CLASS_OTHER, .platform = "Simulator", .name = "Accelerator 7", .index = 4 },
    };
    const scl_devices all = { 5, info }, cpus = { 1, info }, other = { 1, &info[4] }, none = { 0, info };
    const struct { const char *sel; int want, matches; } cases[] = {
        { "auto", 1, 1 }, { "cpu", 0, 1 }, { "gpu", 1, 1 }, { "0", 0, 1 }, { "4", 4, 1 }, { "5", -1, 1 }, { "99999999999", -1, 1 },
        { "nvidia", 2, 1 }, { "RUSTICL", 1, 1 },        /* platforms first: device 3 is called so, too */
        { "amd", 0, 2 }, { "radeon", 1, 1 }, { "7", -1, 1 }, { "accelerator 7", 4, 1 }, { "l", 0, 4 }, { "voodoo", -1, 0 }, { "", -1, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int matches;
        const int got = scl_device_select(&all, cases[i].sel, &matches);
        CHECK(got == cases[i].want && (got < 0 || matches == cases[i].matches),
              "'%s' selects %d with %d matches, not %d with %d", cases[i].sel, got, matches, cases[i].want,
              cases[i].matches);
    }
    CHECK(scl_device_select(&cpus, "auto", NULL) == 0 && scl_device_select(&cpus, "gpu", NULL) == -1,
          "a machine without GPU");
    CHECK(scl_device_select(&other, "auto", NULL) == 0, "neither GPU nor CPU: the first of any kind");
    CHECK(scl_device_select(&none, "auto", NULL) == -1 && scl_device_select(&none, "0", NULL) == -1, "no device");
}

static void test_sources(void)
{
    scl_arena arena = { 0 };
    scl_err err = { 0 };
    char *out, file[128];
    int line;
    CHECK(scl_source_find("lib/vec.cl", &arena) && !scl_source_find("lib/nothing.cl", &arena),
          "the table in the binary");
    const char *text =
        "// first\n#include \"lib/vec.cl\"\n  #  include \"lib/vec.cl\"\nkernel void k(global float *x) { }\n";
    CHECK(scl_source_resolve(&out, &arena, "ops/t.cl", text, &err) == SCL_OK, "%s", err.message);
    CHECK(!strstr(out, "include") && strstr(out, "#line 3 \"cl/ops/t.cl\"\n") &&
              strstr(out, "#line 1 \"cl/lib/vec.cl\"\n"),
          "includes are replaced, lines kept:\n%s", out);
    int number = 1;
    for (const char *p = strstr(out, "kernel void k"); p > out; p--)
        number += p[-1] == '\n';
    CHECK(scl_source_origin(out, number, file, sizeof file, &line) && !strcmp(file, "cl/ops/t.cl") && line == 4,
          "line %d came from %s:%d", number, file, line);
    CHECK(scl_source_resolve(&out, &arena, "ops/t.cl", "\n#include \"lib/nothing.cl\"\n", &err) ==
                  SCL_FAILED &&
              !strcmp(err.file, "cl/ops/t.cl") && err.line == 2 && strstr(err.message, "lib/nothing.cl"),
          "missing include: %s", err.message);
    scl_err_clear(&err);

    char folder[] = "/tmp/scorecl-kernels-XXXXXX", path[128], before[65], after[65];
    if (!mkdtemp(folder))
        exit(1);
    scl_source_hash(before);
    snprintf(path, sizeof path, "%s/lib", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/lib/vec.cl", folder);
    FILE *f = fopen(path, "w");
    fputs("#include \"lib/vec.cl\"\n", f);
    fclose(f);
    setenv("SCL_KERNEL_DIR", folder, 1);
    CHECK(scl_source_resolve(&out, &arena, "ops/t.cl", text, &err) == SCL_FAILED && strstr(err.message, "cycle"),
          "a folder replaces kernel files, and a cycle ends: %s", err.message);
    scl_source_hash(after);
    CHECK(strlen(before) == 64 && strcmp(before, after) != 0, "the hash of the sources follows them");
    unsetenv("SCL_KERNEL_DIR");
    unlink(path);
    *strrchr(path, '/') = 0;
    rmdir(path);
    rmdir(folder);
    scl_err_clear(&err);
    scl_arena_free(&arena);
}

static void test_logs(void)
{
    const struct { const char *log, *file; int line, col; const char *message; } cases[] = {
        { "warning: nothing\ncl/ops/conv.cl:12:5: error: use of 'x'\n", "cl/ops/conv.cl", 12, 5, "error: use of 'x'\n" },
        { "error: cl/ops/norm.cl:7:3 <Spelling=<command line>:5:12>: no\n1 error", "cl/ops/norm.cl", 7, 3, "no\n1 error" },
        { "error: cl/ops/norm.cl:7:3: no such thing", "cl/ops/norm.cl", 7, 3, "no such thing" },
        { "\"cl/ops/a.cl\", line 3\ncl/ops/a.cl(33): error: bad", "cl/ops/a.cl", 33, 0, "error: bad" },
        { "<kernel>:4:1: error: bad", "kernel>", 4, 1, "error: bad" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[64] = "";
        const char *message = "";
        int line = 0, col = 0;
        CHECK(scl_log_position(cases[i].log, file, sizeof file, &line, &col, &message) &&
                  !strcmp(file, cases[i].file) && line == cases[i].line && col == cases[i].col &&
                  !strcmp(message, cases[i].message),
              "log %zu: %s:%d:%d '%s'", i, file, line, col, message);
    }
    char file[64];
    const char *message;
    int line, col;
    CHECK(!scl_log_position("link failed\n", file, sizeof file, &line, &col, &message), "a log without position");
}

static void test_parameters(void)
{
    char name[SCL_MAX_PARAMETERS][64], address[SCL_MAX_PARAMETERS];
    const char *source =
        "void k2(int a);\nkernel void other_k(global int *no) {}\n__attribute__((reqd_work_group_size(WG, 1, 1)))\n"
        "kernel void k(global const float *restrict x, __constant uint *c,\n    const float2 scale, local float *room,"
        " __global float *out, int n)\n{ k(x); }\nkernel void none(void) {}";
    const char *names[] = { "x", "c", "scale", "room", "out", "n" };
    CHECK(scl_source_parameters(source, "k", name, address) == 6 && !memcmp(address, "ggplgp", 6), "six parameters");
    for (int i = 0; i < 6; i++)
        CHECK(!strcmp(name[i], names[i]), "parameter %d is '%s', not '%s'", i, name[i], names[i]);
    CHECK(scl_source_parameters(source, "none", name, address) == 0, "no parameters");
    const char *macros = "#define ARGS global const float *in0, INNER\n#define NOTHING\n"
                         "#ifndef ARGS\n#define ARGS int wrong,\n#endif\n"
                         "#define INNER local float *room, \\\n    const int d,\n"
                         "kernel void k(NOTHING ARGS global float *out, const int per)\n{\n}\n";
    const char *expanded[] = { "in0", "room", "d", "out", "per" };
    CHECK(scl_source_parameters(macros, "k", name, address) == 5 && !memcmp(address, "glpgp", 5),
          "five parameters behind macros");
    for (int i = 0; i < 5; i++)
        CHECK(!strcmp(name[i], expanded[i]), "parameter %d is '%s', not '%s'", i, name[i], expanded[i]);
    CHECK(scl_source_parameters(source, "absent", name, address) == -1, "no such kernel");
}

static void damage(const char *path, long at, int truncate_to)
{
    FILE *f = fopen(path, "r+b");
    if (!f || fseek(f, at, SEEK_SET) != 0)
        exit(1);
    const int byte = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(byte ^ 1, f);
    fclose(f);
    if (truncate_to && truncate(path, truncate_to) != 0)
        exit(1);
}

static bool loads(const char *key, const char *want)
{
    void *data;
    size_t bytes;
    const bool good = scl_cache_load("test", key, &data, &bytes) && bytes == strlen(want) && !memcmp(data, want, bytes);
    free(data);
    return good;
}

static void test_cache(void)
{
    char path[4200];
    const char *text = "the machine code of a kernel";
    CHECK(!loads("a", text), "nothing is stored yet");
    scl_cache_store("test", "a", text, strlen(text));
    scl_cache_path("test", "a", path, sizeof path);
    CHECK(loads("a", text), "stored and loaded");
    CHECK(!loads("b", text), "another key");
    struct stat st;
    stat(path, &st);
    const long places[] = { 0, 20, 100, st.st_size - 1 };
    for (int i = 0; i < 4; i++) {
        scl_cache_store("test", "a", text, strlen(text));
        damage(path, places[i], 0);
        CHECK(!loads("a", text), "byte %ld is damaged", places[i]);
        CHECK(access(path, F_OK) != 0, "and the file is gone");
    }
    scl_cache_store("test", "a", text, strlen(text));
    damage(path, st.st_size - 1, (int)st.st_size - 5);
    CHECK(!loads("a", text), "a cut file");
    setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
    scl_cache_store("test", "a", text, strlen(text));
    CHECK(!loads("a", text), "no cache folder: nothing happens");
}

static const char program_source[] = "kernel void k(global float *x) { x[0] = 1.0f; }\n";

/* Opens the device anew (nothing is in memory), gets the program, and makes its kernel; false: there is no device. */
static bool program_works(const char *sel, char *key, size_t size, bool *pocl, const char *what)
{
    scl_err err = { 0 };
    scl_backend *b;
    scl_arena arena = { 0 };
    char *resolved;
    cl_program program;
    if (scl_device_open(sel, &b, &err) != SCL_OK) {
        scl_err_clear(&err);
        return false;
    }
    *pocl = strstr(b->info.platform, "Portable") != NULL;
    scl_source_resolve(&resolved, &arena, "generated/t.cl", program_source, &err);
    snprintf(key, size, "%s\n-cl-std=CL1.2 -cl-kernel-arg-info  \n%s", scl_cl_of(b)->identity, resolved);
    CHECK(scl_program_get(scl_cl_of(b), "generated/t.cl", program_source, "", &program, &err) == SCL_OK,
          "%s: %s", what, err.message);
    cl_int code;
    cl_kernel kernel = clCreateKernel(program, "k", &code);
    CHECK(code == CL_SUCCESS, "%s: clCreateKernel: %s", what, scl_cl_error_name(code));
    clReleaseKernel(kernel);
    b->v->close(b);
    scl_arena_free(&arena);
    scl_err_clear(&err);
    return true;
}

static bool stored(const char *key)
{
    void *data;
    size_t bytes;
    const bool good = scl_cache_load("programs", key, &data, &bytes) && bytes > 100;
    free(data);
    return good;
}

static void test_programs_on_disk(const char *sel, const char *cache)
{
    char key[4096], path[4200];
    bool pocl;
    setenv("XDG_CACHE_HOME", cache, 1);
    setenv("SCL_PROGRAM_CACHE", "1", 1);
    if (!program_works(sel, key, sizeof key, &pocl, "first build")) {
        printf("no device: programs on disk are not tested\n");
        return;
    }
    CHECK(stored(key), "the program is on disk");
    program_works(sel, key, sizeof key, &pocl, "from disk");
    scl_cache_path("programs", key, path, sizeof path);
    damage(path, 300, 0);
    program_works(sel, key, sizeof key, &pocl, "damaged on disk");
    CHECK(stored(key), "a damaged program is built and stored again");
    damage(path, 300, 400);
    program_works(sel, key, sizeof key, &pocl, "cut on disk");
    CHECK(stored(key), "a cut program is built and stored again");
    if (!pocl)
        return;      /* rusticl ends the process at what is no program of its own */
    scl_cache_store("programs", key, "not a program", 13);
    program_works(sel, key, sizeof key, &pocl, "not a program");
    CHECK(stored(key), "what the driver does not take is built and stored again");
}

int main(int argc, char **argv)
{
    char cache[] = "/tmp/scorecl-cache-XXXXXX", command[64];
    if (!mkdtemp(cache))
        return 1;
    setenv("XDG_CACHE_HOME", cache, 1);
    test_selection();
    test_sources();
    test_logs();
    test_parameters();
    test_cache();
    test_programs_on_disk(argc > 1 ? argv[1] : "auto", cache);
    snprintf(command, sizeof command, "rm -rf %s", cache);
    if (system(command) != 0)
        failures++;
    if (!failures)
        printf("programs: all checks passed\n");
    return failures != 0;
}
