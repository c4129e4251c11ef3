/* The device probe notices kernels that compute something else: each fault is planted in a copy of a kernel file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cl/device.h"
#include "cl/probe.h"
#include "cl/program.h"
#include "failures.h"

static void probe(const char *sel, bool again, scl_probe_result *out)
{
    scl_err err = { 0 };
    scl_backend *b;
    char text[4096];
    scl_status status = scl_device_open(sel, &b, &err);
    if (status == SCL_OK) {
        status = scl_probe_device(b, again, out, &err);
        scl_probe_text(b, out, text, sizeof text);
        b->v->close(b);
    }
    if (status != SCL_OK) {
        scl_err_text(&err, text, sizeof text);
        failures++;
    }
    printf("%s\n", text);
    scl_err_clear(&err);
}

/* Writes the kernel file `name` with the first `from` replaced under folder. */
static void plant(const char *folder, const char *name, const char *from, const char *to)
{
    scl_arena arena = { 0 };
    unsetenv("SCL_KERNEL_DIR");
    const char *text = scl_source_find(name, &arena), *at = text ? strstr(text, from) : NULL;
    if (!at) {
        CHECK(false, "cl/%s has no '%s'", name, from);
        return;
    }
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    *strrchr(path, '/') = 0;
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fclose(f);
    setenv("SCL_KERNEL_DIR", folder, 1);
    scl_arena_free(&arena);
}

int main(int argc, char **argv)
{
    const char *sel = argc > 1 ? argv[1] : "auto";
    char folder[] = "/tmp/scorecl-probe-XXXXXX", path[256];
    scl_err err = { 0 };
    scl_backend *b;
    if (scl_device_open(sel, &b, &err) == SCL_NO_DEVICE) {
        printf("skipped: %s\n", err.message);
        scl_err_clear(&err);
        return 77;
    }
    b->v->close(b);
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/cache", folder);
    mkdir(path, 0700);
    setenv("XDG_CACHE_HOME", path, 1);
    scl_probe_result r;
    probe(sel, false, &r);
    CHECK(r.promised && !r.cached && r.n_check > 30, "this device computes the bits of the C definitions");
    probe(sel, false, &r);
    CHECK(r.promised && r.cached, "the second time the result is stored");
    probe(sel, true, &r);
    CHECK(r.promised && !r.cached, "asked again, it is computed");
    const struct { const char *file, *from, *to, *names; } faults[] = {
        { "lib/math_body.h", "fma(p, r2, r)", "p * r2 + r", "exp" },
        { "lib/math_body.h", "fabs(x) < K(0x1p-60f) ? K(0.0f) : x", "x", "flush" },
        { "lib/stream_body.h", "s->level[k - 1] = (floatT)(0.0f);", "", "squares of a long row" },      /* short rows do not see it */
        { "probe/arith.cl", "fma(X, Y, Z)", "X * Y + Z", "fma of vectors" },
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        plant(folder, faults[i].file, faults[i].from, faults[i].to);
        probe(sel, false, &r);
        CHECK(!r.promised && !r.cached && strstr(r.differed, faults[i].names), "'%s' is noticed: %s",
              faults[i].to, r.differed);
        snprintf(path, sizeof path, "%s/%s", folder, faults[i].file);
        remove(path);
    }
    snprintf(path, sizeof path, "rm -rf %s", folder);
    if (system(path) != 0)
        failures++;
    if (!failures)
        printf("probe: all checks passed\n");
    return failures != 0;
}
