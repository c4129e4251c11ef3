/* What has to succeed for a test to go on: else its error is printed, and the program ends with 1. */
#ifndef TESTS_MUST_H
#define TESTS_MUST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

static inline void must(scl_status status, const scl_err *err)
{
    char text[8192];
    if (status == SCL_OK)
        return;
    scl_err_text(err, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    exit(1);
}

#endif
