/* Choices: which implementation and which tuning candidate run a node. */
#ifndef SCL_GRAPH_CHOICE_H
#define SCL_GRAPH_CHOICE_H

#include "graph/plan.h"
#include "graph/tuning.h"

typedef struct scl_choice {
    const scl_impl *impl;
    scl_tune tune;
    const scl_tuning_row *row; /* the measured row that asked for it; NULL: none did */
} scl_choice;

/* The i-th choice that may run a node; 0 is the default.  false: there is none. */
bool scl_choice_at(scl_choice *out, const scl_node *n, const scl_device_info *device, int i);

/* "direct WG=1 VEC=16 NR=64 MR=4", and back: false where no such choice may run the node.  Returns out. */
enum { SCL_CHOICE_TEXT = 160 };
char *scl_choice_text(const scl_choice *c, char *out, size_t size);
bool scl_choice_named(scl_choice *out, const scl_node *n, const scl_device_info *device, const char *text);

/* The choices that are worth measuring for a node, at most `most`: first the one that a plan takes without
 * measured rows; on other devices none that are made for GPUs. Returns how many were written. */
int scl_choice_list(scl_choice *out, int most, const scl_node *n, const scl_device_info *device);

/* In this order: what is forced; a measured row; a shipped row; the default.  A row that may not run the node
 * is passed over, and so is one that what is forced does not agree with. */
scl_status scl_choose(scl_choice *out, const scl_node *n, const scl_device_info *device,
                      const scl_plan_options *options, scl_err *err);

/* A choice that the opened device cannot build is refused: nothing chooses it again on this device.  Of an implementation whose
 * second candidate is refused, all are, where another is left: a compiler that stumbles twice would stumble over dozens.  false: no
 * memory. */
bool scl_choice_refuse(const scl_choice *c, const scl_node *n, const scl_device_info *device);

#endif
