/* The list of devices and the choice among them. */
#include "cl/device.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CL/cl_ext.h>

#include "base/log.h"
#include "base/utf8.h"
#include "cl/opencl.h"

enum { MAX_PLATFORMS = 32, MAX_DEVICES = 64 };

typedef struct found { cl_platform_id platform; cl_device_id device; } found;

const char *scl_device_class_name(scl_device_class klass)
{
    static const char *const names[] = { "reference", "CPU", "GPU", "other" };
    return names[klass];
}

/* Devices that can run something, in the order of platforms.  Whatever a platform answers, it cannot stop the list. */
static int enumerate(found *out, int most)
{
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint n_platform = 0;
    if (clGetPlatformIDs(MAX_PLATFORMS, platforms, &n_platform) != CL_SUCCESS)
        return 0;
    int n = 0;
    for (cl_uint p = 0; p < n_platform && p < MAX_PLATFORMS; p++) {
        cl_device_id devices[MAX_DEVICES];
        cl_uint n_device = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &n_device) != CL_SUCCESS)
            continue;
        for (cl_uint d = 0; d < n_device && d < MAX_DEVICES && n < most; d++) {
            cl_bool available = CL_FALSE, compiler = CL_FALSE;
            clGetDeviceInfo(devices[d], CL_DEVICE_AVAILABLE, sizeof available, &available, NULL);
            clGetDeviceInfo(devices[d], CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL);
            if (available && compiler)
                out[n++] = (found){ platforms[p], devices[d] };
        }
    }
    return n;
}

/* Text properties, cut to the field and trimmed at both ends. */
static void text_info(cl_device_id device, cl_device_info what, char *out, size_t size)
{
    char text[16384] = "";
    size_t length = 0;
    if (clGetDeviceInfo(device, what, sizeof text - 1, text, &length) != CL_SUCCESS)
        text[0] = 0;
    text[sizeof text - 1] = 0;
    const char *from = text;
    while (isspace((unsigned char)*from))
        from++;
    snprintf(out, size, "%s", from);
    for (size_t n = strlen(out); n && isspace((unsigned char)out[n - 1]); n--)
        out[n - 1] = 0;
    scl_utf8_mend(out, strlen(out));
}

static unsigned long number_info(cl_device_id device, cl_device_info what, size_t size)
{
    unsigned long value = 0;      /* the properties asked for are 4 or 8 bytes of a little-endian host */
    return clGetDeviceInfo(device, what, size, &value, NULL) == CL_SUCCESS ? value : 0;
}
#define NUMBER(device, what, type) ((type)number_info(device, what, sizeof(type)))

static bool has_word(const char *words, const char *word)
{
    const size_t length = strlen(word);
    for (const char *p = words; (p = strstr(p, word)); p += length)
        if ((p == words || p[-1] == ' ') && (p[length] == ' ' || !p[length]))
            return true;
    return false;
}

static scl_device_class class_of(cl_device_id device)
{
    const cl_device_type type = NUMBER(device, CL_DEVICE_TYPE, cl_device_type);
    if (type & CL_DEVICE_TYPE_CPU)
        return SCL_CLASS_CPU;
    return type & CL_DEVICE_TYPE_GPU ? SCL_CLASS_GPU : SCL_CLASS_OTHER;
}

/* The fewest work-items that a kernel may ask to run in lockstep (cl_intel_required_subgroup_size); 0: unknown. */
static unsigned least_sub_group_of(cl_device_id device)
{
    size_t sizes[16], length = 0, least = 0;
    if (clGetDeviceInfo(device, CL_DEVICE_SUB_GROUP_SIZES_INTEL, sizeof sizes, sizes, &length) != CL_SUCCESS)
        return 0;
    for (size_t i = 0; i < length / sizeof *sizes; i++)
        if (sizes[i] && (!least || sizes[i] < least))
            least = sizes[i];
    return (unsigned)least;
}

/* cl_intel_device_attribute_query: its devices count vector engines as compute units. */
static unsigned units_per_core_of(cl_device_id device)
{
    const cl_uint engines = NUMBER(device, CL_DEVICE_NUM_EUS_PER_SUB_SLICE_INTEL, cl_uint);
    return engines ? engines : 1;
}

static void describe(const found *f, int index, scl_device_info *out)
{
    cl_device_id d = f->device;
    *out = (scl_device_info){ .klass = class_of(d), .index = index, .units_per_core = 1 };
    size_t length = 0;
    if (clGetPlatformInfo(f->platform, CL_PLATFORM_NAME, sizeof out->platform - 1, out->platform, &length) !=
        CL_SUCCESS)
        snprintf(out->platform, sizeof out->platform, "unnamed platform");
    scl_utf8_mend(out->platform, strlen(out->platform));
    text_info(d, CL_DEVICE_NAME, out->name, sizeof out->name);
    text_info(d, CL_DEVICE_VENDOR, out->vendor, sizeof out->vendor);
    text_info(d, CL_DRIVER_VERSION, out->driver, sizeof out->driver);
    text_info(d, CL_DEVICE_VERSION, out->version, sizeof out->version);
    out->compute_units = NUMBER(d, CL_DEVICE_MAX_COMPUTE_UNITS, cl_uint);
    out->clock_mhz = NUMBER(d, CL_DEVICE_MAX_CLOCK_FREQUENCY, cl_uint);
    out->vector_width = NUMBER(d, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, cl_uint);
    out->max_work_group = NUMBER(d, CL_DEVICE_MAX_WORK_GROUP_SIZE, size_t);
    out->local_bytes = NUMBER(d, CL_DEVICE_LOCAL_MEM_SIZE, cl_ulong);
    out->global_bytes = NUMBER(d, CL_DEVICE_GLOBAL_MEM_SIZE, cl_ulong);
    out->max_alloc_bytes = NUMBER(d, CL_DEVICE_MAX_MEM_ALLOC_SIZE, cl_ulong);
    out->align_bytes = NUMBER(d, CL_DEVICE_MEM_BASE_ADDR_ALIGN, cl_uint) / 8;
    if (out->align_bytes < 64)
        out->align_bytes = 64;
    char *words = calloc(1, 16384);
    if (words && clGetDeviceInfo(d, CL_DEVICE_EXTENSIONS, 16383, words, NULL) == CL_SUCCESS) {
        out->has_fp64 = has_word(words, "cl_khr_fp64");
        out->has_fp16 = has_word(words, "cl_khr_fp16");
        out->has_subgroups = has_word(words, "cl_khr_subgroups") || has_word(words, "cl_intel_subgroups");
        out->has_command_buffer = has_word(words, "cl_khr_command_buffer");
        if (has_word(words, "cl_intel_device_attribute_query"))
            out->units_per_core = units_per_core_of(d);
        out->least_sub_group = has_word(words, "cl_intel_required_subgroup_size") ? least_sub_group_of(d) : 0;
    }
    free(words);
    const cl_command_queue_properties queue = NUMBER(d, CL_DEVICE_QUEUE_PROPERTIES, cl_command_queue_properties);
    out->out_of_order = queue & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
    out->denormals = NUMBER(d, CL_DEVICE_SINGLE_FP_CONFIG, cl_device_fp_config) & CL_FP_DENORM;
    out->local_is_cached_memory = NUMBER(d, CL_DEVICE_LOCAL_MEM_TYPE, cl_device_local_mem_type) == CL_GLOBAL;
}

scl_status scl_devices_list(scl_devices *out, scl_arena *arena, scl_err *err)
{
    (void)err;
    found f[MAX_DEVICES];
    out->n = enumerate(f, MAX_DEVICES);
    scl_device_info *info = SCL_NEW_ARRAY(arena, scl_device_info, out->n ? out->n : 1);
    for (int i = 0; i < out->n; i++)
        describe(&f[i], i, &info[i]);
    out->info = info;
    return SCL_OK;
}

scl_status scl_cl_device_at(int index, cl_platform_id *platform, cl_device_id *device, scl_device_info *info,
                            scl_err *err)
{
    found f[MAX_DEVICES];
    const int n = enumerate(f, MAX_DEVICES);
    if (index < 0 || index >= n)
        return scl_fail(err, SCL_NO_DEVICE, "no device %d: there are %d", index, n);
    *platform = f[index].platform;
    *device = f[index].device;
    describe(&f[index], index, info);
    return SCL_OK;
}

static int first_of(const scl_devices *d, scl_device_class klass)
{
    for (int i = 0; i < d->n; i++)
        if (d->info[i].klass == klass)
            return i;
    return -1;
}

static int first_named(const scl_devices *d, const char *sel, bool platforms, int *matches)
{
    int first = -1;
    *matches = 0;
    for (int i = 0; i < d->n; i++) {
        if (!strcasestr(platforms ? d->info[i].platform : d->info[i].name, sel))
            continue;
        if (!(*matches)++)
            first = i;
    }
    return first;
}

int scl_device_select(const scl_devices *d, const char *sel, int *matches)
{
    int unused;
    if (!matches)
        matches = &unused;
    *matches = 1;
    if (!strcmp(sel, "auto")) {
        const int gpu = first_of(d, SCL_CLASS_GPU), cpu = first_of(d, SCL_CLASS_CPU);
        return gpu >= 0 ? gpu : cpu >= 0 ? cpu : d->n ? 0 : -1;
    }
    if (!strcmp(sel, "cpu") || !strcmp(sel, "gpu"))
        return first_of(d, sel[0] == 'c' ? SCL_CLASS_CPU : SCL_CLASS_GPU);
    if (*sel && strspn(sel, "0123456789") == strlen(sel)) {
        const long index = strlen(sel) < 6 ? strtol(sel, NULL, 10) : d->n;
        return index < d->n ? (int)index : -1;
    }
    if (!*sel)
        return -1;
    const int by_platform = first_named(d, sel, true, matches);
    return by_platform >= 0 ? by_platform : first_named(d, sel, false, matches);
}

char *scl_devices_text(const scl_devices *d, scl_arena *arena)
{
    char *text = scl_arena_strdup(arena, "");
    for (int i = 0; i < d->n; i++)
        text = scl_arena_printf(arena, "%s%3d  %s: %s (%s)\n", text, i, d->info[i].platform, d->info[i].name,
                                scl_device_class_name(d->info[i].klass));
    return text;
}

static scl_status no_device(const scl_devices *d, const char *sel, scl_arena *arena, scl_err *err)
{
    if (!d->n)
        return scl_fail(err, SCL_NO_DEVICE,
                        "no OpenCL device: no driver is installed, or none of them has a device (Debian: "
                        "pocl-opencl-icd runs on any processor; --device reference needs none)");
    const char *cpu = first_of(d, SCL_CLASS_CPU) < 0 ? "" : "cpu, ", *gpu = first_of(d, SCL_CLASS_GPU) < 0 ? "" : "gpu, ";
    const char *there = scl_arena_printf(arena, "%s  also: auto, %s%sreference", scl_devices_text(d, arena), cpu, gpu);
    if (!strcmp(sel, "cpu") || !strcmp(sel, "gpu") || !strcmp(sel, "accelerator"))
        return scl_fail(err, SCL_NO_DEVICE,
                        "there is no %s among the %d OpenCL devices: is the .icd file of its driver installed in "
                        "/etc/OpenCL/vendors?  There are\n%s", sel, d->n, there);
    return scl_fail(err, SCL_NO_DEVICE, "no device is called '%s'; there are\n%s", sel, there);
}

scl_status scl_device_check(const char *sel, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_devices devices;
    scl_status status = SCL_OK;
    if (strcmp(sel, "reference") != 0)
        status = scl_devices_list(&devices, &arena, err);
    if (status == SCL_OK && strcmp(sel, "reference") != 0 && scl_device_select(&devices, sel, NULL) < 0)
        status = no_device(&devices, sel, &arena, err);
    scl_arena_free(&arena);
    return status;
}

scl_status scl_device_open(const char *sel, scl_backend **out, scl_err *err)
{
    if (!strcmp(sel, "reference"))
        return scl_reference_open(out, err);
    scl_arena arena = { 0 };
    scl_devices devices;
    scl_status status = scl_devices_list(&devices, &arena, err);
    int matches = 0, index = -1;
    if (status == SCL_OK)
        index = scl_device_select(&devices, sel, &matches);
    if (status == SCL_OK && index < 0)
        status = no_device(&devices, sel, &arena, err);
    if (status == SCL_OK && matches > 1)
        scl_warn("%d devices match '%s': using %d, %s: %s", matches, sel, index, devices.info[index].platform,
                devices.info[index].name);
    scl_arena_free(&arena);
    return status == SCL_OK ? scl_cl_open(index, out, err) : status;
}

void scl_device_more(int index, scl_arena *arena, const char **platform_version, const char **extensions)
{
    enum { SIZE = 16384 };
    char *version = scl_arena_alloc(arena, SIZE), *words = scl_arena_alloc(arena, SIZE);
    found f[MAX_DEVICES];
    if (index >= 0 && index < enumerate(f, MAX_DEVICES)) {
        if (clGetPlatformInfo(f[index].platform, CL_PLATFORM_VERSION, SIZE - 1, version, NULL) != CL_SUCCESS)
            version[0] = 0;
        scl_utf8_mend(version, strlen(version));
        text_info(f[index].device, CL_DEVICE_EXTENSIONS, words, SIZE);
    }
    *platform_version = version;
    *extensions = words;
}
