/* Sums over the profiled steps: each row's times, and where the wall time went. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/profile_parts.h"

typedef struct summing {
    scl_profile_stage *p;
    scl_profile_sums *s;
    const scl_profile_block *block; /* of the item before */
    int64_t last_end;
    scl_profile_span *wait;
    size_t n_wait, next_wait; /* of the stage's thread, in order */
    double *step;             /* device time of each step */
} summing;

static double seconds(int64_t ns)
{
    return 1e-9 * (double)ns;
}

/* Adds what lies in [begin, end] of the time in which the host did not wait. */
static void overlap(summing *u, int64_t begin, int64_t end)
{
    int64_t waited = 0;
    while (u->next_wait < u->n_wait && u->wait[u->next_wait].end <= begin)
        u->next_wait++;
    for (size_t i = u->next_wait; i < u->n_wait && u->wait[i].begin < end; i++) {
        const int64_t from = u->wait[i].begin > begin ? u->wait[i].begin : begin;
        const int64_t to = u->wait[i].end < end ? u->wait[i].end : end;
        waited += to > from ? to - from : 0;
    }
    u->s->overlap += seconds(end - begin - waited);
}

static void end_block(summing *u)
{
    if (!u->block)
        return;
    u->s->edge += seconds(u->block->idle - u->last_end);
    u->block = NULL;
}

static void begin_block(summing *u, const scl_profile_item *i)
{
    end_block(u);
    u->block = i->block;
    u->s->edge += seconds(i->stamp[SCL_STAMP_START] - i->block->begin);
    u->last_end = i->stamp[SCL_STAMP_START];
}

static scl_status add_launch(summing *u, const scl_profile_item *i, double time, scl_err *err)
{
    scl_profile_row *r = &u->p->row[i->row - u->p->row];
    u->s->kernel += time;
    r->calls++;
    r->total += time;
    r->step[i->event->step] += time;
    if (!u->p->watch.host_clock) {
        SCL_TRY(scl_series_add(&u->s->queued,
                               seconds(i->stamp[SCL_STAMP_SUBMIT] - i->stamp[SCL_STAMP_QUEUED]), err));
        SCL_TRY(scl_series_add(&u->s->submit, seconds(i->stamp[SCL_STAMP_START] - i->stamp[SCL_STAMP_SUBMIT]),
                               err));
    }
    SCL_TRY(scl_series_add(&u->s->run, time, err));
    return scl_series_add(&r->call, time, err);
}

static scl_status add(void *user, const scl_profile_item *i, scl_err *err)
{
    summing *u = user;
    const int64_t start = i->stamp[SCL_STAMP_START], end = i->stamp[SCL_STAMP_END];
    const double time = seconds(end - start);
    u->s->fault[i->fault]++;
    if (scl_profile_rejected(i))
        return SCL_OK;
    if (i->block != u->block)
        begin_block(u, i);
    u->s->gap += seconds(start - u->last_end);
    u->last_end = end;
    u->step[i->event->step] += time;
    overlap(u, start, end);
    if (i->event->plan >= 0 && i->event->launch == 0)
        u->p->plan[i->event->plan].runs++;
    if (i->row)
        return add_launch(u, i, time, err);
    scl_profile_transfer *t = &u->s->moved[i->event->command];
    t->calls++;
    t->bytes += (double)i->event->bytes;
    t->total += time;
    u->s->transfer += time;
    return SCL_OK;
}

static int by_begin(const void *a, const void *b)
{
    const int64_t x = ((const scl_profile_span *)a)->begin, y = ((const scl_profile_span *)b)->begin;
    return x < y ? -1 : x > y;
}

/* The stretches in which the stage's thread waited for the device inside noted blocks. */
static scl_status find_waits(summing *u, scl_err *err)
{
    const scl_profile_stage *p = u->p;
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof *u->wait * (p->n_span + 1), "the times of a profile", err));
    u->wait = memory;
    for (size_t i = 0; i < p->n_span; i++)
        if (p->span[i].phase == SCL_PHASE_WAIT && p->span[i].thread == p->thread)
            u->wait[u->n_wait++] = p->span[i];
    qsort(u->wait, u->n_wait, sizeof *u->wait, by_begin);
    for (int k = 0; k < p->n_block; k++) {
        const scl_profile_block *b = &p->block[k];
        for (size_t i = 0; i < u->n_wait && b->noted; i++) {
            const int64_t from = u->wait[i].begin > b->begin ? u->wait[i].begin : b->begin;
            const int64_t to = u->wait[i].end < b->idle ? u->wait[i].end : b->idle;
            u->s->wait += to > from ? seconds(to - from) : 0;
        }
    }
    return SCL_OK;
}

static void sum_blocks(const scl_profile_stage *p, scl_profile_sums *s)
{
    double most = 0, drift = 0;
    int n = 0;
    s->clocks = true;
    for (int i = 0; i < p->n_block; i++) {
        scl_clock clock;
        if (!p->block[i].noted)
            continue;
        s->wall += seconds(p->block[i].idle - p->block[i].begin);
        if (!scl_profile_clock(p, &p->block[i], &clock)) {
            s->clocks = false;
            continue;
        }
        most = clock.uncertainty > most ? clock.uncertainty : most;
        drift += scl_clock_drift(&clock);
        n++;
    }
    s->uncertainty = 1e-9 * most;
    s->drift = n ? drift / n : 0;
}

/* The step whose device time is the median of all. */
static int median_of(const double *step, int n)
{
    int best = 0;
    for (int i = 0, least = n + 1; i < n; i++) {
        int below = 0, above = 0;
        for (int k = 0; k < n; k++) {
            below += step[k] < step[i];
            above += step[k] > step[i];
        }
        const int off = abs(below - above);
        if (off < least) {
            least = off;
            best = i;
        }
    }
    return best;
}

scl_status scl_profile_sum(scl_profile_stage *p, scl_profile_sums *out, scl_err *err)
{
    summing u = {.p = p, .s = out, .step = SCL_NEW_ARRAY(&p->arena, double, p->n_step + 1)};
    *out = (scl_profile_sums){0};
    for (int i = 0; i < p->n_row; i++)
        p->row[i].step = SCL_NEW_ARRAY(&p->arena, double, p->n_step + 1);
    scl_status status = find_waits(&u, err);
    if (status == SCL_OK)
        status = scl_profile_replay(p, add, &u, err);
    end_block(&u);
    free(u.wait);
    sum_blocks(p, out);
    out->median_step = median_of(u.step, p->n_step);
    return status;
}

void scl_profile_sums_free(scl_profile_sums *s)
{
    scl_series_free(&s->queued);
    scl_series_free(&s->submit);
    scl_series_free(&s->run);
}
