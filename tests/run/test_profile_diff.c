/* The comparison of profiles, on profiles made up for it: matching, new and vanished kernels, uncertainty,
 * order, limit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failures.h"
#include "run/profile_diff.h"

static scl_arena arena;

/* A spread in microseconds, q1 and q3 iqr/2 off the median. */
static json_t *spread(int n, double median, double iqr)
{
    return json_pack("{s:i, s:f, s:f, s:f, s:f, s:f, s:f}", "n", n, "min", 0.5e-6 * median, "q1",
                     1e-6 * (median - iqr / 2), "median", 1e-6 * median, "q3", 1e-6 * (median + iqr / 2),
                     "max", 4e-6 * median, "mean", 1e-6 * median);
}

static json_t *profile(double step, const char *weights)
{
    json_t *p = json_pack("{s:s, s:i, s:s, s:s, s:{s:s, s:s, s:[]}, s:{s:i, s:s, s:s}, s:n, s:[]}", "schema",
                          "scorecl-profile", "schema_version", 1, "version", "0.1.0", "created",
                          "2026-01-31T12:00:00Z", "config", "name", "toy", "file", "toy.yaml", "overrides",
                          "device", "index", 0, "name", "one", "driver", "3.1", "roofline", "stages");
    json_t *stage = json_pack("{s:s, s:s, s:s, s:i, s:{s:o}, s:[]}", "name", "train", "kind", "train", "unit",
                              "step", "batch", 32, "wall", "unprofiled_s", spread(8, step, 20), "kernels");
    if (weights)
        json_object_set_new(stage, "weights", json_pack("{s:i, s:s}", "step", 43, "sha256", weights));
    json_array_append_new(json_object_get(p, "stages"), stage);
    return p;
}

static json_t *stage_of(json_t *p)
{
    return json_array_get(json_object_get(p, "stages"), 0);
}

static void add(json_t *p, const char *node, const char *kernel, int n, double median, double iqr)
{
    json_array_append_new(json_object_get(stage_of(p), "kernels"),
                          json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:i}, s:o}", "key",
                                    scl_arena_printf(&arena, "%s/%s", node, kernel), "scope", "res1",
                                    "operator", "conv2d", "kernel", kernel, "implementation", "direct",
                                    "tuning", "WG", 16, "step_s", spread(n, median, iqr)));
}

static json_t *compare(json_t *a, json_t *b, double limit)
{
    json_t *diff = NULL;
    scl_err err = {0};
    CHECK(scl_profile_diff(a, b, limit, &diff, &err) == SCL_OK, "%s", err.message);
    json_decref(a);
    json_decref(b);
    return diff;
}

static const json_t *row_at(const json_t *diff, size_t i)
{
    return json_array_get(json_object_get(json_array_get(json_object_get(diff, "stages"), 0), "kernels"), i);
}

static void row_is(const json_t *diff, size_t i, const char *key, const char *verdict, double change)
{
    const json_t *row = row_at(diff, i);
    const char *k = json_string_value(json_object_get(row, "key")),
               *v = json_string_value(json_object_get(row, "verdict"));
    const double c = 1e6 * json_number_value(json_object_get(row, "change_s"));
    CHECK(k && v && !strcmp(k, key) && !strcmp(v, verdict) && fabs(c - change) < 1e-6,
          "row %zu is %s, %s, %g, not %s, %s, %g", i, k, v, c, key, verdict, change);
}

static size_t failed(const json_t *diff)
{
    return json_array_size(json_object_get(diff, "failed"));
}

static void test_matching(void)
{
    json_t *a = profile(1000, NULL), *b = profile(1000, NULL);
    add(a, "train/x/conv2d.0", "conv_direct", 20, 300, 10);
    add(b, "train/x/conv2d.0", "conv_direct", 20, 250, 10);
    add(a, "train/x/conv2d.1", "conv_direct", 20, 100, 6); /* one kernel becomes two for the same node */
    add(b, "train/x/conv2d.1", "winograd_in", 20, 30, 3);
    add(b, "train/x/conv2d.1", "winograd_out", 20, 40, 5);
    add(a, "train/x/elu.0", "pointwise", 20, 20, 1);
    add(b, "train/y/relu.0", "pointwise", 20, 10, 1);
    add(a, "train/x/pack.0", "conv_pack", 20, 5, 1); /* a node that keeps a kernel and loses another */
    add(a, "train/x/pack.0", "conv_tail", 20, 2, 0.5);
    add(b, "train/x/pack.0", "conv_pack", 20, 5, 1);
    json_t *diff = compare(a, b, -1);
    row_is(diff, 0, "train/x/conv2d.0/conv_direct", "faster", -50);
    row_is(diff, 1, "train/x/conv2d.1", "faster", -30);
    row_is(diff, 2, "train/x/elu.0/pointwise", "vanished", -20);
    row_is(diff, 3, "train/y/relu.0/pointwise", "new", 10);
    row_is(diff, 4, "train/x/pack.0/conv_tail", "vanished", -2);
    row_is(diff, 5, "train/x/pack.0/conv_pack", "within the noise", 0);
    CHECK(!row_at(diff, 6), "a row too many");
    const json_t *other = row_at(diff, 1), *kernels = json_object_get(other, "kernel");
    CHECK(!strcmp(json_string_value(json_array_get(kernels, 0)), "conv_direct"), "what was before");
    CHECK(!strcmp(json_string_value(json_array_get(kernels, 1)), "winograd_in + winograd_out"),
          "what came for it");
    CHECK(fabs(1e6 * json_number_value(json_object_get(other, "uncertainty_s")) - 10) < 1e-6,
          "6 and 3 + 5 are 10");
    CHECK(json_is_null(json_object_get(row_at(diff, 2), "b")) &&
              json_is_null(json_object_get(row_at(diff, 3), "change")),
          "no other side");
    json_decref(diff);
}

static void test_uncertainty(void)
{
    json_t *a = profile(1000, NULL), *b = profile(1000, NULL);
    add(a, "train/x/noisy.0", "k", 20, 500, 30); /* sqrt(30^2 + 40^2) = 50 */
    add(b, "train/x/noisy.0", "k", 20, 549, 40);
    add(a, "train/x/plain.0", "k", 20, 500, 30);
    add(b, "train/x/plain.0", "k", 20, 551, 40);
    add(a, "train/x/few.0", "k", 20, 100, 1);
    add(b, "train/x/few.0", "k", SCL_DIFF_LEAST_STEPS - 1, 400, 1);
    add(a, "train/x/small.0", "k", 20, 5, 0.1);
    add(b, "train/x/small.0", "k", 20, 6, 0.1);
    json_t *diff = compare(a, b, -1);
    row_is(diff, 0, "train/x/plain.0/k", "slower", 51);
    row_is(diff, 1, "train/x/small.0/k", "slower", 1); /* what changed comes before what may not have */
    row_is(diff, 2, "train/x/few.0/k", "too few steps", 300);
    row_is(diff, 3, "train/x/noisy.0/k", "within the noise", 49);
    CHECK(failed(diff) == 0, "no limit was given");
    json_decref(diff);
}

static void test_clocks(void)
{
    json_t *a = profile(1000, NULL), *b = profile(1000, NULL);
    json_object_set_new(stage_of(a), "clock", json_pack("{s:s}", "source", "device"));
    json_object_set_new(stage_of(b), "clock", json_pack("{s:s}", "source", "host"));
    add(a, "train/x/conv2d.0", "k", 20, 100, 1);
    add(b, "train/x/conv2d.0", "k", 20, 120, 1);
    json_t *diff = compare(a, b, 5);
    row_is(diff, 0, "train/x/conv2d.0/k", "other clocks", 20);
    CHECK(failed(diff) == 0, "the clock is what changed");
    json_decref(diff);
}

static json_t *slow(double limit, double step, double median, double iqr)
{
    json_t *a = profile(1000, NULL), *b = profile(step, NULL);
    add(a, "train/x/conv2d.0", "k", 20, 800, 4);
    add(b, "train/x/conv2d.0", "k", 20, 800, 4);
    add(a, "train/x/conv2d.1", "k", 20, 100, iqr);
    add(b, "train/x/conv2d.1", "k", 20, median, iqr);
    add(a, "train/x/tiny.0", "k", 20, 0.2, 0.001); /* thrice as slow, and nobody would notice */
    add(b, "train/x/tiny.0", "k", 20, 0.6, 0.001);
    return compare(a, b, limit);
}

static void test_limit(void)
{
    const struct {
        double limit, step, median, iqr;
        size_t failed;
    } cases[] = {
        {5, 1000, 107, 1, 1}, {5, 1000, 104, 1, 0},
        {5, 1000, 106, 1, 0},                        /* 6, less the uncertainty of 1.4 */
        {7, 1000, 107, 1, 0}, {5, 1000, 106, 10, 0}, /* beyond the limit, within the noise */
        {5, 1000, 50, 1, 0},                         /* faster */
        {0, 1000, 100, 1, 0},                        /* no change is not beyond 0 */
        {5, 1080, 100, 1, 1}, {5, 1060, 100, 1, 0},  /* the step alone, whose uncertainty is 28 */
        {5, 1025, 100, 1, 0}, {2, 1025, 100, 1, 0},  /* 25 is within the noise of the step, 20 and 20 */
        {5, 1080, 107, 1, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *diff = slow(cases[i].limit, cases[i].step, cases[i].median, cases[i].iqr);
        CHECK(failed(diff) == cases[i].failed, "case %zu: %zu beyond the limit, not %zu", i, failed(diff),
              cases[i].failed);
        json_decref(diff);
    }
}

/* All kernels slower by a fifth, as on a busy machine, and one of them for a reason of its own. */
static void test_common(void)
{
    for (int own = 0; own < 2; own++)
        for (int n = 3; n <= 7; n += 4) {
            json_t *a = profile(1000, NULL), *b = profile(1000, NULL);
            for (int i = 0; i < n; i++) {
                const char *node = scl_arena_printf(&arena, "train/x/y.%d", i);
                add(a, node, "k", 20, 100, 1);
                add(b, node, "k", 20, own && i == 1 ? 150 : 120, 1);
            }
            json_t *diff = compare(a, b, 10);
            const json_t *stage = json_array_get(json_object_get(diff, "stages"), 0);
            const double common = json_number_value(json_object_get(stage, "common"));
            const size_t expected = n < 5 ? (size_t)n : (size_t)own;     /* of few kernels nobody can tell */
            CHECK(fabs(common - (n < 5 ? 1 : 1.2)) < 1e-6, "%d kernels have %g in common", n, common);
            CHECK(failed(diff) == expected, "%zu of %d kernels beyond the limit, not %zu", failed(diff), n, expected);
            json_decref(diff);
        }
}

static const char *bits(const char *a, const char *b)
{
    json_t *diff = compare(profile(1000, a), profile(1000, b), -1);
    const json_t *weights = json_object_get(json_array_get(json_object_get(diff, "stages"), 0), "weights");
    const char *verdict = scl_arena_strdup(&arena, json_string_value(json_object_get(weights, "verdict")));
    json_decref(diff);
    return verdict;
}

static void test_bits(void)
{
    CHECK(!strcmp(bits("abc", "abc"), "same"), "equal sums");
    CHECK(!strcmp(bits("abc", "abd"), "different"), "other sums");
    CHECK(!strcmp(bits("abc", NULL), "unknown"), "a sum alone");
    json_t *a = profile(1000, "abc"), *b = profile(1000, "abd");
    json_object_set_new(json_object_get(stage_of(b), "weights"), "step", json_integer(44));
    json_t *diff = compare(a, b, -1);
    const json_t *weights = json_object_get(json_array_get(json_object_get(diff, "stages"), 0), "weights");
    CHECK(!strcmp(json_string_value(json_object_get(weights, "verdict")), "unknown"),
          "weights of other steps");
    json_decref(diff);
}

static void test_environment(void)
{
    json_t *a = profile(1000, NULL), *b = profile(1000, NULL);
    json_object_set_new(json_object_get(b, "device"), "driver", json_string("6.0"));
    json_object_set_new(json_object_get(b, "device"), "index", json_integer(1));
    json_object_set_new(json_object_get(a, "config"), "resolved",
                        json_pack("{s:{s:i, s:b}}", "model", "ngf", 16, "flip", 1));
    json_object_set_new(json_object_get(b, "config"), "resolved",
                        json_pack("{s:{s:i, s:b}}", "model", "ngf", 32, "flip", 1));
    json_t *diff = compare(a, b, -1), *list = json_object_get(diff, "environment");
    char *text = json_dumps(list, JSON_COMPACT | JSON_PRESERVE_ORDER);
    CHECK(!strcmp(text, "[{\"key\":\"device.driver\",\"a\":\"3.1\",\"b\":\"6.0\"},{\"key\":\"model.ngf\","
                        "\"a\":\"16\",\"b\":\"32\"}]"),
          "%s", text);
    free(text);
    json_decref(diff);
}

static void test_page(void)
{
    json_t *a = profile(1000, "abc"), *b = profile(1000, "abd");
    add(a, "train/x/conv2d.0", "k<1>", 20, 100, 1);
    add(b, "train/x/conv2d.0", "k<1>", 20, 200, 1);
    json_t *diff = compare(a, b, 5);
    char *html = "";
    CHECK(scl_profile_diff_html(diff, &html, &arena, NULL) == SCL_OK, "a page");
    CHECK(strstr(html, "k&lt;1&gt;") && !strstr(html, "k<1>"), "names are escaped");
    CHECK(strstr(html, "+100.0&nbsp;%") && strstr(html, "1 beyond the limit of 5 %") &&
              strstr(html, "other bits"),
          "%s", html);
    CHECK(!strstr(html, "http"), "a page loads nothing");
    json_decref(diff);
}

static void test_foreign(void)
{
    json_t *a = profile(1000, NULL), *b = profile(1000, NULL), *diff;
    scl_err err = {0};
    json_object_set_new(stage_of(b), "name", json_string("sample"));
    CHECK(scl_profile_diff(a, b, -1, &diff, &err) == SCL_FAILED &&
              strstr(err.message, "no stage of the same name"),
          "%s", err.message);
    json_decref(a);
    json_decref(b);
    scl_err_clear(&err);
    CHECK(scl_profile_read("/dev/null", &a, &err) == SCL_FAILED, "nothing is no profile");
    scl_err_clear(&err);
}

int main(void)
{
    test_matching();
    test_uncertainty();
    test_common();
    test_clocks();
    test_limit();
    test_bits();
    test_environment();
    test_page();
    test_foreign();
    scl_arena_free(&arena);
    printf("%s: %d failures\n", failures ? "FAIL" : "pass", failures);
    return failures != 0;
}
