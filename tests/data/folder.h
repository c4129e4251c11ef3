/* For the tests of readers: data sets that open or must not. */
#ifndef TESTS_DATA_FOLDER_H
#define TESTS_DATA_FOLDER_H

#include <string.h>
#include <sys/stat.h>

#include "data/dataset.h"
#include "run/check.h"

static inline scl_dataset *open_set(const scl_data_config *spec, scl_split split)
{
    scl_err err = { 0 };
    scl_dataset *d = NULL;
    CHECK(scl_dataset_open(&d, spec, split, &err) == SCL_OK, "%s: %s", spec->path, err.message);
    scl_err_clear(&err);
    return d;
}

static inline void must_fail(const scl_data_config *spec, scl_split split, const char *message)
{
    scl_err err = { 0 };
    scl_dataset *d = NULL;
    CHECK(scl_dataset_open(&d, spec, split, &err) == SCL_FAILED, "%s was read", spec->path);
    CHECK(strstr(err.message, message), "%s: expected \"%s\", got \"%s\"", spec->path, message, err.message);
    scl_err_clear(&err);
    scl_dataset_free(d);
}

#endif
