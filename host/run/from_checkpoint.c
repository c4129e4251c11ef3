/* `scorecl sample CHECKPOINT`: the config comes out of the checkpoint, the sampling is that of a sample
 * stage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "run/build.h"
#include "run/engine.h"
#include "run/signal.h"

typedef struct drawing {
    const char *path;
    const scl_sample_options *options;
    scl_checkpoint *from;
    scl_config *whole; /* as the checkpoint tells it, with a sample stage */
    scl_config config; /* whole, with that stage alone */
    scl_stage_config stage;
    scl_arena arena;
} drawing;

static scl_status parse(drawing *d, const char *text, const scl_override *o, int n, scl_config_errors *errors,
                        scl_err *err)
{
    scl_config_free(d->whole);
    d->whole = NULL;
    return scl_config_parse(text, strlen(text), d->path, NULL, o, n, &d->whole, errors, err);
}

static const scl_stage_config *sample_stage(const scl_config *config)
{
    for (int i = 0; i < config->n_stage; i++)
        if (config->stage[i].kind == SCL_STAGE_SAMPLE)
            return &config->stage[i];
    return NULL;
}

/* A weight of a file that is not ours, whatever stands before its name; NULL: there is none. */
static const scl_tensor *weight(drawing *d, const char *name)
{
    const scl_tensor *t = NULL;
    const char *const prefixes[] = { "", "param.", "ema." };
    for (int i = 0; i < 3 && !t; i++)
        t = scl_safetensors_find(d->from->file, scl_arena_printf(&d->arena, "%s%s", prefixes[i], name));
    return t;
}

/* The network whose weights these are, by their names. */
static const char *net_of(drawing *d)
{
    if (weight(d, "normalizer.embed.weight"))
        return "ncsn";
    if (!weight(d, "normalizer.gamma"))
        return NULL;
    if (weight(d, "refine1.crp.norms.0.gamma"))
        return "ncsn\n  condition: none";
    return weight(d, "res31.0.conv1.weight")  ? "ncsnv2_deepest"
           : weight(d, "res5.0.conv1.weight") ? "ncsnv2_deeper"
                                              : "ncsnv2";
}

/* A file that is not ours (official weights): network and sizes from the tensors, the rest from the metadata or the
 * official defaults. */
static scl_status guess_config(drawing *d, const char **text, scl_err *err)
{
    const scl_safetensors *f = d->from->file;
    const scl_tensor *begin = weight(d, "begin_conv.weight"), *rows = weight(d, "normalizer.embed.weight");
    const char *net = net_of(d), *levels = scl_safetensors_meta(f, "levels");
    if (!begin || !net || begin->rank != 4 || (rows && rows->rank != 2))
        return scl_fail(err, SCL_FAILED,
                        "'%s' holds no network of NCSN's family: there is no begin_conv.weight and normalizer.embed.weight or "
                        "normalizer.gamma", d->path);
    if (rows)
        levels = scl_arena_printf(&d->arena, "%zu", rows->dim[0]);
    const bool second = !strncmp(net, "ncsnv2", 6);
    const char *size = scl_safetensors_meta(f, "image_size"),
               *sigma_begin = scl_safetensors_meta(f, "sigma_begin"),
               *sigma_end = scl_safetensors_meta(f, "sigma_end");
    const long side = size ? strtol(size, NULL, 10) : 0;
    *text = scl_arena_printf(&d->arena,
                             "data:\n  transform:\n    channels: %zu\n    size: %s\nmodel:\n  net: %s\n  ngf: %zu\n"
                             "noise:\n  levels: %s\n  sigma_begin: %s\n  sigma_end: %s\nstages:\n",
                             begin->dim[1], side > 0 ? scl_arena_printf(&d->arena, "%ld", side) : "stored",
                             net, begin->dim[0], levels ? levels : second ? "232" : "10",
                             sigma_begin ? sigma_begin : second ? "50" : "1",
                             sigma_end ? sigma_end : "0.01");
    return SCL_OK;
}

/* The text of a config that has a sample stage. */
static scl_status config_text(drawing *d, const char **text, scl_config_errors *errors, scl_err *err)
{
    const bool own = d->from->ours && d->from->info.config[0];
    *text = d->from->info.config;
    if (!own)
        SCL_TRY(guess_config(d, text, err));
    else
        SCL_TRY(parse(d, *text, NULL, 0, errors, err));
    /* The stages stand last in a printed config.  The path only has to look like one: make_stage sets it. */
    if (!own || !sample_stage(d->whole))
        *text = scl_arena_printf(&d->arena, "%s  %s:\n    kind: sample\n    checkpoint: ./this.safetensors\n",
                                 *text, own && scl_config_stage(d->whole, "sample") ? "draw" : "sample");
    return SCL_OK;
}

static void make_stage(drawing *d)
{
    const scl_stage_config *train = scl_config_stage(d->whole, d->from->info.stage);
    d->stage = *sample_stage(d->whole);
    if (train) { /* the network is the one that was trained, whatever the sample stage says */
        d->stage.data = train->data;
        d->stage.model = train->model;
        d->stage.noise = train->noise;
    }
    d->stage.n_needs = 0;
    d->stage.sample.checkpoint =
        strchr(d->path, '/') ? d->path : scl_arena_printf(&d->arena, "./%s", d->path);
    if (d->options->count > 0)
        d->stage.sample.count = d->options->count;
    static int first; /* order of one stage: { 0 } */
    d->config = *d->whole;
    d->config.stage = &d->stage;
    d->config.n_stage = 1;
    d->config.order = &first;
    d->config.file = d->path;
}

/* "samples/RUN-STAGE-step-00005000" for a checkpoint in a run directory, else "samples/NAME". */
static const char *default_folder(drawing *d)
{
    char *real = realpath(d->path, NULL);
    char *parts[4];
    int n = 0;
    for (char *p = real; p && n < 4; n++) {
        char *slash = strrchr(real, '/');
        parts[n] = slash ? slash + 1 : real;
        if (slash)
            *slash = '\0';
        p = slash && slash != real ? real : NULL;
    }
    const char *name =
        n > 0 ? scl_arena_printf(&d->arena, "%.*s", (int)strcspn(parts[0], "."), parts[0]) : "checkpoint";
    const char *folder = n == 4 && !strcmp(parts[1], "checkpoints")
                             ? scl_arena_printf(&d->arena, "samples/%s-%s-%s", parts[3], parts[2], name)
                             : scl_arena_printf(&d->arena, "samples/%s", name);
    free(real);
    return folder;
}

static scl_status draw(drawing *d, scl_err *err)
{
    const scl_run_options options = { .out = d->options->out };
    scl_run run = { .config = &d->config, .options = &options, .lock_fd = -1 };
    run.folder = options.out ? options.out : default_folder(d);
    run.state = SCL_NEW(&run.arena, scl_stage_state);
    run.tune = scl_tune_list(&d->config, &run.arena);
    pthread_mutex_init(&run.lock, NULL);
    scl_stage_context c = { .config = &d->config,
                            .stage = &d->stage,
                            .run = &run,
                            .folder = run.folder,
                            .checkpoints = run.folder,
                            .stop = scl_signals_stop(),
                            .tune = run.tune,
                            .arena = &d->arena };
    scl_status status = scl_file_make_folder(run.folder, err);
    if (status == SCL_OK) {
        scl_environment_start(&run);
        scl_signals_install();
        status = scl_stage_sample(&c, err);
        scl_signals_restore();
    }
    if (status == SCL_OK)
        status = scl_environment_write(&run, err);
    if (status == SCL_OK && d->options->made)
        d->options->made(d->options->user, run.folder, d->stage.sample.count, run.state[0].result);
    json_decref(run.environment);
    pthread_mutex_destroy(&run.lock);
    scl_arena_free(&run.arena);
    return status;
}

static scl_status sample(drawing *d, scl_config_errors *errors, scl_err *err)
{
    const char *text;
    SCL_TRY(scl_checkpoint_open(&d->from, d->path, err));
    SCL_TRY(config_text(d, &text, errors, err));
    SCL_TRY(parse(d, text, d->options->overrides, d->options->n_overrides, errors, err));
    make_stage(d);
    return draw(d, err);
}

scl_status scl_run_sample(const char *checkpoint, const scl_sample_options *options,
                          scl_config_errors *errors, scl_err *err)
{
    drawing d = { .path = checkpoint, .options = options };
    const scl_status status = sample(&d, errors, err);
    scl_checkpoint_close(d.from);
    scl_config_free(d.whole);
    scl_arena_free(&d.arena);
    return status;
}
