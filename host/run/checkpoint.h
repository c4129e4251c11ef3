/* Checkpoints: the weights, the optimiser's state and everything a resumed run needs, as safetensors under
 * official names.
 *
 * In a store (device layout) a weight and its state are called as in the file: "X", "ema.X", "adam.m.X",
 * "adam.v.X" (or sgd.*, rmsprop.*).  Layouts are converted on the way: values of rank 4 called *.weight are
 * HWIO on the device and OIHW in the file; rank 2 *.weight are [in,out] on the device and [out,in] in the
 * file, but embeddings (*embed.weight) stay; all else stays. */
#ifndef SCL_RUN_CHECKPOINT_H
#define SCL_RUN_CHECKPOINT_H

#include "data/safetensors.h"
#include "graph/store.h"

/* What stands in the metadata.  Texts are borrowed: from the caller when writing, from the opened checkpoint
 * when reading. */
typedef struct scl_checkpoint_info {
    long step; /* steps done */
    uint64_t seed;
    uint32_t counters[SCL_COUNTERS]; /* as the next step would have them */
    int arithmetic;
    int height, width, channels; /* of a picture */
    const char *net;             /* description of the network: "ncsn ngf=64 channels=1 levels=10 ..." */
    const char *conv;        /* algorithm of each convolution: "NAME=winograd4 NAME=direct ..." (scl_net_conv), or one for all */
    const char *stage;       /* name of the stage that wrote it */
    const char *config;      /* the resolved config, YAML */
    const char *config_hash; /* scl_config_stage_hash of the stage without steps */
    const char *data_sha256; /* of the decoded training data; "" unknown */
    double eval_loss;        /* newest held-out loss; NAN: none yet */
    double best_loss;
    long best_step; /* best so far; best_step -1: none yet */
} scl_checkpoint_info;

/* Which values of a store belong into a checkpoint: weights (SCL_PARAM) and states whose names begin with
 * ema. adam. sgd. rmsprop. */
bool scl_checkpoint_keeps(const scl_value *v);

/* Writes one file, atomically; the device is waited for.  checksum (may be NULL): of the tensors, as `scorecl
 * checksum`. */
scl_status scl_checkpoint_write(const char *path, scl_store *store, const scl_checkpoint_info *info,
                                char checksum[65], scl_err *err);

/* An opened and verified checkpoint. */
typedef struct scl_checkpoint {
    scl_safetensors *file;
    scl_checkpoint_info info; /* step 0 and empty texts where a file is not ours (official weights) */
    bool ours;                /* metadata written by scl_checkpoint_write */
    scl_arena arena;
} scl_checkpoint;
scl_status scl_checkpoint_open(scl_checkpoint **out, const char *path, scl_err *err);
void scl_checkpoint_close(scl_checkpoint *c); /* NULL is accepted */

/* Everything that scl_checkpoint_keeps, from the file into the store (resume).  Every value must be there
 * with its shape: else SCL_FAILED with the first differences. */
scl_status scl_checkpoint_restore(const scl_checkpoint *c, scl_store *store, scl_err *err);
/* The weights alone: store value to_prefix + X gets the file's from_prefix + X for every SCL_PARAM or ema
 * value of the store that begins with to_prefix ("" means those without ema. adam. ... in front).  A file
 * whose weights are called param.X works too.  from_prefix "ema." on a file without ema.*: the plain weights,
 * with a log line. */
scl_status scl_checkpoint_weights(const scl_checkpoint *c, scl_store *store, const char *from_prefix,
                                  const char *to_prefix, scl_err *err);

/* The folder of a run's checkpoints: step-00005000.safetensors ..., latest.safetensors and best.safetensors
 * are links. */

/* Writes step-N, links latest (and best when info->best_step == info->step), then removes all but the newest
 * `keep` and the best (keep 0: removes none).  The old files stay untouched until the new one is complete. */
scl_status scl_checkpoints_save(const char *folder, scl_store *store, const scl_checkpoint_info *info,
                                int keep, char checksum[65], scl_err *err);
/* The newest file that opens, at most at step `most` (-1: any); damaged ones are named in the log and passed
 * over. *out NULL: there is none. */
scl_status scl_checkpoints_newest(const char *folder, long most, scl_checkpoint **out, scl_err *err);
/* The file that "latest", "best" or "step-N" means in a folder; errors list what is there.  In arena. */
scl_status scl_checkpoints_find(const char *folder, const char *which, scl_arena *arena, const char **path,
                                scl_err *err);

#endif
