/* The clock of a device beside the host's: where the one lies on the other, and which stamps can be believed.
 *
 * Pure: no device is needed.  Host times are nanoseconds of scl_now_ns, device times nanoseconds of the
 * device's own clock. */
#ifndef SCL_GRAPH_CLOCK_H
#define SCL_GRAPH_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* What happened on the device between two looks at the host's clock: a look at the device's (first = last),
 * or a command that was queued at `first` and ended at `last`. */
typedef struct scl_clock_sample {
    int64_t before, after; /* host */
    int64_t first, last;   /* device */
} scl_clock_sample;

/* The device's clock over a stretch of time: device - host is a straight line between its two ends. */
typedef struct scl_clock {
    int64_t at[2];      /* device times of the ends */
    double offset[2];   /* device - host there */
    double uncertainty; /* ns: half of what the samples leave open */
} scl_clock;

/* From samples at the beginning of a stretch and at its end (n of each, at least one at the beginning;
 * without any at the end the offset stays).  false: no offset agrees with all samples of an end; the device's
 * clock does not run in nanoseconds, or jumps. */
bool scl_clock_fit(scl_clock *out, const scl_clock_sample *begin, int n_begin, const scl_clock_sample *end,
                   int n_end);
/* The host's time of a device's time. */
int64_t scl_clock_to_host(const scl_clock *c, int64_t device);
double scl_clock_drift(const scl_clock *c); /* device nanoseconds too many for each of the host's */

enum { SCL_STAMP_QUEUED, SCL_STAMP_SUBMIT, SCL_STAMP_START, SCL_STAMP_END, SCL_STAMPS };

typedef enum scl_stamp_fault {
    SCL_STAMPS_GOOD,
    SCL_STAMPS_CLAMPED,   /* good but for the rounding of clocks, which was taken out */
    SCL_STAMPS_MISSING,   /* 0 */
    SCL_STAMPS_BACKWARDS, /* it ended before it started */
    SCL_STAMPS_OUTSIDE,   /* before it was enqueued, or after it was seen to have ended */
    SCL_STAMPS_OVERLAP,   /* while the command before it, on the same queue in order, still ran */
} scl_stamp_fault;
const char *scl_stamp_fault_name(scl_stamp_fault fault);

/* Looks at a command's stamps, already on the host's clock (0: missing), and clamps what lies within `slack`
 * ns of what is possible. enqueued: host time before the call; seen: host time when it was known to have
 * ended; previous_end: of the command before it on the same queue.  A command that is not good has all its
 * stamps between these bounds and no duration. */
scl_stamp_fault scl_stamps_check(int64_t stamp[SCL_STAMPS], int64_t enqueued, int64_t seen,
                                 int64_t previous_end, int64_t slack);

/* May the device's durations be believed?  device: END - START of a command, host: what the host waited for
 * it; ns, of several tries. Some try must have taken nearly all of the time that the host waited; none more
 * of it. */
bool scl_clock_plausible(const int64_t *device, const int64_t *host, int n);

#endif
