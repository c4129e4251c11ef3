#include "run/tuner_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "graph/signature.h"

enum {
    UNWRITTEN = 0x41,
    MOST_TURNS = 15,
    MOST_ROW = 100
}; /* 0x41414141 is 12.08f: finite, and no likely result */

static const float POSITIVE = 0.25f; /* for roots, divisions, logarithms */

/* ---- inputs ---- */

/* The signature of a stored value: the operator's, where it has an input of that name. */
static scl_sig signature_of(const scl_node *n, const scl_value *v)
{
    const int i = scl_op_input_index(n->op, v->name);
    return i >= 0 ? scl_sig_parse(n->op->in[i]) : (scl_sig){0};
}

/* Integers below a bound "< L" or "< 10", as a label or an index needs; floats as the range says. */
static void make_up(const scl_tuner_case *t, const scl_value *v, void *data)
{
    const size_t count = scl_value_count(v);
    const scl_sig sig = signature_of(t->node, v);
    const char *bound = sig.range[0] == '<' ? sig.range + 1 + strspn(sig.range + 1, " ") : NULL;
    const unsigned below = !bound                           ? 4
                           : *bound >= 'A' && *bound <= 'Z' ? (unsigned)t->node->letter[*bound - 'A']
                                                            : (unsigned)strtol(bound, NULL, 10);
    const float lowest = sig.range[0] == '>' ? POSITIVE : t->lowest;
    uint32_t state = 2463534242u;
    for (size_t i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        switch (v->dtype) {
        case SCL_F32:
            ((float *)data)[i] = lowest + (float)(state >> 8) * 0x1p-23f;
            break;
        case SCL_I32:
            ((int32_t *)data)[i] = (int32_t)(i % (below ? below : 1));
            break;
        case SCL_U32:
            ((uint32_t *)data)[i] = 0;
            break;
        case SCL_U8:
            ((uint8_t *)data)[i] = (uint8_t)(state >> 24);
            break;
        }
    }
}

/* A step of a whole batch. */
static void make_counters(const scl_tuner_case *t, uint32_t *counters)
{
    const uint32_t n = (uint32_t)t->node->letter['N' - 'A'];
    counters[SCL_CNT_SEED_LO] = 1;
    counters[SCL_CNT_STEP] = 3;
    counters[SCL_CNT_BATCH] = n ? n : 1;
}

static scl_status write_inputs(const scl_tuner_case *t, scl_store *store, bool only_state, scl_err *err)
{
    for (int i = 0; i < scl_store_count(store); i++) {
        const scl_value *v = scl_store_at(store, i).value;
        const size_t bytes = scl_value_bytes(v);
        void *data;
        if (only_state && v->role != SCL_STATE)
            continue;
        SCL_TRY(scl_alloc_bytes(&data, bytes, "the tuner's inputs", err));
        make_up(t, v, data);
        if (!strcmp(v->name, "counters") && bytes == sizeof(uint32_t) * SCL_COUNTERS)
            make_counters(t, data);
        const scl_status status = scl_store_write(store, v->name, data, bytes, err);
        free(data);
        SCL_TRY(status);
    }
    return SCL_OK;
}

/* ---- one run ---- */

/* A kernel that writes nothing must not find another's results in its memory. */
static scl_status run_once(const scl_tuner_case *t, scl_backend *b, scl_store *store, scl_exec *exec,
                           scl_memory *slab, size_t slab_bytes, unsigned char *out, scl_err *err)
{
    if (slab)
        SCL_TRY(b->v->fill(b, (scl_region){slab, 0, slab_bytes}, UNWRITTEN, err));
    SCL_TRY(write_inputs(t, store, true, err));
    SCL_TRY(scl_exec_run(exec, err));
    for (int o = 0; o < t->node->n_out; o++) {
        const scl_value *y = t->node->out[o];
        SCL_TRY(scl_exec_read(exec, y->name, out, scl_value_bytes(y), err));
        out += scl_value_bytes(y);
    }
    return SCL_OK;
}

static scl_status load(const scl_tuner_case *t, scl_backend *b, scl_graph *g, const scl_tuning *row,
                       scl_store *store, scl_plan **plan, scl_memory **slab, scl_exec **exec, scl_err *err)
{
    const scl_plan_options options = {.no_fuse = true, .tuning = row, .weights_rest = t->rest};
    SCL_TRY(scl_plan_make(plan, g->arena, g, &b->info, &options, err));
    if ((*plan)->schedule.slab_bytes)
        SCL_TRY(b->v->alloc(b, (*plan)->schedule.slab_bytes, slab, err));
    return scl_exec_create(exec, b, *plan, store, *slab, err);
}

static bool all_finite(const scl_tuner_case *t, const unsigned char *data)
{
    for (int o = 0; o < t->node->n_out; o++) {
        const scl_value *y = t->node->out[o];
        for (size_t i = 0; i < scl_value_count(y) && y->dtype == SCL_F32; i++) {
            float f;
            memcpy(&f, data + i * sizeof f, sizeof f);
            if (!isfinite(f))
                return false;
        }
        data += scl_value_bytes(y);
    }
    return true;
}

/* The wanted bits from the C definitions, which know no fusion. */
static scl_status define(scl_tuner_case *t, scl_err *err)
{
    scl_backend *b;
    scl_graph *apart;
    scl_store *store = NULL;
    scl_plan *plan = NULL;
    scl_memory *slab = NULL;
    scl_exec *exec = NULL;
    SCL_TRY(scl_graph_isolate_apart(&apart, &t->arena, t->node, err));
    SCL_TRY(scl_reference_open(&b, err));
    scl_status status = scl_store_create(&store, b, &apart, 1, err);
    if (status == SCL_OK)
        status = write_inputs(t, store, false, err);
    if (status == SCL_OK)
        status = load(t, b, apart, NULL, store, &plan, &slab, &exec, err);
    if (status == SCL_OK)
        status = SCL_TAKE_ARRAY(&t->want, &t->arena, t->bytes + 1, "the results of a node", err);
    if (status == SCL_OK)
        status = run_once(t, b, store, exec, slab, plan->schedule.slab_bytes, t->want, err);
    scl_exec_free(exec);
    b->v->release(b, slab);
    scl_store_free(store);
    b->v->close(b);
    return status;
}

scl_status scl_tuner_case_open(scl_tuner_case *t, scl_backend *b, const scl_node *node, bool rest, bool small,
                               scl_err *err)
{
    *t = (scl_tuner_case){.b = b, .rest = rest, .lowest = -1.0f};
    SCL_TRY(scl_graph_isolate(&t->graph, &t->arena, node, err));
    t->node = t->graph->node[0];
    for (int o = 0; o < t->node->n_out; o++)
        t->bytes += scl_value_bytes(t->node->out[o]);
    SCL_TRY(scl_store_create(&t->store, b, &t->graph, 1, err));
    SCL_TRY(write_inputs(t, t->store, false, err));
    if (!small)
        return SCL_OK;
    SCL_TRY(define(t, err));
    if (all_finite(t, t->want))
        return SCL_OK;
    t->lowest = POSITIVE;
    SCL_TRY(write_inputs(t, t->store, false, err));
    return define(t, err);
}

void scl_tuner_case_close(scl_tuner_case *t)
{
    scl_store_free(t->store);
    scl_arena_free(&t->arena);
    *t = (scl_tuner_case){0};
}

scl_status scl_tuner_exec_open(scl_tuner_case *t, const scl_choice *choice, scl_tuner_exec *out, scl_err *err)
{
    char text[SCL_CHOICE_TEXT];
    scl_tuning_row row = {.choice = scl_choice_text(choice, text, sizeof text)};
    const int64_t start = scl_now_ns();
    scl_plan *plan = NULL;
    *out = (scl_tuner_exec){.choice = *choice};
    row.shape = scl_tuning_shape(t->node, &row.batch, &t->arena);
    scl_tuning_put(&out->forced, &row);
    SCL_TRY(load(t, t->b, t->graph, &out->forced, t->store, &plan, &out->slab, &out->exec, err));
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, t->bytes + 1, "the tuner's results", err));
    unsigned char *got = memory;
    const size_t slab_bytes = plan->schedule.slab_bytes;
    scl_status status = run_once(t, t->b, t->store, out->exec, out->slab, slab_bytes, got, err);
    if (status == SCL_OK && !t->want && !all_finite(t, got)) {
        t->lowest = POSITIVE;
        scl_exec_free(out->exec); /* it keeps what it made of the weights */
        out->exec = NULL;
        status = write_inputs(t, t->store, false, err);
        if (status == SCL_OK)
            status = scl_exec_create(&out->exec, t->b, plan, t->store, out->slab, err);
        if (status == SCL_OK)
            status = run_once(t, t->b, t->store, out->exec, out->slab, slab_bytes, got, err);
    }
    if (status == SCL_OK && !t->want) {
        status = SCL_TAKE_ARRAY(&t->want, &t->arena, t->bytes + 1, "the results of a node", err);
        if (status == SCL_OK)
            memcpy(t->want, got, t->bytes);
    }
    /* A row that the plan passed over would time something else.  Bits of NaN are no definition. */
    out->right =
        status == SCL_OK && scl_plan_row(plan, 0) && all_finite(t, got) && !memcmp(got, t->want, t->bytes);
    out->first_s = (double)(scl_now_ns() - start) * 1e-9;
    free(memory);
    return status;
}

void scl_tuner_exec_close(scl_tuner_case *t, scl_tuner_exec *e)
{
    scl_exec_free(e->exec);
    t->b->v->release(t->b, e->slab);
    scl_tuning_free(&e->forced);
    *e = (scl_tuner_exec){0};
}

/* ---- timing ---- */

static scl_status timed(scl_tuner_case *t, scl_tuner_exec *e, int row, double *seconds, scl_err *err)
{
    const int64_t start = scl_now_ns();
    for (int i = 0; i < row; i++)
        SCL_TRY(scl_exec_run(e->exec, err));
    SCL_TRY(t->b->v->finish(t->b, err));
    *seconds = (double)(scl_now_ns() - start) * 1e-9 / row;
    return SCL_OK;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Sorts. */
static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, ascending);
    return values[n / 2];
}

scl_status scl_tuner_compare(scl_tuner_case *t, scl_tuner_exec *a, scl_tuner_exec *b, int turns,
                             scl_tuner_timing *out, scl_err *err)
{
    double first[MOST_TURNS], second[MOST_TURNS], ratio[MOST_TURNS], once;
    int n = 0;
    SCL_TRY(timed(t, a, 1, &once, err));
    /* As many runs in a row as take 2 ms, so that waiting for the device does not count. */
    const int row = once > 2e-3 ? 1 : once > 2e-3 / MOST_ROW ? (int)(2e-3 / once) + 1 : MOST_ROW;
    for (; n < turns && n < MOST_TURNS; n++) {
        if (n == 2 && ratio[0] > 1.15 && ratio[1] > 1.15)
            break;
        SCL_TRY(timed(t, a, row, &first[n], err));
        SCL_TRY(timed(t, b, row, &second[n], err));
        ratio[n] = second[n] / first[n];
    }
    const double turns_ratio = median(ratio, n);
    *out = (scl_tuner_timing){.a = median(first, n), .b = median(second, n)};
    const double best_ratio = second[0] / first[0]; /* sorted by now */
    out->ratio = turns_ratio > best_ratio ? turns_ratio : best_ratio;
    return SCL_OK;
}
