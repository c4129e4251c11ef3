/* Checks that count: a program of the tests ends with failures != 0 as its status. */
#ifndef TESTS_FAILURES_H
#define TESTS_FAILURES_H

#include <stdio.h>

static int failures;
#define CHECK(condition, ...)                               \
    do {                                                    \
        if (!(condition)) {                                 \
            failures++;                                     \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
            fprintf(stderr, __VA_ARGS__);                   \
            fprintf(stderr, "\n");                          \
        }                                                   \
    } while (0)

#endif
