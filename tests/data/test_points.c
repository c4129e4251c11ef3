/* Toy distributions: where their points lie, how often, and the true density of the mixture. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/points.h"
#include "failures.h"
#include "score/mixture.h"

enum { COUNT = 40000 };
static const double weights[] = { 8, 2 }, means[] = { 5, 5, -5, -5 }, sigma[] = { 1, 0.5 };

static scl_data_config spec_of(scl_points_kind kind)
{
    return (scl_data_config){ .format = SCL_DATA_POINTS,
                              .points = { .distribution = kind, .count = COUNT, .seed = 1, .weights = { 2, 1, weights },
                                          .means = { 2, 2, means }, .sigma = { 2, 1, sigma }, .scale = 3 } };
}

static scl_dataset *draw(const scl_data_config *spec, scl_split split)
{
    scl_err err = { 0 };
    scl_dataset *d = NULL;
    CHECK(scl_dataset_open(&d, spec, split, &err) == SCL_OK, "%s", err.message);
    return d;
}

/* Component weights and moments within 4 standard errors. */
static void mixture(void)
{
    const scl_data_config spec = spec_of(SCL_POINTS_MIXTURE);
    scl_dataset *d = draw(&spec, SCL_SPLIT_TRAIN);
    CHECK(d->count == COUNT && d->height == 1 && d->width == 1 && d->channels == 2, "shape");
    double n[2] = { 0 }, sum[2] = { 0 }, square[2] = { 0 };
    for (size_t i = 0; i < d->count; i++) {
        const float *x = d->f32 + 2 * i;
        const int k = x[0] + x[1] < 0;
        for (int j = 0; j < 2; j++) {
            const double away = x[j] - means[2 * k + j];
            n[k] += 0.5;
            sum[k] += away;
            square[k] += away * away;
        }
    }
    CHECK(fabs(n[0] / COUNT - 0.8) < 4 * sqrt(0.16 / COUNT), "weight of the first component: %g", n[0] / COUNT);
    for (int k = 0; k < 2; k++) {
        const double values = 2 * n[k], s2 = sigma[k] * sigma[k];
        CHECK(fabs(sum[k] / values) < 4 * sigma[k] / sqrt(values), "mean of component %d is off by %g", k,
              sum[k] / values);
        CHECK(fabs(square[k] / values - s2) < 4 * s2 * sqrt(2 / values), "variance of component %d: %g", k,
              square[k] / values);
    }
    scl_dataset_free(d);
}

static int wrong_places(scl_points_kind kind, bool (*right)(const float *x))
{
    const scl_data_config spec = spec_of(kind);
    scl_dataset *d = draw(&spec, SCL_SPLIT_TRAIN);
    int wrong = 0;
    for (size_t i = 0; i < d->count; i++)
        wrong += !right(d->f32 + (size_t)d->channels * i);
    scl_dataset_free(d);
    return wrong;
}

static bool on_ring(const float *x) { return fabs(hypot(x[0], x[1]) - 3) < 1e-6; }
static bool on_line(const float *x) { return x[0] == x[1] && x[1] == x[2] && fabs(x[0]) <= 3 / sqrt(3) + 1e-6; }
static bool on_moons(const float *x)
{
    const double a = fabs(hypot(x[0], x[1]) - 3), b = fabs(hypot(x[0] - 3, x[1] - 1.5) - 3);
    return (a < 1e-6 && x[1] >= -1e-6) || (b < 1e-6 && x[1] <= 1.5 + 1e-6);
}
/* The 4 x 4 squares of side 3 round the origin: 8 of them, by turns. */
static bool on_board(const float *x)
{
    return fabs(x[0]) <= 6 && fabs(x[1]) <= 6 &&
           ((int)floor(x[0] / 3.0 - 1e-7) + (int)floor(x[1] / 3.0 - 1e-7)) % 2 == 0;
}
/* The angle is the radius, scaled: t = 9/2 pi at radius 3. */
static bool on_roll(const float *x)
{
    const double t = hypot(x[0], x[1]) / 3 * 4.5 * M_PI;
    return fabs(x[0] - 3 * t / (4.5 * M_PI) * cos(t)) < 1e-5 && fabs(x[1] - 3 * t / (4.5 * M_PI) * sin(t)) < 1e-5 &&
           t > 1.5 * M_PI - 1e-5;
}

static void shapes(void)
{
    static const struct { scl_points_kind kind; const char *name; bool (*right)(const float *); } shape[] = {
        { SCL_POINTS_RING, "ring", on_ring }, { SCL_POINTS_LINE, "line", on_line }, { SCL_POINTS_TWO_MOONS, "two_moons", on_moons },
        { SCL_POINTS_CHECKERBOARD, "checkerboard", on_board }, { SCL_POINTS_SWISS_ROLL, "swiss_roll", on_roll },
    };
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        const int wrong = wrong_places(shape[i].kind, shape[i].right);
        CHECK(wrong <= (shape[i].kind == SCL_POINTS_CHECKERBOARD ? 2 : 0), "%s: %d points lie elsewhere",
              shape[i].name, wrong);
    }
    /* all squares of the board and both moons are used alike */
    const scl_data_config spec = spec_of(SCL_POINTS_CHECKERBOARD);
    scl_dataset *d = draw(&spec, SCL_SPLIT_TRAIN);
    int in[16] = { 0 };
    for (size_t i = 0; i < d->count; i++)
        in[4 * (int)fmin(3, (d->f32[2 * i] + 6) / 3) + (int)fmin(3, (d->f32[2 * i + 1] + 6) / 3)]++;
    for (int k = 0; k < 16; k++)
        CHECK(in[k] < 10 || fabs(in[k] / (double)COUNT - 0.125) < 4 * sqrt(0.11 / COUNT),
              "square %d: %d points", k, in[k]);
    scl_dataset_free(d);
}

/* Noise, seeds, splits, and that a smaller set is the beginning of a larger one. */
static void drawing(void)
{
    scl_data_config spec = spec_of(SCL_POINTS_RING);
    spec.points.noise = 0.1;
    scl_dataset *all = draw(&spec, SCL_SPLIT_TRAIN);
    double square = 0;
    for (int i = 0; i < COUNT; i++)
        square += pow(hypot(all->f32[2 * i], all->f32[2 * i + 1]) - 3, 2);
    CHECK(fabs(square / COUNT - 0.01) < 4 * 0.01 * sqrt(2.0 / COUNT) + 1e-4, "noise across the ring: %g",
          square / COUNT);
    spec.points.count = 100;
    spec.holdout = 10;
    scl_dataset *train = draw(&spec, SCL_SPLIT_TRAIN), *test = draw(&spec, SCL_SPLIT_TEST);
    CHECK(train->count == 90 && test->count == 10, "%zu and %zu points", train->count, test->count);
    CHECK(!memcmp(train->f32 + 18, all->f32 + 20, 8) && !memcmp(test->f32, all->f32 + 18, 8),
          "points of a smaller set");
    spec.points.seed = 2;
    scl_dataset *other = draw(&spec, SCL_SPLIT_TEST);
    CHECK(memcmp(test->f32, other->f32, 8), "another seed, the same point");
    /* the same on every machine */
    CHECK(!strcmp(test->sha256, "ec72a15a9ebd8aca79aa098a23022d2ffb29165a1564bde30ae844627adc3a5d"),
          "sha256 %s", test->sha256);
    scl_dataset_free(all);
    scl_dataset_free(train);
    scl_dataset_free(test);
    scl_dataset_free(other);
}

/* The density integrates to 1, the score is its derivative, the variances of noise add. */
static void truth(void)
{
    scl_arena arena = { 0 };
    const scl_data_config spec = spec_of(SCL_POINTS_MIXTURE);
    const scl_mixture m = scl_mixture_of(&spec.points, &arena);
    double sum = 0, score[2], distance;
    for (int i = -140; i < 140; i++)
        for (int j = -140; j < 140; j++)
            sum += exp(scl_mixture_log_density(&m, (double[]){ i * 0.1, j * 0.1 }, 0.5, NULL)) * 0.01;
    CHECK(fabs(sum - 1) < 1e-6, "the density adds up to %.9g", sum);
    for (int i = 0; i < 50; i++) {
        const double h = 1e-4, x[2] = { i * 0.37 - 9, 7 - i * 0.29 };
        scl_mixture_log_density(&m, x, 0.3, score);
        for (int d = 0; d < 2; d++) {
            double up[2] = { x[0], x[1] }, down[2] = { x[0], x[1] };
            up[d] += h;
            down[d] -= h;
            const double slope = (scl_mixture_log_density(&m, up, 0.3, NULL) -
                                  scl_mixture_log_density(&m, down, 0.3, NULL)) /
                                 (2 * h);
            CHECK(fabs(slope - score[d]) < 1e-5 * fmax(1, fabs(slope)), "score %g, difference quotient %g",
                  score[d], slope);
        }
    }
    const scl_mixture one = { 1, 1, (double[]){ 1 }, (double[]){ 2 }, (double[]){ 3 } };
    scl_mixture_log_density(&one, (double[]){ 7 }, 4, score);
    CHECK(fabs(score[0] + 5 / 25.0) < 1e-14, "a Gaussian's score: %g", score[0]);
    CHECK(scl_mixture_nearest(&m, (double[]){ -2, -1 }, &distance) == 1 && fabs(distance - 5) < 1e-12,
          "nearest mean, %g away", distance);
    scl_arena_free(&arena);
}

int main(void)
{
    mixture();
    shapes();
    drawing();
    truth();
    return failures != 0;
}
