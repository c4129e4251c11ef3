/* Every network in training: a batch in one run, in micro-batches of single samples, and streamed has the
 * same loss and gradient, to the bit, with first derivatives, second ones, and third ones (sliced losses of
 * an energy). */
#include "run/check.h"

#include "run/trainer.h"

enum { COUNT = 20, SIDE = 8 };

static const char text[] = "seed: 3\n"
                           "conv: direct\n"
                           "data: { format: npy, path: none.npy, transform: { dequantize: none } }\n"
                           "model: { net: ncsn, ngf: 8, classes: 3, widths: [5, 7] }\n"
                           "noise: { levels: 3 }\n"
                           "stages: { t: { kind: train, batch: 4, eval: { every: never } } }\n";

typedef struct training {
    const char *net, *loss, *condition, *output;
} training;

/* The second step's loss and gradient norm. */
static scl_step_record steps(scl_backend *b, const training *of, const char *residence,
                             const char *accumulate, const scl_dataset *data)
{
    const scl_override o[] = {{"model.net", of->net},
                              {"stages.t.objective.loss", of->loss},
                              {"model.condition", of->condition},
                              {"data.residence", residence},
                              {"stages.t.accumulate", accumulate},
                              {"model.output", of->output}};
    scl_config_errors errors = { 0 };
    scl_config *config = NULL;
    scl_trainer *t = NULL;
    scl_err err = { 0 };
    scl_step_record last = { 0 };
    bool ready;
    scl_status status = scl_config_parse(text, strlen(text), "t.yaml", NULL, o, 6, &config, &errors, &err);
    if (status == SCL_OK)
        status = scl_trainer_create(&t, b, config, &config->stage[0], data, NULL, &(scl_trainer_options){ 0 }, &err);
    if (status == SCL_OK)
        status = scl_trainer_init(t, &err);
    for (long step = 0; step < 2 && status == SCL_OK; step++)
        status = scl_trainer_step(t, step, &err);
    if (status == SCL_OK)
        status = scl_trainer_record_start(t, &err);
    if (status == SCL_OK)
        status = scl_trainer_record_take(t, true, &ready, &last, &err);
    CHECK(status == SCL_OK, "%s, %s: %s", of->net, of->loss, errors.n ? errors.line[0] : err.message);
    scl_trainer_free(t);
    scl_config_free(config);
    scl_config_errors_free(&errors);
    scl_err_clear(&err);
    return last;
}

#define SCORE(net, loss, condition)                                                                          \
    {                                                                                                        \
        net, loss, condition, "score"                                                                        \
    }
#define ENERGY(net, loss, condition)                                                                         \
    {                                                                                                        \
        net, loss, condition, "energy"                                                                       \
    }
static const training cases[] = {
    SCORE("ncsn", "dsm", "none"),          SCORE("ncsn", "ssm_vr", "none"),
    SCORE("ncsnv2", "dsm", "auto"),        SCORE("ncsnv2", "ssm_vr", "auto"),
    SCORE("ncsnv2_deeper", "dsm", "auto"), SCORE("ncsnv2_deepest", "dsm", "auto"),
    SCORE("resscore", "dsm", "auto"),      SCORE("resscore", "ssm_vr", "auto"),
    SCORE("mlp", "ssm_vr", "level"),       SCORE("classifier", "cross_entropy", "level"),
    ENERGY("ncsn", "dsm", "level"),        ENERGY("ncsn", "ssm_vr", "level"),
    ENERGY("ncsnv2", "ssm", "auto"),       ENERGY("resscore", "ssm_vr", "auto"),
    ENERGY("mlp", "ssm", "level"),
};

int main(void)
{
    scl_err err = { 0 };
    scl_backend *b;
    if (!mkdtemp(root) || scl_reference_open(&b, &err) != SCL_OK)
        return 1;
    static unsigned char pixel[COUNT * SIDE * SIDE];
    static int32_t label[COUNT];
    for (int i = 0; i < COUNT * SIDE * SIDE; i++)
        pixel[i] = (unsigned char)(i * 7919 % 251);
    for (int i = 0; i < COUNT; i++)
        label[i] = i * 5 % 3;
    const scl_dataset data = { .count = COUNT, .height = SIDE, .width = SIDE, .channels = 1, .u8 = pixel, .label = label, .classes = 3 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *net = cases[i].net, *loss = cases[i].loss;
        const scl_step_record whole = steps(b, &cases[i], "device", "1", &data);
        const scl_step_record parts = steps(b, &cases[i], "device", "4", &data);
        const scl_step_record sent = steps(b, &cases[i], "stream", "2", &data);
        CHECK(whole.norm > 0, "%s, %s: no gradient", net, loss);
        CHECK(whole.loss == parts.loss && whole.norm == parts.norm,
              "%s, %s: loss %a and norm %a, in micro-batches %a and %a", net, loss, (double)whole.loss,
              (double)whole.norm, (double)parts.loss, (double)parts.norm);
        CHECK(whole.loss == sent.loss && whole.norm == sent.norm,
              "%s, %s: loss %a and norm %a, streamed %a and %a", net, loss, (double)whole.loss,
              (double)whole.norm, (double)sent.loss, (double)sent.norm);
    }
    b->v->close(b);
    return finish("networks in micro-batches");
}
