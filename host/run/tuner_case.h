/* For the tuner alone: one node on its own, with made-up inputs and the bits that it must give. */
#ifndef SCL_RUN_TUNER_CASE_H
#define SCL_RUN_TUNER_CASE_H

#include "graph/choice.h"

typedef struct scl_tuner_case {
    scl_arena arena;
    scl_backend *b;
    scl_graph *graph;
    const scl_node *node; /* its only one */
    bool rest;            /* weights rest: what is made of them is not timed */
    scl_store *store;
    float lowest;        /* inputs are uniform in [lowest, lowest + 2) where the signature says nothing */
    unsigned char *want; /* the outputs, one behind the other; NULL: not known yet */
    size_t bytes;
} scl_tuner_case;

/* A choice made ready to run. */
typedef struct scl_tuner_exec {
    scl_choice choice;
    scl_tuning forced; /* its only row */
    scl_memory *slab;
    scl_exec *exec;
    bool right;     /* gave the wanted bits */
    double first_s; /* from its plan to its first results: compiling, mostly */
} scl_tuner_exec;

/* Inputs for a node of some graph.  rest: its weights rest, as in that graph's plan.  small: what the C
 * definition computes in a moment; its bits are then the wanted ones, else those of the first choice that
 * runs are.  Free with scl_tuner_case_close, also on failure. */
scl_status scl_tuner_case_open(scl_tuner_case *t, scl_backend *b, const scl_node *node, bool rest, bool small,
                               scl_err *err);
void scl_tuner_case_close(scl_tuner_case *t);

/* Builds, runs once, compares.  A choice that does not build or run is an error.  Free with
 * scl_tuner_exec_close. */
scl_status scl_tuner_exec_open(scl_tuner_case *t, const scl_choice *choice, scl_tuner_exec *out,
                               scl_err *err);
void scl_tuner_exec_close(scl_tuner_case *t, scl_tuner_exec *e);

/* Times both in turns.  a, b: median seconds of a run; ratio: b / a, the worse one of the median over the
 * turns and of the best times: other programs on the machine disturb the one or the other, hardly both. Stops
 * early where b is clearly slower. */
typedef struct scl_tuner_timing {
    double a, b, ratio;
} scl_tuner_timing;
scl_status scl_tuner_compare(scl_tuner_case *t, scl_tuner_exec *a, scl_tuner_exec *b, int turns,
                             scl_tuner_timing *out, scl_err *err);

#endif
