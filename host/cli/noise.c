/* scorecl noise: noise levels and step size for a config's data, by the rules of NCSNv2. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "run/noise_auto.h"
#include "score/noise.h"

static const scl_stage_config *find(const scl_config *config, scl_stage_kind kind)
{
    for (int i = 0; i < config->n_stage; i++)
        if (config->stage[i].kind == kind)
            return &config->stage[i];
    return NULL;
}

/* The step size that the rule gives for the config's own levels; 0: they are auto, or one. */
static double own_step(const scl_noise_config *n, int steps)
{
    const bool usable = n->levels > 1 && n->sigma_begin > n->sigma_end;
    return usable ? scl_noise_step(n->sigma_begin, n->sigma_end, n->levels, steps) : 0;
}

static void say(const scl_noise_rules *r, const scl_noise_config *own)
{
    const double values = (double)r->height * r->width * r->channels, step = own_step(own, r->steps_per_level);
    printf("images       %zu of %dx%dx%d: %.0f values\n", r->images, r->height, r->width, r->channels, values);
    printf("sigma_begin  %-12.6g largest distance between two of %zu images (numbers %zu and %zu)%s\n",
           r->diameter.distance, r->diameter.samples, r->diameter.first, r->diameter.second,
           r->diameter.whole ? "" : ", drawn at random");
    printf("sigma_end    %-12.6g as in the config\n", r->sigma_end);
    printf("levels       %-12d neighbours in the ratio %.5f\n", r->levels, r->ratio);
    printf("step_lr      %-12.6g %d steps a level: %ld score evaluations a sample\n", r->step_lr, r->steps_per_level,
           (long)r->levels * r->steps_per_level);
    if (step > 0)
        printf("\nFor the config's own %d levels from %g to %g: step_lr %.6g.\n", own->levels,
               own->sigma_begin, own->sigma_end, step);
    printf("\nnoise: { schedule: geometric, sigma_begin: %.6g, sigma_end: %.6g, levels: %d }\n",
           r->diameter.distance, r->sigma_end, r->levels);
    printf("sampler: { method: annealed_langevin, step_lr: %.6g, steps_per_level: %d }\n", r->step_lr,
           r->steps_per_level);
}

static json_t *report(const scl_noise_rules *r, const scl_noise_config *own)
{
    json_t *o = json_pack("{s:I, s:[i,i,i], s:f, s:I, s:b, s:f, s:f, s:i, s:i, s:f}", "images",
                          (json_int_t)r->images, "shape", r->height, r->width, r->channels, "sigma_begin",
                          r->diameter.distance, "compared", (json_int_t)r->diameter.samples, "whole",
                          r->diameter.whole, "sigma_end", r->sigma_end, "ratio", r->ratio, "levels",
                          r->levels, "steps_per_level", r->steps_per_level, "step_lr", r->step_lr);
    const double step = own_step(own, r->steps_per_level);
    if (step > 0)
        json_object_set_new(o, "step_lr_of_config", json_real(step));
    return o;
}

static scl_status answer(const scl_config *config, const char *name, int steps, const char *json_file, scl_err *err)
{
    const scl_stage_config *stage = name ? scl_config_stage(config, name) : find(config, SCL_STAGE_TRAIN);
    const scl_stage_config *sample = find(config, SCL_STAGE_SAMPLE);
    scl_noise_rules r;
    if (name && !stage)
        return scl_fail(err, SCL_BAD_CONFIG, "--stage %s: %s has no stage of that name", name, config->file);
    stage = stage ? stage : &config->stage[0];
    if (!stage->data.path && scl_data_in_files(&stage->data))
        return scl_fail(err, SCL_BAD_CONFIG, "stage '%s' has no data.path: the rules go by the data", stage->name);
    if (!steps)
        steps = sample && sample->sample.sampler.method == SCL_SAMPLER_ANNEALED_LANGEVIN
                    ? sample->sample.sampler.steps_per_level
                    : 5;
    SCL_TRY(scl_noise_rules_of(&r, stage, steps, err));
    if (cli_shows_text(json_file))
        say(&r, &stage->noise);
    return json_file ? cli_write_json(json_file, report(&r, &stage->noise), err) : SCL_OK;
}

scl_status scl_cli_noise(int argc, char **argv, scl_err *err)
{
    const char *stage = NULL, *json_file = NULL;
    cli_overrides overrides = { 0 };
    int n, steps = 0;
    bool done;
    const cli_flag flags[] = {
        { "stage", 0, CLI_TEXT, &stage, "NAME", "whose data and levels (default: the first train stage's)" },
        { "steps", 0, CLI_NUMBER, &steps, "T", "Langevin steps a level (default: the first sample stage's, else 5)" },
        { NULL, 'o', CLI_OVERRIDE, &overrides, "KEY=VALUE", "override a key by its path" },
        { "device", 0, CLI_DEVICE, &overrides, "SEL", "override the device (the rules are computed by the host)" },
        { "json", 0, CLI_TEXT, &json_file, "FILE", "the result for machines (-: standard output)" },
        { 0 },
    };
    const cli_command command = { "CONFIG",
                                  "Noise levels and step size by the rules of NCSNv2 (Song & Ermon 2020): sigma_begin is the largest distance\n"
                                  "between two training images, neighbouring levels overlap by a half, and the step size keeps the variance of\n"
                                  "the samples.  Keys that are `auto` (noise.sigma_begin, noise.levels, sampler.step_lr) get these when run.",
                                  flags, 1, 1 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    scl_config *config;
    SCL_TRY(cli_read_config(argv[1], &overrides, &config, err));
    const scl_status status = answer(config, stage, steps, json_file, err);
    scl_config_free(config);
    return status;
}
