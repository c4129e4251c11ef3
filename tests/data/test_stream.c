/* Streamed parts are the samples that the steps' order names: over epochs, partial batches, jumps; the thread
 * ends when asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/permutation.h"
#include "data/stream.h"
#include "failures.h"

enum { COUNT = 23, SIZE = 3, BATCH = 7, PART = 3, STEPS = 4 }; /* of an epoch: 7, 7, 7 and 2 */

static const uint64_t seed = 11;

/* Takes a whole step, part by part, and looks at every element; in_use parts stay unreleased meanwhile. */
static void check_step(scl_stream *s, const scl_dataset *d, long step, unsigned in_use)
{
    int32_t order[COUNT];
    scl_permutation(seed, (uint32_t)(step / STEPS), order, COUNT);
    const int first = (int)(step % STEPS) * BATCH, total = COUNT - first < BATCH ? COUNT - first : BATCH;
    unsigned taken = 0, released = 0;
    for (int position = 0; position < total; position += PART) {
        const int samples = total - position < PART ? total - position : PART;
        const void *data;
        size_t bytes;
        scl_stream_take(s, step, position, &data, &bytes);
        taken++;
        CHECK(bytes == (size_t)samples * SIZE, "step %ld, position %d: %zu bytes", step, position, bytes);
        for (int i = 0; i < samples; i++)
            CHECK(!memcmp((const char *)data + i * SIZE, d->u8 + order[first + position + i] * SIZE, SIZE),
                  "step %ld, position %d, sample %d", step, position, i);
        while (taken - released > in_use) {
            scl_stream_release(s);
            released++;
        }
    }
    while (released < taken) {
        scl_stream_release(s);
        released++;
    }
}

int main(void)
{
    unsigned char data[COUNT * SIZE];
    for (int i = 0; i < COUNT * SIZE; i++)
        data[i] = (unsigned char)(i * 3 + 1);
    scl_dataset d = {.count = COUNT, .height = 1, .width = 1, .channels = SIZE, .u8 = data};
    scl_err err = {0};
    scl_stream *s = NULL;
    CHECK(scl_stream_open(&s, &d, seed, BATCH, PART, &err) == SCL_OK, "%s", err.message);
    scl_stream_close(s); /* nothing was asked for */
    CHECK(scl_stream_open(&s, &d, seed, BATCH, PART, &err) == SCL_OK, "%s", err.message);
    for (long step = 0; step < 3 * STEPS; step++) /* in order: three epochs */
        check_step(s, &d, step, (unsigned)step % SCL_STREAM_PARTS);
    check_step(s, &d, 1, 1); /* back, as a replay does */
    check_step(s, &d, 2, 1);
    check_step(s, &d, 1000 * STEPS + 3, 0); /* ahead, as a resume does */
    check_step(s, &d, 1001 * STEPS, 2);
    scl_stream_close(s);                         /* full of parts nobody asked for */
    for (int i = 0; i < 200 && !failures; i++) { /* jumps while a part is being gathered */
        if (!i)
            CHECK(scl_stream_open(&s, &d, seed, BATCH, PART, &err) == SCL_OK, "%s", err.message);
        check_step(s, &d, i * 5 % 13, 0);
    }
    scl_stream_close(s);
    scl_err_clear(&err);
    if (!failures)
        printf("stream: all checks passed\n");
    return failures != 0;
}
