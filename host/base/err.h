/* Errors: a status code, and a located record that says what happened where.
 *
 * Every function that can fail returns scl_status and takes an scl_err *.  The record is filled where the fault is found
 * (scl_fail, scl_fail_at), passed on by SCL_TRY, given context on the way up (scl_err_context), and printed once, in main. */
#ifndef SCL_BASE_ERR_H
#define SCL_BASE_ERR_H

/* The numbers are the exit codes of docs/interfaces.md. */
typedef enum scl_status {
    SCL_OK = 0,
    SCL_FAILED = 1,          /* failed while running: a file, a device, a number */
    SCL_BAD_CONFIG = 2,      /* bad usage or config */
    SCL_NO_DEVICE = 3,       /* no usable device */
    SCL_DIFFERENT = 4,       /* verification found a difference */
    SCL_INTERRUPTED = 130,   /* stopped by a signal, after a checkpoint */
} scl_status;

typedef struct scl_err {
    scl_status code;
    char file[256];          /* YAML file, kernel file or data file the fault lies in; "" when there is none */
    int line, col;           /* position in it, from 1; 0 when unknown */
    char message[2048];
    char context[512];       /* what was being done, outermost first: "stage train: step 12" */
    char *log;               /* a compiler's or driver's log, owned; NULL when there is none */
} scl_err;

/* Fills err (which may be NULL) and returns code.  The first fault wins: a record that is already filled stays. */
scl_status scl_fail(scl_err *err, scl_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with a position.  file is copied. */
scl_status scl_fail_at(scl_err *err, scl_status code, const char *file, int line, int col, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* Attaches a copy of a log to a filled record. */
void scl_err_log(scl_err *err, const char *log);

/* Puts "what: " in front of the context of a filled record. */
void scl_err_context(scl_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes the record as one line (and the log below it) into text of size bytes: "FILE:LINE:COL: context: message". */
void scl_err_text(const scl_err *err, char *text, unsigned long size);

/* Frees what the record owns and empties it.  Accepts a zeroed record. */
void scl_err_clear(scl_err *err);

#define SCL_TRY(call)                           \
    do {                                        \
        const scl_status scl_try_ = (call);     \
        if (scl_try_ != SCL_OK)                 \
            return scl_try_;                    \
    } while (0)

#endif
