/* What the host is doing, for whoever asks where its time goes (scorecl profile): spans of work, named by
 * their kind.
 *
 * Without a sink a span costs a look at a pointer.  Spans nest; the innermost is what the time was really
 * spent on. */
#ifndef SCL_BASE_PHASE_H
#define SCL_BASE_PHASE_H

#include <stdint.h>

typedef enum scl_phase {
    SCL_PHASE_CONFIG,   /* reading and checking the config */
    SCL_PHASE_GRAPH,    /* building graphs, with their derivatives */
    SCL_PHASE_PLAN,     /* passes, choices, places */
    SCL_PHASE_PROGRAMS, /* kernels built or loaded, arguments set */
    SCL_PHASE_ENQUEUE,  /* handing commands to the device */
    SCL_PHASE_COMPUTE,  /* the reference device computes on the host */
    SCL_PHASE_WAIT,     /* for the device */
    SCL_PHASE_DATA,     /* reading, shuffling and sending data */
    SCL_PHASE_METRICS,
    SCL_PHASE_CHECKPOINT,
    SCL_PHASE_PROFILE, /* reading out what was noted */
    SCL_PHASES
} scl_phase;

/* "config", "graph" ... */
const char *scl_phase_name(scl_phase phase);

/* Called at the end of every span, by the thread that it belongs to; nanoseconds of scl_now_ns. */
typedef void scl_phase_sink(void *user, scl_phase phase, int64_t begin_ns, int64_t end_ns);

/* One for the process; NULL: none.  Set and removed while no stage runs. */
void scl_phase_set_sink(scl_phase_sink *sink, void *user);

/* Begins a span; the result goes to scl_phase_end.  0: nobody listens. */
int64_t scl_phase_begin(void);
void scl_phase_end(scl_phase phase, int64_t begin);

#endif
