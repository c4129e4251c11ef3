/* Autodiff as a graph rewrite: order of additions, what is left out, second and third derivatives, and the
 * errors of the contract. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failures.h"
#include "graph/autodiff.h"
#include "graph/plan.h"

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

enum { IMAGE = N * 5 * 6 * C, ROWS = N * 3 * C };
static float three_ways[3][IMAGE], two_ways[2][ROWS];

static scl_status normalise(scl_graph *g, scl_value **x, scl_value **rows, scl_value **y, scl_err *err)
{
    scl_value *s[6];
    SCL_TRY(scl_value_get(g, x, SCL_INPUT, "image", SCL_F32, SCL_DIMS(N, 5, 6, C), err));
    SCL_TRY(scl_value_get(g, rows, SCL_INPUT, "rows", SCL_F32, SCL_DIMS(N, 3 * C), err));
    SCL_TRY(SCL_APPLY(g, s, err, "norm_stats", SCL_IN("x", *x), SCL_IN("rows", *rows)));
    return SCL_APPLY(g, y, err, "norm_apply", SCL_IN("x", *x), SCL_IN("mean", s[0]), SCL_IN("a", s[4]),
                     SCL_IN("b", s[5]), SCL_IN("variance", s[1]), SCL_IN("m", s[2]), SCL_IN("v", s[3]),
                     SCL_IN("rows", *rows));
}

/* H v of <dy, norm(x)> by reverse over reverse, forward over reverse, reverse over forward, and the rows' share of it. */
static void second_orders(bench *b)
{
    scl_err err = { 0 };
    scl_value *x, *rows, *dy, *v, *y, *first, *back[2], *ahead, *tangent, *mixed[2];
    OK(scl_value_get(b->g, &dy, SCL_INPUT, "cotangent", SCL_F32, SCL_DIMS(N, 5, 6, C), &err));
    OK(scl_value_get(b->g, &v, SCL_INPUT, "vector", SCL_F32, SCL_DIMS(N, 5, 6, C), &err));
    OK(normalise(b->g, &x, &rows, &y, &err));
    OK(scl_vjp(b->g, y, dy, &x, 1, &first, &err));
    OK(scl_vjp(b->g, first, v, (scl_value *[]){ x, rows }, 2, back, &err));
    OK(scl_jvp(b->g, first, &x, &v, 1, &ahead, &err));
    OK(scl_jvp(b->g, y, &x, &v, 1, &tangent, &err));
    OK(scl_vjp(b->g, tangent, dy, (scl_value *[]){ x, rows }, 2, mixed, &err));
    scl_output(back[0], "back");
    scl_output(back[1], "back rows");
    scl_output(ahead, "ahead");
    scl_output(mixed[0], "mixed");
    scl_output(mixed[1], "mixed rows");
}

enum { ORDERS = 3 };
static float third[ORDERS][IMAGE], third_rows[ORDERS][ROWS];

/* D^3 <dy, norm(x)> along v and w: reverse over forward over reverse both ways round, and reverse three
 * times. */
static void third_orders(bench *b)
{
    scl_err err = {0};
    scl_value *x, *rows, *dy, *v, *w, *y, *first, *second[ORDERS], *out[2];
    OK(scl_value_get(b->g, &dy, SCL_INPUT, "cotangent", SCL_F32, SCL_DIMS(N, 5, 6, C), &err));
    OK(scl_value_get(b->g, &v, SCL_INPUT, "vector", SCL_F32, SCL_DIMS(N, 5, 6, C), &err));
    OK(normalise(b->g, &x, &rows, &y, &err));
    OK(SCL_POINTWISE(b->g, &w, &err, "fma(v, v, -0.5)", SCL_IN("v", v)));
    OK(scl_vjp(b->g, y, dy, &x, 1, &first, &err));
    OK(scl_jvp(b->g, first, &x, &v, 1, &second[0], &err));
    OK(scl_jvp(b->g, first, &x, &w, 1, &second[1], &err));
    OK(scl_vjp(b->g, first, v, &x, 1, &second[2], &err));
    for (int k = 0; k < ORDERS; k++) {
        OK(scl_vjp(b->g, second[k], k == 1 ? v : w, (scl_value *[]){x, rows}, 2, out, &err));
        scl_output(out[0], scl_arena_printf(&b->arena, "third %d", k));
        scl_output(out[1], scl_arena_printf(&b->arena, "third rows %d", k));
    }
}

/* Runs the graph with images and rows made up here, and reads n results. */
typedef struct reading {
    const char *name;
    float *to;
    size_t bytes;
} reading;
static void run_orders(bench *b, const reading *out, int n)
{
    static float data[3][IMAGE], row[ROWS];
    static const char *const in[3] = {"image", "cotangent", "vector"};
    scl_err err = { 0 };
    scl_backend *device;
    scl_plan *plan;
    scl_store *store;
    scl_exec *exec;
    const scl_plan_options options = { 0 };
    OK(scl_reference_open(&device, &err));
    OK(scl_plan_make(&plan, &b->arena, b->g, &device->info, &options, &err));
    OK(scl_store_create(&store, device, &b->g, 1, &err));
    OK(scl_exec_create(&exec, device, plan, store, NULL, &err));
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < IMAGE; i++)
            data[k][i] = (float)((i * (7919 - 1103 * k)) % 997) / 450.0f - 1.0f;
        OK(scl_store_write(store, in[k], data[k], sizeof data[k], &err));
    }
    for (int i = 0; i < ROWS; i++)
        row[i] = 0.75f + (float)(i % 5) / 8.0f;
    OK(scl_store_write(store, "rows", row, sizeof row, &err));
    OK(scl_exec_run(exec, &err));
    for (int k = 0; k < n; k++)
        OK(scl_exec_read(exec, out[k].name, out[k].to, out[k].bytes, &err));
    scl_exec_free(exec);
    scl_store_free(store);
    device->v->close(device);
}

static void agree(const char *what, const float *a, const float *b, int n)
{
    float largest = 0, off = 0;
    for (int i = 0; i < n; i++) {
        largest = fmaxf(largest, fabsf(b[i]));
        off = fmaxf(off, fabsf(a[i] - b[i]));
    }
    CHECK(largest > 0.01f, "%s: derivatives of at most %g show nothing", what, (double)largest);
    CHECK(off <= 2e-5f * largest, "%s: %g off the other order, of %g", what, (double)off, (double)largest);
}

/* The rules of the normalisation's derivatives: reverse over forward, which the operators' own tests compare with central
 * differences, against the other two orders. */
static void normalisation(void)
{
    bench b;
    start(&b);
    second_orders(&b);
    run_orders(&b,
               (const reading[]){{"back", three_ways[0], sizeof three_ways[0]},
                                 {"ahead", three_ways[1], sizeof three_ways[1]},
                                 {"mixed", three_ways[2], sizeof three_ways[2]},
                                 {"back rows", two_ways[0], sizeof two_ways[0]},
                                 {"mixed rows", two_ways[1], sizeof two_ways[1]}},
               5);
    agree("reverse over reverse", three_ways[0], three_ways[2], IMAGE);
    agree("forward over reverse", three_ways[1], three_ways[2], IMAGE);
    agree("reverse over reverse, rows", two_ways[0], two_ways[1], ROWS);
    scl_arena_free(&b.arena);
    start(&b);
    third_orders(&b);
    run_orders(&b,
               (const reading[]){{"third 0", third[0], sizeof third[0]},
                                 {"third 1", third[1], sizeof third[1]},
                                 {"third 2", third[2], sizeof third[2]},
                                 {"third rows 0", third_rows[0], sizeof third_rows[0]},
                                 {"third rows 1", third_rows[1], sizeof third_rows[1]},
                                 {"third rows 2", third_rows[2], sizeof third_rows[2]}},
               6);
    agree("third order, the other way round", third[1], third[0], IMAGE);
    agree("reverse three times", third[2], third[0], IMAGE);
    agree("third order of rows, the other way round", third_rows[1], third_rows[0], ROWS);
    agree("reverse three times, rows", third_rows[2], third_rows[0], ROWS);
    scl_arena_free(&b.arena);
}

/* One order more than the rules of the normalisation have is an error, never a derivative that lacks the
 * statistics' share. */
static void too_high(void)
{
    scl_err err = {0};
    bench b;
    start(&b);
    scl_value *x, *rows, *y, *v, *d[4], *tangent;
    OK(scl_value_get(b.g, &v, SCL_INPUT, "vector", SCL_F32, SCL_DIMS(N, 5, 6, C), &err));
    OK(normalise(b.g, &x, &rows, &y, &err));
    OK(scl_vjp(b.g, y, v, &x, 1, &d[0], &err));
    OK(scl_vjp(b.g, d[0], v, &x, 1, &d[1], &err));
    OK(scl_vjp(b.g, d[1], v, &x, 1, &d[2], &err));
    CHECK(scl_vjp(b.g, d[2], v, &x, 1, &d[3], &err) == SCL_FAILED &&
              strstr(err.message, "no derivative of this order"),
          "the fourth derivative: \"%s\"", err.message);
    scl_err_clear(&err);
    OK(scl_jvp(b.g, y, &x, &v, 1, &tangent, &err));
    OK(scl_vjp(b.g, tangent, v, &x, 1, &d[0], &err));
    CHECK(scl_vjp(b.g, d[0], v, &x, 1, &d[1], &err) == SCL_FAILED &&
              strstr(err.message, "no derivative of this order"),
          "reverse over reverse over forward: \"%s\"", err.message);
    scl_err_clear(&err);
    scl_arena_free(&b.arena);
}

/* A rule that is not written is a clear error with the operator and the place in the network. */
static void missing_rule(void)
{
    scl_err err = { 0 };
    bench b;
    start(&b);
    scl_value *out, *dx, *tangent;
    const scl_op *op = scl_op_find("sumsq_chain");
    CHECK(op && !op->vjp && !op->jvp && !op->constant,
          "sumsq_chain has rules now: take another operator for this test");
    const char *scope = scl_scope_push(b.g, "refine1.crp");
    OK(SCL_APPLY(b.g, &out, &err, "sumsq_chain", SCL_IN("g", b.x)));
    scl_scope_pop(b.g, scope);
    CHECK(scl_vjp(b.g, out, out, &b.x, 1, &dx, &err) == SCL_FAILED, "a missing vjp rule is no error");
    CHECK(strstr(err.message, "sumsq_chain") && strstr(err.message, "vjp") &&
              strstr(err.message, "refine1.crp"),
          "\"%s\"", err.message);
    scl_err_clear(&err);
    CHECK(scl_jvp(b.g, out, &b.x, &b.dy, 1, &tangent, &err) == SCL_FAILED, "a missing jvp rule is no error");
    CHECK(strstr(err.message, "sumsq_chain") && strstr(err.message, "jvp") &&
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
    normalisation();
    too_high();
    missing_rule();
    constant();
    misuse();
    if (failures)
        fprintf(stderr, "%d failures\n", failures);
    return failures != 0;
}
