/* The probability-flow ODE of a network on its device, the slope at any time (Song et al. 2021, section 4.3;
 * score/sde.h):
 *
 *     dx/dt = h(x, t) = f(t) x - 1/2 g(t)^2 s(x, t)
 *
 * t is the time of the process; of the variance-exploding one ln sigma, in which dx/dt = -sigma^2 s(x, sigma).
 * A network that knows the level by tables alone (of which the label names the entry) gets every level that is asked
 * for.  One with weights of its own for each level knows those of its table; between two of them sigma s is taken
 * to be linear in ln sigma, which takes two evaluations; only of ve.  x is double on the host, the score float on
 * the device. */
#ifndef SCL_RUN_FLOW_H
#define SCL_RUN_FLOW_H

#include "run/observer.h"
#include "score/noise.h"

/* Called after every evaluation of the network; what it returns ends the flow. */
typedef scl_status scl_flow_seen(void *context, double t, scl_err *err);

typedef struct scl_flow {
    /* Set by the caller, borrowed. */
    const scl_graph *graph; /* of scl_step_score, or of scl_step_trace with `vectors` */
    scl_store *store;
    scl_exec *exec;
    const scl_noise *noise; /* the levels that the network was trained on */
    int n, vectors;         /* samples of a run; vectors of each */
    size_t width;           /* values of a sample */
    bool exact;             /* the vectors are the basis: their v.Jv add up to the trace */
    const scl_observer *observer; /* of stage, whose samples begin at first; NULL: nobody */
    const scl_stage_config *stage;
    int first;
    scl_flow_seen *seen;    /* may be NULL */
    void *context;
    /* Results. */
    double *at;       /* t of each level, falling */
    long evaluations; /* of the network */
    /* Its own. */
    bool any_level; /* the network takes every level */
    int level;      /* that the device has */
    float *table[SCL_QUANTITIES], *x, *score, *trace;
    int32_t *label;
} scl_flow;

/* What it needs comes out of the arena.  SCL_FAILED where the network does not know the levels that the flow goes
 * through. */
scl_status scl_flow_open(scl_flow *f, scl_arena *arena, scl_err *err);

/* dx = h at x [n,width].  divergence (NULL: not wanted): div h as each vector estimates it, [vectors,n], or,
 * exact, as it is, [n]. */
scl_status scl_flow_slope(scl_flow *f, double t, const double *x, double *dx, double *divergence, scl_err *err);

/* The clean data that x at the last level come from, (x + sigma^2 s) / alpha, in place. */
scl_status scl_flow_denoise(scl_flow *f, double *x, scl_err *err);

#endif
