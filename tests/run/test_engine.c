/* The run engine with stages that compute nothing: what runs, what is left, what goes on, and why. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "run/engine.h"

/* What the stages did, in order: "train anew; sample anew; " */
static char did[512], log_text[8192];
static const char *fail_stage,
    *stop_stage; /* stages that shall fail, or be interrupted after half of their steps */
static int at_once, most_at_once,
    wait_for;              /* stages that run now; the most so far; a stage waits until so many do, */
static int patience = 500; /* but not for more hundredths of a second than this */
static bool with_devices;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void keep_line(void *user, scl_log_level level, const char *line)
{
    (void)user, (void)level;
    pthread_mutex_lock(&mutex);
    snprintf(log_text + strlen(log_text), sizeof log_text - strlen(log_text), "%s\n", line);
    pthread_mutex_unlock(&mutex);
}

static void enter(const scl_stage_context *c)
{
    pthread_mutex_lock(&mutex);
    snprintf(did + strlen(did), sizeof did - strlen(did), "%s %s; ", c->stage->name,
             c->resume ? "on" : "anew");
    most_at_once = ++at_once > most_at_once ? at_once : most_at_once;
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < patience; i++) {
        pthread_mutex_lock(&mutex);
        const bool enough = most_at_once >= wait_for;
        pthread_mutex_unlock(&mutex);
        if (enough)
            break;
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    pthread_mutex_lock(&mutex);
    at_once--;
    pthread_mutex_unlock(&mutex);
}

static bool is(const char *name, const scl_stage_context *c) { return name && !strcmp(name, c->stage->name); }

static scl_status fake_train(scl_stage_context *c, scl_err *err)
{
    enter(c);
    if (is(fail_stage, c))
        return scl_fail(err, SCL_FAILED, "it was asked to fail");
    put_file(scl_arena_printf(c->arena, "%s/latest.safetensors", c->checkpoints), "x", 1);
    if (is(stop_stage, c)) {
        raise(SIGTERM);
        CHECK(*c->stop != 0, "SIGTERM does not reach the stage");
        return scl_stage_interrupted(c, c->stage->train.steps / 2, err);
    }
    scl_stage_note(c, "peak_bytes", "%d", 123);
    scl_stage_result(c, scl_arena_printf(c->arena, "weights of lr %g after %d", c->stage->train.optimizer.lr,
                                         c->stage->train.steps));
    return SCL_OK;
}

static scl_status fake_sample(scl_stage_context *c, scl_err *err)
{
    enter(c);
    const char *path;
    if (is(fail_stage, c))
        return scl_fail(err, SCL_FAILED, "it was asked to fail");
    SCL_TRY(scl_stage_find_checkpoint(c, &path, err));
    CHECK(strstr(path, "/train/checkpoints/latest.safetensors"), "sample draws from %s", path);
    scl_stage_result(c, "samples");
    return SCL_OK;
}

static scl_stage_function *const fakes[] = {
    [SCL_STAGE_TRAIN] = fake_train, [SCL_STAGE_SAMPLE] = fake_sample
};

#define DATA                                                                                                 \
    "data: { format: npy, path: data.npy, transform: { size: 8, channels: 1 } }\nmodel: { ngf: 4 }\nnoise: " \
    "{ levels: 2 }\n"
static const char two[] = DATA "stages:\n  train: { kind: train, steps: 100, batch: 4 }\n  sample: { kind: "
                               "sample, needs: [train], count: 4 }\n";

/* Runs a config text with changes; status and what was done are left in did and log_text. */
static scl_status run(const char *text, const char *folder, const scl_run_options *changes,
                      const scl_override *o, int n, scl_err *err)
{
    scl_config *config;
    scl_config_errors errors = { 0 };
    scl_run_options options = *changes;
    options.out = in_root("%s", folder);
    did[0] = log_text[0] = '\0';
    most_at_once = 0;
    *err = (scl_err){ 0 };
    put_file(in_root("x.yaml"), text, strlen(text));
    scl_status status = scl_config_read(in_root("x.yaml"), o, n, &config, &errors, err);
    CHECK(status == SCL_OK, "config: %s", err->message);
    if (status == SCL_OK)
        status = scl_run_with(config, &options, fakes, with_devices, err);
    scl_config_free(config);
    scl_config_errors_free(&errors);
    return status;
}

#define RUN(text, folder, changes, ...)                                                                \
    run(text, folder, &(scl_run_options){ changes }, (const scl_override[]){ { 0 }, __VA_ARGS__ } + 1, \
        (int)(sizeof((scl_override[]){ { 0 }, __VA_ARGS__ }) / sizeof(scl_override)) - 1, &err)
#define EXPECT(call, code, what)                                                              \
    do {                                                                                      \
        const scl_status got_ = (call);                                                       \
        CHECK(got_ == (code), "status %d (%s), not %d", (int)got_, err.message, (int)(code)); \
        CHECK(!strcmp(did, what), "did '%s', not '%s'\n%s", did, what, log_text);             \
    } while (0)
#define SAYS(where, text) CHECK(strstr(where, text), "'%s' is not in: %s", text, where)

static void test_resume(void)
{
    scl_err err;
    EXPECT(RUN(two, "a", .dry_run = true), SCL_OK, "");
    SAYS(log_text, "train runs: it has not run yet");
    CHECK(!scl_file_exists(in_root("a")), "--dry-run made the run directory");
    EXPECT(RUN(two, "a", .resume = false), SCL_OK, "train anew; sample anew; ");
    SAYS(get_file(in_root("a/state.json")), "\"finished\"");
    SAYS(get_file(in_root("a/environment.json")), "\"peak_bytes\": 123");
    SAYS(get_file(in_root("a/config.yaml")), "ngf: 4");
    SAYS(get_file(in_root("a/log.txt")), "train finished");
    EXPECT(RUN(two, "a", .resume = false), SCL_BAD_CONFIG, "");
    SAYS(err.message, "--resume");
    SAYS(err.message, "--force");
    EXPECT(RUN(two, "a", .resume = true), SCL_OK, "");
    SAYS(log_text, "inputs unchanged");
    /* What changes no bit changes nothing. */
    EXPECT(RUN(two, "a", .resume = true, { "stages.train.accumulate", "2" }, { "device", "reference" },
               { "stages.train.checkpoint.every", "7" }, { "stages.train.log_every", "3" }),
           SCL_OK, "");
    /* A larger number of steps goes on; the samples are drawn anew, as the weights are others. */
    EXPECT(RUN(two, "a", .resume = true, { "stages.train.steps", "200" }), SCL_OK, "train on; sample anew; ");
    SAYS(log_text, "train.steps was 100, is 200");
    EXPECT(RUN(two, "a", .resume = true, { "stages.train.steps", "50" }), SCL_OK,
           "train anew; sample anew; ");
    CHECK(scl_file_exists(in_root("a/train.before-1/checkpoints")), "the first training was not set aside");
    /* Another learning rate: anew, with the reason. */
    EXPECT(RUN(two, "a", .resume = true, { "stages.train.optimizer.lr", "0.5" }), SCL_OK,
           "train anew; sample anew; ");
    SAYS(log_text, "optimizer.lr was 0.001, is 0.5");
    CHECK(scl_file_exists(in_root("a/train.before-2")), "the second training was not set aside");
}

static void test_schedule(void)
{
    scl_err err;
    EXPECT(RUN(two, "s", .resume = true, { "stages.train.optimizer.schedule", "linear" }), SCL_OK,
           "train anew; sample anew; ");
    EXPECT(RUN(two, "s", .resume = true, { "stages.train.optimizer.schedule", "linear" },
               { "stages.train.steps", "200" }),
           SCL_OK, "train anew; sample anew; ");
    SAYS(log_text, "depends on it");
}

static void test_files(void)
{
    scl_err err;
    EXPECT(RUN(two, "f", .resume = false), SCL_OK, "train anew; sample anew; ");
    put_file(in_root("data.npy"), "more data", 9);
    EXPECT(RUN(two, "f", .resume = true), SCL_OK, "train anew; sample anew; ");
    SAYS(log_text, "content of its files was");
    /* A new time alone is not a new content. */
    put_file(in_root("data.npy"), "more data", 9);
    EXPECT(RUN(two, "f", .resume = true), SCL_OK, "");
    CHECK(system(scl_arena_printf(&test_arena, "rm -r '%s'", in_root("f/train/checkpoints"))) == 0, "rm");
    EXPECT(RUN(two, "f", .resume = true), SCL_OK, "train anew; ");
    SAYS(log_text, "its results are gone");
    EXPECT(RUN(two, "g", .resume = false, { "data.path", "nowhere.npy" }), SCL_FAILED, "");
    SAYS(err.message, "nowhere.npy");
}

static void test_interrupts(void)
{
    scl_err err;
    stop_stage = "train";
    EXPECT(RUN(two, "i", .resume = false), SCL_INTERRUPTED, "train anew; ");
    SAYS(err.message, "stopped after step 50");
    SAYS(get_file(in_root("i/log.txt")), "warning: stopped after step 50");
    SAYS(err.message, "--resume");
    SAYS(get_file(in_root("i/state.json")), "\"interrupted\"");
    stop_stage = NULL;
    EXPECT(RUN(two, "i", .resume = true), SCL_OK, "train on; sample anew; ");
    /* A process that was killed leaves "running" behind. */
    const char *path = in_root("i/state.json");
    CHECK(system(scl_arena_printf(&test_arena, "sed -i 's/\"finished\",/\"running\",/' '%s'", path)) == 0,
          "sed");
    EXPECT(RUN(two, "i", .resume = true), SCL_OK, "train on; sample anew; ");
    put_file(path, "{\"stages\": {", 12);
    EXPECT(RUN(two, "i", .resume = true), SCL_FAILED, "");
    SAYS(err.message, "state.json");
}

static void test_failures(void)
{
    scl_err err;
    static const char four[] = DATA "stages:\n  train: { kind: train, steps: 10, batch: 4 }\n"
                                    "  sample: { kind: sample, needs: [train], count: 4 }\n"
                                    "  other: { kind: train, steps: 10, batch: 4 }\n"
                                    "  last: { kind: train, needs: [other], steps: 10, batch: 4 }\n";
    fail_stage = "train";
    EXPECT(RUN(four, "k", .resume = false), SCL_FAILED, "train anew; ");
    SAYS(err.message, "asked to fail");
    SAYS(err.context, "stage train");
    SAYS(get_file(in_root("k/log.txt")), "error: stage train: it was asked to fail");
    EXPECT(run(four, "k", &(scl_run_options){ .resume = true, .keep_going = true }, NULL, 0, &err),
           SCL_FAILED, "train anew; other anew; last anew; ");
    SAYS(log_text, "sample does not run");
    fail_stage = NULL;
    EXPECT(RUN(four, "k", .resume = true), SCL_OK, "train anew; sample anew; ");
}

static void test_names(void)
{
    scl_err err;
    EXPECT(RUN(two, "o", .only = "sample"), SCL_BAD_CONFIG, "");
    SAYS(err.message, "'train' (it has not run yet");
    EXPECT(run(two, "o", &(scl_run_options){ .only = "train", .resume = true }, NULL, 0, &err), SCL_OK,
           "train anew; ");
    EXPECT(run(two, "o", &(scl_run_options){ .only = "sample", .resume = true }, NULL, 0, &err), SCL_OK,
           "sample anew; ");
    EXPECT(run(two, "o", &(scl_run_options){ .only = "none", .resume = true }, NULL, 0, &err), SCL_BAD_CONFIG,
           "");
    SAYS(err.message, "no stage of that name");
    const char *const force[] = { "train" };
    EXPECT(run(two, "o", &(scl_run_options){ .force = force, .n_force = 1 }, NULL, 0, &err), SCL_OK,
           "train anew; ");
    SAYS(log_text, "sample is left"); /* the same weights again */
}

static void test_lock(void)
{
    scl_err err;
    EXPECT(RUN(two, "l", .resume = false), SCL_OK, "train anew; sample anew; ");
    const int fd = open(in_root("l/lock"), O_RDWR);
    CHECK(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0, "the lock stays after the run");
    EXPECT(RUN(two, "l", .resume = true), SCL_FAILED, "");
    SAYS(err.message, "in use by another process");
    close(fd);
    EXPECT(RUN(two, "l", .resume = true), SCL_OK, "");
    put_file(in_root("l/train/checkpoints/step-00000010.safetensors.tmp-1-0"), "half", 4);
    EXPECT(RUN(two, "l", .resume = true), SCL_OK, "");
    CHECK(!scl_file_exists(in_root("l/train/checkpoints/step-00000010.safetensors.tmp-1-0")),
          "half a file was not removed");
    if (geteuid() == 0)
        return; /* nothing is unwritable for root */
    mkdir(in_root("closed"), 0555);
    EXPECT(RUN(two, "closed/run", .resume = false), SCL_FAILED, "");
}

static void test_jobs(void)
{
    scl_err err;
    static const char split[] =
        DATA "stages:\n  train: { kind: train, steps: 10, batch: 4, device: reference }\n"
             "  other: { kind: train, steps: 10, batch: 4, device: no such device }\n";
    static const char same[] = DATA "stages:\n  train: { kind: train, steps: 10, batch: 4 }\n"
                                    "  other: { kind: train, steps: 10, batch: 4 }\n";
    wait_for = 2;
    CHECK(RUN(split, "p", .resume = false) == SCL_OK && most_at_once == 2, "two devices: %d at once",
          most_at_once);
    patience = 10;
    CHECK(run(split, "q", &(scl_run_options){ .jobs = 1 }, NULL, 0, &err) == SCL_OK && most_at_once == 1,
          "--jobs 1: %d at once", most_at_once);
    CHECK(RUN(same, "r", .resume = false) == SCL_OK && most_at_once == 1, "one device: %d at once",
          most_at_once);
}

/* Without its device a stage that would run leaves nothing behind; one that is left needs none. */
static void test_devices(void)
{
    scl_err err;
    with_devices = true;
    EXPECT(RUN(two, "n", .resume = false, { "device", "no such device" }), SCL_NO_DEVICE, "");
    SAYS(err.context, "stage train");
    CHECK(!scl_file_exists(in_root("n")), "a run without its device made the run directory");
    EXPECT(RUN(two, "n", .resume = false, { "device", "reference" }), SCL_OK, "train anew; sample anew; ");
    EXPECT(RUN(two, "n", .resume = true, { "device", "no such device" }), SCL_OK, "");
    EXPECT(RUN(two, "n", .resume = true, { "device", "no such device" }, { "stages.sample.count", "5" }),
           SCL_NO_DEVICE, "");
    SAYS(err.context, "stage sample");
    with_devices = false;
}

int main(void)
{
    if (!mkdtemp(root))
        return 1;
    scl_log_set_sink(keep_line, NULL);
    put_file(in_root("data.npy"), "some data", 9);
    test_resume();
    test_schedule();
    test_files();
    test_interrupts();
    test_failures();
    test_names();
    test_lock();
    test_jobs();
    test_devices();
    return finish("run engine");
}
