#include "cl/il.h"

#include <stdlib.h>
#include <string.h>

#include "base/filter.h"

typedef cl_program (*create_fn)(cl_context context, const void *il, size_t bytes, cl_int *code);

enum { MOST_WORDS = 256 };

const char *scl_il_compiler(void)
{
    const char *command = getenv("SCL_SPIRV");
    return command && *command ? command : NULL;
}

/* The command and the options' words, NULL behind them. */
static void words_of(const char *options, const char *argv[MOST_WORDS], scl_arena *arena)
{
    int n = 0;
    argv[n++] = scl_il_compiler();
    char *rest, *text = scl_arena_strdup(arena, options);
    for (char *w = strtok_r(text, " ", &rest); w && n < MOST_WORDS - 1; w = strtok_r(NULL, " ", &rest))
        argv[n++] = w;
    argv[n] = NULL;
}

scl_status scl_il_create(scl_cl *cl, const char *name, const char *source, const char *options, cl_program *out, scl_err *err)
{
    const create_fn create = (create_fn)clGetExtensionFunctionAddressForPlatform(cl->platform, "clCreateProgramWithILKHR");
    scl_arena arena = { 0 };
    scl_filtered made = { 0 };
    const char *argv[MOST_WORDS];
    cl_int code = CL_SUCCESS;
    *out = NULL;
    scl_status status = create ? SCL_OK : scl_fail(err, SCL_FAILED, "%s takes no SPIR-V (SCL_SPIRV)", cl->base.info.name);
    words_of(options, argv, &arena);
    if (status == SCL_OK)
        status = scl_filter(argv, source, strlen(source), &made, err);
    if (status == SCL_OK && (made.code || !made.n))
        status = scl_fail(err, SCL_FAILED, "cl/%s: %s ends with %d, options '%s':\n%.2000s", name, argv[0], made.code, options,
                          made.errors);
    if (status == SCL_OK) {
        *out = create(cl->context, made.output, made.n, &code);
        status = scl_cl_check(code, "clCreateProgramWithILKHR", name, err);
    }
    scl_filtered_free(&made);
    scl_arena_free(&arena);
    return status;
}

const char *scl_il_options(const char *options, scl_arena *arena)
{
    const char *argv[MOST_WORDS], *kept = "";
    words_of(options, argv, arena);
    for (int i = 1; argv[i]; i++)
        if (!strncmp(argv[i], "-cl-", 4) && strncmp(argv[i], "-cl-std=", 8) && strcmp(argv[i], "-cl-kernel-arg-info"))
            kept = scl_arena_printf(arena, "%s%s%s", kept, *kept ? " " : "", argv[i]);
    return kept;
}
