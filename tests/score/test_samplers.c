/* Samplers as recursions on Gaussians, where the score is known: the variance after every update in closed
 * form; the rules of NCSNv2; the ODE solver on equations with known solutions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failures.h"
#include "score/ode.h"
#include "score/sampler.h"

static bool near(double a, double b, double relative) { return fabs(a - b) <= relative * fabs(b); }

static scl_arena arena;
static scl_noise levels(double begin, double end, int count)
{
    scl_err err = { 0 };
    scl_noise n = { 0 };
    CHECK(scl_noise_make(&n, &arena, begin, end, count, 2, &err) == SCL_OK, "%s", err.message);
    return n;
}

static scl_sample_config config_of(scl_sampler_kind method)
{
    scl_sample_config c = { 0 };
    c.sampler.method = method;
    c.sampler.steps_per_level = 5;
    c.sampler.steps = 1000;
    c.sampler.corrector_steps = 2;
    c.sampler.snr = 0.16;
    c.sampler.denoise = true;
    c.sampler.solver = SCL_SOLVER_EULER;
    return c;
}

static scl_sampler make(const scl_sample_config *c, const scl_noise *n)
{
    scl_err err = { 0 };
    scl_sampler s = { 0 };
    CHECK(scl_sampler_make(&s, c, n, &err) == SCL_OK, "%s", err.message);
    return s;
}

/* Variance after an update of x ~ N(0, v): the score of data N(0, data) with noise of the level is
 * -x / (data + sigma^2). */
static double step(const scl_sampler *s, const scl_update *u, double data, double v)
{
    const double sigma = s->noise->level[u->level], keep = 1 - u->drift / (data + sigma * sigma);
    return keep * keep * v + u->noise * u->noise;
}

static double run(const scl_sampler *s, double data, double v)
{
    for (int i = 0; i < s->total; i++) {
        const scl_update u = scl_sampler_at(s, i);
        v = step(s, &u, data, v);
    }
    return v;
}

/* Langevin's limit on N(0, sigma^2) is sigma^2 / (1 - eps / (4 sigma^2)), by the paper's rule; it tends to sigma^2. */
static void test_langevin(void)
{
    const scl_noise n = levels(0.5, 0.5, 1);
    scl_sample_config c = config_of(SCL_SAMPLER_LANGEVIN);
    c.sampler.denoise = false;
    for (double eps = 0.4; eps > 1e-3; eps /= 4) {
        c.sampler.step_lr = eps;
        c.sampler.steps = (int)(40 / eps);
        c.sampler.step_rule = SCL_STEP_PAPER;
        scl_sampler s = make(&c, &n);
        CHECK(near(run(&s, 0, 1), 0.25 / (1 - eps), 1e-9), "paper's rule, eps %g: variance %.12g", eps, run(&s, 0, 1));
        c.sampler.step_rule = SCL_STEP_OFFICIAL;
        c.sampler.step_lr = eps / 2;
        s = make(&c, &n);
        CHECK(near(run(&s, 0, 1), 0.25 / (1 - eps), 1e-9), "official rule, twice the step: eps %g", eps);
        CHECK(s.total == c.sampler.steps && s.rows == 10, "%d steps, %d rows", s.total, s.rows);
    }
    c.sampler.denoise = true;
    const scl_sampler s = make(&c, &n);
    const scl_update end = scl_sampler_at(&s, s.total - 1);
    CHECK(s.total == c.sampler.steps + 1 && end.drift == 0.25 && end.noise == 0 && end.after == 0 &&
              end.row == -1,
          "the denoising step");
    int rows = 0;
    for (int i = 0; i < s.total; i++)
        rows += scl_sampler_at(&s, i).row == rows;
    CHECK(rows == 10 && scl_sampler_at(&s, s.total - 2).row == 9, "%d rows, in order", rows);
}

/* The rule's h is the variance, in units of sigma^2, after T steps from gamma^2, on a single point; the step
 * makes it nearest to 1. */
static void test_annealed(void)
{
    const scl_noise n = levels(1, 0.01, 20);
    scl_sample_config c = config_of(SCL_SAMPLER_ANNEALED_LANGEVIN);
    c.sampler.step_lr = 0;
    const scl_sampler s = make(&c, &n);
    CHECK(s.total == 101 && s.rows == 20 && s.step_lr == scl_noise_step(1, 0.01, 20, 5),
          "%d updates, step %g", s.total, s.step_lr);
    const double gamma = scl_noise_mean_ratio(1, 0.01, 20), sigma = n.level[3];
    double off[3];
    for (int k = 0; k < 3; k++) {
        scl_sampler other = s;
        other.step_lr = s.step_lr * (1 + 0.02 * (k - 1));
        double v = gamma * gamma * sigma * sigma;
        for (int t = 0; t < 5; t++) {
            const scl_update u = scl_sampler_at(&other, 15 + t);
            CHECK(u.level == 3 && u.row == (t == 4 ? 3 : -1), "level and row of update %d", 15 + t);
            v = step(&other, &u, 0, v);
        }
        off[k] = fabs(v / (sigma * sigma) - 1);
    }
    CHECK(off[1] <= off[0] && off[1] <= off[2], "the step is the best: %g, not %g or %g", off[1], off[0], off[2]);
    c.sampler.step_rule = SCL_STEP_PAPER;
    CHECK(make(&c, &n).step_lr == 2 * s.step_lr, "the paper's rule takes twice the number for the same step");
    c.sampler.step_rule = SCL_STEP_OFFICIAL;
    c.sampler.step_lr = 2e-5;
    c.sampler.steps_per_level = 100;
    const scl_sampler longer = make(&c, &n);
    CHECK(near(run(&longer, 0.09, 1), 0.09, 0.05), "on N(0, 0.09): variance %g", run(&longer, 0.09, 1));
}

/* On a single point consistent and ancestral sampling have sigma_i^2 exactly, level by level, and end in the point. */
static void test_exact(void)
{
    const scl_noise n = levels(2, 0.02, 12);
    const scl_sampler_kind kinds[] = { SCL_SAMPLER_CONSISTENT, SCL_SAMPLER_CONSISTENT, SCL_SAMPLER_ANCESTRAL };
    for (int k = 0; k < 3; k++) {
        scl_sample_config c = config_of(kinds[k]);
        c.sampler.step_lr = k == 0 ? 0.02 * 0.02 * 0.9 : 0;
        const scl_sampler s = make(&c, &n);
        double v = 4;
        for (int i = 0; i < s.total; i++) {
            const scl_update u = scl_sampler_at(&s, i);
            const double want = i + 1 < n.levels ? n.level[i + 1] * n.level[i + 1] : 0;
            v = step(&s, &u, 0, v);
            CHECK(fabs(v - want) <= 1e-12, "sampler %d, update %d: variance %.15g, not %.15g", k, i, v, want);
            CHECK(u.before == n.level[i] && near(u.after, want ? n.level[i + 1] : 1, want ? 0 : 1) &&
                      u.row == i,
                  "levels of update %d", i);
        }
    }
    const scl_sample_config a = config_of(SCL_SAMPLER_ANCESTRAL), c = config_of(SCL_SAMPLER_CONSISTENT);
    const scl_sampler ancestral = make(&a, &n), consistent = make(&c, &n);
    for (int i = 0; i < 12; i++)
        CHECK(near(scl_sampler_at(&consistent, i).noise, scl_sampler_at(&ancestral, i).noise, 1e-12) &&
                  near(scl_sampler_at(&consistent, i).drift, scl_sampler_at(&ancestral, i).drift, 1e-12),
              "consistent with its own step is ancestral sampling: update %d", i);
}

/* With ever more levels the reverse diffusion and the flow end in the data's variance, from the perturbed one. */
static void test_diffusion(void)
{
    const scl_sampler_kind kinds[] = { SCL_SAMPLER_REVERSE_DIFFUSION, SCL_SAMPLER_EULER_MARUYAMA, SCL_SAMPLER_ANCESTRAL,
                                       SCL_SAMPLER_PROBABILITY_FLOW };
    for (int k = 0; k < 4; k++) {
        double off[2];
        for (int fine = 0; fine < 2; fine++) {
            const scl_noise n = levels(10, 0.01, fine ? 2001 : 201);
            const scl_sample_config c = config_of(kinds[k]);
            const scl_sampler s = make(&c, &n);
            CHECK(s.total == n.levels && scl_sampler_evaluations(&c, n.levels) == s.total,
                  "sampler %d: %d updates", k, s.total);
            off[fine] = fabs(run(&s, 0.25, 0.25 + 100) / 0.25 - 1);
        }
        CHECK(off[1] < 0.02 && off[1] < fmax(0.2 * off[0], 1e-3),
              "sampler %d: off by %g with 2001 levels, %g with 201", k, off[1], off[0]);
    }
    /* noise at the end, or not */
    const scl_noise n = levels(1, 0.1, 5);
    scl_sample_config c = config_of(SCL_SAMPLER_REVERSE_DIFFUSION);
    scl_sampler s = make(&c, &n);
    CHECK(scl_sampler_at(&s, 4).noise == 0 && near(scl_sampler_at(&s, 4).drift, 0.01, 1e-15),
          "the last step is without noise");
    c.sampler.denoise = false;
    s = make(&c, &n);
    CHECK(near(scl_sampler_at(&s, 4).noise, 0.1, 1e-15), "unless it is not to be denoised");
    c = config_of(SCL_SAMPLER_PROBABILITY_FLOW);
    c.sampler.denoise = false;
    s = make(&c, &n);
    CHECK(near(scl_sampler_at(&s, 4).drift, 0.005, 1e-15), "Euler's last step goes half as far");
    c = config_of(SCL_SAMPLER_EULER_MARUYAMA);
    c.sampler.denoise = false;
    s = make(&c, &n);
    CHECK(s.total == 4 && s.rows == 4, "Euler-Maruyama stops at the last level");
}

static void test_corrector(void)
{
    const scl_noise n = levels(1, 0.1, 5);
    const scl_sample_config c = config_of(SCL_SAMPLER_PREDICTOR_CORRECTOR);
    const scl_sampler s = make(&c, &n);
    CHECK(s.total == 15 && s.rows == 5 && scl_sampler_couples(&c), "%d updates", s.total);
    for (int i = 0; i < 15; i++) {
        const scl_update u = scl_sampler_at(&s, i);
        const bool corrects = i % 3 < 2;
        CHECK(u.level == i / 3 && u.snr == (corrects ? 0.16 : 0) && u.row == (corrects ? -1 : i / 3), "update %d", i);
        CHECK(u.after == (corrects ? u.before : i < 12 ? n.level[i / 3 + 1] : 0), "level behind update %d", i);
    }
}

static void test_refused(void)
{
    const scl_noise one = levels(1, 1, 1), ten = levels(1, 0.01, 10);
    scl_sampler s;
    scl_err err = { 0 };
    scl_sample_config c = config_of(SCL_SAMPLER_CONSISTENT);
    c.sampler.step_lr = 2e-5;
    CHECK(scl_sampler_make(&s, &c, &ten, &err) == SCL_BAD_CONFIG &&
              strstr(err.message, "between 4.01e-05 and 0.00016"),
          "%s", err.message);
    scl_err_clear(&err);
    c = config_of(SCL_SAMPLER_ANCESTRAL);
    CHECK(scl_sampler_make(&s, &c, &one, &err) == SCL_BAD_CONFIG && strstr(err.message, "ancestral"), "%s",
          err.message);
    scl_err_clear(&err);
    c = config_of(SCL_SAMPLER_ANNEALED_LANGEVIN);
    CHECK(scl_sampler_make(&s, &c, &one, &err) == SCL_BAD_CONFIG && strstr(err.message, "auto needs falling"),
          "%s", err.message);
    scl_err_clear(&err);
    c.sampler.step_lr = 1e-5;
    c.sampler.steps_per_level = 1000000000;
    CHECK(scl_sampler_make(&s, &c, &ten, &err) == SCL_BAD_CONFIG && strstr(err.message, "1e+10"), "%s", err.message);
    scl_err_clear(&err);
}

/* Section 2 of docs/design/ncsn-spec.md: C = 1/2 and the C of the official configs; their step sizes
 * (church's is smaller there). */
static void test_rules(void)
{
    CHECK(scl_noise_levels(50, 0.01, 3 * 32 * 32, 0.5) == 219 &&
              scl_noise_levels(90, 0.01, 3 * 64 * 64, 0.5) == 472,
          "levels at C = 1/2");
    CHECK(scl_noise_levels(50, 0.01, 3 * 32 * 32, 0.567) == 232 &&
              scl_noise_levels(90, 0.01, 3 * 64 * 64, 0.567) == 500,
          "levels at C = 0.567");
    CHECK(abs(scl_noise_levels(140, 0.01, 3 * 96 * 96, 0.567) - 788) <= 1 &&
              abs(scl_noise_levels(190, 0.01, 3 * 128 * 128, 0.567) - 1086) <= 1 &&
              abs(scl_noise_levels(348, 0.01, 3 * 256 * 256, 0.567) - 2311) <= 1,
          "levels of the large images");
    static const struct { double begin; int levels, T; double step; } row[] = {
        { 50, 232, 5, 6.2e-6 }, { 90, 500, 5, 3.3e-6 }, { 140, 788, 4, 2.3e-6 },
        { 190, 1086, 3, 1.8e-6 }, { 348, 2311, 3, 0.9e-6 },
    };
    for (int i = 0; i < 5; i++) {
        const double got = scl_noise_step(row[i].begin, 0.01, row[i].levels, row[i].T);
        CHECK(fabs(got - row[i].step) <= 0.05e-6, "step size for sigma_begin %g: %g, not %g", row[i].begin,
              got, row[i].step);
    }
    CHECK(scl_noise_ratio(2, 0.5) == 2, "with few values any levels overlap");
    for (double D = 30; D < 1e6; D *= 7) {        /* the equation itself, with the C library's erf */
        const double g = scl_noise_ratio(D, 0.5), a = sqrt(2 * D) * (g - 1);
        const double share = 0.5 * (erf((a + 3 * g) / sqrt(2)) - erf((a - 3 * g) / sqrt(2)));
        CHECK(near(share, 0.5, 1e-12), "overlap at %g values: %.15g", D, share);
    }
}

/* ---- the ODE solver ---- */

static scl_status decay(void *context, double t, const double *x, double *dx, scl_err *err)
{
    (void)err;
    dx[0] = -x[0];                                               /* e^-t */
    dx[1] = x[2];                                                /* cos 3t, -3 sin 3t */
    dx[2] = -9 * x[1];
    dx[3] = *(const double *)context * t;                        /* t^2 / 2 times that */
    return SCL_OK;
}

/* The flow of N(0, s^2) in t = ln sigma. */
static scl_status flow(void *context, double t, const double *x, double *dx, scl_err *err)
{
    (void)err;
    const double v = exp(2 * t), s = *(const double *)context;
    for (int i = 0; i < 4; i++)
        dx[i] = v * x[i] / (s * s + v);
    return SCL_OK;
}

static scl_status count(void *context, double t, const double *x, scl_err *err)
{
    (void)context;
    (void)t;
    (void)x;
    (void)err;
    return SCL_OK;
}

static void test_ode(void)
{
    double one = 2, before = 1;
    for (double tolerance = 1e-3; tolerance > 1e-10; tolerance *= 1e-2) {
        double x[4] = { 1, 1, 0, 0 };
        scl_ode o = { .f = decay, .visit = count, .context = &one,
                      .rtol = tolerance, .atol = tolerance, .most = 100000 };
        scl_err err = { 0 };
        CHECK(scl_ode_solve(&o, x, 4, 0, 2, &err) == SCL_OK, "%s", err.message);
        const double off = fmax(fmax(fabs(x[0] - exp(-2)), fabs(x[1] - cos(6))),
                                fmax(fabs(x[2] + 3 * sin(6)) / 3, fabs(x[3] - 4)));
        CHECK(off < 30 * tolerance && off < before, "tolerance %g: off by %g after %ld evaluations",
              tolerance, off, o.evaluations);
        CHECK(o.evaluations == 2 + 6 * (o.accepted + o.rejected), "%ld evaluations in %ld and %ld steps",
              o.evaluations, o.accepted, o.rejected);
        before = off;
    }
    double s = 0.5, x[4] = { 3, -1, 0.5, 20 };
    const double shrink = sqrt((s * s + 1e-4) / (s * s + 2500));
    scl_ode o = { .f = flow, .context = &s, .rtol = 1e-7, .atol = 1e-9, .most = 1000 };
    scl_err err = { 0 };
    CHECK(scl_ode_solve(&o, x, 4, log(50), log(0.01), &err) == SCL_OK, "%s", err.message);
    CHECK(near(x[0], 3 * shrink, 1e-5) && near(x[1], -shrink, 1e-5) && near(x[3], 20 * shrink, 1e-5),
          "the flow of a Gaussian: %g for %g", x[0], 3 * shrink);
    o.most = 20;
    CHECK(scl_ode_solve(&o, x, 4, 0, 50, &err) == SCL_FAILED &&
              strstr(err.message, "needs more than 20 evaluations"),
          "%s", err.message);
    scl_err_clear(&err);
    o.most = 1000;
    x[1] = NAN;
    CHECK(scl_ode_solve(&o, x, 4, 0, 1, &err) == SCL_FAILED && strstr(err.message, "not finite"), "%s", err.message);
    scl_err_clear(&err);
}

int main(void)
{
    test_langevin();
    test_annealed();
    test_exact();
    test_diffusion();
    test_corrector();
    test_refused();
    test_rules();
    test_ode();
    scl_arena_free(&arena);
    if (!failures)
        printf("samplers: all checks passed\n");
    return failures != 0;
}
