/* The perturbation processes: their functions against each other and against closed forms by libm, DDPM's table, and the same
 * functions as graphs compute them at drawn times. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "failures.h"
#include "graph/arith.h"
#include "graph/plan.h"
#include "score/noise.h"
#include "score/time.h"

static const scl_sde processes[] = { { SCL_PROCESS_VE, 50, 0.01, 0, 0 }, { SCL_PROCESS_VP, 0, 0, 0.1, 20 },
                                     { SCL_PROCESS_SUBVP, 0, 0, 0.1, 20 } };

static bool near(double a, double b, double tolerance) { return fabs(a - b) <= tolerance * fabs(b); }

/* alpha' = f alpha and (sd^2)' = 2 f sd^2 + g^2, by central differences. */
static void test_equations(void)
{
    const double h = 1e-5;
    for (int p = 0; p < 3; p++)
        for (int i = 1; i < 50; i++) {
            const scl_sde *s = &processes[p];
            const double t = i / 50.0, sd = scl_sde_deviation(s, t), f = scl_sde_drift(s, t);
            const double up = scl_sde_deviation(s, t + h), down = scl_sde_deviation(s, t - h);
            const double rise = (scl_sde_mean(s, t + h) - scl_sde_mean(s, t - h)) / (2 * h);
            CHECK(fabs(rise - f * scl_sde_mean(s, t)) <= 1e-7, "process %d, t %g: alpha' %g", p, t, rise);
            const double growth = (up * up - down * down) / (2 * h), own = 2 * f * sd * sd + scl_sde_diffusion(s, t);
            CHECK(fabs(growth - own) <= 1e-6 * (fabs(own) + fabs(2 * f * sd * sd) + 1e-3), "process %d, t %g: (sd^2)' %g, not %g", p, t, growth, own);
        }
}

static void test_values(void)
{
    const scl_sde *ve = &processes[0], *vp = &processes[1], *sub = &processes[2];
    for (double t = 1e-5; t <= 1; t *= 1.7) {
        const double B = 0.1 * t + 9.95 * t * t;
        CHECK(near(scl_sde_deviation(ve, t), 0.01 * pow(5000, t), 1e-13), "ve at %g", t);
        CHECK(near(scl_sde_mean(vp, t), exp(-B / 2), 1e-14) && scl_sde_mean(sub, t) == scl_sde_mean(vp, t), "alpha at %g", t);
        CHECK(near(scl_sde_deviation(vp, t), sqrt(-expm1(-B)), 1e-14), "vp at %g", t);
        CHECK(near(scl_sde_deviation(sub, t), -expm1(-B), 1e-14), "subvp at %g: %.17g", t, scl_sde_deviation(sub, t));
        CHECK(near(scl_sde_diffusion(sub, t), (0.1 + 19.9 * t) * -expm1(-2 * B), 1e-14), "g^2 of subvp at %g", t);
    }
    CHECK(scl_sde_prior(ve) == 50 && scl_sde_prior(vp) == 1 && near(scl_sde_deviation(ve, 1), 50, 1e-14), "the start");
    CHECK(scl_sde_first_time(ve) == 1e-5 && scl_sde_first_time(sub) == 1e-3, "the smallest times");
}

/* The thousand levels of DDPM: beta from 1e-4 to 0.02; the product of all 1 - beta is 4.0358e-5. */
static void test_table(void)
{
    const scl_noise_config c = { .process = SCL_PROCESS_VP, .beta_begin = 0.1, .beta_end = 20, .levels = 1000 };
    scl_noise_config other = c;
    scl_arena arena = { 0 };
    scl_err err = { 0 };
    scl_noise n, m;
    CHECK(scl_noise_of(&n, &arena, &c, 2, false, &err) == SCL_OK, "%s", err.message);
    CHECK(near(n.rate[999], 1e-4, 1e-14) && near(n.rate[0], 0.02, 1e-14), "betas %g to %g", n.rate[999], n.rate[0]);
    CHECK(near(n.alpha[0] * n.alpha[0], 4.0358297e-5, 1e-7) && near(n.level[999], 0.01, 1e-11), "%.10g", n.alpha[0] * n.alpha[0]);
    for (int i = 0; i < 999; i++) {
        const double r = n.alpha[i] / n.alpha[i + 1];
        CHECK(near(1 - r * r, n.rate[i], 1e-9) && near(n.alpha[i] * n.alpha[i] + n.level[i] * n.level[i], 1, 1e-14), "level %d", i);
    }
    other.time = SCL_TIME_CONTINUOUS;       /* a thousand steps are near to what they stand for */
    CHECK(scl_noise_of(&m, &arena, &other, 2, true, &err) == SCL_OK && m.time[0] == 1 && m.time[999] == 1e-3, "%s", err.message);
    for (int i = 0; i < 1000; i++)
        CHECK(fabs(m.level[i] - n.level[i]) <= 0.002 && fabs(m.alpha[i] - n.alpha[i]) <= 0.002, "level %d: %g and %g", i, m.level[i], n.level[i]);
    CHECK(near((double)m.table[SCL_WEIGHT][0], 20, 1e-6), "likelihood weighs by beta");
    other.time = SCL_TIME_TABLE;
    other.levels = 20;
    CHECK(scl_noise_of(&m, &arena, &other, 2, true, &err) == SCL_BAD_CONFIG, "a beta of 1 is refused");
    scl_err_clear(&err);
    scl_arena_free(&arena);
}

/* ---- in a graph ---- */

enum { N = 4096 };
static float got[SCL_QUANTITIES][N];

/* Every quantity that is given, at drawn times or at times[]. */
static scl_status run(scl_backend *b, const scl_objective_spec *spec, const float *times, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_graph *g = scl_graph_new(&arena, "time");
    scl_value *t;
    scl_level level;
    scl_plan *plan;
    scl_store *store = NULL;
    scl_exec *exec = NULL;
    const scl_plan_options options = { 0 };
    const uint32_t counters[SCL_COUNTERS] = { [SCL_CNT_SEED_LO] = 5, [SCL_CNT_BATCH] = N, [SCL_CNT_STEP] = 7 };
    g->global_batch = N;
    SCL_TRY(scl_value_get(g, &t, SCL_INPUT, "time", SCL_F32, SCL_DIMS(N), err));
    SCL_TRY(times ? scl_time_level(g, &level, spec, t, err) : scl_time_draw(g, &level, spec, N, false, err));
    for (int q = 0; q < SCL_QUANTITIES; q++)
        if (level.given[q])
            scl_output(level.given[q], scl_quantity_name((scl_quantity)q));
    SCL_TRY(scl_plan_make(&plan, &arena, g, &b->info, &options, err));
    SCL_TRY(scl_store_create(&store, b, &g, 1, err));
    if (scl_store_find(store, "counters").value)
        SCL_TRY(scl_store_write(store, "counters", counters, sizeof counters, err));
    if (times)
        SCL_TRY(scl_store_write(store, "time", times, sizeof *times * N, err));
    SCL_TRY(scl_exec_create(&exec, b, plan, store, NULL, err));
    SCL_TRY(scl_exec_run(exec, err));
    for (int q = 0; q < SCL_QUANTITIES; q++)
        if (level.given[q])
            SCL_TRY(scl_exec_read(exec, scl_quantity_name((scl_quantity)q), got[q], sizeof *got[q] * N, err));
    scl_exec_free(exec);
    scl_store_free(store);
    scl_arena_free(&arena);
    return SCL_OK;
}

static void test_graph(scl_backend *b)
{
    static float times[N];
    scl_err err = { 0 };
    for (int i = 0; i < N; i++)
        times[i] = (float)(1e-3 + 0.999 * i / (N - 1));
    for (int k = 0; k < 6; k++) {
        const scl_sde *s = &processes[k % 3];
        const bool likelihood = k >= 3;
        const scl_objective_spec spec = { .sde = *s, .continuous = true, .anneal_power = 1, .likelihood = likelihood };
        CHECK(run(b, &spec, times, &err) == SCL_OK, "%s", err.message);
        for (int i = 0; i < N && failures < 5; i++) {
            const double t = (double)times[i], sd = scl_sde_deviation(s, t), alpha = scl_sde_mean(s, t), e = 0x1p-20;
            const double weight = likelihood ? scl_sde_diffusion(s, t) : sd;
            CHECK(near((double)got[SCL_SIGMA][i], sd, e) && near((double)got[SCL_INV_SIGMA][i], 1 / sd, e), "process %d: sd at %g is %g, not %g",
                  k % 3, t, (double)got[SCL_SIGMA][i], sd);
            CHECK(fabs((double)got[SCL_LOG_RATIO][i] - log(sd / alpha)) <= 2 * e, "process %d: log ratio at %g", k % 3, t);
            CHECK(near((double)got[SCL_WEIGHT][i], weight, 4 * e), "process %d: weight at %g: %g, not %g", k, t, (double)got[SCL_WEIGHT][i], weight);
            if (s->process != SCL_PROCESS_VE)
                CHECK(near((double)got[SCL_ALPHA][i], alpha, e) && near((double)got[SCL_INV_ALPHA][i], 1 / alpha, e), "alpha at %g", t);
        }
    }
}

/* t = eps + (1 - eps) u, u the uniform number of the sample: element 0, step 7, the stream of levels. */
static void test_draw(scl_backend *b)
{
    const scl_sde unit = { SCL_PROCESS_VE, 0x1.5bf0a8b145769p+1, 1, 0, 0 };       /* from 1 to e: ln sigma is t */
    const scl_objective_spec spec = { .sde = unit, .continuous = true, .anneal_power = 2 };
    scl_err err = { 0 };
    double sum = 0;
    CHECK(run(b, &spec, NULL, &err) == SCL_OK, "%s", err.message);
    for (int i = 0; i < N; i++) {
        const double u = (double)scl_uniform(scl_random(5, 0, (uint32_t)i, 7, SCL_STREAM_LEVEL, 0).w[0]);
        sum += (double)got[SCL_LOG_RATIO][i];
        CHECK(fabs((double)got[SCL_LOG_RATIO][i] - (1e-5 + (1 - 1e-5) * u)) <= 0x1p-22, "sample %d: time %g", i, (double)got[SCL_LOG_RATIO][i]);
    }
    CHECK(fabs(sum / N - 0.5) <= 5 * sqrt(1.0 / 12 / N), "mean time %g", sum / N);
}

int main(void)
{
    scl_err err = { 0 };
    scl_backend *b;
    if (scl_reference_open(&b, &err) != SCL_OK)
        return 1;
    test_equations();
    test_values();
    test_table();
    test_graph(b);
    test_draw(b);
    b->v->close(b);
    if (!failures)
        printf("processes: all checks passed\n");
    return failures != 0;
}
