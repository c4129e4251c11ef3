#include "run/signal.h"

#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t stop;
static struct sigaction before_int, before_term, before_size;

static void say(const char *text, size_t length)
{
    const ssize_t written = write(STDERR_FILENO, text, length);
    (void)written; /* nothing can be done about it in a handler */
}

static void handle(int number)
{
    (void)number;
    if (stop) {
        static const char text[] = "\nscorecl: stopped at once; files written before are whole\n";
        say(text, sizeof text - 1);
        _exit(130);
    }
    stop = 1;
    static const char text[] = "\nscorecl: stopping after this step, with a checkpoint; once more: at once\n";
    say(text, sizeof text - 1);
}

void scl_signals_install(void)
{
    stop = 0;
    struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART },
                     ignore = { .sa_handler = SIG_IGN };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before_int);
    sigaction(SIGTERM, &action, &before_term);
    sigaction(SIGXFSZ, &ignore, &before_size);
}

void scl_signals_restore(void)
{
    sigaction(SIGINT, &before_int, NULL);
    sigaction(SIGTERM, &before_term, NULL);
    sigaction(SIGXFSZ, &before_size, NULL);
}

const volatile sig_atomic_t *scl_signals_stop(void) { return &stop; }
