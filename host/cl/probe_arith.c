/* Primitives and elementary functions on the device, against the same text compiled as C (graph/arith.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/load.h"
#include "cl/probe_parts.h"
#include "cl/program.h"
#include "graph/arith.h"
#include "probe/functions.h"

enum { COUNT = 1 << 14, VEC_WIDE = 16, VEC_NARROW = 1 };

typedef enum range { SPECIAL, WIDE, POSITIVE, EXPONENT, NEGATIVE, UNIT, SMALL, INTEGERS } range;

typedef struct test {
    const char *name;
    range range;
    float (*f1)(float);
    float (*f2)(float, float);
    float (*f3)(float, float, float);
} test;

static float c_add(float x, float y) { return x + y; }
static float c_mul(float x, float y) { return x * y; }
static float c_convert(float x) { return (float)(int)x; }
static float c_shift(float x) { return scl_float_of(scl_bits_of(x) >> 3); }

static const test tests[] = {
    { .name = "fma", .range = WIDE, .f3 = fmaf },           { .name = "add", .range = WIDE, .f2 = c_add },
    { .name = "mul", .range = SMALL, .f2 = c_mul },         { .name = "rint", .range = EXPONENT, .f1 = rintf },
    { .name = "floor", .range = EXPONENT, .f1 = floorf },   { .name = "copysign", .range = SPECIAL, .f2 = copysignf },
    { .name = "convert", .range = INTEGERS, .f1 = c_convert }, { .name = "shift", .range = SPECIAL, .f1 = c_shift },
#define TEST_1(f, r) { .name = #f, .range = r, .f1 = scl_##f },
#define TEST_2(f, r) { .name = #f, .range = r, .f2 = scl_##f },
    PROBE_1(TEST_1) PROBE_2(TEST_2)
};

static const float specials[] = { 0.0f, -0.0f, 0x1p-60f, -0x1p-60f, 0x1.fffffep-61f, -0x1.fffffep-61f, 0x1p-126f, 1.0f, -1.0f,
                                  0x1p+60f, -0x1p+60f, 0x1.fffffep+127f, 0.5f, -0.5f, 0x1.000002p+0f, 0x1.fffffep-1f };

/* The i-th argument of a range, drawn by counter; kind: 0 x, 1 y, 2 z. */
static float draw(range r, uint32_t i, uint32_t kind)
{
    const scl_words w = scl_random(20, i, kind, (uint32_t)r, 0xff, 0);
    const float u = scl_uniform(w.w[0]);
    const uint32_t sign = r == POSITIVE ? 0 : w.w[1] & 0x80000000u;
    const int special = (int)(w.w[2] % (sizeof specials / sizeof *specials));
    switch (r) {
    case SPECIAL:
        return w.w[3] & 1 ? specials[special] : scl_float_of(sign | (67 + w.w[1] % 120) << 23 | w.w[0] >> 9);
    case WIDE:
    case POSITIVE:      /* 2^-40 ... 2^40, all exponents alike; near each other half of the time, so that sums cancel */
        return scl_float_of(sign | (w.w[3] & 1 ? 127 + w.w[1] % 3 : 87 + w.w[1] % 80) << 23 | w.w[0] >> 9);
    case EXPONENT:
        return fmaf(u, 178.0f, -90.0f);
    case NEGATIVE:
        return -30.0f * u * u;
    case UNIT:
        return w.w[3] & 1 ? u : u * 0x1p-12f;
    case INTEGERS:
        return (float)((int)(w.w[0] >> 8) - (1 << 23)) * (w.w[3] & 1 ? 0.37f : 0x1p-10f);
    default:
        return w.w[3] & 7   ? fmaf(u, 40.0f, -20.0f)
               : w.w[3] & 8 ? 0.0f
                            : scl_float_of(sign | (100 + w.w[1] % 20) << 23 | w.w[0] >> 9);
    }
}

typedef struct bench {
    scl_cl *cl;
    cl_program program;
    scl_memory *in[3], *out;
    float *x[3], *got;
    int vec;
} bench;

/* Runs a kernel over all elements; the results are in got: COUNT of the vector function, COUNT of the scalar one. */
static scl_status run(bench *b, const char *name, scl_err *err)
{
    char function[64];
    snprintf(function, sizeof function, "probe_%s", name);
    cl_int code;
    cl_kernel kernel = clCreateKernel(b->program, function, &code);
    SCL_TRY(scl_cl_check(code, "clCreateKernel", function, err));
    const int n = COUNT;
    for (cl_uint i = 0; i < 3 && code == CL_SUCCESS; i++)
        code = clSetKernelArg(kernel, i, sizeof(cl_mem), &b->in[i]->buffer);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(kernel, 3, sizeof(cl_mem), &b->out->buffer);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(kernel, 4, sizeof n, &n);
    if (code == CL_SUCCESS)
        code = clSetKernelArg(kernel, 5, sizeof b->vec, &b->vec);
    scl_status status = scl_cl_check(code, "clSetKernelArg", function, err);
    const scl_grid grid = scl_groups(1, COUNT / (size_t)b->vec, 1, 1);
    if (status == SCL_OK)
        status = scl_cl_launch(b->cl, kernel, function, &grid, err);
    if (status == SCL_OK)
        status = scl_cl_read(&b->cl->base, (scl_region){ b->out, 0, 8 * COUNT }, b->got, err);
    clReleaseKernel(kernel);
    return status;
}

static void compare(bench *b, const char *name, int i, float want, scl_probe_result *r, bool *told)
{
    for (int half = 0; half < 2; half++) {
        const float got = b->got[half * COUNT + i];
        if (scl_bits_of(got) == scl_bits_of(want) || *told)
            continue;
        *told = true;
        scl_probe_differs(r, "%s%s at %a, %a, %a: %a instead of %a", name, half ? "" : " of vectors",
                          (double)b->x[0][i], (double)b->x[1][i], (double)b->x[2][i], (double)got,
                          (double)want);
    }
}

static scl_status probe_one(bench *b, const test *t, scl_probe_result *r, scl_err *err)
{
    for (int k = 0; k < 3; k++) {
        for (uint32_t i = 0; i < COUNT; i++)
            b->x[k][i] = draw(t->range, i, (uint32_t)k);
        SCL_TRY(scl_cl_write(&b->cl->base, (scl_region){ b->in[k], 0, 4 * COUNT }, b->x[k], err));
    }
    SCL_TRY(run(b, t->name, err));
    bool told = false;
    for (int i = 0; i < COUNT; i++) {
        const float x = b->x[0][i], y = b->x[1][i], z = b->x[2][i];
        compare(b, t->name, i, t->f1 ? t->f1(x) : t->f2 ? t->f2(x, y) : t->f3(x, y, z), r, &told);
    }
    r->n_check++;
    return SCL_OK;
}

static scl_status probe_normals(bench *b, scl_probe_result *r, scl_err *err)
{
    SCL_TRY(run(b, "normal2", err));
    bool told = false;
    for (uint32_t i = 0; i < COUNT && !told; i++) {
        scl_words w = { { i, 1, 2, 3 } };
        scl_philox(&w.w[0], &w.w[1], &w.w[2], &w.w[3], COUNT, 7);
        float normal[2];
        scl_normal2(w.w[0], w.w[1], &normal[0], &normal[1]);
        for (int k = 0; k < 2 && !told; k++) {
            const float got = b->got[(uint32_t)k * COUNT + i];
            told = scl_bits_of(got) != scl_bits_of(normal[k]);
            if (told)
                scl_probe_differs(r, "normal number %u: %a instead of %a", i, (double)got, (double)normal[k]);
        }
    }
    r->n_check++;
    return SCL_OK;
}

static scl_status open_bench(scl_cl *cl, bench *b, scl_err *err)
{
    *b = (bench){ .cl = cl, .vec = cl->base.info.vector_width >= 8 ? VEC_WIDE : VEC_NARROW };
    char options[32];
    snprintf(options, sizeof options, "-DVEC=%d", b->vec);
    SCL_TRY(scl_program_get(cl, "probe/arith.cl", NULL, options, &b->program, err));
    void *memory;
    for (int k = 0; k < 3; k++) {
        SCL_TRY(scl_alloc_bytes(&memory, 4 * COUNT, "the device probe", err));
        b->x[k] = memory;
        SCL_TRY(scl_cl_alloc(&cl->base, 4 * COUNT, &b->in[k], err));
    }
    SCL_TRY(scl_alloc_bytes(&memory, 8 * COUNT, "the device probe", err));
    b->got = memory;
    return scl_cl_alloc(&cl->base, 8 * COUNT, &b->out, err);
}

scl_status scl_probe_arith(scl_cl *cl, scl_probe_result *r, scl_err *err)
{
    bench b;
    scl_status status = open_bench(cl, &b, err);
    for (size_t i = 0; i < sizeof tests / sizeof *tests && status == SCL_OK; i++)
        status = probe_one(&b, &tests[i], r, err);
    if (status == SCL_OK)
        status = probe_normals(&b, r, err);
    for (int k = 0; k < 3; k++) {
        scl_cl_release(&cl->base, b.in[k]);
        free(b.x[k]);
    }
    scl_cl_release(&cl->base, b.out);
    free(b.got);
    return status;
}
