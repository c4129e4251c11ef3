/* Interrupts: the first SIGINT or SIGTERM asks the stages to stop after their step, the second ends the
 * process. */
#ifndef SCL_RUN_SIGNAL_H
#define SCL_RUN_SIGNAL_H

#include <signal.h>

/* Installs the handlers and clears the flag; SIGXFSZ is ignored, so that a file limit is an error of write.
 * restore puts back what was there before. */
void scl_signals_install(void);
void scl_signals_restore(void);
/* Not 0: a stop was asked for. */
const volatile sig_atomic_t *scl_signals_stop(void);

#endif
