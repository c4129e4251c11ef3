/* A few kernel launches taken out of a run with all that they need: sources, options, sizes, arguments, the memory before them,
 * and what should stand in it behind them.  Kept in a folder, they are a bug report that runs alone (`scorecl verify --replay`).
 *
 * Memory is an image: the buffers, bands of a pattern round each of them.  replay.c takes launches out of a run and runs them,
 * replay_narrow.c finds the one launch, replay_save.c, replay_readme.c and replay_load.c keep them in a folder. */
#ifndef SCL_RUN_REPLAY_H
#define SCL_RUN_REPLAY_H

#include <jansson.h>

#include "graph/plan.h"
#include "run/bits.h"

typedef struct scl_replay_block {     /* memory that the launches may touch */
    const char *name;
    size_t offset, bytes;             /* in the image */
    bool unused;                      /* by the launches that are left */
} scl_replay_block;

typedef struct scl_replay_check {     /* a tensor in it, as it should be afterwards */
    const char *name;
    size_t offset;
    scl_dtype dtype;
    int rank, dim[SCL_MAX_RANK];
} scl_replay_check;

typedef enum scl_replay_fault {
    SCL_REPLAY_BITS,                  /* launches that end in other bits than expected */
    SCL_REPLAY_BUILD,                 /* a program that is not built: a launch's source and options; no memory */
    SCL_REPLAY_HANG,                  /* a launch that does not end: no checks */
} scl_replay_fault;

typedef struct scl_replay {
    scl_arena arena;
    scl_replay_fault fault;
    const char *said;                 /* of a build or a hang: the message; NULL: the process was ended */
    bool reproduces;                  /* other bits, also when run alone where it was found */
    scl_schedule schedule;            /* a step for each launch; places in the image; sources whole */
    const char **options, **own;      /* of each launch: all that the compiler got; what a replay adds: with what the environment gave that device */
    bool *generated;                  /* its source is no file of cl/ops (while it is taken; not kept) */
    int n_block, n_check;
    scl_replay_block *block;
    scl_replay_check *check;
    unsigned char *before, *expected, *got;   /* images of schedule.slab_bytes: got and expected count at the checks alone */
    json_t *about;                    /* where it comes from: texts and numbers, for people; owned */
} scl_replay;

void scl_replay_free(scl_replay *r);           /* accepts a zeroed one */

/* The launches of one step of exec's schedule, and the memory as it is now, before them.  Checks: the node's outputs; expected[o]
 * and got[o]: their data.  Errors: SCL_FAILED where the step has no kernels (CLBlast, the reference device). */
scl_status scl_replay_take(scl_replay *r, scl_exec *exec, int step, scl_err *err);
/* The launch for which exec's device was given up, alone; memory is zeros, as it cannot be read.  SCL_FAILED: not exec's. */
scl_status scl_replay_take_hung(scl_replay *r, scl_exec *exec, scl_err *err);
scl_status scl_replay_expect(scl_replay *r, const scl_exec *exec, int step, void *const *got, void *const *expected, scl_err *err);

/* Runs the launches on a device; after (or after[k]) NULL, or the image behind launch k.  more: options added to every launch's, "".
 * *broken: a band was written into, and text says where; may be NULL. */
scl_status scl_replay_run(const scl_replay *r, scl_backend *b, const char *more, unsigned char *const *after, bool *broken,
                          char *text, size_t size, scl_err *err);

/* Of several launches the one that is wrong on `wrong`: the first whose memory differs from what the same launches do on `witness`
 * with more options, if these give what is expected.  *found: then r is that launch alone. */
scl_status scl_replay_narrow(scl_replay *r, scl_backend *wrong, scl_backend *witness, const char *more, bool *found, scl_err *err);

/* Compares the checks of an image with what is expected: how many elements differ.  bits (n_check of them; may be NULL). */
size_t scl_replay_compare(const scl_replay *r, const unsigned char *image, scl_bits *bits);

/* Writes a folder that is not there yet.  b: the device that is wrong. */
scl_status scl_replay_save(const scl_replay *r, const char *folder, scl_backend *b, scl_err *err);
scl_status scl_replay_load(scl_replay *r, const char *folder, scl_err *err);

#endif
