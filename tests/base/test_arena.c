/* Arenas: aligned and zeroed memory; what is too large for a host is an error and ends nothing. */
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "failures.h"

static void test_memory(void)
{
    scl_arena arena = { 0 };
    unsigned char *last = NULL;
    for (size_t n = 1; n < 200000; n = 2 * n + 1) {
        unsigned char *p = scl_arena_alloc(&arena, n);
        size_t dirty = 0;
        for (size_t i = 0; i < n; i++)
            dirty += p[i] != 0;
        CHECK(dirty == 0 && (uintptr_t)p % 16 == 0 && p != last, "%zu bytes: %zu are not 0", n, dirty);
        memset(p, 0xff, n);
        last = p;
    }
    CHECK(!strcmp(scl_arena_printf(&arena, "%d %s", 3, scl_arena_strdup(&arena, "texts")), "3 texts"), "texts");
    scl_arena_free(&arena);
    scl_arena_free(&arena);
}

static void refuse(scl_arena *arena, size_t count)
{
    scl_err err = { 0 };
    double *x = NULL;
    CHECK(SCL_TAKE_ARRAY(&x, arena, count, "the numbers of a test", &err) == SCL_FAILED && !x, "%zu numbers", count);
    CHECK(strstr(err.message, "not enough host memory for the numbers of a test"), "message: %s", err.message);
    scl_err_clear(&err);
}

static void test_large(void)
{
    scl_arena arena = { 0 };
    scl_err err = { 0 };
    double *x = NULL;
    refuse(&arena, SIZE_MAX / sizeof *x + 2); /* a product that wraps round to 8 bytes */
    refuse(&arena, SIZE_MAX / sizeof *x);
#ifndef __SANITIZE_ADDRESS__ /* which ends a program that asks for so much */
    refuse(&arena, (size_t)1 << 57);
#endif
    CHECK(SCL_TAKE_ARRAY(&x, &arena, 100000, "numbers", &err) == SCL_OK && x[99999] == 0, "%s", err.message);
    scl_arena_free(&arena);
}

int main(void)
{
    test_memory();
    test_large();
    if (!failures)
        printf("arenas: all checks passed\n");
    return failures != 0;
}
