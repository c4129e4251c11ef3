/* What the table of keys cannot say: keys that must fit together.  One file for each thing that is checked. */
#ifndef SCL_CONFIG_CHECK_H
#define SCL_CONFIG_CHECK_H

#include "config/schema.h"

/* One stage of a config while it is checked. */
typedef struct scl_checker {
    scl_config *config;
    scl_stage_config *stage;
    scl_faults *faults;
} scl_checker;

/* A fault at the key of the stage, such as "objective.loss".  A fault that was said already is not said again. */
void scl_check_fault(const scl_checker *c, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same at a key of a section that the stage may share with others, such as "model.net": where it is set, in the
 * stage or in the experiment. */
void scl_check_shared_fault(const scl_checker *c, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Is this key of a shared section set, in the stage or in the experiment? */
bool scl_check_is_set(const scl_checker *c, const char *key);
bool scl_check_is_mixture(const scl_data_config *data);
/* A component of the mixture is a single point (sigma 0): without noise there is no density, and no score. */
bool scl_check_has_point_mass(const scl_data_config *data);

/* ---- check_needs.c: the graph of stages ---- */

/* Every need is a stage. */
void scl_check_needs(const scl_checker *c);
/* What a stage does not say itself of data, model and noise is what the one train stage that it needs says. */
void scl_check_inherit(const scl_checker *c);
/* True when the stages need each other in a cycle, which is a fault. */
bool scl_check_cycle(scl_config *config, scl_faults *faults);
/* config->order: needs first, else the order of the file.  There must be no cycle. */
void scl_check_order(scl_config *config);
/* The stage's network is in the file that its checkpoint names, or of the one train stage that it needs, directly or
 * through others.  what: that needs a network; NULL: the stage itself. */
void scl_check_network(const scl_checker *c, const char *what);

/* ---- check_classifier.c: stages that name a classifier ---- */

/* Samples that it guides. */
void scl_check_guidance(const scl_checker *c);
/* Evaluations that look through it. */
void scl_check_features(const scl_checker *c);

/* ---- check_model.c, check_noise.c, check_train.c, check_sample.c, check_evaluate.c, check_likelihood.c ---- */

/* Noise of one level and the lists of a mixture. */
void scl_check_data(const scl_checker *c);
/* The network, with the data and the noise that it is made for. */
void scl_check_model(const scl_checker *c);
/* What process, time and levels of the noise ask of the network, and of a sampler. */
void scl_check_noise(const scl_checker *c);
void scl_check_sampler_of_process(const scl_checker *c);
/* Does the network have weights of its own for each level? */
bool scl_check_has_labels(const scl_model_config *m);
void scl_check_train(const scl_checker *c);
/* What a loss asks of noise, dimension and its own keys. */
void scl_check_objective(const scl_checker *c);
void scl_check_sample(const scl_checker *c);
void scl_check_evaluate(const scl_checker *c);
void scl_check_likelihood(const scl_checker *c);
void scl_check_plot(const scl_checker *c);

#endif
