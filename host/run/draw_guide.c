/* The classifier that guides samples to their classes (score/sampling.h has the formula). */
#include "base/log.h"
#include "graph/arith.h"
#include "run/draw.h"

scl_status scl_draw_open_guide(scl_draw *s, scl_err *err)
{
    const scl_net_config *n = &s->spec.net;
    const scl_ints *asked = &s->config->condition.class;
    const char *name = scl_stage_classifier(s->c->stage);
    if (!name)
        return SCL_OK;
    SCL_TRY(scl_classifier_open(&s->guide, s->c, name, (int[3]){ n->height, n->width, n->channels }, err));
    SCL_TRY(scl_classifier_fits(&s->guide, s->c->stage, err));
    const int classes = s->guide.net.outputs;
    for (int i = 0; i < asked->n; i++)
        if (asked->at[i] >= classes)
            return scl_fail(err, SCL_FAILED, "condition.class: %d is none of the %d classes of '%s'", asked->at[i],
                            classes, s->guide.path);
    const int wanted = asked->n ? asked->n : classes;
    if (s->config->count % wanted)
        return scl_fail(err, SCL_FAILED, "count: %d samples cannot be dealt evenly to %d classes", s->config->count,
                        wanted);
    s->spec.guide = &s->guide.net;
    const char *what =
        wanted == 1 ? scl_arena_printf(s->c->arena, "class %d", scl_asked_class(asked, s->config->count, 0))
                    : scl_arena_printf(s->c->arena, "%d classes", wanted);
    scl_info("%s: guided to %s by %s, scale %g", s->c->stage->name, what, s->guide.path, s->config->condition.scale);
    return SCL_OK;
}

void scl_draw_close_guide(scl_draw *s) { scl_classifier_close(&s->guide); }

int scl_draw_of_class(const scl_draw *s)
{
    const int n = s->config->condition.class.n ? s->config->condition.class.n : s->guide.net.outputs;
    return s->config->count / n;
}

scl_status scl_draw_load_guide(scl_draw *s, scl_draw_batch *r, scl_err *err)
{
    const float scale = scl_flush((float)s->config->condition.scale);
    if (!s->spec.guide)
        return SCL_OK;
    SCL_TRY(scl_store_write(r->store, "sample.scale", &scale, sizeof scale, err));
    return scl_checkpoint_weights(s->guide.from, r->store,
                                  s->config->weights == SCL_WEIGHTS_EMA ? "ema." : "", SCL_GUIDE_PREFIX, err);
}

scl_status scl_draw_put_classes(scl_draw *s, scl_draw_batch *r, int first, scl_err *err)
{
    if (!s->spec.guide)
        return SCL_OK;
    scl_arena scratch = { 0 };
    int32_t *class = SCL_NEW_ARRAY(&scratch, int32_t, r->n);
    for (int i = 0; i < r->n; i++)
        class[i] = scl_asked_class(&s->config->condition.class, scl_draw_of_class(s), first + i);
    const scl_status status = scl_store_write(r->store, "sample.class", class, sizeof *class * (size_t)r->n, err);
    scl_arena_free(&scratch);
    return status;
}
