/* The OpenCL backend against the C definitions: memory, transfers, schedules, and what it says of broken ones.
 * Exits 77 (skipped) where no OpenCL device exists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/device.h"
#include "cl/probe.h"
#include "failures.h"
#include "graph/plan.h"
#include "must.h"

static float number(unsigned i)
{
    i = (i ^ 61u) * 2654435761u;
    i ^= i >> 15;
    return (float)(int)(i * 2246822519u >> 8) * 0x1p-22f - 2.0f;
}

/* Every way of moving bytes, at odd offsets and sizes, more small writes than the ring has slots. */
static void test_transfers(scl_backend *b)
{
    enum { BYTES = 1 << 20, ROUNDS = 200 };
    scl_err err = { 0 };
    scl_memory *m, *m2;
    must(b->v->alloc(b, BYTES, &m, &err), &err);
    must(b->v->alloc(b, BYTES, &m2, &err), &err);
    unsigned char *want = malloc(BYTES), *got = malloc(BYTES), small[300];
    for (int i = 0; i < BYTES; i++)
        want[i] = (unsigned char)(i * 7 + i / 256);
    must(b->v->write(b, (scl_region){ m, 0, BYTES }, want, &err), &err);
    for (int i = 0; i < ROUNDS; i++) {
        const size_t offset = (size_t)i * 4999 + 1, bytes = 1 + (size_t)i;
        memset(small, i, sizeof small);
        must(b->v->write(b, (scl_region){ m, offset, bytes }, small, &err), &err);
        memset(want + offset, i, bytes);
        memset(small, 0xff, sizeof small);     /* the source is ours again */
    }
    must(b->v->fill(b, (scl_region){ m, 64, 1000 }, 0xa5, &err), &err);
    must(b->v->fill(b, (scl_region){ m, 5001, 7 }, 0x5a, &err), &err);
    memset(want + 64, 0xa5, 1000);
    memset(want + 5001, 0x5a, 7);
    must(b->v->copy(b, (scl_region){ m2, 0, BYTES }, (scl_region){ m, 0, BYTES }, &err), &err);
    must(b->v->copy(b, (scl_region){ m2, 16, 4096 }, (scl_region){ m, 8192, 4096 }, &err), &err);
    must(b->v->read(b, (scl_region){ m, 0, BYTES }, got, &err), &err);
    CHECK(!memcmp(want, got, BYTES), "bytes written and read differ");
    scl_ticket ticket;
    memset(got, 0, BYTES);
    must(b->v->read_start(b, (scl_region){ m2, 0, BYTES }, got, &ticket, &err), &err);
    for (bool done = false; !done;)
        must(b->v->wait(b, &ticket, &done, &err), &err);
    memmove(want + 16, want + 8192, 4096);
    CHECK(!memcmp(want, got, BYTES), "bytes copied and read in the background differ");
    CHECK(b->v->write(b, (scl_region){ m, BYTES - 4, 8 }, small, &err) == SCL_FAILED,
          "a write beyond the block is refused");
    scl_err_clear(&err);
    scl_memory *huge = NULL;
    CHECK(b->v->alloc(b, b->info.max_alloc_bytes + 1, &huge, &err) == SCL_FAILED && strstr(err.message, "MB"),
          "a block larger than the device allows is refused with numbers: %s", err.message);
    scl_err_clear(&err);
    b->v->release(b, m);
    b->v->release(b, m2);
    b->v->release(b, NULL);
    free(want);
    free(got);
}

/* A graph with broadcasts and two kernels. */
static scl_graph *small_graph(scl_arena *arena, scl_err *err)
{
    scl_graph *g = scl_graph_new(arena, "test");
    scl_value *x, *a, *b, *y, *z;
    must(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, 4, (int[]){ 3, 5, 7, 8 }, err), err);
    must(scl_value_get(g, &a, SCL_INPUT, "a", SCL_F32, 2, (int[]){ 3, 8 }, err), err);
    must(scl_value_get(g, &b, SCL_INPUT, "b", SCL_F32, 1, (int[]){ 3 }, err), err);
    must(SCL_POINTWISE(g, &y, err, "elu(fma(x, a, b))", SCL_IN("x", x), SCL_IN("a", a), SCL_IN("b", b)), err);
    must(SCL_POINTWISE(g, &z, err, "fma(y, y, sigmoid(x))", SCL_IN("y", y), SCL_IN("x", x)), err);
    scl_output(y, "y");
    scl_output(z, "z");
    return g;
}

static void run_graph(scl_backend *b, float *y, float *z, size_t bytes)
{
    scl_err err = { 0 };
    scl_arena arena = { 0 };
    scl_graph *g = small_graph(&arena, &err);
    scl_plan *plan;
    scl_store *store;
    scl_exec *exec;
    const scl_plan_options options = { .no_fuse = true };
    must(scl_plan_make(&plan, &arena, g, &b->info, &options, &err), &err);
    must(scl_store_create(&store, b, &g, 1, &err), &err);
    float x[3 * 5 * 7 * 8], a[24], k[3];
    for (unsigned i = 0; i < 840; i++)
        x[i] = number(i);
    for (unsigned i = 0; i < 24; i++)
        a[i] = number(1000 + i);
    for (unsigned i = 0; i < 3; i++)
        k[i] = number(2000 + i);
    must(scl_store_write(store, "x", x, sizeof x, &err), &err);
    must(scl_store_write(store, "a", a, sizeof a, &err), &err);
    must(scl_store_write(store, "b", k, sizeof k, &err), &err);
    must(scl_exec_create(&exec, b, plan, store, NULL, &err), &err);
    must(scl_exec_run(exec, &err), &err);
    must(scl_exec_read(exec, "y", y, bytes, &err), &err);
    must(scl_exec_read(exec, "z", z, bytes, &err), &err);
    scl_exec_free(exec);
    scl_store_free(store);
    scl_arena_free(&arena);
}

static void test_graph(scl_backend *b)
{
    enum { COUNT = 3 * 5 * 7 * 8 };
    static float y[2][COUNT], z[2][COUNT];
    scl_err err = { 0 };
    scl_backend *reference;
    must(scl_reference_open(&reference, &err), &err);
    run_graph(reference, y[0], z[0], sizeof y[0]);
    run_graph(b, y[1], z[1], sizeof y[1]);
    CHECK(!memcmp(y[0], y[1], sizeof y[0]), "y differs from the C definition");
    CHECK(!memcmp(z[0], z[1], sizeof z[0]), "z differs from the C definition");
    CHECK(z[0][5] != z[0][6], "the graph computes something");
    reference->v->close(reference);
}

/* One launch made by hand, loaded; the message of the error, "" when it loads. */
static const char *load(scl_backend *b, const char *source, const char *options, scl_grid grid,
                        const scl_launch_arg *args, int n_args, scl_err *err)
{
    static const scl_op op = { .name = "handmade", .family = "handmade" };
    const scl_node node = { .op = &op };
    scl_launch launch = { .node = &node, .family = "handmade", .source = source, .kernel = "k", .grid = grid, .n_arg = n_args,
                          .options = options };
    struct scl_step step = { .node = &node, .n_launch = 1 };
    scl_memory *slab;
    must(b->v->alloc(b, 4096, &slab, err), err);
    for (int i = 0; i < n_args; i++) {
        launch.arg[i] = args[i];
        if (args[i].kind == SCL_ARG_WORK)
            launch.place[i] = (scl_place){ .in = SCL_PLACE_SLAB, .bytes = 1024 };
    }
    const scl_schedule s = { .n_launch = 1, .launch = &launch, .slab_bytes = 4096, .n_node = 1, .step = &step };
    scl_loaded *loaded = NULL;
    scl_err_clear(err);
    scl_status status = b->v->load(b, &s, slab, NULL, 0, &loaded, err);
    if (status == SCL_OK)
        status = b->v->run(b, loaded, 0, 1, err);
    if (status == SCL_OK) {
        float first[4];
        must(b->v->read(b, (scl_region){ slab, 0, sizeof first }, first, err), err);
        CHECK(first[0] == 2.5f && first[3] == 5.5f, "the handmade kernel ran: %g %g", (double)first[0],
              (double)first[3]);
        b->v->unload(b, loaded);
    }
    b->v->release(b, slab);
    return err->message;
}

static void test_broken_launches(scl_backend *b)
{
    static const char good[] =
        "#include \"lib/vec.cl\"\n"
        "__attribute__((reqd_work_group_size(4, 1, 1)))\n"
        "kernel void k(global float *out, global const float *absent, const float scale, local float *room, const int n)\n"
        "{\n    const int i = (int)get_global_id(0);\n    room[get_local_id(0)] = (float)i;\n"
        "    out[i] = absent ? 0.0f : fma(room[get_local_id(0)], scale, (float)n + SHIFT);\n}\n";
    const scl_launch_arg args[] = { SCL_I32(n, 2), SCL_WORK(out, 0, 1024), SCL_F32_ARG(scale, 1.0f), SCL_LOCAL(room, 16),
                                    SCL_BUF(absent), SCL_F32_ARG(extra, 1.0f) };
    const scl_launch_arg wrong_kind[] = { SCL_I32(n, 2), SCL_I32(out, 3), SCL_F32_ARG(scale, 1.0f), SCL_LOCAL(room, 16),
                                          SCL_BUF(absent) };
    const scl_grid grid = scl_groups(4, 2, 1, 1);
    scl_err err = { 0 };
    const char *m = load(b, good, "-DSHIFT=0.5f", grid, args, 5, &err);
    CHECK(!*m, "arguments in any order: %s", m);
    m = load(b, good, "-DSHIFT=0.5f", grid, args, 4, &err);
    CHECK(strstr(m, "'absent'"), "a parameter without argument is named: %s", m);
    m = load(b, good, "-DSHIFT=0.5f", grid, args, 6, &err);
    CHECK(strstr(m, "'extra'"), "an argument without parameter is named: %s", m);
    m = load(b, good, "-DSHIFT=0.5f", grid, wrong_kind, 5, &err);
    CHECK(strstr(m, "'out'") && strstr(m, "pointer"), "a number for a pointer is named: %s", m);
    m = load(b, good, "-DSHIFT=0.5f", scl_groups(8, 1, 1, 1), args, 5, &err);
    CHECK(strstr(m, "local size"), "another local size than the source's is refused: %s", m);
    m = load(b, good, "-DSHIFT=0.5f", (scl_grid){ { 6, 1, 1 }, { 4, 1, 1 } }, args, 5, &err);
    CHECK(strstr(m, "multiple"), "an uneven grid is refused: %s", m);
    m = load(b, good, "-DSHIFT=wrong_name", grid, args, 5, &err);
    CHECK(!strcmp(err.file, "cl/generated/handmade.cl") && err.line == 7,
          "a build failure has its place: %s:%d: %s", err.file, err.line, m);
    CHECK(strstr(m, "out[i] = absent"), "and shows the line: %s", m);
    CHECK(err.log && strstr(err.log, "wrong_name"), "and has the log");
    m = load(b, "kernel void other(global float *out) { out[0] = 1.0f; }\n", "", grid, args, 5, &err);
    CHECK(strstr(m, "no kernel 'k'"), "a missing kernel is named: %s", m);
    scl_err_clear(&err);
}

int main(int argc, char **argv)
{
    scl_err err = { 0 };
    scl_backend *b;
    const scl_status status = scl_device_open(argc > 1 ? argv[1] : "auto", &b, &err);
    if (status == SCL_NO_DEVICE) {
        printf("skipped: %s\n", err.message);
        scl_err_clear(&err);
        return 77;
    }
    must(status, &err);
    test_transfers(b);
    test_graph(b);
    test_broken_launches(b);
    b->v->close(b);
    if (!failures)
        printf("backend: all checks passed on %s\n", argc > 1 ? argv[1] : "auto");
    return failures != 0;
}
