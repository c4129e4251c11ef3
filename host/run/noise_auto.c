#include "run/noise_auto.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/build.h"
#include "score/noise.h"

static const double overlap = 0.5;       /* C of the rule: about the levels of the paper */

static scl_status measure(scl_noise_rules *r, const scl_stage_config *stage, scl_err *err)
{
    scl_dataset *d;
    SCL_TRY(scl_dataset_open(&d, &stage->data, SCL_SPLIT_TRAIN, err));
    r->height = d->height;
    r->width = d->width;
    r->channels = d->channels;
    r->images = d->count;
    scl_status status = scl_dataset_diameter(&r->diameter, d, &stage->data.transform, err);
    if (status == SCL_OK && !(r->diameter.distance > stage->noise.sigma_end))
        status = scl_fail(
            err, SCL_FAILED,
            "noise.sigma_begin: auto is the largest distance between two images, which is %g and not above "
            "sigma_end, %g",
            r->diameter.distance, stage->noise.sigma_end);
    scl_dataset_free(d);
    return status;
}

static double values_of(const scl_noise_rules *r) { return (double)r->height * r->width * r->channels; }

scl_status scl_noise_rules_of(scl_noise_rules *r, const scl_stage_config *stage, int steps_per_level, scl_err *err)
{
    *r = (scl_noise_rules){ .sigma_end = stage->noise.sigma_end, .steps_per_level = steps_per_level };
    SCL_TRY(measure(r, stage, err));
    r->ratio = scl_noise_ratio(values_of(r), overlap);
    r->levels = scl_noise_levels(r->diameter.distance, r->sigma_end, values_of(r), overlap);
    r->levels = r->levels < 2 ? 2 : r->levels;
    if (steps_per_level > 0)
        r->step_lr = scl_noise_step(r->diameter.distance, r->sigma_end, r->levels, steps_per_level);
    return SCL_OK;
}

static bool is_auto(const scl_noise_config *n) { return n->sigma_begin <= 0 || n->levels <= 0; }

static bool same_question(const scl_stage_config *a, const scl_stage_config *b)
{
    return !memcmp(&a->data, &b->data, sizeof a->data) && a->noise.sigma_begin == b->noise.sigma_begin &&
           a->noise.sigma_end == b->noise.sigma_end && a->noise.levels == b->noise.levels;
}

static scl_status resolve(const scl_config *config, const scl_stage_config *stage, scl_noise_config *noise,
                          scl_err *err)
{
    scl_noise_rules r = { 0 };
    int shape[3];
    const bool asks = noise->sigma_begin <= 0;
    scl_stage_config shaped = *stage;
    shaped.noise = (scl_noise_config){ .sigma_begin = 1, .sigma_end = 1, .levels = 1 };
    if (asks || scl_build_shape(config, &shaped, shape, NULL) != SCL_OK) {
        if (!stage->data.path && scl_data_in_files(&stage->data))
            return scl_config_fail(config, err, SCL_BAD_CONFIG, "noise.levels",
                                   "auto goes by the number of values of an image, which the config does not tell");
        SCL_TRY(measure(&r, stage, err));
    } else {
        r.height = shape[0];
        r.width = shape[1];
        r.channels = shape[2];
    }
    if (asks) {
        noise->sigma_begin = r.diameter.distance;
        scl_info("%s: noise.sigma_begin %.6g, the largest distance between two of %zu images%s", stage->name,
                 noise->sigma_begin, r.diameter.samples, r.diameter.whole ? "" : " that were drawn");
    }
    if (noise->levels <= 0) {
        noise->levels = scl_noise_levels(noise->sigma_begin, noise->sigma_end, values_of(&r), overlap);
        scl_info("%s: noise.levels %d, a ratio of %.5f for %.0f values", stage->name, noise->levels,
                 scl_noise_ratio(values_of(&r), overlap), values_of(&r));
    }
    return SCL_OK;
}

scl_status scl_noise_resolve(const scl_config *config, scl_err *err)
{
    scl_arena scratch = { 0 };
    scl_noise_config *found = SCL_NEW_ARRAY(&scratch, scl_noise_config, config->n_stage + 1);
    scl_status status = SCL_OK;
    for (int i = 0; i < config->n_stage && status == SCL_OK; i++) {
        const scl_stage_config *stage = &config->stage[i];
        int same = 0;
        found[i] = stage->noise;
        if (!is_auto(&stage->noise))
            continue;
        while (!same_question(&config->stage[same], stage))
            same++;
        if (same < i)
            found[i] = found[same];
        else
            status = resolve(config, stage, &found[i], err);
    }
    for (int i = 0; i < config->n_stage && status == SCL_OK; i++)
        if (is_auto(&config->stage[i].noise)) {
            config->stage[i].noise = found[i];
            config->stage[i].own_noise = true;       /* so that the printed config has the numbers */
        }
    scl_arena_free(&scratch);
    return status;
}
