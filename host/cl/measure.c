/* Peak rates of a device, by the kernels of cl/probe/measure.cl. */
#include "cl/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cl/load.h"
#include "cl/program.h"

enum { CHAINS = 12, VEC_GPU = 4, WG_GPU = 64, SHARES_CPU = 64, LAUNCHES = 2000, WAITS = 50 };

typedef struct rig {
    scl_cl *cl;
    cl_program program;
    cl_kernel fma, read, copy, nothing;
    scl_memory *from, *to;        /* bytes each */
    size_t bytes, items, wg, vec;
} rig;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void close_rig(rig *r)
{
    cl_kernel kernels[] = { r->fma, r->read, r->copy, r->nothing };
    for (int i = 0; i < 4; i++)
        if (kernels[i])
            clReleaseKernel(kernels[i]);
    scl_cl_release(&r->cl->base, r->from);
    scl_cl_release(&r->cl->base, r->to);
}

static scl_status kernel_of(rig *r, const char *name, cl_kernel *out, scl_err *err)
{
    cl_int code;
    *out = clCreateKernel(r->program, name, &code);
    return scl_cl_check(code, "clCreateKernel", name, err);
}

static scl_status open_rig(scl_backend *b, size_t bytes, rig *r, scl_err *err)
{
    *r = (rig){ .cl = scl_cl_of(b), .bytes = bytes };
    if (!r->cl)
        return scl_fail(err, SCL_FAILED, "%s is no OpenCL device: nothing to measure", b->info.name);
    const bool gpu = b->info.klass == SCL_CLASS_GPU;
    r->wg = gpu ? WG_GPU : 1;
    r->vec = gpu ? VEC_GPU : b->info.vector_width >= 16 ? 16 : 8;
    r->items = gpu ? (size_t)WG_GPU * 32 * b->info.compute_units : SHARES_CPU;
    char options[128];
    snprintf(options, sizeof options, "-DWG=%zu -DVEC=%zu -DSHARES=%d", r->wg, r->vec, !gpu);
    SCL_TRY(scl_program_get(r->cl, "probe/measure.cl", NULL, options, &r->program, err));
    SCL_TRY(kernel_of(r, "fma_chains", &r->fma, err));
    SCL_TRY(kernel_of(r, "read_all", &r->read, err));
    SCL_TRY(kernel_of(r, "copy_all", &r->copy, err));
    SCL_TRY(kernel_of(r, "nothing", &r->nothing, err));
    const size_t least = r->items * r->vec * 4;
    if (r->bytes < least)
        r->bytes = least;
    SCL_TRY(scl_cl_alloc(b, r->bytes, &r->from, err));
    SCL_TRY(scl_cl_alloc(b, r->bytes, &r->to, err));
    SCL_TRY(scl_cl_fill(b, (scl_region){ r->from, 0, r->bytes }, 0, err));
    return scl_cl_fill(b, (scl_region){ r->to, 0, r->bytes }, 0, err);
}

static scl_status argument(cl_kernel kernel, cl_uint i, size_t size, const void *value, scl_err *err)
{
    SCL_CL(err, "measurement", clSetKernelArg, kernel, i, size, value);
    return SCL_OK;
}

/* One launch over all work-items, waited for. */
static scl_status timed(rig *r, cl_kernel kernel, double *seconds, scl_err *err)
{
    const scl_grid grid = { .global = { r->items, 1, 1 }, .local = { r->wg, 1, 1 } };
    const double start = now();
    SCL_TRY(scl_cl_launch(r->cl, kernel, "measurement", &grid, err));
    SCL_CL(err, "measurement", clFinish, r->cl->queue);
    *seconds = now() - start;
    return SCL_OK;
}

/* Rounds are doubled until a launch takes a hundredth of a second; then the best launch of the time given. */
static scl_status fma_rate(rig *r, double seconds, double *gflops, scl_err *err)
{
    const float a = 0.999f, b = 0.001f;
    int rounds = 16;
    SCL_TRY(argument(r->fma, 0, sizeof(cl_mem), &r->to->buffer, err));
    SCL_TRY(argument(r->fma, 1, sizeof a, &a, err));
    SCL_TRY(argument(r->fma, 2, sizeof b, &b, err));
    *gflops = 0;
    double last = 0;
    const int none = 0;
    SCL_TRY(argument(r->fma, 3, sizeof none, &none, err));
    SCL_TRY(timed(r, r->fma, &last, err));      /* compiles, on some devices */
    last = 0;
    for (double start = now(); last < 0.01 || now() - start < seconds;) {
        SCL_TRY(argument(r->fma, 3, sizeof rounds, &rounds, err));
        SCL_TRY(timed(r, r->fma, &last, err));
        const double rate = 2e-9 * CHAINS * (double)r->vec * (double)r->items * rounds / last;
        if (rate > *gflops)
            *gflops = rate;
        if (last < 0.01 && rounds < 1 << 28)
            rounds *= 2;
    }
    return SCL_OK;
}

/* moved: bytes per byte of the share; the last bytes that fill no share are left. */
static scl_status stream_rate(rig *r, cl_kernel kernel, double moved, double *gb_s, scl_err *err)
{
    const unsigned share = (unsigned)(r->bytes / (r->items * r->vec * 4));
    SCL_TRY(argument(kernel, 0, sizeof(cl_mem), &r->from->buffer, err));
    SCL_TRY(argument(kernel, 1, sizeof(cl_mem), &r->to->buffer, err));
    SCL_TRY(argument(kernel, 2, sizeof share, &share, err));
    *gb_s = 0;
    const double start = now();
    for (int i = 0; i < 6 && (i < 2 || now() - start < 1); i++) {
        double seconds;
        SCL_TRY(timed(r, kernel, &seconds, err));
        const double rate = 1e-9 * moved * share * (double)(r->items * r->vec * 4) / seconds;
        if (i && rate > *gb_s)
            *gb_s = rate;
    }
    return SCL_OK;
}

static scl_status launch_costs(rig *r, scl_peak *out, scl_err *err)
{
    const int never = 0;
    const scl_grid one = scl_groups(1, 1, 1, 1);
    SCL_TRY(argument(r->nothing, 0, sizeof(cl_mem), &r->to->buffer, err));
    SCL_TRY(argument(r->nothing, 1, sizeof never, &never, err));
    for (int pass = 0; pass < 2; pass++) {      /* the first warms the kernel up */
        double start = now();
        for (int i = 0; i < LAUNCHES; i++)
            SCL_TRY(scl_cl_launch(r->cl, r->nothing, "nothing", &one, err));
        SCL_CL(err, "measurement", clFinish, r->cl->queue);
        out->launch_us = 1e6 * (now() - start) / LAUNCHES;
        start = now();
        for (int i = 0; i < WAITS; i++) {
            SCL_TRY(scl_cl_launch(r->cl, r->nothing, "nothing", &one, err));
            SCL_CL(err, "measurement", clFinish, r->cl->queue);
        }
        out->launch_wait_us = 1e6 * (now() - start) / WAITS;
    }
    return SCL_OK;
}

/* A chain of dependent additions takes one cycle each on every processor of interest. */
static double host_clock_ghz(void)
{
    enum { STEPS = 4000000 };
    double best = 0;
    unsigned long x = 1, y = 3;
    for (int pass = 0; pass < 5; pass++) {
        const double start = now();
        for (int i = 0; i < STEPS / 16; i++) {
#define ADD x += y; __asm__ volatile("" : "+r"(x), "+r"(y));
            ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD
        }
        const double rate = 1e-9 * STEPS / (now() - start);
        if (rate > best)
            best = rate;
    }
    return best;
}

static bool cpu_says(const char *key, const char *word)
{
    char line[8192];
    bool found = false;
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && !found && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key)))
            for (char *save, *w = strtok_r(strchr(line, ':') ? strchr(line, ':') + 1 : line, " \t\n", &save);
                 w && !found; w = strtok_r(NULL, " \t\n", &save))
                found = !strcmp(w, word);
    if (f)
        fclose(f);
    return found;
}

/* Lanes x pipes of float fma in one core: AMD's family 25 (Zen 4) splits 512 bits in two, family 26 has two whole ones. */
static double host_fma_per_cycle(void)
{
#if defined(__x86_64__)
    if (cpu_says("flags", "avx512f"))
        return cpu_says("vendor_id", "AuthenticAMD") && cpu_says("cpu family", "25") ? 16 : 32;
    return cpu_says("flags", "fma") ? 16 : 0;
#elif defined(__aarch64__)
    return 8;
#else
    return 0;
#endif
}

/* 0: the device does not know the property. */
static cl_uint asked(const scl_cl *cl, cl_device_info what)
{
    cl_uint value = 0;
    return clGetDeviceInfo(cl->device, what, sizeof value, &value, NULL) == CL_SUCCESS ? value : 0;
}

/* Float fma a cycle and compute unit of a GPU, by what its driver tells: NVIDIA's the compute capability, AMD's SIMDs, lanes
 * and values of a lane; where compute units are vector engines, one is as wide as the smallest sub-group. */
static double gpu_fma_per_cycle(const scl_cl *cl)
{
    const cl_uint major = asked(cl, 0x4000 /* CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV */), minor = asked(cl, 0x4001);
    if (major)
        return (major == 6 && minor == 0) || major == 7 || (major == 8 && minor == 0) ? 64 : 128;
    const cl_uint simds = asked(cl, 0x4040 /* CL_DEVICE_SIMD_PER_COMPUTE_UNIT_AMD */);
    if (simds)
        return (double)simds * asked(cl, 0x4041) * asked(cl, 0x4042);
    return cl->base.info.units_per_core > 1 ? cl->base.info.least_sub_group : 0;
}

static void expectation(const scl_cl *cl, scl_peak *out)
{
    const scl_device_info *info = &cl->base.info;
    const bool cpu = info->klass == SCL_CLASS_CPU;
    out->clock_ghz = cpu ? host_clock_ghz() : 1e-3 * info->clock_mhz;
    const double per_cycle = cpu ? host_fma_per_cycle() : info->klass == SCL_CLASS_GPU ? gpu_fma_per_cycle(cl) : 0;
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);      /* llvmpipe says 8 units anywhere */
    const unsigned units = cpu && processors > 0 && processors < (long)info->compute_units ? (unsigned)processors
                                                                                           : info->compute_units;
    out->fma_gflops_expected = 2 * per_cycle * out->clock_ghz * units;
}

typedef struct kept { scl_peak peak; char date[32]; } kept;

static const char *cache_key(scl_cl *cl, scl_arena *arena)
{
    return scl_arena_printf(arena, "peak 1\n%s\n%u units", cl->identity, cl->base.info.compute_units);
}

static bool find(scl_cl *cl, kept *out)
{
    scl_arena arena = { 0 };
    void *data;
    size_t bytes;
    const bool found = scl_cache_load("peak", cache_key(cl, &arena), &data, &bytes);
    const bool fits = found && bytes == sizeof *out;
    if (fits)
        memcpy(out, data, sizeof *out);
    if (found)
        free(data);
    scl_arena_free(&arena);
    return fits;
}

static double larger(double a, double b) { return a > b ? a : b; }
static double smaller(double a, double b) { return a < b ? a : b; }

/* A ceiling is the best that was ever seen: other work on the machine only lowers what is measured. */
static void keep(scl_cl *cl, const scl_peak *peak)
{
    scl_arena arena = { 0 };
    kept k = { .peak = *peak }, before;
    if (find(cl, &before)) {
        k.peak.fma_gflops = larger(peak->fma_gflops, before.peak.fma_gflops);
        k.peak.read_gb_s = larger(peak->read_gb_s, before.peak.read_gb_s);
        k.peak.copy_gb_s = larger(peak->copy_gb_s, before.peak.copy_gb_s);
        k.peak.launch_us = smaller(peak->launch_us, before.peak.launch_us);
        k.peak.launch_wait_us = smaller(peak->launch_wait_us, before.peak.launch_wait_us);
    }
    const time_t when = time(NULL);
    struct tm utc;
    strftime(k.date, sizeof k.date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &utc));
    scl_cache_store("peak", cache_key(cl, &arena), &k, sizeof k);
    scl_arena_free(&arena);
}

scl_status scl_measure_peak(scl_backend *b, scl_peak *out, scl_err *err)
{
    *out = (scl_peak){ 0 };
    size_t bytes = (size_t)256 << 20;
    if (b->info.max_alloc_bytes / 4 < bytes)
        bytes = b->info.max_alloc_bytes / 4;
    rig r;
    scl_status status = open_rig(b, bytes, &r, err);
    if (status == SCL_OK)
        status = fma_rate(&r, 0.3, &out->fma_gflops, err);
    if (status == SCL_OK)
        status = stream_rate(&r, r.read, 1, &out->read_gb_s, err);
    if (status == SCL_OK)
        status = stream_rate(&r, r.copy, 2, &out->copy_gb_s, err);
    if (status == SCL_OK)
        status = launch_costs(&r, out, err);
    if (r.cl) {
        expectation(r.cl, out);
        close_rig(&r);
        if (status == SCL_OK)
            keep(r.cl, out);
    }
    return status;
}

scl_status scl_measure_cached(scl_backend *b, bool anew, scl_peak *out, char date[32], bool *cached, scl_err *err)
{
    scl_cl *cl = scl_cl_of(b);
    kept k = { 0 };
    if (!cl)
        return scl_fail(err, SCL_FAILED, "%s is no OpenCL device: nothing to measure", b->info.name);
    *cached = !anew && find(cl, &k);
    if (!*cached) {
        SCL_TRY(scl_measure_peak(b, &k.peak, err));
        find(cl, &k); /* with its date */
    }
    *out = k.peak;
    memcpy(date, k.date, sizeof k.date);
    return SCL_OK;
}

scl_status scl_measure_fma(scl_backend *b, double seconds, double *gflops, scl_err *err)
{
    rig r;
    scl_status status = open_rig(b, 0, &r, err);
    if (status == SCL_OK)
        status = fma_rate(&r, seconds, gflops, err);
    if (r.cl)
        close_rig(&r);
    return status;
}
