/* Matrix units without one.  The kernels run with each unit's instruction emulated, and must give
 *
 *   - exactly the products of small integers, where inputs are integers but for a part that rounding takes away: so inputs are
 *     rounded, every value is where the layout says, and edges are cut;
 *   - the products of inputs that are rounded before, but for the order of sums.
 *
 * A device without units computes with floats, and says so; a layout with a slip is refused by the probe.
 * Argument `all`: every unit and precision; without, each unit and each precision once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cl/device.h"
#include "cl/matrix.h"
#include "cl/program.h"
#include "failures.h"
#include "graph/arith.h"
#include "graph/build.h"
#include "graph/plan.h"
#include "must.h"

#define FN(name) t_##name
#define uint uint32_t
#define as_uint scl_bits_of
#define as_float scl_float_of
#include "lib/matrix_round_body.h"
#undef FN
#undef uint

/* ---- rounding ---- */

static float rounded(float x, int precision)
{
    return precision == SCL_TF32   ? scl_float_of(t_round_tf32(x))
           : precision == SCL_BF16 ? t_widen_bf16(t_round_bf16(x))
           : precision == SCL_F16  ? t_widen_f16(t_round_f16(x))
                                   : x;
}

/* To the nearest multiple of the last digit, by double arithmetic; no overflow. */
static double nearest(double x, int digits, int smallest, bool away)
{
    int e;
    frexp(x, &e);
    const double unit = ldexp(1, (e - 1 < smallest ? smallest : e - 1) - digits), q = fabs(x) / unit;
    const double n = away ? floor(q + 0.5) : nearbyint(q);
    return copysign(n * unit, x);
}

static void check_rounding(void)
{
    static const struct { int precision, digits, smallest; bool away; } how[] = {
        { SCL_TF32, 10, -126, true }, { SCL_BF16, 7, -126, false }, { SCL_F16, 10, -14, false },
    };
    for (int h = 0; h < 3; h++)
        for (uint32_t i = 0; i < 1u << 20; i++) {
            /* Exponents from 2^-30 to 2^14; ends of fractions that are ties, half the time. */
            const uint32_t fraction = i * 2654435761u >> 9, e = 97 + i % 45;
            const uint32_t u = (i & 64 ? 0x80000000u : 0) | e << 23 | (i & 1 ? fraction : fraction & 0x7ff000u);
            const float x = scl_float_of(u), got = rounded(x, how[h].precision);
            const double want = nearest((double)x, how[h].digits, how[h].smallest, how[h].away);
            if ((double)got != want) {
                CHECK(false, "%s of %a is %a, not %a", scl_precision_name(how[h].precision), (double)x, (double)got, want);
                break;
            }
        }
    for (uint32_t h = 0; h < 0x10000u; h++)
        CHECK((h & 0x7c00u) == 0x7c00u || t_round_f16(t_widen_f16(h)) == h, "f16 0x%04x does not come back", h);
    CHECK(t_round_f16(65519.0f) == 0x7bffu && t_round_f16(-65520.0f) == 0xfc00u && t_round_f16(INFINITY) == 0x7c00u,
          "f16 overflows at 65520");
    CHECK(isnan(rounded(NAN, SCL_F16)) && isnan(rounded(NAN, SCL_BF16)) && isnan(rounded(NAN, SCL_TF32)), "a NaN stays one");
    CHECK(isinf(rounded(INFINITY, SCL_BF16)) && isinf(rounded(-INFINITY, SCL_TF32)), "an infinity stays one");
}

/* ---- products ---- */

enum { N = 3, H = 7, W = 5, C = 19, K = 37, M = 45, LC = 41, LK = 34, Q = 16, RESULTS = 6,
       X = N * H * W * C, Y = N * H * W * K, TAPS = 9 * C * K, LX = M * LC, LY = M * LK, LW = LC * LK };

static const struct { const char *name; int count; } results[RESULTS] = {
    { "y", Y }, { "dx", X }, { "dw", TAPS }, { "ly", LY }, { "ldx", LX }, { "ldw", LW },
};

/* The three passes of a convolution; linear: and of a linear layer. */
static scl_graph *make_graph(scl_arena *arena, bool linear, scl_err *err)
{
    scl_graph *g = scl_graph_new(arena, "matrix");
    scl_value *x, *w, *bias, *dy, *lx, *lw, *ldy, *counters, *ends, *stack, *out[RESULTS];
    must(scl_value_get(g, &x, SCL_INPUT, "x", SCL_F32, SCL_DIMS(N, H, W, C), err), err);
    must(scl_value_get(g, &w, SCL_PARAM, "w", SCL_F32, SCL_DIMS(3, 3, C, K), err), err);
    must(scl_value_get(g, &bias, SCL_PARAM, "bias", SCL_F32, SCL_DIMS(K), err), err);
    must(scl_value_get(g, &dy, SCL_INPUT, "cotangent", SCL_F32, SCL_DIMS(N, H, W, K), err), err);
    must(scl_value_get(g, &lx, SCL_INPUT, "lx", SCL_F32, SCL_DIMS(M, LC), err), err);
    must(scl_value_get(g, &lw, SCL_PARAM, "lw", SCL_F32, SCL_DIMS(LC, LK), err), err);
    must(scl_value_get(g, &ldy, SCL_INPUT, "ldy", SCL_F32, SCL_DIMS(M, LK), err), err);
    must(scl_value_get(g, &counters, SCL_INPUT, "counters", SCL_U32, SCL_DIMS(16), err), err);
    must(scl_value_get(g, &ends, SCL_INPUT, "counters_l", SCL_U32, SCL_DIMS(16), err), err);
    must(SCL_APPLY(g, &out[0], err, "conv2d", SCL_IN("x", x), SCL_IN("w", w), SCL_IN("bias", bias), SCL_INT("dilation", 2)), err);
    must(SCL_APPLY(g, &out[1], err, "conv2d_dx", SCL_IN("dy", dy), SCL_IN("w", w), SCL_INT("dilation", 2)), err);
    must(SCL_APPLY(g, &stack, err, "conv2d_dw", SCL_IN("x", x), SCL_IN("dy", dy), SCL_IN("counters", counters),
                   SCL_INT("dilation", 2), SCL_INT("R", 3), SCL_INT("S", 3), SCL_INT("T", 1)), err);
    must(SCL_APPLY(g, &out[2], err, "batch_root", SCL_IN("stack", stack), SCL_IN("counters", counters), SCL_INT("Q", Q),
                   SCL_INT("G", 1)), err);
    for (int i = 0; i < RESULTS / 2; i++)
        scl_output(out[i], results[i].name);
    if (!linear)
        return g;
    must(SCL_APPLY(g, &out[3], err, "linear", SCL_IN("x", lx), SCL_IN("w", lw)), err);
    must(SCL_APPLY(g, &out[4], err, "linear_dx", SCL_IN("dy", ldy), SCL_IN("w", lw)), err);
    must(SCL_APPLY(g, &stack, err, "linear_dw", SCL_IN("x", lx), SCL_IN("dy", ldy), SCL_IN("counters", ends), SCL_INT("T", 2)), err);
    must(SCL_APPLY(g, &out[5], err, "batch_root", SCL_IN("stack", stack), SCL_IN("counters", ends), SCL_INT("Q", 32),
                   SCL_INT("G", 1)), err);
    for (int i = RESULTS / 2; i < RESULTS; i++)
        scl_output(out[i], results[i].name);
    return g;
}

/* kind 0: any values; 1: integers; 2: those integers and a bit that every precision takes away.  before: rounded to it already. */
static void fill(scl_store *store, int kind, int before, scl_err *err)
{
    for (int i = 0; i < scl_store_count(store); i++) {
        const scl_value *v = scl_store_at(store, i).value;
        const size_t count = scl_value_count(v);
        uint32_t *data = malloc(4 * count);
        for (size_t k = 0; k < count && v->dtype == SCL_F32; k++) {
            const scl_words r = scl_random(22, (uint32_t)k, (uint32_t)i, 0, 0xff, 0);
            const float integer = (float)((int)(r.w[0] % 15) - 7), any = fmaf(2.0f, scl_uniform(r.w[1]), -1.0f);
            const float value = kind == 0 ? any : kind == 1 ? integer : integer * 0x1.001p+0f;
            const bool bias = !strcmp(v->name, "bias");
            data[k] = scl_bits_of(!bias ? rounded(value, before) : kind ? integer : any);
        }
        if (v->dtype == SCL_U32) {
            memset(data, 0, 4 * count);
            data[SCL_CNT_BATCH] = !strcmp(v->name, "counters") ? N : M;
        }
        must(scl_store_write(store, v->name, data, 4 * count, err), err);
        free(data);
    }
}

/* Every result, one behind the other.  tile: "BM=..": forced; returns how many nodes run on matrix units. */
static int run(scl_backend *b, bool linear, const char *const *tune, int kind, int before, float *out)
{
    scl_err err = { 0 };
    scl_arena arena = { 0 };
    scl_plan *plan;
    scl_store *store;
    scl_exec *exec;
    int matrix = 0;
    scl_graph *g = make_graph(&arena, linear, &err);
    const scl_plan_options options = { .tune = tune };
    must(scl_plan_make(&plan, &arena, g, &b->info, &options, &err), &err);
    const char *text = scl_plan_text(plan, "text", &arena);
    for (const char *p = text; (p = strstr(p, "matrix BM=")); p++)
        matrix++;
    must(scl_store_create(&store, b, &g, 1, &err), &err);
    fill(store, kind, before, &err);
    must(scl_exec_create(&exec, b, plan, store, NULL, &err), &err);
    must(scl_exec_run(exec, &err), &err);
    for (int i = 0; i < (linear ? RESULTS : RESULTS / 2); i++) {
        must(scl_exec_read(exec, results[i].name, out, sizeof(float) * (size_t)results[i].count, &err), &err);
        out += results[i].count;
    }
    scl_exec_free(exec);
    scl_store_free(store);
    scl_arena_free(&arena);
    return matrix;
}

enum { ALL = X + Y + TAPS + LX + LY + LW };

/* The largest difference of each result over its largest value is at most tolerance. */
static void compare(const char *what, bool linear, const float *got, const float *want, double tolerance)
{
    for (int i = 0; i < (linear ? RESULTS : RESULTS / 2); i++) {
        double scale = 0, worst = 0;
        for (int k = 0; k < results[i].count; k++) {
            const double off = fabs((double)got[k] - (double)want[k]);
            scale = fmax(scale, fabs((double)want[k]));
            worst = off <= worst ? worst : off;
        }
        CHECK(scale > 0 && worst <= tolerance * scale, "%s: %s differs by %g of %g", what, results[i].name, worst, scale);
        got += results[i].count;
        want += results[i].count;
    }
}

static scl_backend *open_with(const char *unit, const char *precision, scl_matrix_result *r, scl_err *err, scl_status *status)
{
    scl_backend *b;
    must(scl_device_open("cpu", &b, err), err);
    if (unit)
        setenv("SCL_MATRIX_EMULATE", unit, 1);
    else
        unsetenv("SCL_MATRIX_EMULATE");
    *status = scl_matrix_use(b, precision, r, err);
    return b;
}

static void check_unit(scl_backend *reference, const char *unit, int precision, bool linear, const char *const *tune)
{
    scl_err err = { 0 };
    scl_matrix_result r;
    scl_status status;
    char what[64];
    float *got = calloc(3 * ALL, sizeof *got), *want = got + ALL, *untouched = want + ALL;
    snprintf(what, sizeof what, "%s %s %s", unit, scl_precision_name(precision), tune ? tune[0] : "");
    scl_backend *b = open_with(unit, scl_precision_name(precision), &r, &err, &status);
    must(status, &err);
    CHECK(r.unit && !strcmp(r.unit->name, unit) && b->info.matrix.precision == precision, "%s is in use: %s", what, r.text);
    CHECK(run(b, linear, tune, 2, 0, got) == (linear ? RESULTS : RESULTS / 2), "%s: every product is a unit's", what);
    run(reference, linear, NULL, 1, 0, want);
    compare(what, linear, got, want, 0);
    run(reference, linear, NULL, 2, 0, untouched);
    CHECK(memcmp(untouched, want, sizeof(float) * ALL) != 0, "rounding must show");
    run(b, linear, tune, 0, 0, got);
    run(reference, linear, NULL, 0, precision, want);
    compare(what, linear, got, want, 2e-6);
    run(reference, linear, NULL, 0, 0, want);
    compare(what, linear, got, want, scl_precision_tolerance(precision));
    b->v->close(b);
    free(got);
}

/* ---- refusals ---- */

static void check_fallback(scl_backend *reference)
{
    scl_err err = { 0 };
    scl_matrix_result r;
    scl_status status;
    float *got = calloc(2 * ALL, sizeof *got), *want = got + ALL;
    scl_backend *b = open_with(NULL, "bf16", &r, &err, &status);
    must(status, &err);
    if (r.unit) {
        printf("this device has %s\n", r.unit->name);
    } else {
        CHECK(strstr(r.text, "not available on") && strstr(r.text, "computing in f32") && !b->info.matrix.precision,
              "the fallback is told: %s", r.text);
        CHECK(run(b, true, NULL, 0, 0, got) == 0, "no matrix kernel without a unit");
        run(reference, true, NULL, 0, 0, want);
        CHECK(!memcmp(got, want, sizeof(float) * ALL), "the fallback has the bits of f32");
    }
    b->v->close(b);
    b = open_with("wmma", "tf32", &r, &err, &status);
    CHECK(status == SCL_BAD_CONFIG && strstr(err.message, "has not this precision"), "wmma has no tf32");
    scl_err_clear(&err);
    b->v->close(b);
    b = open_with("tensor", "bf16", &r, &err, &status);
    CHECK(status == SCL_BAD_CONFIG && strstr(err.message, "no such matrix unit"), "an unknown unit");
    scl_err_clear(&err);
    b->v->close(b);
    free(got);
}

/* A slip in the layout of A of one unit: the probe's product tells. */
static void check_slip(void)
{
    char folder[] = "/tmp/scorecl-matrix-XXXXXX", path[256];
    scl_arena arena = { 0 };
    scl_err err = { 0 };
    scl_matrix_result r;
    scl_status status;
    const char *name = "lib/matrix_unit.cl", *slip = "#define A_ROW(lane, i) ((lane) / 4 + (i) % 2 * 8)";
    const char *text = scl_source_find(name, &arena), *at = text ? strstr(text, slip) : NULL;
    CHECK(at && mkdtemp(folder), "cl/%s has no '%s'", name, slip);
    if (!at)
        return;
    snprintf(path, sizeof path, "%s/lib", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    fprintf(f, "%.*s#define A_ROW(lane, i) ((lane) / 4 + (i) / 2 * 8)%s", (int)(at - text), text, at + strlen(slip));
    fclose(f);
    setenv("SCL_KERNEL_DIR", folder, 1);
    scl_backend *b = open_with("mma", "bf16", &r, &err, &status);
    CHECK(status == SCL_FAILED && strstr(err.message, "of a product is") && !b->info.matrix.precision, "a slip is seen: %s", err.message);
    printf("refused: %s\n", err.message);
    scl_err_clear(&err);
    b->v->close(b);
    unsetenv("SCL_KERNEL_DIR");
    unlink(path);
    snprintf(path, sizeof path, "%s/lib", folder);
    rmdir(path);
    rmdir(folder);
    scl_arena_free(&arena);
}

int main(int argc, char **argv)
{
    static const char *const tall[] = { "conv2d.BM=64", "conv2d_dx.BM=128", "conv2d_dw.BM=64", "linear.BM=128",
                                        "linear_dx.BM=64", "linear_dw.BM=128", NULL };
    static const struct { const char *unit; int precision; } few[] = {
        { "mma", SCL_BF16 }, { "mfma", SCL_TF32 }, { "wmma", SCL_F16 }, { "wmma12", SCL_BF16 }, { "dpas8", SCL_F16 },
        { "dpas16", SCL_BF16 }, { "dpas16", SCL_TF32 },
    };
    const bool all = argc > 1 && !strcmp(argv[1], "all");
    scl_err err = { 0 };
    scl_backend *reference, *b;
    check_rounding();
    if (scl_device_open("cpu", &b, &err) == SCL_NO_DEVICE) {
        printf("skipped: %s\n", err.message);
        return 77;
    }
    b->v->close(b);
    must(scl_reference_open(&reference, &err), &err);
    check_fallback(reference);
    check_slip();
    for (size_t i = 0; !all && i < sizeof few / sizeof *few; i++)
        check_unit(reference, few[i].unit, few[i].precision, i == 0, NULL);
    for (int i = 0; all && scl_unit_at(i); i++)
        for (int p = SCL_TF32; p < SCL_PRECISIONS; p++)
            if (scl_unit_at(i)->precisions >> p & 1u) {
                check_unit(reference, scl_unit_at(i)->name, p, true, NULL);
                check_unit(reference, scl_unit_at(i)->name, p, true, tall);
            }
    reference->v->close(reference);
    printf("%d failures\n", failures);
    return failures != 0;
}
