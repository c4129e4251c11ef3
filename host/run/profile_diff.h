/* Two profiles (docs/profile.md) side by side: scorecl profile diff. */
#ifndef SCL_RUN_PROFILE_DIFF_H
#define SCL_RUN_PROFILE_DIFF_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

/* Reads a file and looks whether it is a profile of a known version.  *out is owned (json_decref). SCL_FAILED
 * with the file's name. */
scl_status scl_profile_read(const char *file, json_t **out, scl_err *err);

/* What changed from profile a to profile b, as docs/profile.md has it under "diff".
 *
 * Kernels are matched by their keys; what is left of a node in both is one row, of other kernels for the same
 * node; the rest is new or vanished.  A time is the median over the profiled steps, its spread the
 * interquartile range I; a change counts as one where it exceeds sqrt(Ia^2 + Ib^2), and where both have
 * SCL_DIFF_LEAST_STEPS or more.  (For independent steps that is some five standard deviations of the
 * difference of two medians of 20: it has to hold for thousands of kernels at once, and for what differs
 * between two processes.)  Times of other clocks are never a change.  Rows: those that changed first, by the
 * size of the change. fail_over: percent; below 0: no limit.  *out is owned (json_decref); "failed" in it
 * lists the rows beyond the limit. */
enum { SCL_DIFF_LEAST_STEPS = 4 };
scl_status scl_profile_diff(const json_t *a, const json_t *b, double fail_over, json_t **out, scl_err *err);

/* The same as a page without anything outside of it; in the arena. */
scl_status scl_profile_diff_html(const json_t *diff, char **html, scl_arena *arena, scl_err *err);

#endif
