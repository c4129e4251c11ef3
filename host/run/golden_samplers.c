/* Golden trajectories: the updates of score/sampler.h with the file's start, noise and pictures (tests/golden/README.md says which
 * noise is whose, and what is stored). */
#include <stdlib.h>
#include <string.h>

#include "graph/arith.h"
#include "run/golden_run.h"
#include "score/sampler.h"

enum { STEPS_PER_LEVEL = 2 };        /* of out.ald and the inpaintings */

/* What is stored of an update: x after it, or, where noise is added at its end, the mean before. */
typedef enum keeps { AFTER, MEAN } keeps;

typedef struct trajectory {
    const char *name;
    scl_sampler_kind method;
    keeps what;
    bool denoise, known;
    scl_known_noise noise;           /* of what is known */
} trajectory;

static const trajectory all[] = {
    { "out.ald", SCL_SAMPLER_ANNEALED_LANGEVIN, AFTER, true, false, SCL_KNOWN_LEVEL },
    { "out.ancestral_mean", SCL_SAMPLER_ANCESTRAL, MEAN, true, false, SCL_KNOWN_LEVEL },
    { "out.consistent", SCL_SAMPLER_CONSISTENT, AFTER, false, false, SCL_KNOWN_LEVEL },
    { "out.inpaint_v1", SCL_SAMPLER_ANNEALED_LANGEVIN, AFTER, false, true, SCL_KNOWN_LEVEL },
    { "out.inpaint_v2", SCL_SAMPLER_ANNEALED_LANGEVIN, AFTER, false, true, SCL_KNOWN_STEP },
    { "out.pc_mean", SCL_SAMPLER_PREDICTOR_CORRECTOR, MEAN, true, false, SCL_KNOWN_LEVEL },
    { "out.pf_ode_euler", SCL_SAMPLER_PROBABILITY_FLOW, AFTER, false, false, SCL_KNOWN_LEVEL },
    { "out.reverse_diffusion_mean", SCL_SAMPLER_REVERSE_DIFFUSION, MEAN, false, false, SCL_KNOWN_LEVEL },
};
enum { TRAJECTORIES = (int)(sizeof all / sizeof *all) };

bool scl_golden_is_chain(const char *name)
{
    bool found = !strcmp(name, "out.ald_denoised");
    for (int i = 0; i < TRAJECTORIES; i++)
        found |= !strcmp(name, all[i].name);
    return found;
}

/* One trajectory on its way. */
typedef struct chain {
    golden *g;
    const trajectory *t;
    scl_golden_runner r;
    size_t floats;                   /* of all samples */
    const char *z;                   /* the file's noise, used in order */
    size_t used;
    const float *known_z;
    float *x;
} chain;

static scl_status next_noise(chain *c, const float **z, scl_err *err)
{
    *z = scl_golden_images(c->g, c->z, c->used * (size_t)c->g->n_chain, (size_t)c->g->n_chain);
    c->used++;
    return *z ? SCL_OK
              : scl_fail_at(err, SCL_FAILED, c->g->file->path, 0, 0, "'%s' is too short for %s", c->z, c->t->name);
}

/* c->x after the update; noise 0: its mean. */
static scl_status apply(chain *c, const scl_update *u, double noise, const float *z, scl_err *err)
{
    const size_t bytes = sizeof(float) * c->floats;
    const int n = c->g->n_chain;
    int32_t *label = SCL_NEW_ARRAY(&c->g->arena, int32_t, n);
    for (int i = 0; i < n; i++)
        label[i] = u->level;
    float coef[SCL_SAMPLE_COEFS] = { [SCL_SAMPLE_STEP] = (float)u->drift,  [SCL_SAMPLE_NOISE] = (float)noise,
                                     [SCL_SAMPLE_SNR] = (float)u->snr,     [SCL_SAMPLE_BEFORE] = (float)u->before,
                                     [SCL_SAMPLE_AFTER] = (float)u->after, [SCL_SAMPLE_AGAIN] = c->t->noise == SCL_KNOWN_LEVEL };
    for (int i = 0; i < SCL_SAMPLE_COEFS; i++)
        coef[i] = scl_flush(coef[i]);
    const uint32_t counters[SCL_COUNTERS] = { [SCL_CNT_BATCH] = (uint32_t)n };
    SCL_TRY(scl_golden_put(&c->r, "counters", counters, sizeof counters, err));
    SCL_TRY(scl_golden_put(&c->r, "sample.x", c->x, bytes, err));
    SCL_TRY(scl_golden_put(&c->r, "sample.label", label, sizeof *label * (size_t)n, err));
    SCL_TRY(scl_golden_put(&c->r, "sample.coef", coef, sizeof coef, err));
    SCL_TRY(scl_golden_put(&c->r, "given.z", z, bytes, err));
    if (c->t->known)
        SCL_TRY(scl_golden_put(&c->r, "given.known_z", c->known_z, bytes, err));
    SCL_TRY(scl_exec_run(c->r.exec, err));
    return scl_store_read(c->r.store, "sample.x", c->x, bytes, err);
}

/* The reference, and the mask for every sample. */
static scl_status put_known(chain *c, scl_err *err)
{
    golden *g = c->g;
    const size_t n = (size_t)g->n_chain, image = c->floats / n;
    const scl_tensor *m = scl_safetensors_find(g->file, "in.mask");
    const float *known = scl_golden_images(g, "in.reference", 0, n);
    if (!known || !m || (m->count != image && m->count != c->floats))
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0, "%s needs in.reference and in.mask", c->t->name);
    const float *given = scl_golden_images(g, "in.mask", 0, m->count / image);
    float *mask = SCL_NEW_ARRAY(&g->arena, float, c->floats);
    for (size_t i = 0; i < c->floats; i++)
        mask[i] = given[i % m->count];
    SCL_TRY(scl_golden_put(&c->r, "sample.known", known, sizeof(float) * c->floats, err));
    return scl_golden_put(&c->r, "sample.mask", mask, sizeof(float) * c->floats, err);
}

/* One update, with the noise that it takes from the file; `store` gets what the file stores of it. */
static scl_status advance(chain *c, const scl_update *u, float *store, scl_err *err)
{
    const bool noisy = u->noise > 0 || u->snr > 0;
    const size_t bytes = sizeof(float) * c->floats;
    const float *z = c->x;           /* any finite numbers, where no noise is added */
    if (noisy)
        SCL_TRY(next_noise(c, &z, err));
    float *before = SCL_NEW_ARRAY(&c->g->arena, float, c->floats);
    memcpy(before, c->x, bytes);
    if (store && c->t->what == MEAN) {
        SCL_TRY(apply(c, u, 0, z, err));
        memcpy(store, c->x, bytes);
        memcpy(c->x, before, bytes);
    }
    SCL_TRY(apply(c, u, u->noise, z, err));
    if (store && c->t->what == AFTER)
        memcpy(store, c->x, bytes);
    return SCL_OK;
}

static scl_status run(chain *c, const scl_sampler *sampler, scl_err *err)
{
    golden *g = c->g;
    const scl_tensor *out = scl_safetensors_find(g->file, c->t->name);
    const int updates = (int)(out->count / c->floats);
    float *stored = SCL_NEW_ARRAY(&g->arena, float, out->count);
    int level = -1, kept = 0;
    SCL_TRY(scl_golden_start(g, &c->r, err));
    if (c->t->known)
        SCL_TRY(put_known(c, err));
    for (int i = 0; i < sampler->total && kept < updates; i++) {
        const scl_update u = scl_sampler_at(sampler, i);
        if (c->t->known && (c->t->noise == SCL_KNOWN_STEP || u.level != level))
            SCL_TRY(next_noise(c, &c->known_z, err));
        level = u.level;
        SCL_TRY(advance(c, &u, u.snr > 0 ? NULL : stored + (size_t)kept * c->floats, err));
        kept += !(u.snr > 0);
    }
    if (kept < updates)
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0, "%s holds %d updates, the sampler has %d",
                           c->t->name, updates, kept);
    scl_golden_set_images(g, c->t->name, stored, updates * g->n_chain, g->net.height, g->net.width, g->net.channels);
    if (strcmp(c->t->name, "out.ald") != 0 || scl_golden_find(g, "out.ald_denoised") < 0)
        return SCL_OK;
    const scl_update end = scl_sampler_at(sampler, sampler->total - 1);
    SCL_TRY(advance(c, &end, NULL, err));
    scl_golden_set_images(g, "out.ald_denoised", c->x, g->n_chain, g->net.height, g->net.width, g->net.channels);
    return SCL_OK;
}

static scl_status number(golden *g, const trajectory *t, const char *key, double *value, scl_err *err)
{
    const char *text = scl_safetensors_meta(g->file, key);
    if (!text)
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0, "%s needs %s in the metadata", t->name, key);
    *value = strtod(text, NULL);
    return SCL_OK;
}

static scl_status parameters(golden *g, const trajectory *t, scl_sample_config *config, scl_err *err)
{
    config->sampler.method = t->method;
    config->sampler.steps_per_level = STEPS_PER_LEVEL;
    config->sampler.corrector_steps = 1;
    config->sampler.denoise = t->denoise;
    config->sampler.solver = SCL_SOLVER_EULER;
    if (t->method == SCL_SAMPLER_PREDICTOR_CORRECTOR)
        return number(g, t, "snr", &config->sampler.snr, err);
    if (t->method == SCL_SAMPLER_ANNEALED_LANGEVIN)
        return number(g, t, strcmp(t->name, "out.ald") ? "step_lr" : "ald_step_lr", &config->sampler.step_lr, err);
    if (t->method != SCL_SAMPLER_CONSISTENT)
        return SCL_OK;
    const double *epsilon = scl_golden_tensor(g, "consistent.epsilon");
    if (!epsilon)
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0, "%s needs consistent.epsilon", t->name);
    config->sampler.step_lr = epsilon[0];
    return SCL_OK;
}

static scl_status compute(golden *g, const trajectory *t, scl_err *err)
{
    const bool ald = !strcmp(t->name, "out.ald");
    const scl_noise noise = { .levels = g->net.levels, .level = g->sigma };
    const scl_sampling how = { .corrector = t->method == SCL_SAMPLER_PREDICTOR_CORRECTOR, .known = t->known };
    const scl_step_spec spec = { .net = g->net, .n = g->n_chain, .global_batch = g->n_chain, .given = true };
    scl_sample_config config = { 0 };
    scl_sampler sampler;
    SCL_TRY(parameters(g, t, &config, err));
    SCL_TRY(scl_sampler_make(&sampler, &config, &noise, err));
    chain c = { .g = g, .t = t, .z = ald ? "ald.z" : "in.z",
                .floats = (size_t)(g->n_chain * g->net.channels * g->net.height * g->net.width),
                .x = scl_golden_images(g, ald ? "ald.x0" : "in.x0", 0, (size_t)g->n_chain) };
    if (!c.x)
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0, "%s needs %s", t->name, ald ? "ald.x0" : "in.x0");
    SCL_TRY(scl_step_sample(&c.r.graph, &g->arena, &spec, &how, "", err));
    const scl_status status = run(&c, &sampler, err);
    scl_golden_stop(&c.r);
    return status;
}

scl_status scl_golden_chains(golden *g, scl_err *err)
{
    for (int i = 0; i < TRAJECTORIES; i++)
        if (scl_golden_find(g, all[i].name) >= 0)
            SCL_TRY(compute(g, &all[i], err));
    return SCL_OK;
}
