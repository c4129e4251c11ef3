#include "run/early.h"

#include <string.h>

#include "base/file.h"
#include "run/build.h"
#include "run/classifier.h"
#include "run/draw.h"

/* Is a key of this section the stage's own, not the experiment's? */
static bool is_own(const scl_stage_config *stage, const char *key)
{
    return !strncmp(key, "data.", 5) ? stage->own_data : !strncmp(key, "model.", 6) ? stage->own_model
           : !strncmp(key, "noise.", 6) ? stage->own_noise : true;
}

/* The messages of the rooms below begin with the key; here it gets the place where the file has it. */
static scl_status at_key(const scl_config *config, const scl_stage_config *stage, const scl_err *fault, scl_err *err)
{
    scl_arena scratch = { 0 };
    const char *rest = strstr(fault->message, ": "), *place = scl_arena_printf(&scratch, "stages.%s", stage->name);
    const size_t length = rest ? (size_t)(rest - fault->message) : 0;
    const bool has_key = length && strcspn(fault->message, " ") > length;
    const char *key = scl_arena_printf(&scratch, "%.*s", (int)length, fault->message);
    if (has_key)
        place = is_own(stage, key) ? scl_arena_printf(&scratch, "%s.%s", place, key) : key;
    scl_config_fail(config, err, SCL_BAD_CONFIG, place, "%s", has_key ? rest + 2 : fault->message);
    scl_arena_free(&scratch);
    return SCL_BAD_CONFIG;
}

static scl_status check_sampler(const scl_stage_config *stage, scl_arena *scratch, scl_err *err)
{
    const scl_noise_config *n = &stage->noise;
    scl_noise noise;
    scl_sampler sampler;
    SCL_TRY(scl_noise_of(&noise, scratch, n, 2.0, false, err));
    if (scl_sampler_adapts(&stage->sample))
        return n->levels >= 2 ? SCL_OK
                              : scl_fail(err, SCL_BAD_CONFIG,
                                         "noise.levels: the probability flow goes from level to level "
                                         "and needs two at least");
    return scl_sampler_make(&sampler, &stage->sample, &noise, err);
}

static scl_status check_stage(const scl_config *config, const scl_stage_config *stage, scl_arena *scratch,
                              scl_err *err)
{
    int shape[3];
    const bool samples = stage->kind == SCL_STAGE_SAMPLE,
               levels = stage->noise.sigma_begin > 0 && stage->noise.levels > 0;
    if (samples && levels)
        SCL_TRY(check_sampler(stage, scratch, err));
    if (scl_build_shape(config, stage, shape, NULL) != SCL_OK)
        return SCL_OK;
    const scl_step_spec spec = scl_build_spec(config, stage, shape, 1);
    SCL_TRY(scl_net_check(&spec.net, err));
    return samples ? SCL_OK : scl_objective_check(&spec.objective, &spec.net, err);
}

scl_status scl_early_config(const scl_config *config, const scl_stage_config *stage, scl_err *err)
{
    scl_arena scratch = { 0 };
    scl_err fault = { 0 };
    if (stage->kind != SCL_STAGE_TRAIN && stage->kind != SCL_STAGE_SAMPLE)
        return SCL_OK;
    scl_status status = check_stage(config, stage, &scratch, &fault);
    if (status == SCL_BAD_CONFIG)
        status = at_key(config, stage, &fault, err);
    else if (status != SCL_OK)
        scl_fail(err, status, "%s", fault.message);
    scl_err_clear(&fault);
    scl_arena_free(&scratch);
    return status;
}

static scl_status check_classifier(const scl_config *config, const scl_stage_config *stage, const int *shape,
                                   scl_err *err)
{
    const char *name = scl_stage_classifier(stage);
    scl_arena scratch = { 0 };
    scl_classifier k;
    if (!name || !scl_checkpoint_is_file(name) || !scl_file_exists(name))
        return SCL_OK;
    scl_status status = scl_classifier_describe(&k, &scratch, config, name, shape, err);
    if (status == SCL_OK && stage->kind == SCL_STAGE_SAMPLE)
        status = scl_classifier_fits(&k, stage, err);
    scl_arena_free(&scratch);
    return status;
}

scl_status scl_early_files(const scl_config *config, const scl_stage_config *stage, scl_err *err)
{
    int shape[3];
    const bool known = scl_build_shape(config, stage, shape, NULL) == SCL_OK;
    const scl_sample_config *s = &stage->sample;
    scl_status status = check_classifier(config, stage, known ? shape : NULL, err);
    if (status == SCL_OK && known && stage->kind == SCL_STAGE_SAMPLE && s->condition.task == SCL_CONDITION_INPAINT)
        status = scl_mask_read(s->condition.mask, shape[0], shape[1], NULL, err);
    if (status != SCL_OK)
        scl_err_context(err, "stage %s", stage->name);
    return status;
}
