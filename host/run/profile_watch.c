/* What is noted while a stage runs: blocks of steps, events, spans of the host's work, device memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"
#include "run/profile_parts.h"
#include "run/signal.h"

/* Without --steps: as many profiled steps as PROFILED_S takes, within FEWEST and MOST, and at most so many
 * that their events stay readable in one trace. */
static const double PROFILED_S = 6;
enum { FEWEST = 10, MOST = 1000, EVENTS = 100000, ROUNDS = 10, FEWEST_EACH = 5, WARM_UP = 3 };

static _Atomic int threads;
static _Thread_local int this_thread;

static int thread_number(void)
{
    if (!this_thread)
        this_thread = ++threads;
    return this_thread;
}

/* Callbacks cannot fail: what they could not note is said at the next step. */
static bool room(scl_profile_stage *p, void **items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    const size_t more = *cap ? 2 * *cap : 4096;
    void *bigger = realloc(*items, size * more);
    if (!bigger) {
        p->fault = "not enough host memory for what is noted";
        return false;
    }
    *items = bigger;
    *cap = more;
    return true;
}

static void note_span(void *user, scl_phase phase, int64_t begin, int64_t end)
{
    scl_profile_stage *p = user;
    const int thread = thread_number();
    void *items = NULL;
    pthread_mutex_lock(&p->lock);
    items = p->span;
    if (room(p, &items, p->n_span, &p->cap_span, sizeof *p->span)) {
        p->span = items;
        p->span[p->n_span++] = (scl_profile_span){begin, end, phase, thread};
    }
    pthread_mutex_unlock(&p->lock);
}

static void note_memory(void *user, long long bytes)
{
    scl_profile_stage *p = user;
    void *items = p->memory;
    p->allocated += bytes;
    if (p->allocated > p->peak_allocated)
        p->peak_allocated = p->allocated;
    if (!room(p, &items, p->n_memory, &p->cap_memory, sizeof *p->memory))
        return;
    p->memory = items;
    p->memory[p->n_memory].at = scl_now_ns();
    p->memory[p->n_memory++].bytes = p->allocated;
}

static void note_clock(void *user, const scl_clock_sample *sample)
{
    scl_profile_stage *p = user;
    scl_profile_block *b = &p->block[p->n_block - 1];
    const int end = b->idle > 0;
    if (b->n_sample[end] < SCL_PROFILE_SAMPLES)
        b->sample[end][b->n_sample[end]++] = *sample;
}

/* The profiled step that was the newest when a command was enqueued. */
static int step_at(const scl_profile_stage *p, int64_t when)
{
    int i = p->n_step - 1;
    while (i > 0 && p->step_begin[i] > when)
        i--;
    return i < 0 ? 0 : i;
}

static void note_event(void *user, const scl_event *e)
{
    scl_profile_stage *p = user;
    void *items = p->event;
    if (!room(p, &items, p->n_event, &p->cap_event, sizeof *p->event))
        return;
    p->event = items;
    scl_profile_event *to = &p->event[p->n_event++];
    *to = (scl_profile_event){.enqueue = {e->enqueue[0], e->enqueue[1]},
                              .seen = e->seen,
                              .bytes = e->bytes,
                              .plan = -1,
                              .launch = -1,
                              .step = step_at(p, e->enqueue[0]),
                              .command = (uint8_t)e->command,
                              .last_only = e->last_only};
    memcpy(to->stamp, e->stamp, sizeof to->stamp);
    if (e->command != SCL_COMMAND_LAUNCH)
        return;
    to->plan = scl_profile_plan_of(p, e->loaded);
    to->launch = e->index;
}

/* Between steps: what is noted goes to the file. */
static scl_status spool(scl_profile_stage *p, scl_err *err)
{
    if (p->n_event && fwrite(p->event, sizeof *p->event, p->n_event, p->spool) != p->n_event)
        return scl_fail(err, SCL_FAILED, "the events of a profile cannot be written: is the disk full?");
    p->n_spooled += p->n_event;
    p->n_event = 0;
    return p->fault ? scl_fail(err, SCL_FAILED, "%s", p->fault) : SCL_OK;
}

static scl_status read_out(scl_profile_stage *p, scl_backend *b, scl_err *err)
{
    SCL_TRY(b->v->collect(b, err));
    const int64_t since = scl_phase_begin();
    const scl_status status = spool(p, err);
    scl_phase_end(SCL_PHASE_PROFILE, since);
    return status;
}

/* Of the whole process; a device that is a CPU computes in it. */
static int64_t processor_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static scl_status open_block(scl_profile_stage *p, scl_backend *b, bool noted, scl_err *err)
{
    scl_profile_block *k = &p->block[p->n_block++];
    *k = (scl_profile_block){
        .noted = noted, .first_step = p->n_step, .steps = p->each, .first_event = p->n_spooled};
    SCL_TRY(b->v->note(b, noted, err));
    SCL_TRY(b->v->finish(b, err));
    k->cpu[0] = processor_ns();
    k->begin = scl_now_ns();
    p->left = p->each;
    return SCL_OK;
}

static scl_status close_block(scl_profile_stage *p, scl_backend *b, scl_err *err)
{
    scl_profile_block *k = &p->block[p->n_block - 1];
    SCL_TRY(b->v->finish(b, err));
    k->idle = k->done = scl_now_ns();
    k->cpu[1] = processor_ns();
    p->left = -1;
    if (!k->noted)
        return SCL_OK;
    SCL_TRY(read_out(p, b, err));
    k->done = scl_now_ns();
    k->cpu[1] = processor_ns();
    SCL_TRY(b->v->note(b, false, err));
    SCL_TRY(spool(p, err));
    k->events = p->n_spooled - k->first_event;
    return SCL_OK;
}

static double launches_of(const scl_profile_stage *p)
{
    double launches = 1;
    for (int i = 0; i < p->n_plan; i++)
        launches = p->plan[i].n_launches > launches ? p->plan[i].n_launches : launches;
    return launches;
}

/* How many steps, in how many blocks: by what the last warm-up step took. */
static void deal_steps(scl_profile_stage *p)
{
    const double step = 1e-9 * (double)(scl_now_ns() - p->warm_ns);
    int steps = p->options->steps;
    if (!steps) {
        const double fit = step > 0 ? fmin(PROFILED_S / step, EVENTS / launches_of(p)) : MOST;
        steps = fit < FEWEST ? FEWEST : fit > MOST ? MOST : (int)fit;
    }
    const int rounds = steps / FEWEST_EACH < 2 ? 2 : steps / FEWEST_EACH;
    p->rounds = steps < 2 ? 1 : rounds < ROUNDS ? rounds : ROUNDS;
    p->each = (steps + p->rounds - 1) / p->rounds;
    p->rounds = (steps + p->each - 1) / p->each;
    scl_info("profile of %s: %d %ss in %d blocks, and as many unprofiled between them", p->stage->name,
             p->rounds * p->each, scl_profile_unit(p->stage), p->rounds);
}

int scl_profile_most_steps(const scl_profile_options *o)
{
    return (o->steps > 0 ? o->steps + ROUNDS : MOST) + (o->warm_up > 0 ? o->warm_up : WARM_UP);
}

static scl_status begin_step(scl_profile_stage *p, scl_backend *b, scl_err *err)
{
    if (p->block[p->n_block - 1].noted) {
        if (p->left < p->each)
            SCL_TRY(read_out(p, b, err));
        if (p->n_step == p->cap_step) {
            p->cap_step = p->cap_step ? 2 * p->cap_step : 128;
            int64_t *bigger = SCL_NEW_ARRAY(&p->arena, int64_t, p->cap_step);
            if (p->n_step)
                memcpy(bigger, p->step_begin, sizeof *bigger * (size_t)p->n_step);
            p->step_begin = bigger;
        }
        p->step_begin[p->n_step++] = scl_now_ns();
    }
    p->left--;
    return SCL_OK;
}

/* scl_run_watch.step: warm-up, then blocks in turns, unprofiled first. */
static scl_status before_step(void *user, scl_backend *b, long step, scl_err *err)
{
    scl_profile_stage *p = user;
    (void)step;
    if (*scl_signals_stop())
        p->stop = 1;
    if (p->stop || p->finished)
        return SCL_OK;
    const long now = p->seen_steps++;
    if (now < p->warm_up) {
        if (now == p->warm_up - 1) {
            SCL_TRY(b->v->finish(b, err));
            p->warm_ns = scl_now_ns();
            p->thread = thread_number();
        }
        return SCL_OK;
    }
    if (now == p->warm_up) {
        SCL_TRY(b->v->finish(b, err));
        deal_steps(p);
        SCL_TRY(open_block(p, b, false, err));
    } else if (p->left == 0) {
        SCL_TRY(close_block(p, b, err));
        if (p->n_block == 2 * p->rounds) {
            p->finished = true;
            p->stop = 1;
            return SCL_OK;
        }
        SCL_TRY(open_block(p, b, p->n_block % 2 == 1, err));
    }
    return begin_step(p, b, err);
}

/* The ceilings are measured before the stage allocates anything: its memory is not in the way. */
static void opened(void *user, const char *stage, scl_backend *b)
{
    scl_profile_stage *p = user;
    scl_err fault = {0};
    (void)stage;
    p->device = b->info;
    if (b->info.klass != SCL_CLASS_REFERENCE)
        p->has_peak = scl_measure_cached(b, p->options->measure, &p->peak, p->peak_date, &p->peak_cached,
                                         &fault) == SCL_OK;
    scl_err_clear(&fault);
    p->opened = scl_now_ns();
    p->watch = (scl_watch){.user = p,
                           .loaded = scl_profile_loaded,
                           .memory = note_memory,
                           .clock = note_clock,
                           .event = note_event,
                           .alignment = "none"};
    b->watch = &p->watch;
}

scl_status scl_profile_stage_begin(scl_profile_stage *p, const scl_profile_options *o,
                                   const scl_stage_config *stage, const char *folder, scl_err *err)
{
    *p = (scl_profile_stage){.stage = stage,
                             .batch = scl_profile_batch(stage),
                             .options = o,
                             .began = scl_now_ns(),
                             .warm_up = o->warm_up > 0 ? o->warm_up : WARM_UP,
                             .left = -1};
    p->run_watch = (scl_run_watch){.user = p, .opened = opened, .step = before_step, .stop = &p->stop};
    pthread_mutex_init(&p->lock, NULL);
    char *path = scl_arena_printf(&p->arena, "%s/.events-XXXXXX", folder);
    const int fd = mkstemp(path);
    if (fd < 0 || unlink(path) || !(p->spool = fdopen(fd, "w+")))
        return scl_fail(err, SCL_FAILED, "cannot write in '%s'", folder);
    setvbuf(p->spool, NULL, _IOFBF, 1 << 20);
    scl_phase_set_sink(note_span, p);
    return SCL_OK;
}

void scl_profile_stage_free(scl_profile_stage *p)
{
    scl_phase_set_sink(NULL, NULL);
    for (int i = 0; i < p->n_row; i++) {
        json_decref(p->row[i].inputs);
        json_decref(p->row[i].outputs);
        json_decref(p->row[i].tuning);
        scl_series_free(&p->row[i].call);
    }
    for (int i = 0; i < p->n_plan; i++)
        json_decref(p->plan[i].live);
    if (p->spool)
        fclose(p->spool);
    free(p->event);
    free(p->span);
    free(p->memory);
    scl_arena_free(&p->arena);
    pthread_mutex_destroy(&p->lock);
}
