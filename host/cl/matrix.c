#include "cl/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/opencl.h"
#include "cl/program.h"
#include "graph/arith.h"

#define FN(name) scl_##name
#define uint uint32_t
#define as_uint scl_bits_of
#define as_float scl_float_of
#include "lib/matrix_round_body.h"
#undef FN
#undef uint
#undef as_uint
#undef as_float

enum { SIDE = 32, WORDS = 16, MOST = 2 * WORDS };

/* Small integers, exact in every precision, no row or column like another. */
static float left_of(int row, int k) { return (float)((row * 7 + k * 5 + row * k) % 13 - 6); }
static float right_of(int k, int column) { return (float)((column * 3 + k * 11 + column * column * k) % 11 - 5); }
static float start_of(int row, int column) { return (float)((row * SIDE + column) % 101 - 50); }

static uint32_t rounded(float x, int precision)
{
    return precision == SCL_TF32 ? scl_round_tf32(x) : precision == SCL_BF16 ? scl_round_bf16(x) : scl_round_f16(x);
}

/* Operands of the product in words, and what it must give. */
static void make_product(int precision, uint32_t *left, uint32_t *right, float *start, float *want)
{
    const int per = precision == SCL_TF32 ? 1 : 2, inner = WORDS * per;
    memset(left, 0, sizeof(uint32_t) * SIDE * WORDS);
    memset(right, 0, sizeof(uint32_t) * SIDE * WORDS);
    for (int i = 0; i < SIDE; i++)
        for (int k = 0; k < inner; k++) {
            left[i * WORDS + k / per] |= rounded(left_of(i, k), precision) << k % per * 16;
            right[i * WORDS + k / per] |= rounded(right_of(k, i), precision) << k % per * 16;
        }
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++) {
            float sum = start[row * SIDE + column] = start_of(row, column);
            for (int k = 0; k < inner; k++)
                sum = fmaf(left_of(row, k), right_of(k, column), sum);
            want[row * SIDE + column] = sum;
        }
}

typedef struct product {
    uint32_t left[SIDE * WORDS], right[SIDE * WORDS];
    float start[SIDE * SIDE], want[SIDE * SIDE], got[SIDE * SIDE];
} product;

static scl_status multiply(scl_cl *cl, cl_kernel kernel, size_t items, product *p, scl_err *err)
{
    void *const data[3] = { p->left, p->right, p->start };
    const size_t bytes[3] = { sizeof p->left, sizeof p->right, sizeof p->start };
    cl_mem memory[3] = { NULL, NULL, NULL };
    cl_int code = CL_SUCCESS;
    for (cl_uint i = 0; i < 3 && code == CL_SUCCESS; i++) {
        memory[i] = clCreateBuffer(cl->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes[i], data[i], &code);
        if (code == CL_SUCCESS)
            code = clSetKernelArg(kernel, i, sizeof memory[i], &memory[i]);
    }
    if (code == CL_SUCCESS)
        code = clEnqueueNDRangeKernel(cl->queue, kernel, 1, NULL, &items, &items, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = clEnqueueReadBuffer(cl->queue, memory[2], CL_TRUE, 0, sizeof p->got, p->got, 0, NULL, NULL);
    for (int i = 0; i < 3; i++)
        if (memory[i])
            clReleaseMemObject(memory[i]);
    return scl_cl_check(code, "the product", cl->base.info.name, err);
}

/* SCL_OK: the unit is there.  Else err says what became of it. */
static scl_status try_unit(scl_cl *cl, const scl_unit *unit, int precision, bool emulated, product *p, scl_err *err)
{
    char options[128];
    cl_program program;
    cl_int code;
    const size_t items = 4 * (size_t)unit->lanes;
    if (items > cl->base.info.max_work_group)
        return scl_fail(err, SCL_FAILED, "work-groups of %zu are not possible", items);
    snprintf(options, sizeof options, "-DUNIT=%d -DPRECISION=%d -DEMULATED=%d", unit->number, precision, emulated);
    SCL_TRY(scl_program_get(cl, "probe/matrix.cl", NULL, options, &program, err));
    cl_kernel kernel = clCreateKernel(program, "matrix_probe", &code);
    SCL_TRY(scl_cl_check(code, "clCreateKernel", "matrix_probe", err));
    make_product(precision, p->left, p->right, p->start, p->want);
    const scl_status status = multiply(cl, kernel, items, p, err);
    clReleaseKernel(kernel);
    SCL_TRY(status);
    for (int i = 0; i < SIDE * SIDE; i++)
        if (p->got[i] != p->want[i])
            return scl_fail(err, SCL_FAILED, "row %d, column %d of a product is %g instead of %g", i / SIDE, i % SIDE,
                            (double)p->got[i], (double)p->want[i]);
    return SCL_OK;
}

static bool names_extension(const scl_cl *cl, const char *extension)
{
    size_t bytes = 0;
    clGetDeviceInfo(cl->device, CL_DEVICE_EXTENSIONS, 0, NULL, &bytes);
    char *words = calloc(1, bytes + 1);
    if (!words || clGetDeviceInfo(cl->device, CL_DEVICE_EXTENSIONS, bytes, words, NULL) != CL_SUCCESS) {
        free(words);
        return false;
    }
    bool found = false;
    const size_t length = strlen(extension);
    for (const char *at = words; (at = strstr(at, extension)) && !found; at += length)
        found = (at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]);
    free(words);
    return found;
}

typedef struct answer {
    int unit;
    char why[512];
} answer;

/* Every unit in turn, on an opening of the device of its own. */
static scl_status ask(const scl_cl *cl, int precision, answer *out, scl_err *err)
{
    product *p = NULL;
    *out = (answer){ .why = "the device names no extension of a vendor with matrix units" };
    size_t used = 0;
    for (int i = 0; scl_unit_at(i) && !out->unit; i++) {
        const scl_unit *unit = scl_unit_at(i);
        if (!(unit->precisions >> precision & 1u) || !names_extension(cl, unit->extension))
            continue;
        scl_backend *apart = NULL;
        scl_err fault = { 0 };
        char text[256];
        if (!p) {
            void *memory;
            SCL_TRY(scl_alloc_bytes(&memory, sizeof *p, "the probe of matrix units", err));
            p = memory;
        }
        scl_status status = scl_cl_open(cl->base.info.index, &apart, &fault);
        if (status == SCL_OK)
            status = try_unit(scl_cl_of(apart), unit, precision, false, p, &fault);
        if (status == SCL_OK) {
            out->unit = unit->number;
        } else if (used < sizeof out->why - 64) {
            scl_err_text(&fault, text, sizeof text);
            used += (size_t)snprintf(out->why + used, sizeof out->why - used, "%s%s: %.*s", used ? "; " : "", unit->name,
                                     (int)strcspn(text, "\n"), text);
        }
        scl_err_clear(&fault);
        if (apart)
            apart->v->close(apart);
    }
    free(p);
    return SCL_OK;
}

static scl_status answer_of(const scl_cl *cl, int precision, answer *out, scl_err *err)
{
    char sources[65];
    scl_arena arena = { 0 };
    const char *extra = scl_program_extra_options(cl, NULL, &arena);
    void *data = NULL;
    size_t bytes = 0;
    scl_status status = SCL_OK;
    scl_source_hash(sources);
    const char *key = scl_arena_printf(&arena, "matrix units 1\n%s\n%s\n%s\n%s\n", cl->identity, scl_precision_name(precision),
                                       extra, sources);
    if (scl_cache_load("probe", key, &data, &bytes) && bytes == sizeof *out) {
        memcpy(out, data, sizeof *out);
    } else {
        status = ask(cl, precision, out, err);
        if (status == SCL_OK)
            scl_cache_store("probe", key, out, sizeof *out);
    }
    free(data);
    scl_arena_free(&arena);
    return status;
}

static scl_status emulate(scl_cl *cl, const char *name, int precision, scl_err *err)
{
    const scl_unit *unit = scl_unit_named(name);
    if (!unit || !(unit->precisions >> precision & 1u))
        return scl_fail(err, SCL_BAD_CONFIG, "SCL_MATRIX_EMULATE=%s: %s", name,
                        unit ? "that unit has not this precision" : "there is no such matrix unit");
    void *p;
    SCL_TRY(scl_alloc_bytes(&p, sizeof(product), "the probe of matrix units", err));
    const scl_status status = try_unit(cl, unit, precision, true, p, err);
    free(p);
    SCL_TRY(status);
    cl->base.info.matrix.unit[precision] = unit->number;
    cl->base.info.matrix.emulated = true;
    return SCL_OK;
}

scl_status scl_matrix_use(scl_backend *b, const char *precision, scl_matrix_result *out, scl_err *err)
{
    const int wanted = scl_precision_named(precision);
    scl_cl *cl = scl_cl_of(b);
    const char *name = getenv("SCL_MATRIX_EMULATE");
    answer a = { .why = "it computes the C definitions" };
    *out = (scl_matrix_result){ .text = "precision f32" };
    b->info.matrix = (scl_matrix){ 0 };
    if (wanted <= 0)
        return SCL_OK;
    if (cl && name)
        SCL_TRY(emulate(cl, name, wanted, err));
    else if (cl)
        SCL_TRY(answer_of(cl, wanted, &a, err));
    if (!b->info.matrix.emulated)
        b->info.matrix.unit[wanted] = a.unit;
    b->info.matrix.precision = b->info.matrix.unit[wanted] ? wanted : 0;
    out->unit = scl_matrix_unit(&b->info);
    if (out->unit)
        snprintf(out->text, sizeof out->text, "precision %s: inputs of convolutions and linear layers are rounded, products by %s (%s%s); "
                 "bits are not promised, errors up to %g of the largest value are accepted", precision, out->unit->name,
                 b->info.matrix.emulated ? "emulated: " : "", out->unit->instruction, scl_precision_tolerance(wanted));
    else
        snprintf(out->text, sizeof out->text, "precision %s is not available on %s: computing in f32, with the bits of precision: f32 (%s)",
                 precision, b->info.name, a.why);
    return SCL_OK;
}
