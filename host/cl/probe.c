#include "cl/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/probe_parts.h"
#include "cl/program.h"

void scl_probe_differs(scl_probe_result *r, const char *format, ...)
{
    r->n_different++;
    const size_t used = strlen(r->differed);
    if (used + 160 > sizeof r->differed)
        return;      /* the first few say enough */
    const int n = snprintf(r->differed + used, sizeof r->differed - used, "%s", used ? "; " : "");
    va_list args;
    va_start(args, format);
    vsnprintf(r->differed + used + n, sizeof r->differed - used - (size_t)n, format, args);
    va_end(args);
}

/* What the result depends on. */
static char *cache_key(const scl_cl *cl, scl_arena *arena)
{
    char sources[65];
    scl_source_hash(sources);
    const char *extra = scl_program_extra_options(cl, NULL, arena);
    return scl_arena_printf(arena, "device probe 2\n%s\n%s\n%s\n", cl->identity, extra, sources);
}

static bool load_result(const char *key, scl_probe_result *out)
{
    void *data;
    size_t bytes;
    if (!scl_cache_load("probe", key, &data, &bytes))
        return false;
    const bool good = bytes == sizeof *out;
    if (good) {
        memcpy(out, data, sizeof *out);
        out->cached = true;
    }
    free(data);
    return good;
}

scl_status scl_probe_device(scl_backend *b, bool again, scl_probe_result *out, scl_err *err)
{
    *out = (scl_probe_result){ .promised = true };
    scl_cl *cl = scl_cl_of(b);
    if (!cl)
        return SCL_OK;
    scl_arena arena = { 0 };
    const char *key = cache_key(cl, &arena);
    scl_status status = SCL_OK;
    if (again || !load_result(key, out)) {
        status = scl_probe_arith(cl, out, err);
        if (status == SCL_OK)
            status = scl_probe_operators(b, out, err);
        out->promised = status == SCL_OK && out->n_different == 0;
        if (status == SCL_OK)
            scl_cache_store("probe", key, out, sizeof *out);
        else
            scl_err_context(err, "device probe");
    }
    scl_arena_free(&arena);
    return status;
}

void scl_probe_text(const scl_backend *b, const scl_probe_result *r, char *text, size_t size)
{
    if (b->info.klass == SCL_CLASS_REFERENCE)
        snprintf(text, size, "bits promised on %s: it computes the C definitions themselves", b->info.name);
    else if (r->promised)
        snprintf(text, size, "bits promised on %s (%d checks%s)", b->info.name, r->n_check,
                 r->cached ? ", stored" : "");
    else
        snprintf(text, size, "bits not promised on this device: %s: %d of %d checks differ from the C definitions: %s",
                 b->info.name, r->n_different, r->n_check, r->differed);
}
