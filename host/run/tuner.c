#include "run/tuner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "cl/tuning_cache.h"
#include "graph/matrix.h"
#include "run/tuner_case.h"
#include "run/tuner_shapes.h"

enum { MOST_CHOICES = 512, MOST_READY = 1024, PATIENCE = 6, TURNS = 5, LAST_TURNS = 9 };
static const double CLEARLY = 0.97; /* of the time: less gain is noise, or not worth a row of its own */
static const double SMALL = 2e7;    /* operations that the C definition does in a moment */

/* Seconds from the plan of a choice to its first results. */
typedef struct ready {
    const scl_impl *impl;
    int value[SCL_MAX_TUNE];
    double seconds;
} ready;

typedef struct tuner {
    scl_arena arena;
    scl_backend *b;
    const scl_tuner_options *o;
    scl_tuner_shapes shapes;
    int64_t end_ns;
    scl_tuning *rows;
    scl_tuner_report *report;
    int n_ready;
    ready ready[MOST_READY];
} tuner;

/* ---- the search at one shape ---- */

typedef struct search {
    tuner *t;
    scl_tuner_case c;
    int n, best;
    scl_choice *choice; /* 0: the default */
    bool *tried;
    int64_t end_ns;
    scl_tuner_exec first, now; /* the default, and the best so far (no executor: it is the default) */
    scl_tuned *out;
} search;

static double left(int64_t end_ns)
{
    return (double)(end_ns - scl_now_ns()) * 1e-9;
}

static bool stopped(const tuner *t)
{
    return t->o->stop && *t->o->stop;
}

/* How long a choice takes until it has run once: as it did last time, elsewhere; else as the slowest of its
 * implementation; 0: not known.  Nothing that may take as long is begun with less time left, because a
 * compiler cannot be stopped. */
static double ready_s(const tuner *t, const scl_choice *c)
{
    double slowest = 0;
    for (int i = 0; i < t->n_ready; i++) {
        const ready *r = &t->ready[i];
        if (r->impl == c->impl && !memcmp(r->value, c->tune.value, sizeof r->value))
            return r->seconds;
        if (r->impl == c->impl && r->seconds > slowest)
            slowest = r->seconds;
    }
    return slowest;
}

static void note_ready(tuner *t, const scl_choice *c, double seconds)
{
    int i = 0;
    while (i < t->n_ready && (t->ready[i].impl != c->impl ||
                              memcmp(t->ready[i].value, c->tune.value, sizeof c->tune.value) != 0))
        i++;
    if (i == MOST_READY)
        return;
    t->n_ready += i == t->n_ready;
    t->ready[i].impl = c->impl;
    memcpy(t->ready[i].value, c->tune.value, sizeof c->tune.value);
    t->ready[i].seconds = seconds;
}

/* How far two choices of one implementation are apart: tunables that differ, then by how much.  Another
 * implementation is near while none of its choices was tried, else out of sight. */
static double distance(const search *s, int i)
{
    const scl_choice *a = &s->choice[s->best], *b = &s->choice[i];
    double sum = 0;
    if (a->impl != b->impl) {
        for (int k = 0; k < s->n; k++)
            if (s->tried[k] && s->choice[k].impl == b->impl)
                return 1000;
        return 0.5;
    }
    for (int k = 0; k < a->tune.n; k++)
        if (a->tune.value[k] != b->tune.value[k])
            sum += 10 + fabs(log2((a->tune.value[k] + 1.0) / (b->tune.value[k] + 1.0)));
    return sum;
}

static int nearest(const search *s)
{
    int best = -1;
    double least = 0;
    for (int i = 0; i < s->n; i++) {
        const double d = s->tried[i] ? 0 : distance(s, i);
        if (!s->tried[i] && (best < 0 || d < least)) {
            best = i;
            least = d;
        }
    }
    return best;
}

static scl_tuner_exec *incumbent(search *s)
{
    return s->now.exec ? &s->now : &s->first;
}

/* Tries choice i against the best one; *won: it is the best now. */
static scl_status challenge(search *s, int i, bool *won, scl_err *err)
{
    scl_tuner_exec e;
    scl_err fault = {0};
    scl_tuner_timing timing = {.ratio = 1};
    *won = false;
    s->tried[i] = true;
    s->out->tried++;
    scl_status status = scl_tuner_exec_open(&s->c, &s->choice[i], &e, &fault);
    note_ready(s->t, &s->choice[i], e.first_s);
    s->out->failed += status != SCL_OK;
    s->out->wrong += status == SCL_OK && !e.right;
    scl_err_clear(&fault);
    if (status == SCL_OK && e.right) {
        /* A default that has not the right bits loses against whoever has. */
        *won = !incumbent(s)->right;
        if (!*won)
            status = scl_tuner_compare(&s->c, incumbent(s), &e, TURNS, &timing, err);
        *won = status == SCL_OK && (*won || timing.ratio < CLEARLY);
    } else {
        status = SCL_OK;
    }
    if (*won) {
        scl_tuner_exec_close(&s->c, &s->now);
        s->now = e;
        s->best = i;
    } else {
        scl_tuner_exec_close(&s->c, &e);
    }
    return status;
}

/* From the default outward, until nothing near is better, or the time is spent. */
static scl_status climb(search *s, scl_err *err)
{
    int lost = 0, i;
    while ((i = nearest(s)) >= 0 && (s->t->o->thorough || lost < PATIENCE) && !stopped(s->t)) {
        bool won;
        if (left(s->end_ns) <= 0 || left(s->t->end_ns) < ready_s(s->t, &s->choice[i]))
            break;
        SCL_TRY(challenge(s, i, &won, err));
        lost = won ? 0 : lost + 1;
    }
    return SCL_OK;
}

/* The best against the default once more: by chance it may have won a few turns. */
static scl_status conclude(search *s, scl_err *err)
{
    scl_tuner_timing timing;
    scl_tuned *out = s->out;
    scl_choice_text(&s->choice[0], out->before, sizeof out->before);
    SCL_TRY(scl_tuner_compare(&s->c, &s->first, incumbent(s), s->now.exec ? LAST_TURNS : 1, &timing, err));
    out->before_s = timing.a;
    out->now_s = timing.b;
    if (!s->now.exec || (s->first.right && (timing.ratio >= CLEARLY || timing.b >= timing.a))) {
        s->best = 0;
        out->now_s = out->before_s;
    }
    scl_choice_text(&s->choice[s->best], out->now, sizeof out->now);
    return SCL_OK;
}

/* *measured: a row may be made of it. */
static scl_status search_shape(tuner *t, const scl_tuner_shape *p, double seconds, scl_tuned *out,
                               bool *measured, scl_err *err)
{
    search s = {.t = t, .out = out, .end_ns = scl_now_ns() + (int64_t)(seconds * 1e9)};
    scl_err fault = {0};
    scl_arena arena = {0};
    *measured = false;
    s.choice = SCL_NEW_ARRAY(&arena, scl_choice, MOST_CHOICES);
    s.tried = SCL_NEW_ARRAY(&arena, bool, MOST_CHOICES);
    s.n = out->choices = scl_choice_list(s.choice, MOST_CHOICES, p->node, &t->b->info);
    s.tried[0] = true;
    out->tried = 1;
    /* What adds in an order of its own has not the bits of the definition. */
    const bool small = p->work < SMALL && scl_impl_tolerance(s.choice[0].impl, &t->b->info) <= 0;
    /* No memory for it, a default that does not run: then there is nothing to compare with, and the plan will
     * tell. */
    scl_status status = scl_tuner_case_open(&s.c, t->b, p->node, p->rest, small, &fault);
    if (status == SCL_OK)
        status = scl_tuner_exec_open(&s.c, &s.choice[0], &s.first, &fault);
    note_ready(t, &s.choice[0], s.first.first_s);
    out->wrong = status == SCL_OK && !s.first.right;
    out->failed = status != SCL_OK;
    scl_err_clear(&fault);
    if (status == SCL_OK) {
        status = climb(&s, err);
        if (status == SCL_OK)
            status = conclude(&s, err);
        *measured = status == SCL_OK && (s.first.right || s.now.exec);
    } else {
        status = SCL_OK;
    }
    scl_tuner_exec_close(&s.c, &s.now);
    scl_tuner_exec_close(&s.c, &s.first);
    scl_tuner_case_close(&s.c);
    scl_arena_free(&arena);
    return status;
}

/* ---- all shapes ---- */

static void keep(tuner *t, const scl_tuner_shape *p, const scl_tuned *out)
{
    scl_tuning one = {0};
    const scl_tuning_row row = {.shape = p->text,
                                .batch = p->batch,
                                .choice = out->now,
                                .ns = (int64_t)(out->now_s * 1e9),
                                .default_ns = (int64_t)(out->before_s * 1e9)};
    t->report->measured++;
    t->report->faster += out->now_s < out->before_s;
    t->report->before_s += out->before_s * p->nodes;
    t->report->now_s += out->now_s * p->nodes;
    scl_tuning_put(t->rows, &row);
    scl_tuning_put(&one, &row);
    scl_tuning_store(t->b, &one); /* at once: who interrupts the tuner keeps what it found */
    scl_tuning_free(&one);
}

static scl_status measure_all(tuner *t, scl_err *err)
{
    double all = 0;
    for (int i = 0; i < t->shapes.n; i++)
        all += t->shapes.at[i].cost;
    double rest = all;
    for (int i = 0; i < t->shapes.n && left(t->end_ns) > 0 && !stopped(t); i++) {
        const scl_tuner_shape *p = &t->shapes.at[i];
        scl_tuned out = {
            .op = p->op, .shape = p->text, .batch = p->batch, .nodes = p->nodes, .share = p->cost / all};
        bool measured;
        scl_choice first;
        if (out.share < (t->o->thorough ? 1e-4 : 2e-3))
            break;
        if (scl_choice_list(&first, 1, p->node, &t->b->info) && left(t->end_ns) < ready_s(t, &first))
            continue;
        /* Its share of the time that is left, but enough to compile a few. */
        const double fair = left(t->end_ns) * p->cost / rest, least = t->o->seconds / 15;
        SCL_TRY(search_shape(t, p, fair > least ? fair : least, &out, &measured, err));
        rest -= p->cost;
        t->report->wrong += out.wrong;
        if (measured)
            keep(t, p, &out);
        if (t->o->done)
            t->o->done(t->o->user, &out);
    }
    return SCL_OK;
}

scl_status scl_tuner_run(scl_backend *b, const scl_tuner_graph *graphs, int n_graphs,
                         const scl_tuner_options *options, scl_tuning *rows, scl_tuner_report *report,
                         scl_err *err)
{
    const int64_t start = scl_now_ns();
    *report = (scl_tuner_report){0};
    tuner t = {.b = b,
               .o = options,
               .rows = rows,
               .report = report,
               .end_ns = start + (int64_t)(options->seconds * 1e9)};
    scl_status status = scl_tuner_collect(&t.shapes, &t.arena, &b->info, graphs, n_graphs, options, err);
    report->shapes = t.shapes.n;
    if (status == SCL_OK)
        status = measure_all(&t, err);
    report->seconds = (double)(scl_now_ns() - start) * 1e-9;
    scl_arena_free(&t.arena);
    return status;
}
