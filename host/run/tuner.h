/* The tuner: measures which choice of each kernel is the fastest for the shapes of some graphs, in bounded
 * time.
 *
 * A choice counts only when its bits are those of the C definition (or, at shapes where that takes too long,
 * of the default choice), and it replaces the default only where it is clearly faster in turns with it. */
#ifndef SCL_RUN_TUNER_H
#define SCL_RUN_TUNER_H

#include <signal.h>

#include "config/config.h"
#include "graph/choice.h"
#include "score/step.h"

/* A graph and how often it will run: what is run more is measured first. */
typedef struct scl_tuner_graph {
    scl_graph *graph;
    double runs;
    scl_plan_options plan; /* as it will be planned; without its rows */
} scl_tuner_graph;

/* What became of one shape. */
typedef struct scl_tuned {
    const char *op, *shape;
    int batch, nodes;                                   /* nodes of all graphs that have it */
    double share;                                       /* of the expected time of all shapes */
    int choices, tried, wrong, failed;                  /* wrong: other bits; failed: did not build or run */
    char before[SCL_CHOICE_TEXT], now[SCL_CHOICE_TEXT]; /* now is "" where even the default fails */
    double before_s, now_s;                             /* medians */
} scl_tuned;

typedef struct scl_tuner_options {
    double seconds; /* for everything, compiling too; one kernel that compiles for long may exceed it */
    bool thorough;  /* every choice, and shapes that hardly matter */
    const char *op; /* only this operator; NULL: all */
    const volatile sig_atomic_t *stop;                /* not 0: come back soon; NULL: never */
    void (*done)(void *user, const scl_tuned *shape); /* after each shape; may be NULL */
    void *user;
} scl_tuner_options;

typedef struct scl_tuner_report {
    int shapes, measured, faster, wrong; /* shapes: with more than one choice */
    double seconds, before_s, now_s; /* before_s, now_s: of one run of each graph, over the measured shapes */
} scl_tuner_report;

/* Measures, and puts a row into rows for each shape that was reached (also where the default stays: it is
 * then known). The graphs must outlive the call.  A choice that fails is passed over; SCL_FAILED means the
 * device itself is in trouble. */
scl_status scl_tuner_run(scl_backend *b, const scl_tuner_graph *graphs, int n_graphs,
                         const scl_tuner_options *options, scl_tuning *rows, scl_tuner_report *report,
                         scl_err *err);

/* Does rows hold the exact shape of any node that could be measured? */
bool scl_tuner_knows(const scl_device_info *device, const scl_tuner_graph *graphs, int n_graphs,
                     const scl_tuning *rows);

/* Arithmetic of all runs of the graphs. */
double scl_tuner_flops(const scl_tuner_graph *graphs, int n_graphs);

/* The graphs of a stage (train: a step and an evaluation; sample: an update) with the runs that its config
 * asks for.  spec: its runs are of spec->n samples; plan: scl_build_plan_options'. */
enum { SCL_TUNER_GRAPHS = 2 };
typedef struct scl_tuner_list {
    int n;
    scl_tuner_graph graph[SCL_TUNER_GRAPHS];
} scl_tuner_list;
scl_status scl_tuner_graphs(const scl_stage_config *stage, const scl_step_spec *spec,
                            const scl_plan_options *plan, scl_arena *arena, scl_tuner_list *out,
                            scl_err *err);
/* Sets the samples of a run in scl_build_spec's spec: as the stage's config asks, or as many as fit.  device:
 * what the stage may use of it. */
scl_status scl_tuner_fit(scl_step_spec *spec, const scl_stage_config *stage, const scl_plan_options *plan,
                         const scl_device_info *device, scl_err *err);

#endif
