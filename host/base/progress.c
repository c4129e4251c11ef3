#include "base/progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

static const int64_t SECOND = 1000000000;

int64_t scl_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

void scl_duration_text(double seconds, char *text, int size)
{
    const long s = seconds < 0 ? 0 : (long)(seconds + 0.5);
    if (seconds < 10)
        snprintf(text, (size_t)size, "%.1f s", seconds < 0 ? 0.0 : seconds);
    else if (s < 60)
        snprintf(text, (size_t)size, "%ld s", s);
    else if (s < 3600)
        snprintf(text, (size_t)size, "%ld min %ld s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(text, (size_t)size, "%ld h %ld min", s / 3600, s / 60 % 60);
    else
        snprintf(text, (size_t)size, "%ld d %ld h", s / 86400, s / 3600 % 24);
}

void scl_progress_start(scl_progress *p, const char *what, const char *unit, long first, long total)
{
    *p = (scl_progress){ .done = first, .first = first, .total = total };
    snprintf(p->what, sizeof p->what, "%s", what);
    snprintf(p->unit, sizeof p->unit, "%s", unit);
    p->start_ns = p->plain_ns = scl_now_ns();
    for (int i = 0; i < 2; i++) {
        p->mark[i].ns = p->start_ns;
        p->mark[i].done = first;
    }
}

static void add(char *line, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(char *line, size_t size, const char *format, ...)
{
    const size_t used = strlen(line);
    va_list list;
    va_start(list, format);
    vsnprintf(line + used, size - used, format, list);
    va_end(list);
}

void scl_progress_text(const scl_progress *p, int64_t now_ns, char *line, size_t size)
{
    const double seconds = (double)(now_ns - p->mark[0].ns) / (double)SECOND;
    const double rate = seconds > 0 ? (double)(p->done - p->mark[0].done) / seconds : 0;
    char left[64] = "";
    if (p->total > 0 && rate > 0)
        scl_duration_text((double)(p->total - p->done) / rate, left, sizeof left);
    line[0] = 0;
    add(line, size, "%s: %s %ld", p->what, p->unit, p->done);
    if (p->total > 0)
        add(line, size, "/%ld (%.0f%%)", p->total, 100.0 * (double)p->done / (double)p->total);
    if (p->note[0])
        add(line, size, ", %s", p->note);
    if (rate >= 1)
        add(line, size, ", %.1f %ss/s", rate, p->unit);
    else if (rate > 0)
        add(line, size, ", %.2f s/%s", 1 / rate, p->unit);
    if (p->memory_bytes)
        add(line, size, ", %.0f MiB", (double)p->memory_bytes / (1 << 20));
    if (left[0])
        add(line, size, ", %s left", left);
}

void scl_progress_update(scl_progress *p, long done, const char *note)
{
    const int64_t now = scl_now_ns();
    const bool terminal = scl_log_terminal();
    p->done = done;
    if (note)
        snprintf(p->note, sizeof p->note, "%s", note);
    if (now - p->mark[1].ns > 60 * SECOND) {     /* what a first step compiles is no longer in the rate */
        p->mark[0] = p->mark[1];
        p->mark[1].ns = now;
        p->mark[1].done = done;
    }
    if (terminal ? now - p->shown_ns < SECOND / 10 : now - p->plain_ns < 10 * SECOND)
        return;
    p->shown_ns = p->plain_ns = now;
    char line[384];
    scl_progress_text(p, now, line, sizeof line);
    if (terminal)
        scl_log_status(line);
    else
        scl_info("%s", line);
}

void scl_progress_end(scl_progress *p)
{
    const double seconds = (double)(scl_now_ns() - p->start_ns) / (double)SECOND;
    const long n = p->done - p->first;
    char time[64];
    scl_log_status(NULL);
    scl_duration_text(seconds, time, sizeof time);
    scl_info("%s: %ld %s%s in %s", p->what, n, p->unit, n == 1 ? "" : "s", time);
}
