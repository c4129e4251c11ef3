#include "run/versions.h"

#include <stdio.h>
#include <sys/utsname.h>

#include <yaml.h>
#include <zlib.h>

#include "cl/program.h"

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

json_t *scl_versions(void)
{
    char kernels[65];
    scl_source_hash(kernels);
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "scorecl", SCL_VERSION, "arithmetic", 1,
                     "compiler", COMPILER, "clblast", SCL_CLBLAST_VERSION, "opencl_loader",
                     SCL_OPENCL_LOADER_VERSION, "libyaml", yaml_get_version_string(), "jansson",
                     JANSSON_VERSION, "zlib", zlibVersion(), "kernels_sha256", kernels);
}

const char *scl_system_text(scl_arena *arena)
{
    struct utsname name;
    char line[256], pretty[200] = "";
    FILE *f = fopen("/etc/os-release", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "PRETTY_NAME=\"%199[^\"]\"", pretty) == 1)
            break;
    if (f)
        fclose(f);
    if (uname(&name) != 0)
        return scl_arena_strdup(arena, pretty);
    return scl_arena_printf(arena, "%s %s %s%s%s", name.sysname, name.release, name.machine, pretty[0] ? ", " : "", pretty);
}
