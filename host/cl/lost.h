/* Devices that hang. */
#ifndef SCL_CL_LOST_H
#define SCL_CL_LOST_H

#include <stdbool.h>

/* Has a launch on some device taken longer than its limit (scl_backend.launch_limit)?  Then the process must end by _exit: a
 * driver's own clean-up would wait for it. */
bool scl_device_lost(void);
/* Is it the device of this number (scl_device_info.index)?  It is not opened again. */
bool scl_device_hangs(int index);

#endif
