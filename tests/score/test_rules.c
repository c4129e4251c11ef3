/* Which operators have which rules of differentiation, and that every network has what every objective needs.
 *
 * An operator without a jvp or a vjp rule stands in a list here with the reason, or this test fails; so does
 * one that is listed without need. */
#include <stdio.h>
#include <string.h>

#include "failures.h"
#include "graph/autodiff.h"
#include "graph/op.h"
#include "score/objective.h"

/* Operators that nothing differentiates, or one way alone.  Constant ones (noise, labels, statistics) need no
 * rule. */
static const struct {
    const char *op, *without, *why;
} last[] = {
    {"conv2d_dw", "vjp jvp", "gradient of a weight: the last thing a training step makes"},
    {"linear_dw", "vjp jvp", "the same"},
    {"embedding_dw", "vjp jvp", "the same"},
    {"batch_sum", "vjp", "sum of weights' gradients over samples"},
    {"batch_root", "vjp", "the same"},
    {"sumsq_chain", "vjp jvp", "norm of the gradient"},
    {"grad_guard", "vjp jvp", "looks at the gradient"},
    {"record", "vjp jvp", "writes a row of the metrics"},
    {"adam", "vjp jvp", "update of a weight"},
    {"sgd", "vjp jvp", "the same"},
    {"rmsprop", "vjp jvp", "the same"},
    {"ema", "vjp jvp", "the same"},
    {"norm_second", "jvp",
     "third order is taken by reverse mode: nothing needs a tangent of a tangent of a tangent"},
    {"channel_second", "jvp", "the same"},
    {"norm_tangent_rows", "jvp", "the same"},
};
enum { LAST = (int)(sizeof last / sizeof *last) };

static bool lacks(const char *op, const char *rule)
{
    for (int i = 0; i < LAST; i++)
        if (!strcmp(last[i].op, op))
            return strstr(last[i].without, rule) != NULL;
    return false;
}

static void check_registry(void)
{
    int listed = 0;
    for (int i = 0; scl_op_at(i); i++) {
        const scl_op *op = scl_op_at(i);
        const bool any = op->constant || op->expr; /* an expression has pointwise's rules */
        for (int k = 0; k < LAST; k++)
            listed += !strcmp(last[k].op, op->name);
        CHECK(lacks(op->name, "vjp") == (!op->vjp && !any),
              "operator %s: vjp rule %s, and it is %slisted here as one without", op->name,
              op->vjp ? "there" : "missing", lacks(op->name, "vjp") ? "" : "not ");
        CHECK(lacks(op->name, "jvp") == (!op->jvp && !any),
              "operator %s: jvp rule %s, and it is %slisted here as one without", op->name,
              op->jvp ? "there" : "missing", lacks(op->name, "jvp") ? "" : "not ");
    }
    CHECK(listed == LAST, "%d of the %d operators listed here exist", listed, LAST);
}

/* Does the gradient of every weight exist?  first order: dsm; second: sliced losses, an energy's dsm; third:
 * sliced losses of an energy. What only shifts an energy has none. */
static void check_objective(const scl_net_config *net, const char *loss, bool energy)
{
    scl_arena arena = {0};
    scl_err err = {0};
    scl_graph *g = scl_graph_new(&arena, "objective");
    const scl_objective_spec spec = {.loss = loss, .energy = energy};
    scl_objective o = {0};
    scl_value *seed, **wrt, **grad;
    const int n = 2, shape[4] = {n, net->height, net->width, net->channels};
    g->global_batch = n;
    scl_status status = scl_value_get(g, &o.x, SCL_INPUT, "x", SCL_F32, 4, shape, &err);
    if (status == SCL_OK)
        status = scl_value_get(g, &o.z, SCL_INPUT, "z", SCL_F32, 4, shape, &err);
    if (status == SCL_OK)
        status = scl_value_get(g, &o.level.label, SCL_INPUT, "label", SCL_I32, SCL_DIMS(n), &err);
    if (status == SCL_OK)
        status = scl_objective_build(g, &spec, net, "", &o, &err);
    const scl_param_list params = scl_net_params(g, "", &arena);
    wrt = SCL_NEW_ARRAY(&arena, scl_value *, params.n + 1);
    grad = SCL_NEW_ARRAY(&arena, scl_value *, params.n + 1);
    for (int i = 0; i < params.n; i++)
        wrt[i] = params.item[i].value;
    if (status == SCL_OK)
        status = SCL_POINTWISE(g, &seed, &err, "1", SCL_IN("loss", o.loss));
    if (status == SCL_OK)
        status = scl_vjp(g, o.loss, seed, wrt, params.n, grad, &err);
    CHECK(status == SCL_OK && params.n > 0, "%s, %s%s: %s", net->net, loss, energy ? " of an energy" : "",
          err.message);
    for (int i = 0; i < params.n && status == SCL_OK; i++)
        CHECK(grad[i] || (energy && net->outputs == 1), "%s, %s%s: '%s' has no gradient", net->net, loss,
              energy ? " of an energy" : "", params.item[i].name);
    scl_err_clear(&err);
    scl_arena_free(&arena);
}

int main(void)
{
    static const char *const nets[] = {"ncsn",           "ncsnv2",   "ncsnv2_deeper",
                                       "ncsnv2_deepest", "resscore", "mlp"};
    static const char *const losses[] = {"dsm", "ssm", "ssm_vr"};
    check_registry();
    for (int i = 0; i < 6; i++)
        for (int level = 0; level < 2; level++) {
            scl_net_config net = {.net = nets[i],
                                  .height = 8,
                                  .width = 8,
                                  .channels = 1,
                                  .ngf = 8,
                                  .levels = 3,
                                  .n_widths = 2,
                                  .widths = {5, 7},
                                  .conditional = level,
                                  .conv = "auto"};
            scl_err err = {0};
            const bool fits = scl_net_check(&net, &err) == SCL_OK; /* some never see the level */
            scl_err_clear(&err);
            for (int k = 0; k < 3 && fits; k++) {
                check_objective(&net, losses[k], false);
                check_objective(&net, losses[k], true);
                if (!strcmp(nets[i], "mlp")) {
                    net.outputs = 1;
                    check_objective(&net, losses[k], true);
                    net.outputs = 0;
                }
            }
        }
    if (!failures)
        printf("rules: all checks passed\n");
    return failures != 0;
}
