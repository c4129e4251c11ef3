#include "data/stream.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "data/permutation.h"

typedef struct place {
    long step;
    int position;
} place;

struct scl_stream {
    const scl_dataset *data;
    uint64_t seed;
    int batch, part;
    size_t sample_bytes;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t gathered, freed;
    bool started, stop;
    unsigned turn; /* counts new beginnings: what was gathered for an older one is dropped */
    unsigned made, taken,
        released;       /* parts since the beginning; part i lies in slot i mod SCL_STREAM_PARTS */
    place next, wanted; /* to gather, to be asked for */
    size_t bytes[SCL_STREAM_PARTS];
    /* the thread's own */
    unsigned char *slot[SCL_STREAM_PARTS];
    int32_t *class[SCL_STREAM_PARTS]; /* NULL: the data have none */
    int32_t *order;
    long epoch; /* whose order it is; -1: none */
};

static long steps_per_epoch(const scl_stream *s)
{
    return ((long)s->data->count + s->batch - 1) / s->batch;
}

static int batch_of(const scl_stream *s, long step)
{
    const long rest = (long)s->data->count - step % steps_per_epoch(s) * s->batch;
    return rest < s->batch ? (int)rest : s->batch;
}

static int samples_at(const scl_stream *s, place p)
{
    const int rest = batch_of(s, p.step) - p.position;
    return rest < s->part ? rest : s->part;
}

static place after(const scl_stream *s, place p)
{
    p.position += samples_at(s, p);
    return p.position < batch_of(s, p.step) ? p : (place){.step = p.step + 1};
}

/* Without the lock: only the thread touches the order and the slots from `taken` on. */
static size_t gather(scl_stream *s, place p, unsigned char *to, int32_t *class)
{
    const long epoch = p.step / steps_per_epoch(s),
               first = p.step % steps_per_epoch(s) * s->batch + p.position;
    const unsigned char *from = s->data->u8 ? s->data->u8 : (const unsigned char *)s->data->f32;
    if (epoch != s->epoch) {
        scl_permutation(s->seed, (uint32_t)epoch, s->order, (int32_t)s->data->count);
        s->epoch = epoch;
    }
    const int n = samples_at(s, p);
    for (int i = 0; i < n; i++)
        memcpy(to + (size_t)i * s->sample_bytes, from + (size_t)s->order[first + i] * s->sample_bytes,
               s->sample_bytes);
    for (int i = 0; i < n && class; i++)
        class[i] = s->data->label[s->order[first + i]];
    return (size_t)n * s->sample_bytes;
}

static void *work(void *argument)
{
    scl_stream *s = argument;
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (!s->turn || s->made - s->released == SCL_STREAM_PARTS) {
            pthread_cond_wait(&s->freed, &s->lock);
            continue;
        }
        const unsigned turn = s->turn, slot = s->made % SCL_STREAM_PARTS;
        const place now = s->next;
        pthread_mutex_unlock(&s->lock);
        const size_t bytes = gather(s, now, s->slot[slot], s->class[slot]);
        pthread_mutex_lock(&s->lock);
        if (turn != s->turn)
            continue;
        s->bytes[slot] = bytes;
        s->next = after(s, now);
        s->made++;
        pthread_cond_signal(&s->gathered);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

scl_status scl_stream_open(scl_stream **out, const scl_dataset *data, uint64_t seed, int batch, int part,
                           scl_err *err)
{
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_stream), "a stream of batches", err));
    scl_stream *s = memory;
    *s = (scl_stream){.data = data,
                      .seed = seed,
                      .batch = batch,
                      .part = part,
                      .epoch = -1,
                      .sample_bytes = scl_dataset_bytes(data) / data->count};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->gathered, NULL);
    pthread_cond_init(&s->freed, NULL);
    void *block = NULL;
    scl_status status = scl_alloc_bytes(&block, sizeof *s->order * data->count, "the order of an epoch", err);
    s->order = block;
    for (int i = 0; i < SCL_STREAM_PARTS && status == SCL_OK; i++) {
        status = scl_alloc_bytes(&block, (size_t)part * s->sample_bytes, "batches ahead", err);
        s->slot[i] = status == SCL_OK ? block : NULL;
        if (status == SCL_OK && data->label) {
            status = scl_alloc_bytes(&block, (size_t)part * sizeof(int32_t), "classes ahead", err);
            s->class[i] = status == SCL_OK ? block : NULL;
        }
    }
    if (status == SCL_OK && pthread_create(&s->thread, NULL, work, s))
        status = scl_fail(err, SCL_FAILED, "cannot start a thread for the data");
    s->started = status == SCL_OK;
    if (status != SCL_OK) {
        scl_stream_close(s);
        return status;
    }
    *out = s;
    return SCL_OK;
}

void scl_stream_close(scl_stream *s)
{
    if (!s)
        return;
    if (s->started) {
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        pthread_cond_signal(&s->freed);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    pthread_cond_destroy(&s->gathered);
    pthread_cond_destroy(&s->freed);
    pthread_mutex_destroy(&s->lock);
    for (int i = 0; i < SCL_STREAM_PARTS; i++)
        free(s->slot[i]), free(s->class[i]);
    free(s->order);
    free(s);
}

void scl_stream_take(scl_stream *s, long step, int position, const void **data, size_t *bytes)
{
    pthread_mutex_lock(&s->lock);
    if (!s->turn || s->wanted.step != step || s->wanted.position != position) {
        assert(s->taken == s->released);
        s->turn++;
        s->made = s->taken = s->released = 0;
        s->next = s->wanted = (place){step, position};
        pthread_cond_signal(&s->freed);
    }
    assert(s->taken - s->released < SCL_STREAM_PARTS);
    while (s->made == s->taken)
        pthread_cond_wait(&s->gathered, &s->lock);
    const unsigned slot = s->taken++ % SCL_STREAM_PARTS;
    s->wanted = after(s, s->wanted);
    *data = s->slot[slot];
    *bytes = s->bytes[slot];
    pthread_mutex_unlock(&s->lock);
}

const int32_t *scl_stream_classes(const scl_stream *s)
{
    return s->class[(s->taken - 1) % SCL_STREAM_PARTS]; /* taken is the taker's own between takes */
}

void scl_stream_release(scl_stream *s)
{
    pthread_mutex_lock(&s->lock);
    assert(s->released < s->taken);
    s->released++;
    pthread_cond_signal(&s->freed);
    pthread_mutex_unlock(&s->lock);
}
