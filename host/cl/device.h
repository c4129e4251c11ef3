/* OpenCL devices: the list, the choice among them (docs/interfaces.md, SEL), and opening one as a backend. */
#ifndef SCL_CL_DEVICE_H
#define SCL_CL_DEVICE_H

#include "graph/backend.h"

typedef struct scl_devices {
    int n;
    const scl_device_info *info;     /* info[i].index == i: the order of `scorecl devices` */
} scl_devices;

/* Every usable device of every platform; platforms that fail or have none are left out.  No device at all is n = 0, not an
 * error.  info lives in arena. */
scl_status scl_devices_list(scl_devices *out, scl_arena *arena, scl_err *err);

/* Index of the device that sel ("auto", "cpu", "gpu", an index, or a text) means; -1: none.  matches (may be NULL): how many
 * devices a text fits.  Pure: a description is enough. */
int scl_device_select(const scl_devices *devices, const char *sel, int *matches);

/* One line per device, "  0  PLATFORM: NAME (CPU)\n", for messages. */
char *scl_devices_text(const scl_devices *devices, scl_arena *arena);

/* SCL_NO_DEVICE, with the list, where sel means none.  Opens nothing. */
scl_status scl_device_check(const char *sel, scl_err *err);

/* Opens the device that sel means; "reference" opens the C definitions.  Several matches of a text: the first, named in the
 * log.  Errors: SCL_NO_DEVICE with the list.  *out is owned: (*out)->v->close(*out).
 * SCL_CL_OPTIONS in the environment is added to the build options of every kernel ("-cl-denorms-are-zero"), SCL_KERNEL_DIR
 * names a folder whose files replace the kernel files inside the binary: both are for tests. */
scl_status scl_device_open(const char *sel, scl_backend **out, scl_err *err);

/* Does the device build and run a kernel at all?  SCL_NO_DEVICE, with what it says, where not. */
scl_status scl_device_usable(scl_backend *b, scl_err *err);

/* More of a device, for reports: its platform's version and its extensions; "" where it has none.  In arena. */
void scl_device_more(int index, scl_arena *arena, const char **platform_version, const char **extensions);

/* "CPU", "GPU", "reference", "other". */
const char *scl_device_class_name(scl_device_class klass);

#endif
