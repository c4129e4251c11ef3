/* Building blocks of the RefineNet family: convolution, InstanceNorm++, RCU, MSF, CRP (Song & Ermon 2019, appendix A). */
#ifndef SCL_MODEL_BLOCKS_H
#define SCL_MODEL_BLOCKS_H

#include "model/net.h"

typedef struct scl_builder {
    scl_graph *g;
    const scl_net_config *c;
    const char *prefix;
    const scl_level *level;   /* of each sample; NULL: the network does not ask for it */
    scl_err *err;
    scl_value *embedded;      /* mlp: of the time, once made */
    bool bare;                /* NCSNv2: RCU, MSF and CRP without normalisation; CRP takes the maximum, not the mean */
} scl_builder;

/* The networks themselves: x to their result. */
scl_status scl_ncsn_build(scl_builder *b, scl_value *x, scl_value **score);
scl_status scl_ncsnv2_build(scl_builder *b, scl_value *x, scl_value **score);
scl_status scl_mlp_build(scl_builder *b, scl_value *x, scl_value **score);
scl_status scl_resscore_build(scl_builder *b, scl_value *x, scl_value **score);
scl_status scl_classifier_build(scl_builder *b, scl_value *x, scl_value **logits);      /* f32[N,outputs] */
scl_status scl_analytic_build(scl_builder *b, scl_value *x, scl_value **score);

/* A parameter "<scope>.<name>", the scope being the graph's. */
scl_status scl_block_param(scl_builder *b, scl_value **out, const char *name, int rank, const int *dims);
/* The algorithm of the convolution in this scope. */
const char *scl_block_algorithm(const scl_builder *b);
/* A block's result, an output "stage.NAME" where the config asks for them. */
void scl_block_stage(const scl_builder *b, scl_value *x, const char *name);
/* Linear layer from [N,C] to [N,k], with bias. */
scl_status scl_block_linear(scl_builder *b, scl_value **out, scl_value *x, const char *name, int k);
/* In all blocks, name is the module's: parameters are "<name>.weight" and so on. */
scl_status scl_block_conv(scl_builder *b, scl_value **out, scl_value *x, const char *name, int k, int size, int dilation, bool bias);
/* InstanceNorm++; name: of the module that holds embed.weight or, unconditional, gamma, alpha and beta. */
scl_status scl_block_norm(scl_builder *b, scl_value **out, scl_value *x, const char *name);
scl_status scl_block_norm_elu(scl_builder *b, scl_value **out, scl_value *x, const char *name);
scl_status scl_block_add(scl_builder *b, scl_value **out, scl_value *x, scl_value *y);
scl_status scl_block_elu(scl_builder *b, scl_value **out, scl_value *x);

typedef enum scl_resample { SCL_SAME, SCL_DOWN } scl_resample;
/* Residual block to k channels (a stage of the network, as is a RefineNet block); SCL_DOWN with dilation 1 halves the image, with a larger one only widens the channels. */
scl_status scl_block_residual(scl_builder *b, scl_value **out, scl_value *x, const char *name, int k, scl_resample resample,
                              int dilation);

/* 2x - 1 of pixels in [0,1); logits as they are. */
scl_status scl_block_centre(scl_builder *b, scl_value **out, scl_value *x);
/* What a network of the family begins with, 2x - 1 (not of logits) and begin_conv, and ends with: normalizer, ELU, end_conv. */
scl_status scl_block_begin(scl_builder *b, scl_value **out, scl_value *x);
scl_status scl_block_end(scl_builder *b, scl_value **out, scl_value *x);

/* RefineNet block: RCU(2) on each input, multi-resolution fusion to k channels at the size of the first, chained residual
 * pooling, RCU (3 blocks when last, else 1). */
scl_status scl_block_refine(scl_builder *b, scl_value **out, scl_value *const *x, int n, const char *name, int k, bool last);

#endif
