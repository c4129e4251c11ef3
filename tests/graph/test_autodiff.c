/* Autodiff as a graph rewrite: order of additions, what is left out, second derivatives, and the errors of
 * the contract. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/autodiff.h"
#include "graph/plan.h"

static int failures;
#define CHECK(condition, ...) \
    do { \
        if (!(condition)) { \
            failures++; \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
            fprintf(stderr, __VA_ARGS__); \
            fprintf(stderr, "\n"); \
        } \
    } while (0)
#define OK(call) must(call, #call, &err)

static void must(scl_status status, const char *what, const scl_err *err)
{
    if (status == SCL_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, err->message);
    exit(1);
}

enum { N = 2, C = 3, COUNT = N * C };

typedef struct bench { scl_arena arena; scl_graph *g; scl_value *x, *dy; } bench;

static void start(bench *b)
{
    scl_err err = { 0 };
    *b = (bench){ 0 };
    b->g = scl_graph_new(&b->arena, "test");
    OK(scl_value_get(b->g, &b->x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, C), &err));
    OK(scl_value_get(b->g, &b->dy, SCL_INPUT, "dy", SCL_F32, SCL_DIMS(N, C), &err));
}

/* Runs the graph by the C definitions with x as given and dy = 1, and reads `what`. */
static int run(bench *b, const float *x, const char *what, float *out)
{
    scl_err err = { 0 };
    scl_backend *device;
    scl_plan *plan;
    scl_store *store;
    scl_exec *exec;
    float one[COUNT];
    for (int i = 0; i < COUNT; i++)
        one[i] = 1.0f;
    const scl_plan_options options = { .no_fuse = true };
    OK(scl_reference_open(&device, &err));
    OK(scl_plan_make(&plan, &b->arena, b->g, &device->info, &options, &err));
    OK(scl_store_create(&store, device, &b->g, 1, &err));
    OK(scl_exec_create(&exec, device, plan, store, NULL, &err));
    OK(scl_store_write(store, "x", x, sizeof one, &err));
    OK(scl_store_write(store, "dy", one, sizeof one, &err));
    OK(scl_exec_run(exec, &err));
    if (what)
        OK(scl_exec_read(exec, what, out, sizeof one, &err));
    const int nodes = plan->schedule.n_node;
    scl_exec_free(exec);
    scl_store_free(store);
    device->v->close(device);
    return nodes;
}

/* Consumers in descending number: (1e8 - 1e8) + 1 is 1, any other order gives 0. */
static void fan_out(void)
{
    scl_err err = { 0 };
    bench b;
    start(&b);
    scl_value *first, *second, *third, *y, *dx;
    const float x[COUNT] = { 1, 2, 3, 4, 5, 6 };
    float got[COUNT];
    OK(SCL_POINTWISE(b.g, &first, &err, "x * 1", SCL_IN("x", b.x)));
    OK(SCL_POINTWISE(b.g, &second, &err, "x * -100000000", SCL_IN("x", b.x)));
    OK(SCL_POINTWISE(b.g, &third, &err, "x * 100000000", SCL_IN("x", b.x)));
    OK(SCL_POINTWISE(b.g, &y, &err, "a + b + c", SCL_IN("a", first), SCL_IN("b", second),
                     SCL_IN("c", third)));
    OK(scl_vjp(b.g, y, b.dy, &b.x, 1, &dx, &err));
    scl_output(dx, "dx");
    run(&b, x, "dx", got);
    for (int i = 0; i < COUNT; i++)
        CHECK(got[i] == 1.0f, "cotangents of a value read three times add up to %g in the wrong order",
              (double)got[i]);
    scl_arena_free(&b.arena);
}

/* One node that reads a value twice gets both cotangents. */
static void read_twice(void)
{
    scl_err err = { 0 };
    bench b;
    start(&b);
    scl_value *y, *dx;
    const float x[COUNT] = { 1, -2, 3, 0.5f, 5, 6 };
    float got[COUNT];
    OK(SCL_POINTWISE(b.g, &y, &err, "a * b", SCL_IN("a", b.x), SCL_IN("b", b.x)));
    OK(scl_vjp(b.g, y, b.dy, &b.x, 1, &dx, &err));
    scl_output(dx, "dx");
    run(&b, x, "dx", got);
    for (int i = 0; i < COUNT; i++)
        CHECK(got[i] == 2 * x[i], "derivative of x*x at %g is %g", (double)x[i], (double)got[i]);
    scl_arena_free(&b.arena);
}

/* What no output needs is not run, and a cotangent that nobody asked for is not made. */
static void left_out(void)
{
    scl_err err = { 0 };
    bench b;
    start(&b);
    scl_value *w, *unused, *y, *dw, *other, *dother;
    const float x[COUNT] = { 1, 2, 3, 4, 5, 6 };
    float got[COUNT];
    OK(scl_value_get(b.g, &w, SCL_INPUT, "w", SCL_F32, SCL_DIMS(N, C), &err));
    OK(scl_value_get(b.g, &other, SCL_INPUT, "other", SCL_F32, SCL_DIMS(N, C), &err));
    OK(SCL_POINTWISE(b.g, &unused, &err, "exp(x)", SCL_IN("x", b.x)));
    OK(SCL_POINTWISE(b.g, &y, &err, "x * w", SCL_IN("x", b.x), SCL_IN("w", w)));
    const int before = b.g->n_node;
    OK(scl_vjp(b.g, y, b.dy, &w, 1, &dw, &err));
    CHECK(b.g->n_node == before + 1, "the cotangent of w alone takes %d nodes", b.g->n_node - before);
    scl_output(dw, "dw");
    CHECK(run(&b, x, "dw", got) == 1, "dead nodes are run");
    for (int i = 0; i < COUNT; i++)
        CHECK(got[i] == x[i], "dw[%d] is %g", i, (double)got[i]);
    OK(scl_vjp(b.g, y, b.dy, &other, 1, &dother, &err));
    CHECK(!dother, "a value that y does not depend on has a cotangent");
    scl_arena_free(&b.arena);
}

/* Derivatives are operators: the rule is applied to its own result, and forwards through it. */
static void second_order(void)
{
    scl_err err = { 0 };
    bench b;
    start(&b);
    scl_value *y, *dx, *ddx, *forward;
    const float x[COUNT] = { 0.5f, -1, 2, -0.25f, 1.5f, 3 };
    float back[COUNT], ahead[COUNT];
    OK(SCL_POINTWISE(b.g, &y, &err, "x * x", SCL_IN("x", b.x)));
    OK(SCL_POINTWISE(b.g, &y, &err, "y * x", SCL_IN("y", y), SCL_IN("x", b.x)));
    OK(scl_vjp(b.g, y, b.dy, &b.x, 1, &dx, &err));
    OK(scl_vjp(b.g, dx, b.dy, &b.x, 1, &ddx, &err));
    OK(scl_jvp(b.g, dx, &b.x, &b.dy, 1, &forward, &err));
    scl_output(ddx, "ddx");
    scl_output(forward, "forward");
    run(&b, x, "ddx", back);
    run(&b, x, "forward", ahead);
    for (int i = 0; i < COUNT; i++) {
        CHECK(fabsf(back[i] - 6 * x[i]) <= 1e-5f, "second derivative of x^3 at %g is %g", (double)x[i],
              (double)back[i]);
        CHECK(fabsf(ahead[i] - 6 * x[i]) <= 1e-5f, "forward over reverse of x^3 at %g is %g", (double)x[i],
              (double)ahead[i]);
    }
    scl_arena_free(&b.arena);
}

/* A rule that is not written is a clear error with the operator and the place in the network. */
static void missing_rule(void)
{
    scl_err err = { 0 };
    bench b;
    start(&b);
    scl_value *image, *mean, *variance, *out[3], *dx, *tangent;
    OK(scl_value_get(b.g, &image, SCL_INPUT, "image", SCL_F32, SCL_DIMS(N, 2, 2, C), &err));
    OK(scl_value_get(b.g, &mean, SCL_INPUT, "mean", SCL_F32, SCL_DIMS(N, C), &err));
    OK(scl_value_get(b.g, &variance, SCL_INPUT, "variance", SCL_F32, SCL_DIMS(N, C), &err));
    const scl_op *op = scl_op_find("norm_grad");
    CHECK(op && !op->vjp && !op->jvp && !op->constant,
          "norm_grad has its second order now: take another operator for this test");
    const char *scope = scl_scope_push(b.g, "refine1.crp");
    OK(SCL_APPLY(b.g, out, &err, "norm_grad", SCL_IN("x", image), SCL_IN("mean", mean),
                 SCL_IN("variance", variance), SCL_IN("u", image)));
    scl_scope_pop(b.g, scope);
    CHECK(scl_vjp(b.g, out[1], mean, &image, 1, &dx, &err) == SCL_FAILED, "a missing vjp rule is no error");
    CHECK(strstr(err.message, "norm_grad") && strstr(err.message, "vjp") &&
              strstr(err.message, "refine1.crp"),
          "\"%s\"", err.message);
    scl_err_clear(&err);
    CHECK(scl_jvp(b.g, out[1], &image, &image, 1, &tangent, &err) == SCL_FAILED,
          "a missing jvp rule is no error");
    CHECK(strstr(err.message, "norm_grad") && strstr(err.message, "jvp") &&
              strstr(err.message, "refine1.crp"),
          "\"%s\"", err.message);
    scl_err_clear(&err);
    scl_arena_free(&b.arena);
}

/* What is constant by definition stops a derivative without an error. */
static void constant(void)
{
    scl_err err = { 0 };
    bench b;
    start(&b);
    scl_value *image, *mean, *stats[2], *dx = NULL;
    OK(scl_value_get(b.g, &image, SCL_INPUT, "image", SCL_F32, SCL_DIMS(N, 2, 2, C), &err));
    OK(SCL_APPLY(b.g, stats, &err, "pixel_stats", SCL_IN("x", image)));
    mean = stats[0];
    OK(scl_vjp(b.g, mean, b.dy, &image, 1, &dx, &err));
    CHECK(!dx, "the statistics of a normalisation have a derivative of their own");
    scl_arena_free(&b.arena);
}

/* Faults in how an operator is applied name it, its input and the shapes. */
static void misuse(void)
{
    scl_err err = { 0 };
    bench b;
    start(&b);
    scl_value *out[2];
    CHECK(SCL_APPLY(b.g, out, &err, "no_such_operator", SCL_IN("x", b.x)) == SCL_FAILED &&
              strstr(err.message, "no_such_operator"),
          "\"%s\"", err.message);
    scl_err_clear(&err);
    CHECK(SCL_APPLY(b.g, out, &err, "pixel_sum", SCL_IN("x", b.x)) == SCL_FAILED &&
              strstr(err.message, "f32[2,3]") && strstr(err.message, "pixel_sum"),
          "\"%s\"", err.message);
    scl_err_clear(&err);
    CHECK(SCL_APPLY(b.g, out, &err, "pixel_sum", SCL_IN("y", b.x)) == SCL_FAILED &&
              strstr(err.message, "'x'"),
          "\"%s\"", err.message);
    scl_err_clear(&err);
    CHECK(SCL_POINTWISE(b.g, out, &err, "x * y + x", SCL_IN("x", b.x), SCL_IN("y", b.x)) == SCL_FAILED,
          "an expression with a product that feeds + is accepted");
    scl_err_clear(&err);
    scl_arena_free(&b.arena);
}

int main(void)
{
    fan_out();
    read_twice();
    left_out();
    second_order();
    missing_rule();
    constant();
    misuse();
    if (failures)
        fprintf(stderr, "%d failures\n", failures);
    return failures != 0;
}
