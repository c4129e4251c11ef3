/* Which stages are profiled, in which folder, and what is written of them. */
#include "run/profile.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cl/device.h"
#include "data/safetensors.h"
#include "run/build.h"
#include "run/engine.h"
#include "run/profile_parts.h"
#include "score/sampler.h"

enum { MOST_STAGES = 16 };
typedef struct profiling {
    scl_config *config;
    const scl_profile_options *o;
    scl_arena arena;
    const char *folder, *scratch; /* of the files; of the run, removed afterwards */
    const scl_stage_config *stage[MOST_STAGES];
    scl_profile_stage *profile[MOST_STAGES];
    int n;
    json_t *resolved;                  /* the config, as it was given */
} profiling;

static bool computes(const scl_stage_config *s)
{
    return s->kind == SCL_STAGE_TRAIN || s->kind == SCL_STAGE_SAMPLE || s->kind == SCL_STAGE_LIKELIHOOD;
}

const char *scl_profile_unit(const scl_stage_config *s)
{
    if (s->kind == SCL_STAGE_TRAIN)
        return "step";
    return s->kind == SCL_STAGE_SAMPLE && !scl_sampler_adapts(&s->sample) ? "update" : "evaluation";
}

int scl_profile_batch(const scl_stage_config *s)
{
    return s->kind == SCL_STAGE_TRAIN    ? s->train.batch
           : s->kind == SCL_STAGE_SAMPLE ? scl_build_sample_batch(s)
                                         : scl_build_group(s);
}

static scl_status choose_stage(profiling *p, const char *name, scl_err *err)
{
    const int at = scl_stage_index(p->config, name);
    if (at < 0)
        return scl_fail(err, SCL_BAD_CONFIG, "--stage %s: %s has no stage of that name", name,
                        p->config->file);
    const scl_stage_config *s = &p->config->stage[at];
    if (!computes(s))
        return scl_fail(
            err, SCL_BAD_CONFIG,
            "--stage %s: stages of kind train, sample and likelihood can be profiled, not of kind %s", name,
            scl_config_choice("stage.kind", (int)s->kind));
    if (p->n == MOST_STAGES)
        return scl_fail(err, SCL_BAD_CONFIG, "--stage: at most %d of them", MOST_STAGES);
    p->stage[p->n++] = s;
    return SCL_OK;
}

static scl_status choose_stages(profiling *p, scl_err *err)
{
    for (int i = 0; i < p->o->n_stage; i++)
        SCL_TRY(choose_stage(p, p->o->stage[i], err));
    for (int kind = 0; kind < 2 && !p->n; kind++)
        for (int i = 0; i < p->config->n_stage && !p->n; i++) {
            const scl_stage_config *s = &p->config->stage[i];
            if (kind ? computes(s) : s->kind == SCL_STAGE_TRAIN)
                p->stage[p->n++] = s;
        }
    if (!p->n)
        return scl_fail(err, SCL_BAD_CONFIG, "%s has no stage of kind train, sample or likelihood",
                        p->config->file);
    return SCL_OK;
}

/* Marks what a stage needs, directly or through others. */
static void mark_needs(const scl_config *c, const scl_stage_config *s, bool *needed)
{
    for (int i = 0; i < s->n_needs; i++) {
        const int at = scl_stage_index(c, s->needs[i]);
        if (needed[at])
            continue;
        needed[at] = true;
        mark_needs(c, &c->stage[at], needed);
    }
}

/* Steps enough: the profile ends the stage itself.  What the config says stays where it is more, as it
 * decides about tuning and the schedule.  Nothing but steps happens between them: the held-out loss is left
 * out, pictures over training too, a checkpoint is written at the end. */
static void lengthen(const profiling *p, scl_stage_config *s, const scl_stage_config *as_given)
{
    const int steps = 2 * scl_profile_most_steps(p->o) + 2;
    s->train.steps = as_given->train.steps > steps ? as_given->train.steps : steps;
    s->train.checkpoint.every = 0;
    s->sample.count = as_given->sample.count;
}

/* Stages that are only needed are made as short as they can be: one step of training, a few samples. */
static void shorten(scl_stage_config *s)
{
    s->train.steps = 1;
    s->train.eval.every = 0;
    if (s->kind == SCL_STAGE_SAMPLE && s->sample.count > 1)
        s->sample.count = 1;
}

static scl_status run_stage(profiling *p, const char *name, const scl_run_watch *watch, scl_err *err)
{
    const scl_run_options options = {.out = p->scratch, .resume = true, .only = name, .watch = watch};
    return scl_run_config(p->config, &options, err);
}

static scl_status run_needs(profiling *p, const scl_stage_config *s, scl_err *err)
{
    bool *needed = SCL_NEW_ARRAY(&p->arena, bool, p->config->n_stage);
    mark_needs(p->config, s, needed);
    for (int i = 0; i < p->config->n_stage; i++)
        if (needed[p->config->order[i]])
            SCL_TRY(run_stage(p, p->config->stage[p->config->order[i]].name, NULL, err));
    return SCL_OK;
}

/* The weights that the steps made: of equal steps they have to be equal, whatever the kernels were. */
static scl_status note_weights(profiling *p, scl_profile_stage *to, scl_err *err)
{
    const char *path;
    scl_checkpoint *from;
    if (to->stage->kind != SCL_STAGE_TRAIN)
        return SCL_OK;
    const char *folder = scl_arena_printf(&p->arena, "%s/%s/checkpoints", p->scratch, to->stage->name);
    SCL_TRY(scl_checkpoints_find(folder, "latest", &p->arena, &path, err));
    SCL_TRY(scl_checkpoint_open(&from, path, err));
    to->weights_step = from->info.step;
    scl_checkpoint_close(from);
    return scl_checksum_file(path, to->weights, err);
}

/* A stage that was stopped because the profile had enough went well. */
static scl_status outcome(const scl_profile_stage *p, scl_status status, scl_err *fault, scl_err *err)
{
    if (p->finished && (status == SCL_OK || status == SCL_INTERRUPTED)) {
        scl_err_clear(fault);
        return SCL_OK;
    }
    if (status == SCL_INTERRUPTED) {
        scl_err_clear(fault);
        return scl_fail(err, SCL_INTERRUPTED, "interrupted: nothing was written");
    }
    if (status == SCL_OK)
        return scl_fail(err, SCL_FAILED,
                        "stage %s ended after %ld %ss, before enough were profiled; a smaller --steps may do",
                        p->stage->name, p->seen_steps, scl_profile_unit(p->stage));
    if (err)
        *err = *fault;
    else
        scl_err_clear(fault);
    return status;
}

static scl_status profile_stage(profiling *p, int i, scl_err *err)
{
    scl_config *c = p->config;
    const scl_stage_config *s = p->stage[i];
    const size_t at = (size_t)(s - c->stage), n = (size_t)c->n_stage;
    scl_profile_stage *to = p->profile[i] = SCL_NEW(&p->arena, scl_profile_stage);
    scl_stage_config *as_given = SCL_NEW_ARRAY(&p->arena, scl_stage_config, n);
    scl_err fault = {0};
    memcpy(as_given, c->stage, sizeof *as_given * n);
    c->log.samples_every = 0;
    for (size_t k = 0; k < n; k++)
        shorten(&c->stage[k]);
    scl_status status = run_needs(p, s, err);
    if (status == SCL_OK) {
        lengthen(p, &c->stage[at], &as_given[at]);
        status = scl_profile_stage_begin(to, p->o, s, p->folder, err);
    }
    if (status == SCL_OK) {
        status = run_stage(p, s->name, &to->run_watch, &fault);
        scl_phase_set_sink(NULL, NULL);
        status = outcome(to, status, &fault, err);
        if (status == SCL_OK)
            status = note_weights(p, to, err);
    }
    memcpy(c->stage, as_given, sizeof *as_given * n);
    return status;
}

static json_t *text(const char *t)
{
    json_t *j = json_string(t);
    return j ? j : json_string("?");
}

static json_t *device_json(const scl_device_info *d)
{
    json_t *o =
        json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "index", d->index, "class",
                  scl_device_class_name(d->klass), "platform", text(d->platform), "name", text(d->name),
                  "vendor", text(d->vendor), "driver", text(d->driver), "version", text(d->version));
    const struct {
        const char *name;
        size_t value;
    } numbers[] = {
        {"compute_units", d->compute_units},     {"clock_mhz", d->clock_mhz},
        {"vector_width", d->vector_width},       {"max_work_group", d->max_work_group},
        {"local_bytes", d->local_bytes},         {"global_bytes", d->global_bytes},
        {"max_alloc_bytes", d->max_alloc_bytes},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(o, numbers[i].name, json_integer((json_int_t)numbers[i].value));
    return o;
}

static json_t *roofline_json(const scl_profile_stage *s)
{
    if (!s->has_peak)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:s, s:b}", "fma_gflop_s", s->peak.fma_gflops, "read_gb_s",
                     s->peak.read_gb_s, "copy_gb_s", s->peak.copy_gb_s, "launch_s", 1e-6 * s->peak.launch_us,
                     "launch_wait_s", 1e-6 * s->peak.launch_wait_us, "measured", s->peak_date, "cached",
                     s->peak_cached);
}

static json_t *head_json(const profiling *p)
{
    char date[32];
    const time_t now = time(NULL);
    struct tm utc;
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    json_t *overrides = json_array();
    for (int i = 0; i < p->o->n_overrides; i++) {
        char item[1024];
        snprintf(item, sizeof item, "%s=%s", p->o->overrides[i].key, p->o->overrides[i].value);
        json_array_append_new(overrides, text(item));
    }
    return json_pack("{s:s, s:i, s:s, s:s, s:{s:o, s:o, s:o, s:O}, s:o, s:o, s:[]}", "schema", "scorecl-profile",
                     "schema_version", 1, "version", SCL_VERSION, "created", date, "config", "name",
                     text(p->config->name), "file", text(p->config->file), "overrides", overrides, "resolved", p->resolved, "device",
                     device_json(&p->profile[0]->device), "roofline", roofline_json(p->profile[0]), "stages");
}

static scl_status write_json(const profiling *p, const json_t *profile, scl_err *err)
{
    char *dumped = json_dumps(profile, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    if (!dumped)
        return scl_fail(err, SCL_FAILED, "profile.json cannot be written: a text in it is not UTF-8");
    scl_arena scratch = {0};
    const scl_status status = scl_file_write(scl_arena_printf(&scratch, "%s/profile.json", p->folder), dumped,
                                             strlen(dumped), NULL, err);
    scl_arena_free(&scratch);
    free(dumped);
    return status;
}

static scl_status write_files(profiling *p, json_t **out, scl_err *err)
{
    json_t *profile = *out = head_json(p);
    for (int i = 0; i < p->n; i++) {
        scl_profile_sums sums = {0};
        json_t *stage = NULL;
        scl_status status = scl_profile_sum(p->profile[i], &sums, err);
        if (status == SCL_OK)
            status = scl_profile_stage_json(p->profile[i], &sums, &stage, err);
        json_array_append_new(json_object_get(profile, "stages"), stage ? stage : json_null());
        scl_profile_sums_free(&sums);
        SCL_TRY(status);
    }
    SCL_TRY(write_json(p, profile, err));
    SCL_TRY(
        scl_profile_trace(p->profile, p->n, scl_arena_printf(&p->arena, "%s/trace.json", p->folder), err));
    if (p->o->csv)
        SCL_TRY(
            scl_profile_csv(p->profile, p->n, scl_arena_printf(&p->arena, "%s/events.csv", p->folder), err));
    return SCL_OK;
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

static scl_status open_folders(profiling *p, scl_err *err)
{
    p->folder = p->o->out ? p->o->out : scl_arena_printf(&p->arena, "runs/%s/profile", p->config->name);
    SCL_TRY(scl_file_make_folder(p->folder, err));
    char *scratch = scl_arena_printf(&p->arena, "%s/.run-XXXXXX", p->folder);
    if (!mkdtemp(scratch))
        return scl_fail(err, SCL_FAILED, "cannot write in '%s'", p->folder);
    p->scratch = scratch;
    return SCL_OK;
}

scl_status scl_profile_run(scl_config *config, const scl_profile_options *options, json_t **profile,
                           char **folder, scl_err *err)
{
    profiling p = {.config = config, .o = options};
    *profile = NULL;
    *folder = NULL;
    char *dumped = scl_config_json(config, &p.arena);
    p.resolved = dumped ? json_loads(dumped, 0, NULL) : NULL;
    scl_status status = p.resolved ? choose_stages(&p, err) : scl_fail(err, SCL_FAILED, "the config is no JSON");
    if (status == SCL_OK)
        status = open_folders(&p, err);
    for (int i = 0; i < p.n && status == SCL_OK; i++)
        status = profile_stage(&p, i, err);
    if (p.scratch)
        nftw(p.scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (status == SCL_OK)
        status = write_files(&p, profile, err);
    if (status == SCL_OK)
        *folder = strdup(p.folder);
    for (int i = 0; i < p.n; i++)
        if (p.profile[i])
            scl_profile_stage_free(p.profile[i]);
    if (status != SCL_OK) {
        json_decref(*profile);
        *profile = NULL;
    }
    json_decref(p.resolved);
    scl_arena_free(&p.arena);
    return status;
}
