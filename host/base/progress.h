/* One line that says how far something is, at which rate, and how long it will take: rewritten in place on a terminal, a plain
 * line now and then elsewhere.  Standard error, through base/log.h. */
#ifndef SCL_BASE_PROGRESS_H
#define SCL_BASE_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

typedef struct scl_progress {
    char what[64], unit[16];     /* "train", "step" */
    char note[128];              /* the newest: "loss 131.2" */
    size_t memory_bytes;         /* shown behind the note; 0: not known */
    long done, total, first;     /* first: where this run began (after a resume) */
    int64_t start_ns, shown_ns, plain_ns;
    struct { int64_t ns; long done; } mark[2];   /* the rate is that since mark 0, a minute or two ago */
} scl_progress;

/* total 0: unknown.  first: units that are done already. */
void scl_progress_start(scl_progress *p, const char *what, const char *unit, long first, long total);
/* note: anything short to add ("loss 131.2"), which stays until the next one; NULL: none that is new.  Cheap: shows at most ten times
 * a second on a terminal, else every 10 s. */
void scl_progress_update(scl_progress *p, long done, const char *note);
/* Removes the line and logs what was done in which time. */
void scl_progress_end(scl_progress *p);

/* That line. */
void scl_progress_text(const scl_progress *p, int64_t now_ns, char *line, size_t size);

int64_t scl_now_ns(void);        /* a monotonic clock */
/* "3 s", "4 min 10 s", "2 h 5 min" */
void scl_duration_text(double seconds, char *text, int size);

#endif
