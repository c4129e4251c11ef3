/* The number of parts is the smallest that fits, `least` is kept, and what never fits is an error with
 * numbers. */
#include <stdio.h>
#include <string.h>

#include "failures.h"
#include "run/fit.h"

typedef struct model {
    size_t each, fixed;
    int asked;
} model;

static scl_status needed(void *context, int n, scl_need *out, scl_err *err)
{
    model *m = context;
    (void)err;
    m->asked++;
    *out =
        (scl_need){.slab_bytes = (size_t)n * m->each, .store_bytes = m->fixed, .largest_bytes = m->fixed / 2};
    return SCL_OK;
}

static void check(int batch, int least, size_t global, size_t block, model m)
{
    const scl_device_info d = {.name = "a device", .global_bytes = global, .max_alloc_bytes = block};
    scl_err err = {0};
    int parts = 0, expected = least;
    for (; expected <= batch; expected++) {
        scl_need n;
        needed(&m, (batch + expected - 1) / expected, &n, &err);
        if (n.slab_bytes + n.store_bytes <= global && n.slab_bytes <= block && n.largest_bytes <= block)
            break;
    }
    m.asked = 0;
    const scl_status status = scl_fit_parts(&parts, batch, least, &d, needed, &m, &err);
    if (expected > batch) {
        CHECK(status == SCL_FAILED && strstr(err.message, "a device") && strstr(err.message, "MiB"),
              "batch %d: %d, '%s'", batch, (int)status, err.message);
    } else {
        CHECK(status == SCL_OK && parts == expected, "batch %d, least %d, %zu bytes: %d parts, not %d", batch,
              least, global, parts, expected);
    }
    CHECK(m.asked <= 40, "batch %d: asked %d times", batch, m.asked);
    scl_err_clear(&err);
}

int main(void)
{
    const model m = {.each = 1000, .fixed = 5000};
    for (int batch = 1; batch <= 130; batch += 3)
        for (int least = 1; least <= batch; least += 1 + batch / 5)
            for (size_t global = 4000; global < 150000; global += 3333) {
                check(batch, least, global, global, m);
                check(batch, least, 1000000, global, m);
            }
    check(65536, 1, 100000, 100000, m);
    check(512, 3, 512000 + 5000, 512000, m);
    const scl_device_info boundless = {.name = "no limits"};
    int parts;
    scl_err err = {0};
    model large = {.each = (size_t)1 << 40};
    CHECK(scl_fit_parts(&parts, 64, 1, &boundless, needed, &large, &err) == SCL_OK && parts == 1,
          "a device without limits");
    if (!failures)
        printf("fit: all checks passed\n");
    return failures != 0;
}
