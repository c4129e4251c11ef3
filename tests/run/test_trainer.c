/* The host is not in the way: steps wait for nothing but the step two before them, over the end of an epoch
 * too, wherever the data are.  A backend that counts stands in front of the C definitions. */
#include "run/check.h"

#include "run/trainer.h"

enum { COUNT = 20000, SIDE = 8, BATCH = 8, SMALL = 64 << 10 }; /* the order of an epoch is no small write */

static scl_backend_vtable real;
static struct {
    int finish, read, large_write, run;
} calls;

static scl_status count_finish(scl_backend *b, scl_err *err)
{
    calls.finish++;
    return real.finish(b, err);
}

static scl_status count_read(scl_backend *b, scl_region from, void *to, scl_err *err)
{
    calls.read++;
    return real.read(b, from, to, err);
}

static scl_status count_write(scl_backend *b, scl_region to, const void *from, scl_err *err)
{
    calls.large_write += to.bytes > SMALL;
    return real.write(b, to, from, err);
}

static scl_status count_run(scl_backend *b, scl_loaded *loaded, int first, int end, scl_err *err)
{
    calls.run++;
    return real.run(b, loaded, first, end, err);
}

static const char text[] = "seed: 3\n"
                           "conv: direct\n"
                           "data: { format: npy, path: none.npy }\n"
                           "model: { net: ncsn, ngf: 2 }\n"
                           "noise: { levels: 3 }\n"
                           "stages: { t: { kind: train, batch: 8, eval: { every: never } } }\n";

/* Four steps, the last two in the next epoch; *norm: of the last step's gradient. */
static void run(scl_backend *b, const char *loss, const char *residence, const char *accumulate,
                const scl_dataset *data, scl_step_record *last)
{
    const scl_override o[] = {{"data.residence", residence}, {"stages.t.accumulate", accumulate}, {"stages.t.objective.loss", loss}};
    scl_config_errors errors = {0};
    scl_config *config = NULL;
    scl_trainer *t = NULL;
    scl_err err = {0};
    const long first = (COUNT + BATCH - 1) / BATCH - 2;
    bool ready;
    scl_status status = scl_config_parse(text, strlen(text), "t.yaml", NULL, o, 3, &config, &errors, &err);
    if (status == SCL_OK)
        status =
            scl_trainer_create(&t, b, config, &config->stage[0], data, NULL, &(scl_trainer_options){0}, &err);
    if (status == SCL_OK)
        status = scl_trainer_init(t, &err);
    memset(&calls, 0, sizeof calls);
    for (long step = first; step < first + 4 && status == SCL_OK; step++)
        status = scl_trainer_step(t, step, &err);
    CHECK(calls.run == 4 * atoi(accumulate), "%s: %d runs", residence, calls.run);
    CHECK(!calls.finish && !calls.read && !calls.large_write,
          "%s, %s micro-batches: %d times finish, %d reads, %d writes that wait", residence, accumulate,
          calls.finish, calls.read, calls.large_write);
    if (status == SCL_OK)
        status = scl_trainer_record_start(t, &err);
    if (status == SCL_OK)
        status = scl_trainer_record_take(t, true, &ready, last, &err);
    CHECK(status == SCL_OK, "%s: %s", residence, errors.n ? errors.line[0] : err.message);
    scl_trainer_free(t);
    scl_config_free(config);
    scl_config_errors_free(&errors);
    scl_err_clear(&err);
}

int main(void)
{
    scl_err err = {0};
    scl_backend *b;
    if (!mkdtemp(root) || scl_reference_open(&b, &err) != SCL_OK)
        return 1;
    real = *b->v;
    scl_backend_vtable counting = real;
    counting.finish = count_finish;
    counting.read = count_read;
    counting.write = count_write;
    counting.run = count_run;
    b->v = &counting;
    scl_dataset data = {.count = COUNT, .height = SIDE, .width = SIDE, .channels = 1};
    data.u8 = scl_arena_alloc(&test_arena, (size_t)COUNT * SIDE * SIDE);
    for (size_t i = 0; i < (size_t)COUNT * SIDE * SIDE; i++)
        data.u8[i] = (unsigned char)(i * 2654435761u >> 24);
    scl_step_record device, stream, parts;
    run(b, "dsm", "device", "1", &data, &device);
    run(b, "dsm", "stream", "1", &data, &stream);
    run(b, "dsm", "stream", "4", &data, &parts);
    CHECK(device.norm > 0 && !memcmp(&device, &stream, sizeof device), "streamed: norm %g, not %g",
          (double)stream.norm, (double)device.norm);
    CHECK(!memcmp(&device, &parts, sizeof device), "streamed in parts: norm %g, not %g", (double)parts.norm,
          (double)device.norm);
    /* Second order: two weight gradients for each convolution, each with its tree over the batch. */
    run(b, "ssm_vr", "device", "1", &data, &device);
    run(b, "ssm_vr", "device", "4", &data, &parts);
    CHECK(device.norm > 0 && !memcmp(&device, &parts, sizeof device), "ssm_vr in parts: norm %g, not %g",
          (double)parts.norm, (double)device.norm);
    b->v = &real;
    b->v->close(b);
    return finish("trainer");
}
