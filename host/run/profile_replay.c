/* The events of the spool on the host's clock, block by block. */
#include <stdlib.h>
#include <string.h>

#include "run/profile_parts.h"

enum { AT_ONCE = 4096, ROUNDING_NS = 2000 };

bool scl_profile_clock(const scl_profile_stage *p, const scl_profile_block *b, scl_clock *out)
{
    *out = (scl_clock){0};
    if (p->watch.host_clock)
        return true;
    return b->n_sample[0] && scl_clock_fit(out, b->sample[0], b->n_sample[0], b->sample[1], b->n_sample[1]);
}

static void place(const scl_profile_stage *p, const scl_clock *clock, bool fits, int64_t slack,
                  int64_t previous, scl_profile_item *item)
{
    const scl_profile_event *e = item->event;
    item->previous_end = previous;
    for (int i = 0; i < SCL_STAMPS; i++)
        item->stamp[i] = !fits || !e->stamp[i] ? 0
                         : p->watch.host_clock ? e->stamp[i]
                                               : scl_clock_to_host(clock, e->stamp[i]);
    if (e->last_only && item->stamp[SCL_STAMP_START])
        item->stamp[SCL_STAMP_START] = previous > e->enqueue[0] ? previous : e->enqueue[0];
    item->fault = scl_stamps_check(item->stamp, e->enqueue[0], e->seen, previous, slack);
    item->row = NULL;
    if (e->plan >= 0 && p->plan[e->plan].row[e->launch] >= 0)
        item->row = &p->row[p->plan[e->plan].row[e->launch]];
}

static scl_status replay_block(scl_profile_stage *p, const scl_profile_block *b, scl_profile_event *events,
                               scl_profile_visit *visit, void *user, scl_err *err)
{
    scl_clock clock;
    const bool fits = scl_profile_clock(p, b, &clock);
    const int64_t slack = p->watch.host_clock ? 0 : (int64_t)clock.uncertainty + ROUNDING_NS;
    int64_t previous = b->begin;
    if (fseeko(p->spool, (off_t)(b->first_event * sizeof *events), SEEK_SET))
        return scl_fail(err, SCL_FAILED, "the events of a profile cannot be read again");
    for (size_t done = 0; done < b->events;) {
        const size_t want = b->events - done < AT_ONCE ? b->events - done : AT_ONCE;
        if (fread(events, sizeof *events, want, p->spool) != want)
            return scl_fail(err, SCL_FAILED, "the events of a profile cannot be read again");
        for (size_t i = 0; i < want; i++) {
            scl_profile_item item = {.event = &events[i], .block = b};
            place(p, &clock, fits, slack, previous, &item);
            SCL_TRY(visit(user, &item, err));
            previous = item.stamp[SCL_STAMP_END] > previous ? item.stamp[SCL_STAMP_END] : previous;
        }
        done += want;
    }
    return SCL_OK;
}

scl_status scl_profile_replay(scl_profile_stage *p, scl_profile_visit *visit, void *user, scl_err *err)
{
    void *events;
    SCL_TRY(scl_alloc_bytes(&events, sizeof(scl_profile_event) * AT_ONCE, "the events of a profile", err));
    scl_status status = SCL_OK;
    for (int i = 0; i < p->n_block && status == SCL_OK; i++)
        if (p->block[i].noted)
            status = replay_block(p, &p->block[i], events, visit, user, err);
    free(events);
    return status;
}
