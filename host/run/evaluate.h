/* Inside stages that evaluate: the two sets, and the list of values that becomes evaluation.json. */
#ifndef SCL_RUN_EVALUATE_H
#define SCL_RUN_EVALUATE_H

#include <jansson.h>

#include "data/dataset.h"
#include "run/stage.h"
#include "score/compare.h"

typedef struct scl_evaluation {
    scl_stage_context *c;
    const scl_evaluate_config *config;
    int height, width, channels;
    /* Rows of height * width * channels floats: pictures as their PNG files have them, k/255; points as they are.  real: in the
     * order of the split; real_label: NULL where there are none. */
    float *made, *real;
    scl_set made_set, real_set;
    const char *made_from;           /* a file, or "the training data" */
    bool bytes;                      /* pictures, not points */
    /* What a classifier makes of them, where one is named: NULL until then. */
    int classes;
    int32_t *made_class, *real_class;
    float *made_features, *real_features;
    scl_set made_view, real_view;    /* what is compared: the sets themselves, or their features */
    json_t *values;                  /* {"modes.0": {"value": v, "error": e, "true": t}, ...} */
    long event_step;                 /* of the values among the stage's events */
    const char *not_finite;          /* the first value that, or whose error, is not; NULL: none */
} scl_evaluation;

/* Reads the reference and, unless the score alone is evaluated, the samples.  What it allocated stays on failure. */
scl_status scl_evaluation_read(scl_evaluation *e, scl_err *err);

/* Adds a value and shows it.  error below 0: not known; truth NAN: not known.  name: in the stage's arena.  JSON has no
 * numbers that are not finite: an evaluation with one fails. */
void scl_evaluation_add(scl_evaluation *e, const char *name, double value, double error, double truth);

/* evaluation.json: head (taken over) with the values behind it; its checksum is the stage's result.  SCL_FAILED where
 * one is not finite. */
scl_status scl_evaluation_write(scl_evaluation *e, json_t *head, scl_err *err);

/* The score of the network of a train stage against the true one: values fisher, fisher.inside, fisher.outside. */
scl_status scl_evaluation_fisher(scl_evaluation *e, scl_err *err);

/* Looks at the sets through the classifier that the stage names, as far as the metrics ask for it; sets
 * made_view, real_view. */
scl_status scl_evaluation_look(scl_evaluation *e, scl_err *err);
/* What the classifier takes the samples for: classes.K; where they were asked to be of classes: asked,
 * asked.K, the share of them that it takes for what was asked. */
void scl_evaluation_classes(scl_evaluation *e);
/* The loss of the stage's objective at every noise level, over the reference: values loss, loss.1 ... */
scl_status scl_evaluation_loss(scl_evaluation *e, scl_err *err);
/* The density of an energy network against the true one: values density.kl, density.variation. */
scl_status scl_evaluation_density(scl_evaluation *e, scl_err *err);

/* neighbours.png: each row a sample and the nearest of the reference. */
scl_status scl_evaluation_neighbours(scl_evaluation *e, scl_err *err);

#endif
