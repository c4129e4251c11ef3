/* An evaluation through a classifier: its features in place of pixels, and the classes that it takes the
 * samples for. */
#include <math.h>
#include <string.h>

#include "run/classifier.h"
#include "run/evaluate.h"

static scl_status look(scl_evaluation *e, const scl_classifier *k, scl_err *err)
{
    const bool features = e->config->features == SCL_FEATURES_CLASSIFIER;
    int width;
    SCL_TRY(scl_classifier_look(k, e->c, e->made, e->made_set.count, e->bytes, &e->made_class,
                                &e->made_features, &width, err));
    if (!features)
        return SCL_OK;
    SCL_TRY(scl_classifier_look(k, e->c, e->real, e->real_set.count, e->bytes, &e->real_class,
                                &e->real_features, &width, err));
    e->made_view = (scl_set){ e->made_set.count, width, e->made_features };
    e->real_view = (scl_set){ e->real_set.count, width, e->real_features };
    return SCL_OK;
}

scl_status scl_evaluation_look(scl_evaluation *e, scl_err *err)
{
    scl_classifier k;
    e->made_view = e->made_set;
    e->real_view = e->real_set;
    if (!scl_evaluate_classifies(e->config) || !e->made)
        return SCL_OK;
    SCL_TRY(scl_classifier_open(&k, e->c, e->config->classifier, (int[3]){ e->height, e->width, e->channels }, err));
    e->classes = k.net.outputs;
    const scl_status status = look(e, &k, err);
    scl_classifier_close(&k);
    return status;
}

static void add_share(scl_evaluation *e, const char *name, size_t count, size_t n)
{
    const double p = (double)count / (double)n;
    scl_evaluation_add(e, name, p, sqrt(p * (1 - p) / (double)n), NAN);
}

/* The guided sample stage whose samples these are; NULL: none. */
static const scl_stage_config *guided(const scl_evaluation *e)
{
    const scl_stage_config *stage = e->c->stage;
    for (int i = 0; i < stage->n_needs && !strcmp(e->config->samples, "needs"); i++) {
        const scl_stage_config *need = scl_config_stage(e->c->config, stage->needs[i]);
        if (need->kind == SCL_STAGE_SAMPLE && scl_stage_classifier(need))
            return need;
    }
    return NULL;
}

void scl_evaluation_classes(scl_evaluation *e)
{
    scl_arena *arena = e->c->arena;
    const size_t n = e->made_set.count, K = (size_t)e->classes;
    size_t *count = SCL_NEW_ARRAY(arena, size_t, 3 * K), *asked = count + K, *right = asked + K, rights = 0;
    const scl_stage_config *from = guided(e);
    const scl_ints *list = from ? &from->sample.condition.class : NULL;
    const int each = from ? from->sample.count / (list->n ? list->n : e->classes) : 0;
    for (size_t i = 0; i < n; i++) {
        const size_t class = (size_t)e->made_class[i], wish = from ? (size_t)scl_asked_class(list, each, (int)i) : K;
        count[class]++;
        if (wish >= K)
            continue;
        asked[wish]++;
        right[wish] += class == wish;
        rights += class == wish;
    }
    for (size_t k = 0; k < K; k++)
        add_share(e, scl_arena_printf(arena, "classes.%zu", k), count[k], n);
    if (from)
        add_share(e, "asked", rights, n);
    for (size_t k = 0; k < K; k++)
        if (asked[k])
            add_share(e, scl_arena_printf(arena, "asked.%zu", k), right[k], asked[k]);
}
