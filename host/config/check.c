/* The checks of a config, in their order, and how they say what is wrong. */
#include "config/check.h"

#include <stdio.h>
#include <string.h>

static bool is_set(const scl_checker *c, const char *path)
{
    for (int i = 0; i < c->config->places->n; i++)
        if (!strcmp(c->config->places->at[i].path, path))
            return true;
    return false;
}

static const char *of_stage(const scl_checker *c, const char *key)
{
    return scl_arena_printf(c->faults->arena, "stages.%s.%s", c->stage->name, key);
}

/* Where a key of a section is set: in the stage, or in the experiment. */
static const char *of_either(const scl_checker *c, const char *key)
{
    const char *own = of_stage(c, key);
    return is_set(c, own) ? own : key;
}

bool scl_check_is_set(const scl_checker *c, const char *key)
{
    return is_set(c, of_either(c, key));
}

bool scl_check_is_mixture(const scl_data_config *data)
{
    return data->format == SCL_DATA_POINTS && data->points.distribution == SCL_POINTS_MIXTURE;
}

bool scl_check_has_point_mass(const scl_data_config *data)
{
    const scl_reals *sigma = &data->points.sigma;
    bool any = false;
    for (int i = 0; i < sigma->rows * sigma->cols; i++)
        any |= sigma->at[i] == 0;
    return any && scl_check_is_mixture(data);
}

/* A fault of a section that several stages share is said once. */
static void fault(const scl_checker *c, const char *path, const char *format, va_list args)
{
    char message[1024];
    vsnprintf(message, sizeof message, format, args);
    const scl_place place = scl_place_of(c->config, path);
    const char *line = scl_arena_printf(c->faults->arena, "%s:%d:%d: %s: %s", place.file, place.line, place.col, path,
                                        message);
    for (int i = 0; i < c->faults->errors->n; i++)
        if (!strcmp(c->faults->errors->line[i], line))
            return;
    scl_fault(c->faults, place, path, "%s", message);
}

void scl_check_fault(const scl_checker *c, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fault(c, of_stage(c, key), format, args);
    va_end(args);
}

void scl_check_shared_fault(const scl_checker *c, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fault(c, of_either(c, key), format, args);
    va_end(args);
}

/* What shows before the order of the stages is known. */
static void check_alone(const scl_checker *c)
{
    const scl_stage_kind kind = c->stage->kind;
    scl_check_needs(c);
    if (kind != SCL_STAGE_TRAIN)
        scl_check_inherit(c);
    scl_check_data(c);
    if (kind == SCL_STAGE_TRAIN || kind == SCL_STAGE_SAMPLE || kind == SCL_STAGE_LIKELIHOOD)
        scl_check_model(c);
    if (kind == SCL_STAGE_TRAIN)
        scl_check_train(c);
}

/* What a stage asks of those that it needs. */
static void check_with_needs(const scl_checker *c)
{
    switch (c->stage->kind) {
    case SCL_STAGE_SAMPLE: scl_check_sample(c); break;
    case SCL_STAGE_EVALUATE: scl_check_evaluate(c); break;
    case SCL_STAGE_PLOT: scl_check_plot(c); break;
    case SCL_STAGE_LIKELIHOOD: scl_check_likelihood(c); break;
    case SCL_STAGE_TRAIN: break;
    }
}

/* What is asked for by name must not be replaced by something else where a device has matrix units. */
static void check_precision(scl_config *config, scl_faults *faults)
{
    if (config->precision == SCL_PRECISION_F32 || config->conv == SCL_CONV_AUTO || config->conv == SCL_CONV_DIRECT)
        return;
    scl_fault(faults, scl_place_of(config, "precision"), "precision",
              "matrix units compute the direct product, and conv is %s; conv must be auto or direct with %s",
              scl_config_choice("conv", (int)config->conv), scl_config_choice("precision", (int)config->precision));
}

/* Pictures over training that nobody could draw. */
static void check_samples(scl_config *config, scl_faults *faults)
{
    bool drawn = config->log.samples_every == 0;
    for (int i = 0; i < config->n_stage; i++)
        drawn |= scl_config_drawer(config, &config->stage[i]) != NULL;
    if (!drawn)
        scl_fault(faults, scl_place_of(config, "log.samples_every"), "log.samples_every",
                  "no sample stage says how: one that needs the train stage, takes its checkpoint and has no condition");
}

void scl_config_check(scl_config *config, scl_faults *faults)
{
    const int before = faults->errors->n;
    check_precision(config, faults);
    if (config->noise.schedule == SCL_NOISE_NONE)
        config->noise.levels = 1;
    for (int i = 0; i < config->n_stage; i++) {
        scl_stage_config *stage = &config->stage[i];
        if (stage->kind_is_known)    /* else its kind was a fault */
            check_alone(&(scl_checker){ config, stage, faults });
    }
    if (scl_check_cycle(config, faults) || before != faults->errors->n)
        return;
    scl_check_order(config);
    for (int i = 0; i < config->n_stage; i++)
        check_with_needs(&(scl_checker){ config, &config->stage[i], faults });
    check_samples(config, faults);
}
