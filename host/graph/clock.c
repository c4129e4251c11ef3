#include "graph/clock.h"

#include <math.h>

/* device - host at one end of a stretch: every sample says [last - after, first - before]. */
static bool offset_of(const scl_clock_sample *s, int n, int64_t *at, double *offset, double *half)
{
    int64_t lo = s[0].last - s[0].after, hi = s[0].first - s[0].before;
    for (int i = 1; i < n; i++) {
        const int64_t l = s[i].last - s[i].after, h = s[i].first - s[i].before;
        lo = l > lo ? l : lo;
        hi = h < hi ? h : hi;
    }
    *at = s[n / 2].last;
    *offset = 0.5 * ((double)lo + (double)hi);
    *half = 0.5 * ((double)hi - (double)lo);
    return lo <= hi;
}

bool scl_clock_fit(scl_clock *out, const scl_clock_sample *begin, int n_begin, const scl_clock_sample *end,
                   int n_end)
{
    double half[2] = {0};
    if (!offset_of(begin, n_begin, &out->at[0], &out->offset[0], &half[0]))
        return false;
    out->at[1] = out->at[0];
    out->offset[1] = out->offset[0];
    if (n_end > 0 && !offset_of(end, n_end, &out->at[1], &out->offset[1], &half[1]))
        return false;
    out->uncertainty = fmax(half[0], half[1]);
    return true;
}

double scl_clock_drift(const scl_clock *c)
{
    return c->at[1] > c->at[0] ? (c->offset[1] - c->offset[0]) / (double)(c->at[1] - c->at[0]) : 0;
}

int64_t scl_clock_to_host(const scl_clock *c, int64_t device)
{
    const double offset = c->offset[0] + scl_clock_drift(c) * (double)(device - c->at[0]);
    return device - (int64_t)llround(offset);
}

const char *scl_stamp_fault_name(scl_stamp_fault fault)
{
    static const char *const names[] = {"good", "clamped", "missing", "backwards", "outside", "overlap"};
    return names[fault];
}

static scl_stamp_fault reject(int64_t stamp[SCL_STAMPS], int64_t at, scl_stamp_fault fault)
{
    for (int i = 0; i < SCL_STAMPS; i++)
        stamp[i] = at;
    return fault;
}

scl_stamp_fault scl_stamps_check(int64_t stamp[SCL_STAMPS], int64_t enqueued, int64_t seen,
                                 int64_t previous_end, int64_t slack)
{
    const int64_t start = stamp[SCL_STAMP_START], end = stamp[SCL_STAMP_END];
    const int64_t from = enqueued > previous_end ? enqueued : previous_end, at = from < seen ? from : seen;
    if (!start || !end)
        return reject(stamp, at, SCL_STAMPS_MISSING);
    if (end < start)
        return reject(stamp, at, SCL_STAMPS_BACKWARDS);
    if (start < enqueued - slack || end > seen + slack)
        return reject(stamp, at, SCL_STAMPS_OUTSIDE);
    if (start < previous_end - slack)
        return reject(stamp, at, SCL_STAMPS_OVERLAP);
    bool clamped = false;
    int64_t least = enqueued;
    for (int i = 0; i < SCL_STAMPS; i++) {
        if (i == SCL_STAMP_START && least < previous_end)
            least = previous_end;
        const int64_t most = i <= SCL_STAMP_SUBMIT && start > least ? start : seen > least ? seen : least;
        const int64_t now = stamp[i] < least ? least : stamp[i] > most ? most : stamp[i];
        clamped |= now != stamp[i];
        least = stamp[i] = now;
    }
    return clamped ? SCL_STAMPS_CLAMPED : SCL_STAMPS_GOOD;
}

bool scl_clock_plausible(const int64_t *device, const int64_t *host, int n)
{
    bool near = false;
    for (int i = 0; i < n; i++) {
        if ((double)device[i] > 1.05 * (double)host[i])
            return false;
        near |= (double)device[i] > 0.7 * (double)host[i];
    }
    return near;
}
