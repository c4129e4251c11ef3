/* The table of schema.def as data. */
#ifndef SCL_CONFIG_SCHEMA_H
#define SCL_CONFIG_SCHEMA_H

#include <stddef.h>

#include "config/errors.h"
#include "config/tree.h"

typedef enum scl_section {
    SCL_SECTION_ROOT, SCL_SECTION_DATA, SCL_SECTION_TRANSFORM, SCL_SECTION_MODEL, SCL_SECTION_NOISE, SCL_SECTION_STAGE,
    SCL_SECTION_OBJECTIVE, SCL_SECTION_OPTIMIZER, SCL_SECTION_EVAL, SCL_SECTION_CHECKPOINT, SCL_SECTION_MEMORY,
    SCL_SECTION_SAMPLER, SCL_SECTION_CONDITION, SCL_SECTION_POINTS, SCL_SECTION_FISHER, SCL_SECTION_PLOT,
    SCL_SECTION_LIKELIHOOD, SCL_SECTION_LOG,
} scl_section;

typedef enum scl_key_type {
    SCL_KEY_BOOL, SCL_KEY_INT, SCL_KEY_INT64, SCL_KEY_REAL, SCL_KEY_TEXT, SCL_KEY_PATH, SCL_KEY_CHOICE, SCL_KEY_SET,
    SCL_KEY_NAMES, SCL_KEY_SECTION, SCL_KEY_STAGES, SCL_KEY_TUNE, SCL_KEY_INTS, SCL_KEY_REALS,
} scl_key_type;

enum {
    SCL_KEY_TRAIN = 1, SCL_KEY_SAMPLE = 2, SCL_KEY_NEUTRAL = 4, SCL_KEY_EVALUATE = 16, SCL_KEY_PLOT = 32,
    SCL_KEY_LIKELIHOOD = 64,
    SCL_KEY_KINDS = SCL_KEY_TRAIN | SCL_KEY_SAMPLE | SCL_KEY_EVALUATE | SCL_KEY_PLOT | SCL_KEY_LIKELIHOOD
};

typedef struct scl_key {
    scl_section section;
    const char *name;
    scl_key_type type;
    size_t offset;               /* in the section's struct */
    const char *fallback, *range;
    int flags;
    const char *help;
} scl_key;

const scl_key *scl_key_at(int i);                                   /* NULL after the last */
scl_section scl_key_subsection(const scl_key *key);                 /* of SCL_KEY_SECTION */
/* The i-th kind of stage that this version has, in the order of the choices, and its flag; false after the last. */
bool scl_key_kind(int i, scl_stage_kind *kind, int *flag);
/* Is this key one of a stage of that kind?  (Keys of other sections always are.) */
bool scl_key_of_kind(const scl_key *key, scl_stage_kind kind);
/* The key of a section; NULL: none.  kind matters in SCL_SECTION_STAGE only. */
const scl_key *scl_key_find(scl_section section, scl_stage_kind kind, const char *name);

/* The i-th choice (NULL after the last) and whether this version has it. */
const char *scl_key_choice(const scl_key *key, int i, bool *available, scl_arena *arena);
/* "auto, direct, clblast": those that this version has. */
const char *scl_key_available(const scl_key *key, scl_arena *arena);

typedef struct scl_range { char word[16]; double low, high; bool open_low, open_high; } scl_range;
scl_range scl_key_range(const scl_key *key);
/* "an integer from 1 to 64", "a number above 0 and below 1", "'auto' or an integer from 1 to 4" */
const char *scl_key_expects(const scl_key *key, scl_arena *arena);

/* One value into its field.  base: the section's struct. */
void scl_key_read(const scl_key *key, const scl_tree *node, const char *path, void *base, scl_faults *faults);
/* The default into its field; nothing for keys without one. */
void scl_key_default(const scl_key *key, void *base, scl_faults *faults);
/* The value as YAML. */
const char *scl_key_print(const scl_key *key, const void *base, scl_arena *arena);

/* Text as a YAML scalar, quoted where it must be. */
const char *scl_yaml_text(const char *text, scl_arena *arena);

/* ---- reading (read.c), checking (check.c) ---- */

void scl_config_fill(scl_config *config, const scl_tree *root, scl_faults *faults);
void scl_config_check(scl_config *config, scl_faults *faults);

struct scl_config_places {
    struct { const char *path; scl_place place; } *at;
    int n, cap;
};
void scl_place_add(scl_config *config, const char *path, scl_place place);
/* Where the key stood, or the nearest key around it. */
scl_place scl_place_of(const scl_config *config, const char *path);

#endif
