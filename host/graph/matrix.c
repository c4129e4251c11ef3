#include "graph/matrix.h"

#include <string.h>

#define NVIDIA "cl_nv_device_attribute_query"
#define AMD "cl_amd_device_attribute_query"
#define INTEL "cl_intel_subgroup_matrix_multiply_accumulate"
#define HALVES (1u << SCL_BF16 | 1u << SCL_F16)
#define ALL (HALVES | 1u << SCL_TF32)

static const scl_unit units[] = {
    { "mma", "mma.sync of NVIDIA, from sm_80 on", NVIDIA, 1, 32, 16, 8, ALL },
    { "mfma", "MFMA of AMD, CDNA 2 and 3", AMD, 2, 64, 16, 16, ALL },
    { "wmma", "WMMA of AMD, RDNA 3", AMD, 3, 32, 16, 16, HALVES },
    { "wmma12", "WMMA of AMD, RDNA 4", AMD, 4, 32, 16, 16, HALVES },
    { "dpas16", "DPAS of Intel, sub-groups of 16", INTEL, 6, 16, 8, 16, ALL },
    { "dpas8", "DPAS of Intel, sub-groups of 8", INTEL, 5, 8, 8, 8, HALVES },
};
enum { UNITS = sizeof units / sizeof *units };

static const struct {
    const char *name;
    double tolerance;
} precisions[SCL_PRECISIONS] = { { "f32", 0 }, { "tf32", 1e-3 }, { "bf16", 1e-2 }, { "f16", 1e-3 } };

const scl_unit *scl_unit_at(int i) { return i >= 0 && i < UNITS ? &units[i] : NULL; }

const scl_unit *scl_unit_numbered(int number)
{
    for (int i = 0; i < UNITS; i++)
        if (units[i].number == number)
            return &units[i];
    return NULL;
}

const scl_unit *scl_unit_named(const char *name)
{
    for (int i = 0; i < UNITS; i++)
        if (!strcmp(units[i].name, name))
            return &units[i];
    return NULL;
}

int scl_precision_named(const char *name)
{
    for (int i = 0; i < SCL_PRECISIONS; i++)
        if (!strcmp(precisions[i].name, name))
            return i;
    return -1;
}

const char *scl_precision_name(int precision) { return precisions[precision].name; }
double scl_precision_tolerance(int precision) { return precisions[precision].tolerance; }

const scl_unit *scl_matrix_unit(const scl_device_info *device)
{
    const int precision = device->matrix.precision;
    return precision ? scl_unit_numbered(device->matrix.unit[precision]) : NULL;
}

double scl_impl_tolerance(const scl_impl *impl, const scl_device_info *device)
{
    return impl->matrix ? scl_precision_tolerance(device->matrix.precision) : impl->tolerance;
}
