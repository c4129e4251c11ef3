/* The device's clock on the host's, and stamps that cannot be true, all made up. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "failures.h"
#include "graph/clock.h"

/* A device whose clock began at another time and runs too fast by ppm. */
static int64_t device_time(int64_t host, double ppm)
{
    return 7000000000000 + (int64_t)llround((double)host * (1 + 1e-6 * ppm));
}

/* A launch that was queued `before` ns after the first look and ended `behind` ns before the second. */
static scl_clock_sample launch(int64_t host, int64_t before, int64_t behind, double ppm)
{
    return (scl_clock_sample){host, host + 50000, device_time(host + before, ppm),
                              device_time(host + 50000 - behind, ppm)};
}

static void a_line_between_two_ends(void)
{
    const double ppm = 400; /* as a clock that is not steered beside one that is */
    const int64_t at[2] = {5000000000, 8000000000};
    scl_clock_sample begin[3], end[3];
    for (int i = 0; i < 3; i++) {
        begin[i] = launch(at[0] + 100000 * i, 1000 + 9000 * i, 20000 - 9000 * i, ppm);
        end[i] = launch(at[1] + 100000 * i, 2000, 800, ppm);
    }
    scl_clock c;
    CHECK(scl_clock_fit(&c, begin, 3, end, 3), "two ends of a line do not fit");
    /* The tightest bounds of all samples: 1000 on one side, 2000 on the other, and 400 ppm of what is between
     * the samples. */
    CHECK(c.uncertainty <= 1501, "uncertainty %g", c.uncertainty);
    CHECK(fabs(1e6 * scl_clock_drift(&c) - ppm) < 2, "drift %g ppm", 1e6 * scl_clock_drift(&c));
    for (int64_t host = at[0]; host <= at[1]; host += 250000000) {
        const int64_t off = scl_clock_to_host(&c, device_time(host, ppm)) - host;
        CHECK(off >= -3000 && off <= 3000, "%ld ns off", (long)off);
    }
    /* With the first end alone the drift of three seconds, 1.2 ms, is an error. */
    CHECK(scl_clock_fit(&c, begin, 3, NULL, 0), "one end does not fit");
    CHECK(scl_clock_to_host(&c, device_time(at[1], ppm)) - at[1] > 1000000, "drift came from nowhere");
}

static void looks_at_both_clocks(void)
{
    const scl_clock_sample look = {1000, 1400, 501200, 501200};
    scl_clock c;
    CHECK(scl_clock_fit(&c, &look, 1, NULL, 0), "a look at both clocks does not fit");
    CHECK(scl_clock_to_host(&c, 501200) == 1200, "not in the middle");
    CHECK(fabs(c.uncertainty - 200) < 1e-9, "uncertainty %g", c.uncertainty);
}

static void no_clock_fits(void)
{
    /* Microseconds taken for nanoseconds: two looks a millisecond apart are a microsecond apart on the
     * device. */
    const scl_clock_sample looks[2] = {{1000000, 1000400, 5000, 5000}, {2000000, 2000400, 6000, 6000}};
    scl_clock c;
    CHECK(!scl_clock_fit(&c, looks, 2, NULL, 0), "a clock of microseconds fits");
    /* A launch that took longer on the device's clock than on the host's. */
    const scl_clock_sample longer = {1000, 2000, 5000, 7000};
    CHECK(!scl_clock_fit(&c, &longer, 1, NULL, 0), "a launch longer than the wait for it fits");
}

typedef struct stamps_case {
    const char *what;
    int64_t stamp[SCL_STAMPS], enqueued, seen, previous;
    scl_stamp_fault fault;
} stamps_case;

static void stamps(void)
{
    static const stamps_case cases[] = {
        {"in order", {1100, 1200, 2000, 3000}, 1000, 9000, 1500, SCL_STAMPS_GOOD},
        {"no start", {1100, 1200, 0, 3000}, 1000, 9000, 1500, SCL_STAMPS_MISSING},
        {"no end", {1100, 1200, 2000, 0}, 1000, 9000, 1500, SCL_STAMPS_MISSING},
        {"ends before it starts", {1100, 1200, 3000, 2000}, 1000, 9000, 1500, SCL_STAMPS_BACKWARDS},
        {"starts before it was enqueued", {1100, 1200, 700, 3000}, 1000, 9000, 0, SCL_STAMPS_OUTSIDE},
        {"ends after it was seen to have", {1100, 1200, 2000, 9200}, 1000, 9000, 1500, SCL_STAMPS_OUTSIDE},
        {"while the one before it ran", {1100, 1200, 2000, 3000}, 1000, 9000, 2500, SCL_STAMPS_OVERLAP},
        {"over the one before by rounding", {1100, 1200, 2000, 3000}, 1000, 9000, 2050, SCL_STAMPS_CLAMPED},
        {"queued just before the call", {960, 1200, 2000, 3000}, 1000, 9000, 1500, SCL_STAMPS_CLAMPED},
        {"submitted behind its start", {1100, 2600, 2000, 3000}, 1000, 9000, 1500, SCL_STAMPS_CLAMPED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const stamps_case *c = &cases[i];
        int64_t s[SCL_STAMPS];
        memcpy(s, c->stamp, sizeof s);
        const scl_stamp_fault fault = scl_stamps_check(s, c->enqueued, c->seen, c->previous, 100);
        CHECK(fault == c->fault, "%s: %s, not %s", c->what, scl_stamp_fault_name(fault),
              scl_stamp_fault_name(c->fault));
        /* Whatever came, what is left is in order and in no other command's time. */
        CHECK(s[0] <= s[1] && s[1] <= s[2] && s[2] <= s[3], "%s: not in order", c->what);
        CHECK(s[2] >= c->previous && s[0] >= c->enqueued && s[3] <= c->seen, "%s: out of its bounds",
              c->what);
        CHECK(fault <= SCL_STAMPS_CLAMPED || s[2] == s[3], "%s: has a duration", c->what);
    }
}

static void durations(void)
{
    const int64_t host[3] = {10000000, 14000000, 11000000};
    const int64_t good[3] = {9900000, 9950000, 9800000}, one[3] = {1, 1, 1}, fast[3] = {9900, 9950, 9800};
    const int64_t slow[3] = {9900000, 9950000, 12000000};
    CHECK(scl_clock_plausible(good, host, 3), "good stamps are refused");
    CHECK(!scl_clock_plausible(one, host, 3), "1 ns, as rusticl says");
    CHECK(!scl_clock_plausible(fast, host, 3), "microseconds");
    CHECK(!scl_clock_plausible(slow, host, 3), "more than the host waited");
}

int main(void)
{
    a_line_between_two_ends();
    looks_at_both_clocks();
    no_clock_fits();
    stamps();
    durations();
    return failures ? 1 : 0;
}
