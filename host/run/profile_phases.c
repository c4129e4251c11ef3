/* The host's time by phase, before, in and after the profiled steps. */
#include <stdlib.h>
#include <string.h>

#include "run/profile_parts.h"

enum { BEFORE, IN_STEPS, AFTER, WHENS };

typedef struct phase_sum {
    long count;
    double total, self;
} phase_sum;

/* -1: in a block that is not noted. */
static int when_of(const scl_profile_stage *p, const scl_profile_span *s)
{
    if (!p->n_block || s->end <= p->block[0].begin)
        return BEFORE;
    for (int i = 0; i < p->n_block; i++)
        if (s->begin >= p->block[i].begin && s->begin < p->block[i].done)
            return p->block[i].noted ? IN_STEPS : -1;
    return s->begin >= p->block[p->n_block - 1].done ? AFTER : -1;
}

/* Spans come in the order of their ends, so those inside another come before it: a stack of what has no
 * parent yet. */
static void sum_thread(const scl_profile_stage *p, int thread, size_t *stack,
                       phase_sum sum[WHENS][SCL_PHASES])
{
    size_t depth = 0;
    for (size_t i = 0; i < p->n_span; i++) {
        const scl_profile_span *s = &p->span[i];
        if (s->thread != thread)
            continue;
        int64_t inside = 0;
        while (depth && p->span[stack[depth - 1]].begin >= s->begin) {
            const scl_profile_span *child = &p->span[stack[--depth]];
            inside += child->end - child->begin;
        }
        stack[depth++] = i;
        const int when = when_of(p, s);
        if (when < 0)
            continue;
        phase_sum *to = &sum[when][s->phase];
        to->count++;
        to->total += 1e-9 * (double)(s->end - s->begin);
        to->self += 1e-9 * (double)(s->end - s->begin - inside);
    }
}

void scl_profile_phases(const scl_profile_stage *p, double config_s, json_t *list)
{
    static const char *const whens[WHENS] = {"before", "steps", "after"};
    phase_sum sum[WHENS][SCL_PHASES];
    memset(sum, 0, sizeof sum);
    size_t *stack = malloc(sizeof *stack * (p->n_span + 1));
    if (stack)
        sum_thread(p, p->thread, stack, sum);
    free(stack);
    if (config_s > 0)
        sum[BEFORE][SCL_PHASE_CONFIG] = (phase_sum){1, config_s, config_s};
    for (int w = 0; w < WHENS; w++)
        for (int i = 0; i < SCL_PHASES; i++)
            if (sum[w][i].count)
                json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:f, s:f}", "phase",
                                                      scl_phase_name((scl_phase)i), "when", whens[w], "count",
                                                      (json_int_t)sum[w][i].count, "total_s", sum[w][i].total,
                                                      "self_s", sum[w][i].self));
}
