/* Fingerprints: checksums of small experiments, the same on every device that keeps the promise of bits.
 *
 * Their configs are in tests/fingerprints, their published checksums in tests/fingerprints.yaml; both travel inside the binary. */
#ifndef SCL_RUN_FINGERPRINT_H
#define SCL_RUN_FINGERPRINT_H

#include "base/arena.h"
#include "base/err.h"

enum { SCL_FINGERPRINT_MOST = 24, SCL_FINGERPRINT_OPERATORS = 256 };

typedef struct scl_fingerprint {
    int n;
    struct scl_fingerprint_sum {
        const char *what, *of;      /* "weights", "samples", "densities" of a stage; "values" of an operator */
        char checksum[65];          /* as `scorecl checksum` */
    } sum[SCL_FINGERPRINT_MOST];
    int n_operator;
    const char *operator_[SCL_FINGERPRINT_OPERATORS];      /* of all its graphs, each once */
} scl_fingerprint;

/* Runs a config (YAML text; its data are ./grey, in IDX files with 4 classes, or ./colour.npy: pictures of 8x8) in a folder of its
 * own under TMPDIR, which is removed.  What is logged is dropped.  Texts of out are in arena.  Errors: as scl_run_config. */
scl_status scl_fingerprint_config(scl_fingerprint *out, scl_arena *arena, const char *name, const char *text,
                                  const char *device, scl_err *err);
/* The operators that no config's weights or samples depend on: one graph of them, with random inputs. */
scl_status scl_fingerprint_operators(scl_fingerprint *out, scl_arena *arena, const char *device, scl_err *err);

/* Adds the operators of a graph. */
struct scl_graph;
void scl_fingerprint_list(scl_fingerprint *out, const struct scl_graph *graph);

/* The version of the rules of docs/design/arithmetic.md that checksums hold for. */
enum { SCL_ARITHMETIC = 1 };

/* The published checksums (YAML text; file: its name in messages). */
typedef struct scl_published scl_published;
scl_status scl_published_read(scl_published **out, scl_arena *arena, const char *text, const char *file, scl_err *err);
int scl_published_arithmetic(const scl_published *p);
/* NULL: none is published. */
const char *scl_published_find(const scl_published *p, const char *config, const char *what, const char *of);

#endif
