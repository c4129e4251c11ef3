/* The command that repeats one case of verify. */
#include <stdlib.h>
#include <string.h>

#include "base/shell.h"
#include "cli/verify.h"

static char *with_variable(scl_arena *arena, char *before, const char *name)
{
    const char *value = getenv(name);
    return value ? scl_arena_printf(arena, "%s%s=%s ", before, name, scl_shell_word(value, arena)) : before;
}

char *verify_repeat(const verify_options *o, const scl_device_info *d, const t_report *r, scl_arena *arena)
{
    static const char *const variables[] = { "SCL_CL_OPTIONS", "SCL_KERNEL_DIR", "SCL_MATRIX_EMULATE" };
    char *line = scl_arena_strdup(arena, "");
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        line = with_variable(arena, line, variables[i]);
    if (d->index >= 0)
        line = with_variable(arena, line, scl_arena_printf(arena, "SCL_CL_OPTIONS_%d", d->index));
    line = scl_arena_printf(arena, "%sscorecl verify --device ", line);
    line = d->index < 0 ? scl_arena_printf(arena, "%sreference", line) : scl_arena_printf(arena, "%s%d", line, d->index);
    line = scl_arena_printf(arena, "%s --op %s --case %s", line, r->op, r->name);
    if (r->candidate >= 0)
        line = scl_arena_printf(arena, "%s --candidate %d", line, r->candidate);
    if (strcmp(o->precision, "f32") != 0)
        line = scl_arena_printf(arena, "%s -o precision=%s", line, o->precision);
    for (int i = 0; o->tune[i]; i++)
        line = scl_arena_printf(arena, "%s -o tune.%s", line, o->tune[i]);
    return line;
}
