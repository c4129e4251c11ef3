/* Stages that name a classifier: samples guided by it, evaluations that look through it. */
#include "config/check.h"

#include <string.h>

bool scl_noise_equal(const scl_noise_config *a, const scl_noise_config *b)
{
    scl_arena scratch = { 0 };
    const scl_key *key;
    bool equal = true;
    for (int i = 0; equal && (key = scl_key_at(i)); i++)
        if (key->section == SCL_SECTION_NOISE)
            equal = !strcmp(scl_key_print(key, a, &scratch), scl_key_print(key, b, &scratch));
    scl_arena_free(&scratch);
    return equal;
}

static bool is_needed(const scl_checker *c, const char *name)
{
    for (int i = 0; i < c->stage->n_needs; i++)
        if (!strcmp(c->stage->needs[i], name))
            return true;
    return false;
}

/* The stage that trains the classifier of that name; NULL: a file, or a fault that was told. */
static const scl_stage_config *trainer_of(const scl_checker *c, const char *key, const char *name)
{
    if (scl_checkpoint_is_file(name))
        return NULL;
    const scl_stage_config *k = scl_config_stage(c->config, name);
    if (!k)
        scl_check_fault(c, key, "no stage is called '%s'; name the train stage of a classifier, or a file", name);
    else if (k->kind != SCL_STAGE_TRAIN || k->model.net != SCL_NET_CLASSIFIER)
        scl_check_fault(c, key, "stage '%s' trains no classifier (model.net: classifier)", name);
    else if (!is_needed(c, name))
        scl_check_fault(c, key, "stage '%s' must be among the needs", name);
    else
        return k;
    return NULL;
}

/* Where the config alone tells both shapes. */
static void check_shape(const scl_checker *c, const char *key, const scl_stage_config *k)
{
    const scl_data_config *a = &k->data, *b = &c->stage->data;
    const bool sizes = a->transform.size && b->transform.size && a->transform.size != b->transform.size;
    const bool channels =
        a->transform.channels && b->transform.channels && a->transform.channels != b->transform.channels;
    if (sizes || channels)
        scl_check_fault(
            c, key,
            "the classifier '%s' looks at pictures of size %d with %d channels, these are of size "
            "%d with %d",
            k->name, a->transform.size, a->transform.channels, b->transform.size, b->transform.channels);
    else if (a->transform.logit != b->transform.logit)
        scl_check_fault(c, key, "of '%s' and of the samples, one is of logits (data.transform.logit), the other not",
                        k->name);
}

static void check_classes(const scl_checker *c, const scl_stage_config *k)
{
    const scl_sample_config *s = &c->stage->sample;
    const int classes = k ? k->model.classes : 0, n = s->condition.class.n ? s->condition.class.n : classes;
    for (int i = 0; i < s->condition.class.n && classes; i++)
        if (s->condition.class.at[i] >= classes)
            scl_check_fault(c, "condition.class", "%d is none of the classes 0 to %d of the classifier '%s'",
                            s->condition.class.at[i], classes - 1, k->name);
    if (n && s->count % n)
        scl_check_fault(c, "count", "%d samples cannot be dealt evenly to %d classes", s->count, n);
}

void scl_check_guidance(const scl_checker *c)
{
    const scl_stage_config *stage = c->stage;
    const char *name = scl_stage_classifier(stage);
    if (!name && stage->sample.condition.class.n)
        scl_check_fault(c, "condition.class", "only a classifier leads to a class: condition.classifier");
    if (!name)
        return;
    const scl_stage_config *k = trainer_of(c, "condition.classifier", name);
    check_classes(c, k);
    if (!k)
        return;
    check_shape(c, "condition.classifier", k);
    const bool blind = k->model.condition == SCL_CONDITION_NONE && k->noise.schedule == stage->noise.schedule;
    if (!blind && !scl_noise_equal(&k->noise, &stage->noise))
        scl_check_fault(c, "condition.classifier",
                        "stage '%s' is trained with other noise than the samples are drawn "
                        "by; it must know their levels",
                        name);
}

void scl_check_features(const scl_checker *c)
{
    const scl_stage_config *stage = c->stage;
    const scl_evaluate_config *e = &stage->evaluate;
    const char *name = scl_stage_classifier(stage);
    if (scl_evaluate_classifies(e) && !name)
        scl_check_fault(c, e->features == SCL_FEATURES_CLASSIFIER ? "features" : "metrics",
                        "needs a classifier: the train stage of one, or the path of its checkpoint, as `classifier`");
    const scl_stage_config *k = name ? trainer_of(c, "classifier", name) : NULL;
    if (k)
        check_shape(c, "classifier", k);
}
