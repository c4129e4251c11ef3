/* What is shown while something runs: lines on standard error, and the same lines in a log file.
 *
 * Safe to call from several threads.  One log for the process: lines come from everywhere, and their order is what matters. */
#ifndef SCL_BASE_LOG_H
#define SCL_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

typedef enum scl_log_level { SCL_LOG_DEBUG, SCL_LOG_INFO, SCL_LOG_WARNING, SCL_LOG_ERROR } scl_log_level;

/* One line (a final newline is added).  Warnings and errors are marked. */
void scl_log_line(scl_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define scl_debug(...) scl_log_line(SCL_LOG_DEBUG, __VA_ARGS__)
#define scl_info(...) scl_log_line(SCL_LOG_INFO, __VA_ARGS__)
#define scl_warn(...) scl_log_line(SCL_LOG_WARNING, __VA_ARGS__)

/* Shows lines of this level and above (default SCL_LOG_INFO).  The log file gets everything but debug lines that are not shown. */
void scl_log_show(scl_log_level least);

/* From now on every line also goes to this file, at its end (appended; with the time in front).  NULL: no longer. */
scl_status scl_log_to(const char *path, scl_err *err);

/* A line for the log file alone: it is shown elsewhere. */
void scl_log_file_line(scl_log_level level, const char *line);

/* Takes the lines instead of standard error (a program that embeds the library).  NULL: standard error again. */
typedef void scl_log_sink(void *user, scl_log_level level, const char *line);
void scl_log_set_sink(scl_log_sink *sink, void *user);

/* Is standard error a terminal (colours, progress in place)? */
bool scl_log_terminal(void);

/* The line that is rewritten in place on a terminal: text without newline, NULL to remove it.  Lines of scl_log go above it. */
void scl_log_status(const char *text);

#endif
