/* scorecl verify --config: the same bits on several devices? */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/shell.h"
#include "cl/device.h"
#include "cli/cli.h"
#include "cli/verify.h"
#include "run/json_text.h"
#include "run/verify.h"

enum { MOST_DEVICES = 64 };

typedef struct checking {
    const verify_options *o;
    scl_arena arena;
    cli_overrides overrides;
    scl_config *config;
    const char *out;                   /* for reproducers */
    const char *device[MOST_DEVICES];
    int n_device, unable;
    json_t *devices, *runs, *cases, *left;
    bool begun;
} checking;

/* ---- devices ---- */

/* -1: reference.  Numbers, so that a device that is named twice is there once. */
static bool is_added(const checking *c, int index)
{
    for (int i = 0; i < c->n_device; i++)
        if (index < 0 ? !strcmp(c->device[i], "reference") : atoi(c->device[i]) == index && c->device[i][0] != 'r')
            return true;
    return false;
}

static void add_device(checking *c, int index)
{
    if (c->n_device < MOST_DEVICES && !is_added(c, index))
        c->device[c->n_device++] = index < 0 ? "reference" : scl_arena_printf(&c->arena, "%d", index);
}

/* One that was asked for by name, and cannot: the others are compared without it. */
static void unable(checking *c, const scl_device_info *d, const scl_err *fault)
{
    char line[4096];
    scl_err_text(fault, line, sizeof line);
    verify_say(c->o, "FAIL %d, %s: %s: %s\n", d->index, d->platform, d->name, line);
    json_array_append_new(c->devices, verify_device_json(d));
    json_array_append_new(c->cases, json_pack("{s:s, s:s, s:s, s:i, s:b, s:b, s:o}", "op", "config", "case", d->name, "device",
                                              d->name, "index", d->index, "passed", 0, "lost", 1, "message",
                                              scl_json_text(line)));
    c->unable++;
}

/* Device k of the list, if it is able.  What the first that is not says is kept in err. */
static void try_one(checking *c, const scl_devices *all, int k, bool every, scl_err *err)
{
    char index[16];
    scl_err fault = { 0 };
    scl_device_info info = all->info[k];
    snprintf(index, sizeof index, "%d", k);
    if (is_added(c, k))
        return;
    if (verify_try_device(index, &info, &fault) == SCL_OK)
        add_device(c, k);
    else if (every)
        verify_pass_over(c->o, c->cases, &info, &fault);
    else
        unable(c, &info, &fault);
    if (fault.code && !err->code)
        *err = fault;
    else
        scl_err_clear(&fault);
}

static scl_status add_asked(checking *c, const scl_devices *all, const char *sel, scl_err *first, scl_err *err)
{
    const bool every = !strcmp(sel, "all");
    if (!strcmp(sel, "reference")) {
        add_device(c, -1);
        return SCL_OK;
    }
    if (!every)
        SCL_TRY(scl_device_check(sel, err));
    if (!all->n)
        return scl_fail(err, SCL_NO_DEVICE, "there is no OpenCL device");
    const int one = every ? -1 : scl_device_select(all, sel, NULL);
    for (int k = every ? 0 : one; k < (every ? all->n : one + 1); k++)
        try_one(c, all, k, every, first);
    return SCL_OK;
}

/* One device alone is compared with the C definitions. */
static scl_status choose_devices(checking *c, scl_err *err)
{
    const cli_list *asked = c->o->devices;
    scl_devices all = { 0 };
    scl_err first = { 0 };
    scl_status status = scl_devices_list(&all, &c->arena, err);
    for (int i = 0; i < (asked->n ? asked->n : 1) && status == SCL_OK; i++)
        status = add_asked(c, &all, asked->n ? asked->at[i] : "auto", &first, err);
    if (status == SCL_OK && c->n_device == 1 && is_added(c, -1) && !first.code)
        status = add_asked(c, &all, "auto", &first, err);
    if (status == SCL_OK && c->n_device == 1)
        add_device(c, -1);
    if (status == SCL_OK && c->n_device < 2) {      /* nothing is able */
        status = first.code;
        if (err)
            *err = first;
        return status;
    }
    scl_err_clear(&first);
    return status;
}

/* Where the reproducer shall be: known before the search, which may be long. */
static scl_status check_out(checking *c, scl_err *err)
{
    const char *out = c->o->out;
    struct stat st;
    c->out = "verify-replay";
    if (!out)
        return SCL_OK;
    char *plain = scl_arena_strdup(&c->arena, out);      /* a name of its own: others are made of it */
    for (size_t n = strlen(plain); n > 1 && plain[n - 1] == '/'; n--)
        plain[n - 1] = 0;
    c->out = plain;
    const char *parent = dirname(scl_arena_strdup(&c->arena, plain));
    if (stat(parent, &st) != 0 || !S_ISDIR(st.st_mode))
        return scl_fail(err, SCL_BAD_CONFIG, "--out %s: there is no folder '%s'", out, parent);
    if (access(parent, W_OK | X_OK) != 0)
        return scl_fail(err, SCL_BAD_CONFIG, "--out %s: the folder '%s' cannot be written to", out, parent);
    return SCL_OK;
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
        json_object_set_new(row, "outside", scl_json_text(p->broken));
    if (p->failed[0])
        json_object_set_new(row, "failed", scl_json_text(p->failed));
    if (p->left)
        json_object_set_new(row, "not_run", json_true());
    if (p->folder)
        json_object_set_new(row, "replay", json_string(p->folder));
    return row;
}

static json_t *case_json(const scl_verify_pass *p, const char *name)
{
    const char *message = p->broken[0]             ? p->broken
                          : p->failed[0]           ? p->failed
                          : p->left                ? "not run: the device had failed before"
                          : scl_verify_differs(p) ? "other bits than the first device"
                                                   : "";
    json_t *row = json_pack("{s:s, s:s, s:s, s:i, s:b, s:f, s:o}", "op", "config", "case", name, "device", p->info.name,
                            "index", p->info.index, "passed", p->equal, "seconds", p->seconds, "message",
                            scl_json_text(message));
    if (p->left)
        json_object_set_new(row, "not_run", json_true());
    if (p->ended && verify_lost(p->sel))
        json_object_set_new(row, "lost", json_true());
    return row;
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
    verify_say(c->o, "%3s  %s:%s  %s  %.1f s\n", device, name, line,
               p->equal ? "equal" : p->ended ? "FAILED" : p->left ? "not run" : "DIFFERENT", p->seconds);
    if (p->cache)
        verify_say(c->o, "     %d programs compiled, %d loaded from the cache\n", p->programs.built, p->programs.loaded);
    if (p->broken[0] || p->failed[0])
        verify_say(c->o, "FAIL %s\n", p->broken[0] ? p->broken : p->failed);
    if (p->folder)
        verify_say(c->o, "  reproducer: %s; scorecl verify --replay %s --device %d\n", p->folder,
                   scl_shell_word(p->folder, &c->arena), p->info.index);
    json_array_append_new(c->runs, pass_json(p));
    if (!p->what[0] || !strcmp(p->what, "cold cache"))
        json_array_append_new(c->devices, verify_device_json(&p->info));
    json_array_append_new(c->cases, case_json(p, name));
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
                   f->reproduces ? "goes wrong on its own" : "does not go wrong on its own",
                   scl_shell_word(f->folder, &c->arena), f->index);
    if (f->note[0])
        verify_say(o, "  %s\n", f->note);
}

static int devices_compared(const scl_verify_result *r)
{
    int n = 0;
    for (int i = 0; i < r->n_pass; i++)
        n += r->pass[i].equal && (i == 0 || strcmp(r->pass[i].sel, r->pass[i - 1].sel) != 0);
    return n;
}

static scl_status say_all(checking *c, const scl_verify_result *r, json_t *report, scl_err *err)
{
    int different = 0, outside = 0, ended = c->unable, left = 0;
    json_t *found = json_array();
    for (int i = 0; i < r->n_pass; i++) {
        different += scl_verify_differs(&r->pass[i]);
        ended += r->pass[i].ended;
        left += r->pass[i].left;
        outside += r->pass[i].broken[0] != 0;
    }
    for (int i = 0; i < r->n_found; i++) {
        say_found(c, &r->found[i]);
        json_array_append_new(found, found_json(&r->found[i]));
    }
    json_object_set_new(report, "found", found);
    json_object_set_new(report, "passed", json_integer(r->n_pass + c->unable - different - ended - left));
    json_object_set_new(report, "failed", json_integer(different + ended));
    json_object_set_new(report, "not_run", json_integer(left));
    const int compared = devices_compared(r);
    if (different)
        verify_say(c->o, "DIFFERENT: %d of %d passes%s\n", different, r->n_pass,
                   outside ? ", of which some write outside of their buffers" : "");
    else if (compared > 1)
        verify_say(c->o, "equal: the same bits after each of %d runs on %d devices\n", r->first->n_unit, compared);
    else
        verify_say(c->o, "one device alone ran to its end: nothing is compared\n");
    if (different)
        return SCL_DIFFERENT;
    if (!ended)
        return SCL_OK;
    return scl_fail(err, SCL_FAILED, "%d of %d passes failed, and %d were not run", ended, r->n_pass + c->unable, left);
}

static scl_status check(checking *c, json_t *report, scl_err *err)
{
    scl_verify_result result;
    const bool cold = strcmp(c->o->cache, "usual") != 0;
    const scl_verify_options options = { .config = c->config, .device = c->device, .n_device = c->n_device, .cold = cold,
                                         .warm = !strcmp(c->o->cache, "both"), .guards = !c->o->no_guards,
                                         .out = c->out, .passed = passed, .user = c };
    scl_status status = scl_verify_run(&options, &result, err);
    if (status == SCL_OK)
        status = say_all(c, &result, report, err);
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
    scl_status status = check_out(&c, err);
    if (status == SCL_OK)
        status = verify_short_config(o, &c.overrides, &c.arena, c.left, &c.config, err);
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
