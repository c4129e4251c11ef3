/* Host mathematics, noise levels, Langevin steps, learning rates and optimiser coefficients. */
#include <math.h>
#include <stdio.h>

#include "failures.h"
#include "score/hostmath.h"
#include "score/noise.h"
#include "score/schedule.h"

static bool near(double a, double b, double relative) { return fabs(a - b) <= relative * fabs(b); }

static void test_functions(void)
{
    for (int i = -3000; i <= 3000; i++) {
        const double x = i * 0.0237, y = exp(x), t = (i + 3000) / 6000.0;
        CHECK(near(scl_host_exp(x), y, 1e-15), "exp(%g) = %.17g", x, scl_host_exp(x));
        CHECK(fabs(scl_host_log(y) - log(y)) <= 4e-16 * fmax(1, fabs(log(y))), "log(%g) = %.17g", y, scl_host_log(y));
        CHECK(fabs(scl_host_cos_pi(t) - cos(3.14159265358979323846 * t)) <= 8e-16, "cos(pi %g) = %.17g", t,
              scl_host_cos_pi(t));
    }
    CHECK(scl_host_exp(0) == 1 && scl_host_log(1) == 0 && scl_host_cos_pi(0.0) == 1 &&
              scl_host_cos_pi(1.0) == -1,
          "exact points");
    CHECK(scl_host_power(2, 30) == 1073741824.0 && scl_host_power(3, 0) == 1, "whole powers");
    CHECK(near(scl_host_power(0.999, 200000), exp(200000 * log(0.999)), 1e-11), "0.999^200000");
}

/* The levels of the paper: 1 to 0.01 in ten steps. */
static void test_noise(void)
{
    static const double known[10] = { 1, 0.599484250, 0.359381366, 0.215443469, 0.129154967, 0.0774263683, 0.0464158883, 0.0278255940,
                                      0.0166810054, 0.01 };
    scl_arena arena = { 0 };
    scl_err err = { 0 };
    scl_noise n;
    CHECK(scl_noise_make(&n, &arena, 1.0, 0.01, 10, 2.0, &err) == SCL_OK, "%s", err.message);
    for (int i = 0; i < 10; i++) {
        CHECK(near(n.level[i], known[i], 1e-8), "level %d is %.10g", i, n.level[i]);
        CHECK(n.table[SCL_SIGMA][i] == (float)n.level[i] && n.table[SCL_INV_SIGMA][i] == (float)(1 / n.level[i]),
              "level %d is rounded once", i);
        CHECK(near((double)n.table[SCL_WEIGHT][i], n.level[i] * n.level[i], 1e-7), "weight of level %d", i);
    }
    double drift, noise;
    scl_langevin_step(&n, 2e-5, 0, false, &drift, &noise);
    CHECK(near(drift, 0.2, 1e-14) && near(noise, sqrt(0.4), 1e-14), "first step, official rule: %g %g", drift, noise);
    scl_langevin_step(&n, 2e-5, 9, false, &drift, &noise);
    CHECK(drift == 2e-5 && near(noise, sqrt(4e-5), 1e-14), "last step, official rule");
    scl_langevin_step(&n, 2e-5, 9, true, &drift, &noise);
    CHECK(drift == 1e-5 && near(noise, sqrt(2e-5), 1e-14), "the paper's rule");
    CHECK(scl_noise_make(&n, &arena, 50.0, 50.0, 1, 2.0, &err) == SCL_OK && n.level[0] == 50.0,
          "one level is sigma_begin");
    CHECK(scl_noise_make(&n, &arena, 1.0, 0.01, 3, 0.5, &err) == SCL_OK &&
              near((double)n.table[SCL_WEIGHT][1], sqrt(n.level[1]), 1e-6),
          "broken powers");
    CHECK(scl_noise_make(&n, &arena, 1.0, 1e-19, 3, 2.0, &err) == SCL_OK && n.table[SCL_SIGMA][2] == 0 &&
              n.table[SCL_WEIGHT][2] == 0 && n.table[SCL_SIGMA][1] == (float)n.level[1] && n.table[SCL_WEIGHT][1] == 0,
          "what is below 2^-60 is 0");
    CHECK(scl_noise_make(&n, &arena, 0.01, 1.0, 3, 2.0, &err) == SCL_BAD_CONFIG, "rising levels are refused");
    scl_err_clear(&err);
    scl_arena_free(&arena);
}

static void test_rates(void)
{
    scl_train_config t = { .steps = 500, .ema = 0.99 };
    t.optimizer.method = SCL_OPTIMIZER_ADAM;
    t.optimizer.lr = 2e-3;
    t.optimizer.beta1 = 0.9;
    t.optimizer.beta2 = 0.999;
    t.optimizer.eps = 1e-8;
    t.optimizer.warmup = 20;
    t.optimizer.schedule = SCL_LR_LINEAR;
    t.optimizer.lr_end = 0.1;
    CHECK(scl_learning_rate(&t, 0) == 1e-4 && near(scl_learning_rate(&t, 9), 1e-3, 1e-15), "warm-up");
    CHECK(near(scl_learning_rate(&t, 19), 2e-3, 1e-15) && near(scl_learning_rate(&t, 20), 2e-3, 1e-15), "the top");
    CHECK(near(scl_learning_rate(&t, 499), 2e-4, 1e-12), "the end: a tenth, not %g", scl_learning_rate(&t, 499));
    CHECK(near(scl_learning_rate(&t, 900), 2e-4, 1e-12), "past the end it stays");
    for (long s = 20; s < 499; s++)
        CHECK(scl_learning_rate(&t, s + 1) < scl_learning_rate(&t, s), "linear falls at step %ld", s);
    t.optimizer.schedule = SCL_LR_COSINE;
    t.optimizer.warmup = 0;
    t.optimizer.lr_end = 0;
    t.steps = 101;
    CHECK(near(scl_learning_rate(&t, 50), 1e-3, 1e-12) && fabs(scl_learning_rate(&t, 100)) < 1e-18, "half a cosine");
    t.optimizer.schedule = SCL_LR_CONSTANT;
    CHECK(scl_learning_rate(&t, 77) == 2e-3, "constant");

    float c[SCL_COEFS];
    scl_optim_coefs(&t, 0, c);
    CHECK(near((double)c[SCL_COEF_ADAM_RATE], -2e-2, 1e-6) &&
              near((double)c[SCL_COEF_ADAM_ROOT], 31.6227766, 1e-6),
          "bias at step 0");
    scl_optim_coefs(&t, 2, c);
    CHECK(near((double)c[SCL_COEF_ADAM_RATE], -2e-3 / (1 - 0.729), 1e-6), "bias at step 2");
    CHECK(c[SCL_COEF_M] == 0.1f && c[SCL_COEF_V] == (float)(1 - 0.999) &&
              c[SCL_COEF_EMA] == (float)(1 - 0.99),
          "one minus beta");
    scl_optim_coefs(&t, 1000000, c);
    CHECK(c[SCL_COEF_ADAM_RATE] == -2e-3f && c[SCL_COEF_ADAM_ROOT] == 1.0f, "the bias fades");
    t.optimizer.eps = 0;
    scl_optim_coefs(&t, 0, c);
    CHECK(c[SCL_COEF_EPS] == 1e-12f, "eps is at least 1e-12");
}

int main(void)
{
    test_functions();
    test_noise();
    test_rates();
    if (!failures)
        printf("schedules: all checks passed\n");
    return failures != 0;
}
