#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    scl_log_level least;
    FILE *file;
    scl_log_sink *sink;
    void *user;
    char status[512];       /* what stands in place on the terminal */
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .least = SCL_LOG_INFO };

bool scl_log_terminal(void)
{
    static int known = -1;
    if (known < 0)
        known = isatty(STDERR_FILENO) && !(getenv("TERM") && !strcmp(getenv("TERM"), "dumb"));
    return known;
}

static void to_file(scl_log_level level, const char *line)
{
    static const char *const mark[] = { "debug: ", "", "warning: ", "error: " };
    struct tm parts;
    const time_t now = time(NULL);
    char stamp[32];
    gmtime_r(&now, &parts);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &parts);
    fprintf(state.file, "%s %s%s\n", stamp, mark[level], line);
    fflush(state.file);
}

static void to_terminal(scl_log_level level, const char *line)
{
    const bool terminal = scl_log_terminal(), colour = terminal && !getenv("NO_COLOR");
    const char *mark = level == SCL_LOG_WARNING ? "warning: " : level == SCL_LOG_ERROR ? "error: " : "";
    const char *on = !colour || !mark[0] ? "" : level == SCL_LOG_WARNING ? "\033[33m" : "\033[31m";
    if (terminal && state.status[0])
        fputs("\r\033[K", stderr);
    fprintf(stderr, "%s%s%s%s\n", on, mark, on[0] ? "\033[0m" : "", line);
    if (terminal && state.status[0])
        fputs(state.status, stderr);
}

void scl_log_line(scl_log_level level, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    char small[1024], *line = length < (int)sizeof small ? small : malloc((size_t)length + 1);
    if (line) {
        vsnprintf(line, (size_t)length + 1, format, again);
        pthread_mutex_lock(&state.lock);
        if (level >= state.least && state.sink)
            state.sink(state.user, level, line);
        else if (level >= state.least)
            to_terminal(level, line);
        if (state.file && (level > SCL_LOG_DEBUG || level >= state.least))
            to_file(level, line);
        pthread_mutex_unlock(&state.lock);
    }
    if (line != small)
        free(line);
    va_end(again);
    va_end(args);
}

void scl_log_file_line(scl_log_level level, const char *line)
{
    pthread_mutex_lock(&state.lock);
    if (state.file)
        to_file(level, line);
    pthread_mutex_unlock(&state.lock);
}

void scl_log_show(scl_log_level least)
{
    pthread_mutex_lock(&state.lock);
    state.least = least;
    pthread_mutex_unlock(&state.lock);
}

scl_status scl_log_to(const char *path, scl_err *err)
{
    FILE *file = NULL;
    if (path && !(file = fopen(path, "ae")))
        return scl_fail_at(err, SCL_FAILED, path, 0, 0, "cannot open the log file: %s", strerror(errno));
    pthread_mutex_lock(&state.lock);
    if (state.file)
        fclose(state.file);
    state.file = file;
    pthread_mutex_unlock(&state.lock);
    return SCL_OK;
}

void scl_log_set_sink(scl_log_sink *sink, void *user)
{
    pthread_mutex_lock(&state.lock);
    state.sink = sink;
    state.user = user;
    pthread_mutex_unlock(&state.lock);
}

void scl_log_status(const char *text)
{
    if (!scl_log_terminal())
        return;
    pthread_mutex_lock(&state.lock);
    if (!state.sink && (text || state.status[0])) {
        snprintf(state.status, sizeof state.status, "%s", text ? text : "");
        fprintf(stderr, "\r\033[K%s", state.status);
        fflush(stderr);
    }
    pthread_mutex_unlock(&state.lock);
}
