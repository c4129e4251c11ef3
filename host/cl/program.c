/* Building programs, with a cache in memory and, where it helps, one on disk. */
#include "cl/program.h"

#include "cl/il.h"
#include "cl/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    struct entry *next;
    unsigned long hash;
    char *name, *text, *options;      /* text: "" for a file */
    cl_program program;
} entry;

struct scl_programs {
    scl_arena arena;
    entry *first;
    bool on_disk;
    scl_program_counts counts;
};

static const scl_build_watch *watched;      /* by whom */

void scl_build_watch_by(const scl_build_watch *watch) { watched = watch; }

static const char every_build[] = "-cl-std=CL1.2 -cl-kernel-arg-info";

static unsigned long fnv(unsigned long h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211ul;
    return (h ^ 0xff) * 1099511628211ul;
}

/* PoCL keeps its own cache of what costs time there, the machine code per kernel and local size; a second one saves nothing
 * (docs/design/program-cache.md).  oclgrind interprets: building is all it does. */
static bool worth_a_file(const scl_cl *cl)
{
    const char *forced = getenv("SCL_PROGRAM_CACHE");      /* 0 or 1, for tests */
    if (forced)
        return *forced == '1';
    return !strcasestr(cl->base.info.platform, "Portable Computing Language") &&
           !strcasestr(cl->base.info.platform, "oclgrind");
}

const char *scl_program_extra_options(const scl_cl *cl, const char *name, scl_arena *arena)
{
    const char *every = getenv("SCL_CL_OPTIONS");
    const char *own = getenv(scl_arena_printf(arena, "SCL_CL_OPTIONS_%d", cl->base.info.index));
    const size_t family = own ? strcspn(own, ":") : 0;
    if (own && own[family] && name) {
        const char *file = scl_arena_printf(arena, "/%.*s.cl", (int)family, own);
        own = strstr(name, file) ? own + family + 1 : NULL;
    }
    return scl_arena_printf(arena, "%s%s%s", every ? every : "", every && own ? " " : "", own ? own : "");
}

static scl_status build_failed(const scl_cl *cl, const char *name, const char *text, const char *source,
                               const char *options, cl_program program, cl_int code, scl_err *err)
{
    size_t bytes = 0;
    clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes);
    char *log = calloc(1, bytes + 1);
    if (log && bytes)
        clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
    char file[256], shown[400], where[300];
    const char *message;
    int line = 0, col = 0;
    scl_status status;
    if (log && scl_log_position(log, file, sizeof file, &line, &col, &message)) {
        if (!scl_source_line(source, file, line, shown, sizeof shown) && strncmp(file, "cl/", 3) != 0) {
            scl_source_origin(source, line, file, sizeof file, &line);
            scl_source_line(source, file, line, shown, sizeof shown);
        }
        status = scl_fail_at(err, SCL_FAILED, file, line, col, "%.*s\n    %s\n(kernel build for %s, options '%s')",
                             (int)strcspn(message, "\n"), message, shown, cl->base.info.name, options);
    } else {
        scl_source_called(name, text, where, sizeof where);
        status = scl_fail_at(err, SCL_FAILED, where, 0, 0, "kernel build failed on %s: %s (%d), options '%s'%s",
                             cl->base.info.name, scl_cl_error_name(code), code, options,
                             log && *log ? "" : "; the driver gave no log");
    }
    if (err && log && *log)
        scl_err_log(err, log);
    free(log);
    return status;
}

/* Does the driver still tell how the parameters are called?  Intel's processor run time does of what it built from source, but
 * not of a binary. */
static bool tells_parameters(cl_program program)
{
    cl_kernel kernels[64];
    cl_uint n = 0, arguments;
    bool tells = clCreateKernelsInProgram(program, 64, kernels, &n) == CL_SUCCESS;
    for (cl_uint i = 0; i < n && i < 64; i++) {
        char name[256] = "";
        const cl_int code = clGetKernelInfo(kernels[i], CL_KERNEL_NUM_ARGS, sizeof arguments, &arguments, NULL);
        if (tells && code == CL_SUCCESS && arguments)
            tells = clGetKernelArgInfo(kernels[i], 0, CL_KERNEL_ARG_NAME, sizeof name - 1, name, NULL) == CL_SUCCESS && name[0];
        clReleaseKernel(kernels[i]);
    }
    return tells;
}

static cl_program from_binary(const scl_cl *cl, const char *key, const char *options)
{
    void *data;
    size_t bytes;
    if (!scl_cache_load("programs", key, &data, &bytes))
        return NULL;
    const unsigned char *binary = data;
    cl_int status = CL_SUCCESS, code;
    cl_program program = clCreateProgramWithBinary(cl->context, 1, &cl->device, &bytes, &binary, &status, &code);
    free(data);
    const bool built = program && code == CL_SUCCESS && status == CL_SUCCESS &&
                       clBuildProgram(program, 1, &cl->device, options, NULL, NULL) == CL_SUCCESS;
    if (built && !tells_parameters(program))
        cl->programs->on_disk = false;  /* such binaries serve nothing; the source is built, here and from now on */
    if (program && (!built || !cl->programs->on_disk)) {
        clReleaseProgram(program);      /* stale: the driver does not take it; it is built again and replaced */
        program = NULL;
    }
    return program;
}

static void keep_binary(const char *key, cl_program program)
{
    size_t bytes = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) != CL_SUCCESS || !bytes)
        return;
    unsigned char *binary = malloc(bytes);
    if (binary && clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        scl_cache_store("programs", key, binary, bytes);
    free(binary);
}

static scl_status compile(scl_cl *cl, const char *name, const char *text, const char *source, const char *options,
                          cl_program program, scl_err *err)
{
    const scl_build_watch *w = watched;
    scl_err fault = { 0 };
    scl_arena arena = { 0 };
    if (w)
        w->begin(w->user, &cl->base, source, options + sizeof every_build, options);
    const cl_int code =
        clBuildProgram(program, 1, &cl->device, scl_il_compiler() ? scl_il_options(options, &arena) : options, NULL, NULL);
    scl_arena_free(&arena);
    scl_status status = SCL_OK;
    if (code != CL_SUCCESS)
        status = build_failed(cl, name, text, source, options, program, code, &fault);
    if (w)
        w->end(w->user, &cl->base, status == SCL_OK ? NULL : &fault);
    if (status != SCL_OK && err && !err->code)
        *err = fault;
    else
        scl_err_clear(&fault);
    return status;
}

static scl_status create(scl_cl *cl, const char *name, const char *source, const char *options, cl_program *out, scl_err *err)
{
    cl_int code;
    if (scl_il_compiler())
        return scl_il_create(cl, name, source, options, out, err);
    *out = clCreateProgramWithSource(cl->context, 1, &source, NULL, &code);
    return scl_cl_check(code, "clCreateProgramWithSource", name, err);
}

static scl_status build(scl_cl *cl, const char *name, const char *text, const char *options, cl_program *out,
                        scl_err *err)
{
    scl_arena arena = { 0 };
    char *source = NULL;
    const char *body = text ? text : scl_source_find(name, &arena);
    scl_status status = body ? scl_source_resolve(&source, &arena, name, body, err)
                             : scl_fail(err, SCL_FAILED, "no kernel file is called 'cl/%s'", name);
    *out = NULL;
    if (status == SCL_OK) {
        const char *all =
            scl_arena_printf(&arena, "%s %s %s", every_build, options, scl_program_extra_options(cl, name, &arena));
        const char *key = scl_arena_printf(&arena, "%s\n%s\n%s", cl->identity, all, source);
        if (cl->programs->on_disk)
            *out = from_binary(cl, key, all);
        cl->programs->counts.loaded += *out != NULL;
        if (!*out) {
            cl->programs->counts.built++;
            status = create(cl, name, source, all, out, err);
            if (status == SCL_OK)
                status = compile(cl, name, text, source, all, *out, err);
            if (status == SCL_OK && cl->programs->on_disk)
                keep_binary(key, *out);
        }
    }
    if (status != SCL_OK && *out)
        clReleaseProgram(*out);
    scl_arena_free(&arena);
    return status;
}

static scl_status open_programs(scl_cl *cl, scl_err *err)
{
    void *memory;
    if (cl->programs)
        return SCL_OK;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_programs), "the program cache", err));
    cl->programs = memory;
    cl->programs->on_disk = !scl_il_compiler() && worth_a_file(cl);
    return SCL_OK;
}

scl_status scl_program_get(scl_cl *cl, const char *name, const char *text, const char *options,
                           cl_program *out, scl_err *err)
{
    SCL_TRY(open_programs(cl, err));
    scl_programs *all = cl->programs;
    const char *generated = text ? text : "";
    const unsigned long hash = fnv(fnv(fnv(14695981039346656037ul, name), generated), options);
    for (const entry *e = all->first; e; e = e->next)
        if (e->hash == hash && !strcmp(e->name, name) && !strcmp(e->options, options) && !strcmp(e->text, generated)) {
            *out = e->program;
            return SCL_OK;
        }
    SCL_TRY(build(cl, name, text, options, out, err));
    entry *e = SCL_NEW(&all->arena, entry);
    *e = (entry){ .next = all->first, .hash = hash, .name = scl_arena_strdup(&all->arena, name),
                  .text = scl_arena_strdup(&all->arena, generated), .options = scl_arena_strdup(&all->arena, options),
                  .program = *out };
    all->first = e;
    return SCL_OK;
}

scl_status scl_kernel_text(scl_backend *b, const scl_launch *l, scl_arena *arena, const char **source,
                           const char **options, const char **build, scl_err *err)
{
    scl_cl *cl = scl_cl_of(b);
    if (!cl || !l->kernel)
        return scl_fail(err, SCL_FAILED, "%s has no source for a launch of %s", b->info.name, l->node->op->name);
    const char *name = scl_arena_printf(arena, "%s/%s.cl", l->source ? "generated" : "ops", l->family);
    const char *body = l->source ? l->source : scl_source_find(name, arena);
    char *text;
    if (!body)
        return scl_fail(err, SCL_FAILED, "no kernel file is called 'cl/%s'", name);
    SCL_TRY(scl_source_resolve(&text, arena, name, body, err));
    const char *extra = scl_program_extra_options(cl, name, arena);
    *source = text;
    *options = scl_arena_printf(arena, "%s%s%s", l->options, extra[0] ? " " : "", extra);
    if (build)
        *build = scl_arena_printf(arena, "%s %s", every_build, *options);
    return SCL_OK;
}

scl_status scl_kernel_builds(scl_backend *b, const char *source, const char *options, scl_err *err)
{
    scl_cl *cl = scl_cl_of(b);
    cl_program program;
    SCL_TRY(open_programs(cl, err));
    const bool on_disk = cl->programs->on_disk;
    cl->programs->on_disk = false;
    const scl_status status = build(cl, "generated/replay.cl", source, options, &program, err);
    cl->programs->on_disk = on_disk;
    if (status == SCL_OK)
        clReleaseProgram(program);
    return status;
}

scl_program_counts scl_program_counts_of(scl_backend *b)
{
    const scl_cl *cl = scl_cl_of(b);
    return cl && cl->programs ? cl->programs->counts : (scl_program_counts){ 0 };
}

void scl_programs_free(scl_programs *all)
{
    if (!all)
        return;
    for (entry *e = all->first; e; e = e->next)
        clReleaseProgram(e->program);
    scl_arena_free(&all->arena);
    free(all);
}

scl_status scl_program_parameters(scl_cl *cl, cl_kernel kernel, const char *name, const char *text,
                                  const char *function, char (*parameter)[64], char *address, int *n,
                                  scl_err *err)
{
    (void)cl;
    cl_uint count = 0;
    SCL_CL(err, function, clGetKernelInfo, kernel, CL_KERNEL_NUM_ARGS, sizeof count, &count, NULL);
    if (count > SCL_MAX_PARAMETERS)
        return scl_fail(err, SCL_FAILED, "kernel %s has %u parameters, more than %d", function, count,
                        SCL_MAX_PARAMETERS);
    *n = (int)count;
    bool known = true;
    for (cl_uint i = 0; i < count && known; i++) {
        cl_kernel_arg_address_qualifier where = 0;
        char full[256] = "";
        known = clGetKernelArgInfo(kernel, i, CL_KERNEL_ARG_NAME, sizeof full - 1, full, NULL) ==
                    CL_SUCCESS &&
                full[0] &&
                clGetKernelArgInfo(kernel, i, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof where, &where, NULL) ==
                    CL_SUCCESS;
        snprintf(parameter[i], sizeof parameter[i], "%.63s", full);
        address[i] = where == CL_KERNEL_ARG_ADDRESS_LOCAL ? 'l' : where == CL_KERNEL_ARG_ADDRESS_PRIVATE ? 'p' : 'g';
    }
    if (known)
        return SCL_OK;
    scl_arena arena = { 0 };
    const char *body = text ? text : scl_source_find(name, &arena);
    char *source = NULL;            /* with what it includes: most kernels stand in cl/lib */
    const bool found = body && scl_source_resolve(&source, &arena, name, body, err) == SCL_OK;
    const int parsed = found ? scl_source_parameters(source, function, parameter, address) : -1;
    scl_arena_free(&arena);
    char called[256];
    scl_source_called(name, text, called, sizeof called);
    return parsed == *n ? SCL_OK
                        : scl_fail(err, SCL_FAILED,
                                   "%s: the driver does not tell the parameters of kernel %s, and its source does not either",
                                   called, function);
}
