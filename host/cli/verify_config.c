/* scorecl verify --config: the same bits on several devices? */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/progress.h"
#include "cl/device.h"
#include "cli/cli.h"
#include "cli/verify.h"
#include "run/verify.h"

/* What is checked is bits, not samples: few steps at each of the noise levels pass through every kernel that many do. */
enum { SAMPLES = 4, STEPS_PER_LEVEL = 2, LANGEVIN_STEPS = 20, POINTS = 64, MOST_DEVICES = 64 };
static const double tolerance = 1e-2;

typedef struct checking {
    const verify_options *o;
    scl_arena arena;
    cli_overrides overrides;
    scl_config *config;
    const char *device[MOST_DEVICES];
    int n_device;
    json_t *devices, *runs, *cases, *left;
    bool begun;
} checking;

/* ---- the config, made short ---- */

static void shorten(checking *c, const char *stage, const char *key, const char *value)
{
    const char *path = scl_arena_printf(&c->arena, "stages.%s.%s", stage, key);
    for (int i = 0; i < c->overrides.n; i++)
        if (!strcmp(c->overrides.at[i].key, path))
            return;      /* asked for in another way */
    if (c->overrides.n < CLI_MOST)
        c->overrides.at[c->overrides.n++] = (scl_override){ path, value };
}

static void shorten_samples(checking *c, const scl_stage_config *s)
{
    const scl_sample_config *m = &s->sample;
    const bool free_count = m->condition.task == SCL_CONDITION_NOTHING && !scl_stage_classifier(s);
    shorten(c, s->name, "save", "[npy]");
    if (free_count && m->count > SAMPLES)
        shorten(c, s->name, "count", scl_arena_printf(&c->arena, "%d", SAMPLES));
    if (m->sampler.method == SCL_SAMPLER_ANNEALED_LANGEVIN && m->sampler.steps_per_level > STEPS_PER_LEVEL)
        shorten(c, s->name, "sampler.steps_per_level", scl_arena_printf(&c->arena, "%d", STEPS_PER_LEVEL));
    if (m->sampler.method == SCL_SAMPLER_LANGEVIN && m->sampler.steps > LANGEVIN_STEPS)
        shorten(c, s->name, "sampler.steps", scl_arena_printf(&c->arena, "%d", LANGEVIN_STEPS));
}

static void shorten_training(checking *c, const scl_stage_config *s)
{
    shorten(c, s->name, "steps", scl_arena_printf(&c->arena, "%d", c->o->steps));
    shorten(c, s->name, "eval.every", "never");
    shorten(c, s->name, "checkpoint.every", "end");
}

static void shorten_likelihood(checking *c, const scl_stage_config *s)
{
    const scl_likelihood_config *l = &s->likelihood;
    if (!l->count || l->count > SAMPLES)
        shorten(c, s->name, "likelihood.count", scl_arena_printf(&c->arena, "%d", SAMPLES));
    if (l->rtol < tolerance)
        shorten(c, s->name, "likelihood.rtol", scl_arena_printf(&c->arena, "%g", tolerance));
    if (l->atol < tolerance)
        shorten(c, s->name, "likelihood.atol", scl_arena_printf(&c->arena, "%g", tolerance));
}

/* The metrics that are computed by kernels; the others need more samples than are left. */
static void shorten_evaluation(checking *c, const scl_stage_config *s)
{
    const scl_evaluate_config *e = &s->evaluate;
    const unsigned what = e->metrics;
    const char *list = scl_arena_printf(&c->arena, "%s%s%s%s", what & SCL_METRIC_FISHER ? ", fisher" : "",
                                        what & SCL_METRIC_LOSS ? ", loss" : "", what & SCL_METRIC_DENSITY ? ", density" : "",
                                        scl_evaluate_classifies(e) ? ", classes" : "");
    shorten(c, s->name, "metrics", scl_arena_printf(&c->arena, "[%s]", list + 2));
    if (!e->images || e->images > POINTS)
        shorten(c, s->name, "images", scl_arena_printf(&c->arena, "%d", POINTS));
    if (what & SCL_METRIC_FISHER && e->fisher.points > POINTS)
        shorten(c, s->name, "fisher.points", scl_arena_printf(&c->arena, "%d", POINTS));
}

static void shorten_stage(checking *c, const scl_stage_config *s)
{
    switch (s->kind) {
    case SCL_STAGE_TRAIN: shorten_training(c, s); break;
    case SCL_STAGE_SAMPLE: shorten_samples(c, s); break;
    case SCL_STAGE_LIKELIHOOD: shorten_likelihood(c, s); break;
    case SCL_STAGE_EVALUATE: shorten_evaluation(c, s); break;
    case SCL_STAGE_PLOT: break;
    }
}

/* Reads it twice: the names of its stages have to be known first. */
static scl_status read_config(checking *c, scl_err *err)
{
    scl_config *whole;
    bool compares = false;
    SCL_TRY(cli_read_config(c->o->config, &c->overrides, &whole, err));
    for (int i = 0; i < whole->n_stage; i++) {
        const scl_stage_config *s = &whole->stage[i];
        const bool compared = scl_stage_uses_device(s);
        compares |= compared;
        if (compared)
            shorten_stage(c, s);
        else
            json_array_append_new(c->left, json_pack("{s:s, s:s}", "stage", s->name, "kind",
                                                     scl_config_choice("stage.kind", (int)s->kind)));
    }
    const bool clblast = whole->conv == SCL_CONV_CLBLAST;
    scl_config_free(whole);
    if (clblast)
        return scl_fail(err, SCL_BAD_CONFIG, "conv: clblast promises no bits; -o conv=auto compares the rest of this config");
    if (!compares)
        return scl_fail(err, SCL_BAD_CONFIG, "%s has no stage that launches kernels", c->o->config);
    SCL_TRY(cli_read_config(c->o->config, &c->overrides, &c->config, err));
    c->config->log.samples_every = 0;
    return SCL_OK;
}

/* ---- devices ---- */

static void add_device(checking *c, const char *sel)
{
    for (int i = 0; i < c->n_device; i++)
        if (!strcmp(c->device[i], sel))
            return;
    if (c->n_device < MOST_DEVICES)
        c->device[c->n_device++] = scl_arena_strdup(&c->arena, sel);
}

/* Numbers, so that a device that is named twice is there once.  One alone is compared with the C definitions. */
static scl_status choose_devices(checking *c, scl_err *err)
{
    const cli_list *asked = c->o->devices;
    scl_devices all = { 0 };
    char index[16];
    for (int i = 0; i < (asked->n ? asked->n : 1); i++) {
        const char *sel = asked->n ? asked->at[i] : "auto";
        if (!strcmp(sel, "reference")) {
            add_device(c, sel);
            continue;
        }
        if (strcmp(sel, "all") != 0)
            SCL_TRY(scl_device_check(sel, err));
        if (!all.info)
            SCL_TRY(scl_devices_list(&all, &c->arena, err));
        if (!all.n)
            return scl_fail(err, SCL_NO_DEVICE, "there is no OpenCL device");
        const int one = strcmp(sel, "all") ? scl_device_select(&all, sel, NULL) : -1;
        for (int k = one < 0 ? 0 : one; k < (one < 0 ? all.n : one + 1); k++) {
            snprintf(index, sizeof index, "%d", k);
            add_device(c, index);
        }
    }
    if (c->n_device == 1)
        add_device(c, strcmp(c->device[0], "reference") ? "reference" : "auto");
    return SCL_OK;
}

/* Where the reproducer shall be: known before the search, which may be long. */
static scl_status check_out(const char *out, scl_err *err)
{
    char *path = strdup(out ? out : ".");
    const char *parent = !out || !path ? "." : dirname(path);
    struct stat st;
    scl_status status = SCL_OK;
    if (stat(parent, &st) != 0 || !S_ISDIR(st.st_mode))
        status = scl_fail(err, SCL_BAD_CONFIG, "--out %s: there is no folder '%s'", out, parent);
    else if (out && access(parent, W_OK | X_OK) != 0)
        status = scl_fail(err, SCL_BAD_CONFIG, "--out %s: the folder '%s' cannot be written to", out, parent);
    free(path);
    return status;
}

/* ---- what is said ---- */

static json_t *pass_json(const scl_verify_pass *p)
{
    json_t *stages = json_array();
    for (int i = 0; i < p->n_stage; i++)
        if (p->stage[i].checksum[0])
            json_array_append_new(stages, json_pack("{s:s, s:s, s:s}", "stage", p->stage[i].name, "what",
                                                    p->stage[i].makes, "checksum", p->stage[i].checksum));
    json_t *row = json_pack("{s:s, s:i, s:s, s:o, s:i, s:f, s:i, s:i, s:b}", "device", p->info.name, "index", p->info.index, "pass",
                            p->what, "stages", stages, "runs", p->n_unit, "seconds", p->seconds, "programs_built",
                            p->programs.built, "programs_loaded", p->programs.loaded, "equal", p->equal);
    if (p->broken[0])
        json_object_set_new(row, "outside", json_string(p->broken));
    if (p->failed[0])
        json_object_set_new(row, "failed", json_string(p->failed));
    return row;
}

static json_t *case_json(const scl_verify_pass *p, const char *name, const char *message)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:b, s:f, s:s}", "op", "config", "case", name, "device", p->info.name, "index",
                     p->info.index, "passed", p->equal, "seconds", p->seconds, "message", message);
}

static void say_head(const checking *c)
{
    size_t i;
    json_t *s;
    verify_say(c->o, "%s: %d steps, sha256 of what its stages make\n", c->o->config, c->o->steps);
    json_array_foreach(c->left, i, s)
        verify_say(c->o, "left: %s (%s) launches no kernels of its own\n", json_string_value(json_object_get(s, "stage")),
                   json_string_value(json_object_get(s, "kind")));
}

/* scl_verify_options.passed: a line for each pass, and a second one for what it has to say of buffers or caches. */
static void passed(void *user, const scl_verify_pass *p)
{
    checking *c = user;
    char device[16] = "-", name[320];
    const char *line = "";
    if (!c->begun)
        say_head(c);
    c->begun = true;
    if (p->info.index >= 0)
        snprintf(device, sizeof device, "%d", p->info.index);
    for (int i = 0; i < p->n_stage; i++)
        if (p->stage[i].checksum[0])
            line = scl_arena_printf(&c->arena, "%s  %s %s %s", line, p->stage[i].name, p->stage[i].makes, p->stage[i].checksum);
    snprintf(name, sizeof name, "%s%s%s", p->info.name, p->what[0] ? ", " : "", p->what);
    verify_say(c->o, "%3s  %s:%s  %s  %.1f s\n", device, name, line, p->equal ? "equal" : "DIFFERENT", p->seconds);
    if (p->cache)
        verify_say(c->o, "     %d programs compiled, %d loaded from the cache\n", p->programs.built, p->programs.loaded);
    if (p->broken[0] || p->failed[0])
        verify_say(c->o, "FAIL %s\n", p->broken[0] ? p->broken : p->failed);
    json_array_append_new(c->runs, pass_json(p));
    if (!p->what[0] || !strcmp(p->what, "cold cache"))
        json_array_append_new(c->devices, verify_device_json(&p->info));
    json_array_append_new(c->cases, case_json(p, name, p->broken[0]   ? p->broken
                                                            : p->failed[0] ? p->failed
                                                            : p->equal     ? ""
                                                                           : "other bits than the first device"));
}

static json_t *found_json(const scl_verify_found *f)
{
    json_t *row = json_pack("{s:s, s:i, s:s, s:s, s:I, s:s}", "device", f->device, "index", f->index, "pass", f->pass, "stage", f->stage,
                            "step", (json_int_t)f->step + 1, "note", f->note);
    if (f->node < 0)
        return row;
    json_t *bits = json_array();
    for (int i = 0; i < f->n_bits; i++)
        json_array_append_new(bits, scl_bits_json(&f->bits[i]));
    json_object_set_new(row, "first_sample", json_integer(f->first));
    json_object_set_new(row, "position", json_integer(f->node));
    json_object_set_new(row, "nodes", json_integer(f->nodes));
    json_object_set_new(row, "node", json_integer(f->id));
    json_object_set_new(row, "operator", json_string(f->op));
    json_object_set_new(row, "scope", json_string(f->scope));
    json_object_set_new(row, "inputs", json_string(f->inputs));
    json_object_set_new(row, "outputs", json_string(f->outputs));
    json_object_set_new(row, "kernels", json_string(f->launches));
    json_object_set_new(row, "launch", json_integer(f->launch));
    json_object_set_new(row, "launches", json_integer(f->n_launch));
    json_object_set_new(row, "differ", bits);
    json_object_set_new(row, "replay", f->folder ? json_string(f->folder) : json_null());
    json_object_set_new(row, "reproduces", json_boolean(f->reproduces));
    return row;
}

static void say_found(checking *c, const scl_verify_found *f)
{
    const verify_options *o = c->o;
    verify_say(o, "\n%s%s%s computes other bits", f->device, f->pass[0] ? ", " : "", f->pass);
    if (f->stage[0])
        verify_say(o, " in stage %s", f->stage);
    if (f->step >= 0)
        verify_say(o, ", first at %s %ld", f->counts, f->step + 1);
    if (f->step >= 0 && f->first > 0)
        verify_say(o, " of samples from %d on", f->first);
    verify_say(o, "\n");
    if (f->node >= 0) {
        verify_say(o, "  node %d%s%s: %s, number %d of %d in the plan; the first whose outputs are not those of its C definition\n",
                   f->id, f->scope[0] ? ", " : "", f->scope, f->op, f->node + 1, f->nodes);
        verify_say(o, "  inputs %s; outputs %s\n", f->inputs, f->outputs);
        if (f->launch < 0)
            verify_say(o, "  one of its %d launches, it is not known which: %s\n", f->n_launch, f->launches);
        else
            verify_say(o, "  launch %d of %d: %s\n", f->launch + 1, f->n_launch, f->launches);
        for (int i = 0; i < f->n_bits; i++)
            verify_say(o, "%s", scl_bits_text(&f->bits[i], &c->arena));
    }
    if (f->folder)
        verify_say(o, "  reproducer: %s (%s); scorecl verify --replay %s --device %d\n", f->folder,
                   f->reproduces ? "goes wrong on its own" : "does not go wrong on its own", f->folder, f->index);
    if (f->note[0])
        verify_say(o, "  %s\n", f->note);
}

static scl_status say_all(checking *c, const scl_verify_result *r, json_t *report)
{
    int different = 0, outside = 0;
    json_t *found = json_array();
    for (int i = 0; i < r->n_pass; i++) {
        different += !r->pass[i].equal;
        outside += r->pass[i].broken[0] != 0;
    }
    for (int i = 0; i < r->n_found; i++) {
        say_found(c, &r->found[i]);
        json_array_append_new(found, found_json(&r->found[i]));
    }
    json_object_set_new(report, "found", found);
    json_object_set_new(report, "passed", json_integer(r->n_pass - different));
    json_object_set_new(report, "failed", json_integer(different));
    if (!different)
        verify_say(c->o, "equal: the same bits after each of %d runs on %d devices\n", r->pass[0].n_unit, c->n_device);
    else
        verify_say(c->o, "DIFFERENT: %d of %d passes%s\n", different, r->n_pass,
                   outside ? ", of which some write outside of their buffers" : "");
    return different ? SCL_DIFFERENT : SCL_OK;
}

static scl_status check(checking *c, json_t *report, scl_err *err)
{
    scl_verify_result result;
    const bool cold = strcmp(c->o->cache, "usual") != 0;
    const scl_verify_options options = { .config = c->config, .device = c->device, .n_device = c->n_device, .cold = cold,
                                         .warm = !strcmp(c->o->cache, "both"), .guards = !c->o->no_guards,
                                         .out = c->o->out ? c->o->out : "verify-replay", .passed = passed, .user = c };
    scl_status status = scl_verify_run(&options, &result, err);
    if (status == SCL_OK)
        status = say_all(c, &result, report);
    scl_verify_free(&result);
    return status;
}

scl_status verify_config(const verify_options *o, const cli_overrides *overrides, json_t *report, scl_err *err)
{
    checking c = { .o = o, .overrides = *overrides, .devices = json_array(), .runs = json_array(), .cases = json_array(),
                   .left = json_array() };
    char caches[256] = "";
    json_object_set_new(report, "config", json_string(o->config));
    json_object_set_new(report, "steps", json_integer(o->steps));
    json_object_set_new(report, "devices", c.devices);
    json_object_set_new(report, "left", c.left);
    json_object_set_new(report, "runs", c.runs);
    json_object_set_new(report, "cases", c.cases);
    scl_status status = check_out(o->out, err);
    if (status == SCL_OK)
        status = read_config(&c, err);
    if (status == SCL_OK && strcmp(o->cache, "usual") != 0) {
        status = scl_verify_temporary(caches, err);
        if (status == SCL_OK)
            scl_verify_fresh_caches(caches);
    }
    if (status == SCL_OK)
        status = choose_devices(&c, err);
    if (status == SCL_OK)
        status = check(&c, report, err);
    scl_config_free(c.config);
    scl_verify_remove(caches);
    scl_arena_free(&c.arena);
    return status;
}
