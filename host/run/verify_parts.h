/* For the files verify*.c alone. */
#ifndef SCL_RUN_VERIFY_PARTS_H
#define SCL_RUN_VERIFY_PARTS_H

#include <signal.h>

#include "run/observer.h"
#include "run/replay.h"
#include "run/verify.h"

enum { SCL_VERIFY_GUARD_BYTES = 256 };

/* verify_pass.c: runs the config in a folder that is not there yet.  observer NULL: units are summed up, and guards checked, into p.
 * Else observer runs everything, and what it returns (SCL_DIFFERENT: found) is the result. */
scl_status scl_verify_pass_run(scl_verify_pass *p, scl_config *config, const char *folder, const scl_observer *observer, scl_err *err);
void scl_verify_pass_free(scl_verify_pass *p);

/* verify_stage.c: without name and checksum; the checksum of the file that it made. */
scl_verify_stage scl_verify_stage_of(const scl_stage_config *stage);
scl_status scl_verify_stage_sum(scl_verify_stage *s, const char *path, scl_err *err);

/* verify_trace.c: the sums of an executor's state. */
scl_status scl_verify_digest(scl_exec *exec, scl_verify_unit *out, scl_err *err);
/* The first unit of b that differs from a, *at an index in b's units; false: none.  *comparable false: the passes deal their samples
 * differently, and *at is the last run of the first step that differs (-1: none does, what was made at the end may). */
bool scl_verify_first(const scl_verify_pass *a, const scl_verify_pass *b, int *at, bool *comparable);
bool scl_verify_same_results(const scl_verify_pass *a, const scl_verify_pass *b, int *stage);

/* verify_guard.c: runs exec between bands.  broken: "" or what was found, and then SCL_DIFFERENT. */
scl_status scl_verify_guarded(scl_exec *exec, char *broken, size_t size, scl_err *err);

/* verify_search.c: the pass again, up to found->step, and that step node by node.  found->node -1 where all nodes gave the bits of
 * their definitions. */
typedef struct scl_verify_search {
    const scl_verify_options *options;
    const scl_verify_pass *pass;       /* the one that differs */
    const scl_verify_unit *unit;       /* where; NULL: nowhere known */
    scl_verify_found *found;
    scl_arena *arena;                  /* of what found holds */
} scl_verify_search;
scl_status scl_verify_search_run(const scl_verify_search *s, const char *folder, scl_err *err);

/* verify_report.c: takes the wrong node out, makes it small, keeps it.  got, expected: data of its outputs; memory is as it was before. */
scl_status scl_verify_reproduce(const scl_verify_search *s, scl_exec *exec, int step, void *const *got, void *const *expected,
                                scl_err *err);
/* The same of the launch for which exec's device was given up: p->folder, or NULL. */
void scl_verify_reproduce_hang(scl_verify_pass *p, const scl_config *config, const scl_stage_config *stage, long step,
                               scl_exec *exec, const char *message);
/* out, or out-2 ...: what is there is left. */
const char *scl_verify_free_folder(const char *out, scl_arena *arena);

/* verify_building.c: from watch to end every build from source is kept in a folder beside out while it goes on. */
typedef struct scl_verify_building {
    const char *out;
    char folder[1024];
    scl_replay replay;
    bool failed;                       /* the last build; it is in the folder */
    struct sigaction before[5];
    scl_build_watch watch;
} scl_verify_building;
void scl_verify_building_watch(scl_verify_building *w, const char *out);
/* The build that failed with this message gets a folder of its own: its name, or NULL. */
const char *scl_verify_building_keep(scl_verify_building *w, const char *message, scl_arena *arena);
void scl_verify_building_drop(scl_verify_building *w);
void scl_verify_building_end(scl_verify_building *w);

#endif
