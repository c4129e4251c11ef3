/* Configs: variables, defaults, merge keys, inheritance, the round trip of the resolved print-out, and what does
 * and does not change a stage's inputs.  Faults: test_config_faults.c. */
#include "config/parse.h"

/* A variable needs no quotes, wherever it stands; nor does the mark that some editors put in front hurt. */
static void test_variables(void)
{
    setenv("SCL_TEST_PATH", "/a, {b}", 1);
    scl_config *config = parse("\xef\xbb\xbf"
                               "data: { path: ${SCL_TEST_PATH}, test_path: \"${SCL_TEST_UNSET:-x # y}\",\n"
                               "        transform: { size: ${SCL_TEST_UNSET:-16}, channels: 1 } }\n"
                               "device: [${SCL_TEST_UNSET:-a: b, [c] #d}]\n" TRAIN,
                               (scl_override[]){ { "device", "${SCL_TEST_PATH}" } }, 1);
    expect(!strcmp(config->data.path, "/a, {b}"), "a variable in a flow map", config->data.path, "/a, {b}");
    expect(!strcmp(config->data.test_path, "/data/x # y"), "a quoted default", config->data.test_path, "/data/x # y");
    expect(config->data.transform.size == 16, "a number by default", "", "16");
    expect(!strcmp(config->device, "/a, {b}"), "a variable in an override", config->device, "/a, {b}");
    scl_config_free(config);
}

static const char whole[] =
    "seed: 9223372036854775807\n"
    "device: ${SCL_TEST_DEVICE:-cpu}\n"
    "data: { format: images, path: ../pics, holdout: none, "
    "transform: { size: 32, crop: 140, channels: 3, flip: true } }\n"
    "noise: &noise { sigma_begin: 50, levels: 232 }\n"
    "tune: { conv2d: { MR: 4, WG: 1 }, linear: { WG: 64 } }\n"
    "stages:\n"
    "  second:\n"
    "    kind: sample\n"
    "    needs: [first]\n"
    "    noise: { <<: *noise, levels: 5 }\n"
    "    sampler: { step_lr: 6.2e-6, init: normal }\n"
    "    save: [npy, grid]\n"
    "    checkpoint: step-300\n"
    "  first: &first { kind: train, steps: 7, optimizer: { lr: 0.1, method: rmsprop }, init: w.safetensors }\n"
    "  third: { <<: *first, device: \"a \\\"b\\\": ${SCL_TEST_DOLLAR}\", ema: 0, eval: { every: never } }\n";

static void test_good(void)
{
    setenv("SCL_TEST_DOLLAR", "${HOME} # 'x'", 1);
    unsetenv("SCL_TEST_DEVICE");
    scl_config *c = parse(whole, NULL, 0);
    const scl_stage_config *first = scl_config_stage(c, "first"), *second = scl_config_stage(c, "second");
    const scl_stage_config *third = scl_config_stage(c, "third");
    expect(c->n_stage == 3 && first && second && third && !scl_config_stage(c, "fourth"), "stages", "", "");
    expect(c->seed == 9223372036854775807u && !strcmp(c->device, "cpu") && c->data.holdout == 0, "experiment", "", "");
    expect(!strcmp(c->data.path, "/pics") && !strcmp(first->train.init, "/data/w.safetensors"), "paths",
           c->data.path, "/pics");
    expect(c->order[0] == 1 && c->order[1] == 0 && c->order[2] == 2, "order: needs first, else as in the file", "", "");
    expect(second->noise.levels == 5 && second->noise.sigma_begin == 50 && first->noise.levels == 232 &&
               second->own_noise && !first->own_noise,
           "a stage's own noise", "", "");
    expect(second->sample.save == (SCL_SAVE_NPY | SCL_SAVE_GRID) && second->sample.sampler.init == SCL_INIT_NORMAL &&
           second->sample.sampler.steps_per_level == 100 && second->sample.count == 64, "sample", "", "");
    expect(third->train.steps == 7 && third->train.optimizer.method == SCL_OPTIMIZER_RMSPROP && third->train.ema == 0 &&
           third->train.eval.every == 0 && first->train.eval.every == 500, "merge key", "", "");
    expect(!strcmp(third->device, "a \"b\": ${HOME} # 'x'"), "what a variable holds is not expanded",
           third->device, "a \"b\": ${HOME} # 'x'");
    expect(c->n_tune == 3 && c->tune[2].value == 64, "tune", "", "");

    scl_arena arena = { 0 };
    const char *text = scl_config_text(c, &arena);
    scl_config *again = parse(text, NULL, 0);
    const char *same = scl_config_text(again, &arena);
    expect(!strcmp(text, same), "round trip", same, text);
    for (int i = 0; i < c->n_stage; i++) {
        char a[65], b[65];
        scl_config_stage_hash(c, &c->stage[i], true, a);
        scl_config_stage_hash(again, &again->stage[i], true, b);
        expect(!strcmp(a, b), "round trip keeps the hash", b, a);
    }
    scl_err err = { 0 };
    scl_config_fail(c, &err, SCL_FAILED, "stages.first.batch", "too %s", "large");
    expect(err.line == 14 && err.col == 3 && !strcmp(err.message, "stages.first.batch: too large"),
           "a fault found later", err.message, "");
    scl_err_clear(&err);
    scl_arena_free(&arena);
    scl_config_free(c);
    scl_config_free(again);
}

/* Samples are of what was trained, where their stage says nothing else. */
/* Lists of numbers come back as they went. */
static void test_lists(void)
{
    scl_arena arena = { 0 };
    scl_config *a = parse(
        "data: { format: points, points: { distribution: mixture, means: [[1, 2.5], [-3e-7, 4]], sigma: 0.1,"
        " weights: [1, 3] } }\nstages:\n  t: { kind: evaluate, samples: data, metrics: [modes, kid] }\n",
        NULL, 0);
    scl_config *b = parse(scl_config_text(a, &arena), NULL, 0);
    const scl_points_config *p = &b->stage[0].data.points;
    expect(p->means.rows == 2 && p->means.cols == 2 && p->means.at[1] == 2.5 && p->means.at[2] == -3e-7,
           "means", "", "[[1, 2.5], [-3e-7, 4]]");
    expect(p->sigma.rows == 1 && p->sigma.at[0] == 0.1 && p->weights.rows == 2 && p->weights.at[1] == 3,
           "a number, a list", "", "");
    expect(strstr(scl_config_json(b, &arena), "-2.9999999999999999e-7") != NULL, "as JSON",
           scl_config_json(b, &arena), "-3e-7");
    expect(b->stage[0].evaluate.metrics == (SCL_METRIC_MODES | SCL_METRIC_KERNEL), "metrics", "", "[modes, kid]");
    scl_config_free(a);
    scl_config_free(b);
    scl_arena_free(&arena);
}

static void test_inheritance(void)
{
    static const char text[] =
        DATA "noise: { levels: 3 }\nstages:\n"
             "  first: { kind: train, data: { transform: { size: 16 } }, model: { ngf: 8 }, noise: { levels: 5 } }\n"
             "  other: { kind: train }\n"
             "  between: { kind: sample, needs: [first] }\n"
             "  last: { kind: sample, needs: [between], noise: { sigma_begin: 2 } }\n"
             "  both: { kind: sample, needs: [first, other], checkpoint: w.safetensors }\n";
    scl_config *c = parse(text, NULL, 0);
    const scl_stage_config *between = &c->stage[2], *last = &c->stage[3], *both = &c->stage[4];
    expect(between->model.ngf == 8 && between->noise.levels == 5 && between->data.transform.size == 16,
           "of its need", "", "");
    expect(last->model.ngf == 8 && last->data.transform.size == 16, "of a need's need", "", "");
    expect(last->noise.levels == 3 && last->noise.sigma_begin == 2, "not what it sets itself", "", "");
    expect(both->model.ngf == 64 && both->noise.levels == 3, "not of one of two", "", "");
    scl_arena arena = { 0 };
    const char *printed = scl_config_text(c, &arena);
    scl_config *again = parse(printed, NULL, 0);
    expect(!strcmp(printed, scl_config_text(again, &arena)) && again->stage[2].model.ngf == 8, "round trip",
           "", printed);
    scl_arena_free(&arena);
    scl_config_free(again);
    scl_config_free(c);
}

/* Which keys change a train stage's inputs. */
static const struct { const char *key, *value; int changes; } inputs[] = {
    { "seed", "2", 1 }, { "conv", "clblast", 1 }, { "noise.levels", "9", 1 }, { "model.ngf", "8", 1 },
    { "data.path", "e", 1 }, { "data.transform.flip", "true", 1 },
    { "stages.train.batch", "7", 1 }, { "stages.train.steps", "7", 1 },
    { "stages.train.optimizer.lr", "7", 1 }, { "stages.train.eval.every", "7", 1 },
    { "device", "reference", 0 }, { "tune.conv2d.MR", "1", 0 },    { "fuse", "false", 0 }, { "tuning", "off", 0 },
    { "fuse_output", "false", 0 }, { "fuse_along", "false", 0 }, { "fuse_input", "true", 0 },
    { "stages.train.device", "gpu", 0 }, { "stages.train.accumulate", "2", 0 },
    { "stages.train.memory.recompute", "none", 0 }, { "stages.train.memory.in_place", "false", 0 },
    { "stages.train.memory.limit", "64", 0 }, { "stages.train.log_every", "2", 0 },
    { "log.tensorboard", "true", 0 }, { "log.samples", "9", 0 },
    { "stages.train.checkpoint.every", "2", 0 }, { "stages.train.checkpoint.keep", "2", 0 }, { "conv", "auto", 0 },
};

static void test_inputs(void)
{
    static const char text[] = DATA TRAIN;
    char before[65], after[65];
    scl_config *c = parse(text, NULL, 0);
    scl_config_stage_hash(c, &c->stage[0], true, before);
    scl_config_free(c);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        const scl_override o = { inputs[i].key, inputs[i].value };
        c = parse(text, &o, 1);
        scl_config_stage_hash(c, &c->stage[0], true, after);
        expect((strcmp(before, after) != 0) == inputs[i].changes, o.key, after,
               inputs[i].changes ? "another hash" : "the same hash");
        scl_config_free(c);
    }
    const scl_override more = { "stages.train.steps", "300000" };
    scl_config *a = parse(text, NULL, 0), *b = parse(text, &more, 1);
    scl_config_stage_hash(a, &a->stage[0], false, before);
    scl_config_stage_hash(b, &b->stage[0], false, after);
    expect(!strcmp(before, after), "steps alone", after, before);
    scl_config_free(a);
    scl_config_free(b);
}

/* Aliases of aliases: 10^9 nodes are refused, quickly. */
static void test_laughs(void)
{
    char text[2048] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n", faults[4096];
    for (int i = 1; i < 9; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used,
                 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    scl_config *config = parse_with(text, strlen(text), NULL, 0, faults, sizeof faults);
    expect(!config && strstr(faults, "aliases make the document too large"), "aliases of aliases", faults, "too large");
    char deep[400] = "a: ";
    memset(deep + 3, '[', 200);
    config = parse_with(deep, strlen(deep), NULL, 0, faults, sizeof faults);
    expect(!config && strstr(faults, "nested too deeply"), "deep", faults, "nested too deeply");
}

static void test_schema(void)
{
    scl_arena arena = { 0 };
    const char *text = scl_schema_text(&arena), *json = scl_schema_json(&arena), *man = scl_schema_man(&arena);
    const char *const keys[] = { "sigma_begin", "steps_per_level", "accumulate", "lr_end", "holdout" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        expect(strstr(text, keys[i]) && strstr(json, keys[i]) && strstr(man, keys[i]),
               "the schema names every key", keys[i], "");
    expect(!strcmp(scl_config_choice("optimizer.method", SCL_OPTIMIZER_RMSPROP), "rmsprop") &&
           !strcmp(scl_config_choice("conv", SCL_CONV_CLBLAST), "clblast") &&
           !strcmp(scl_config_choice("stage.kind", SCL_STAGE_SAMPLE), "sample"), "choices", "", "");
    scl_arena_free(&arena);
}

int main(void)
{
    test_good();
    test_variables();
    test_inheritance();
    test_lists();
    test_inputs();
    test_laughs();
    test_schema();
    printf("%s: %d failures\n", failures ? "FAIL" : "pass", failures);
    return failures != 0;
}
