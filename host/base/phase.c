#include "base/phase.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/progress.h"

static _Atomic(scl_phase_sink *) the_sink;
static void *the_user;

const char *scl_phase_name(scl_phase phase)
{
    static const char *const names[SCL_PHASES] = {"config",  "graph",      "plan",   "programs",
                                                  "enqueue", "compute",    "wait",   "data",
                                                  "metrics", "checkpoint", "profile"};
    return names[phase];
}

void scl_phase_set_sink(scl_phase_sink *sink, void *user)
{
    the_user = user;
    atomic_store(&the_sink, sink);
}

int64_t scl_phase_begin(void)
{
    return atomic_load_explicit(&the_sink, memory_order_acquire) ? scl_now_ns() : 0;
}

void scl_phase_end(scl_phase phase, int64_t begin)
{
    scl_phase_sink *sink = begin ? atomic_load_explicit(&the_sink, memory_order_acquire) : NULL;
    if (sink)
        sink(the_user, phase, begin, scl_now_ns());
}
