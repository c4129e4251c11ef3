/* What is compared of each kind of stage. */
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "data/safetensors.h"
#include "run/verify_parts.h"
#include "score/sampler.h"

scl_verify_stage scl_verify_stage_of(const scl_stage_config *stage)
{
    static const scl_verify_stage of[] = {
        [SCL_STAGE_TRAIN] = { .makes = "weights", .counts = "step", .file = "checkpoints/latest.safetensors", .trains = true },
        [SCL_STAGE_SAMPLE] = { .makes = "samples", .counts = "update", .file = "samples.npy" },
        [SCL_STAGE_LIKELIHOOD] = { .makes = "densities", .counts = "evaluation", .file = "log_density.npy" },
        [SCL_STAGE_EVALUATE] = { .makes = "values", .counts = "evaluation", .file = "evaluation.json", .text = true },
        [SCL_STAGE_PLOT] = { .makes = "numbers", .counts = "evaluation", .file = "scores.txt", .text = true },
    };
    scl_verify_stage s = of[stage->kind];
    s.compared = scl_stage_uses_device(stage);
    s.dealt = s.trains || (stage->kind == SCL_STAGE_SAMPLE && !scl_sampler_couples(&stage->sample));
    if (stage->kind == SCL_STAGE_PLOT && stage->plot.type == SCL_PLOT_DENSITY)
        s.file = "densities.txt";
    return s;
}

scl_status scl_verify_stage_sum(scl_verify_stage *s, const char *path, scl_err *err)
{
    char *text;
    size_t size;
    if (!s->text)
        return scl_checksum_file(path, s->checksum, err);
    SCL_TRY(scl_file_read(path, &text, &size, err));
    scl_sha256_of(text, size, s->checksum);
    free(text);
    return SCL_OK;
}
