#include "run/versions.h"

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
