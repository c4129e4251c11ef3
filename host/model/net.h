/* Networks as graphs.  A score network maps x f32[N,H,W,C] and, if it is conditional, label i32[N] (the noise level, 0 = largest)
 * to the score f32[N,H,W,C].  A point of D dimensions is an image of one pixel and D channels.  Parameters carry the official
 * PyTorch names; on the device convolution weights are HWIO and linear ones [in,out]. */
#ifndef SCL_MODEL_NET_H
#define SCL_MODEL_NET_H

#include "model/level.h"

enum { SCL_MAX_WIDTHS = 16 };

typedef struct scl_net_config {
    const char *net;          /* a choice of model.net (config/schema.def) */
    int ngf, channels, height, width, levels;
    bool conditional;         /* the level is an input; else label is not read and may be NULL */
    bool timed;               /* mlp: ln(sigma / alpha) of the level is an input, so any level may be */
    bool scaled;              /* analytic: the data are scaled by the level's alpha (processes vp, subvp) */
    int n_widths, widths[SCL_MAX_WIDTHS];   /* mlp: of the hidden layers, first to last */
    int outputs;              /* 0: the score; else the result is f32[N,outputs]: a classifier's classes, an mlp's values (an energy: 1) */
    int components;           /* analytic: of the mixture whose score it is; 0: not known */
    bool logit;               /* x is a logit: no 2x - 1 in front */
    const char *conv;         /* of every convolution: auto | winograd4 | winograd2 | direct | clblast; or what scl_net_conv gave */
    bool stages;              /* mark every block's result as output "stage.NAME" (verification) */
} scl_net_config;

/* Checks sizes and names; the path of the offending key is in the message. */
scl_status scl_net_check(const scl_net_config *c, scl_err *err);

/* Is the level's label an input of this network?  asked: what the config says, "auto", "level", "time" or "none" (model.condition). */
bool scl_net_conditional(const char *net, const char *asked);

/* Appends the network.  prefix: in front of parameter names ("" or "ema."). */
scl_status scl_net_build(scl_graph *g, const scl_net_config *c, const char *prefix, scl_value *x, const scl_level *level,
                         scl_value **score, scl_err *err);

/* The score at x f32[N,H,W,C] of the mixture truth.log_weight, truth.variance f32[K], truth.mean f32[K,D] (score/truth.h) with noise
 * sigma f32[N]; inv_alpha f32[N]: of its points times alpha, which have the score s(x / alpha; sigma / alpha) / alpha; NULL: 1. */
scl_status scl_mixture_score_build(scl_graph *g, int K, scl_value *x, scl_value *sigma, scl_value *inv_alpha, scl_value **score,
                                   scl_err *err);

/* The algorithm of each convolution of a built network: "begin_conv=direct res1.0.conv1=winograd4 ...".  In arena. */
const char *scl_net_conv(const scl_graph *g, scl_arena *arena);

/* A parameter: name without prefix, device shape, how it starts. */
typedef struct scl_param {
    const char *name;
    scl_value *value;
    /* U(+-1/sqrt(fan_in)); rows of gamma, alpha ~ N(1, 0.02) and beta 0; the same as vectors; 1; 0 */
    enum { SCL_PARAM_UNIFORM, SCL_PARAM_NORM_ROWS, SCL_PARAM_NEAR_ONE, SCL_PARAM_ONE, SCL_PARAM_ZERO } init;
    int fan_in;
} scl_param;

typedef struct scl_param_list { int n; scl_param *item; } scl_param_list;

/* The parameters of a graph that was built with this prefix, in byte order of names.  In arena. */
scl_param_list scl_net_params(const scl_graph *g, const char *prefix, scl_arena *arena);

/* Fills data (device layout) with the start value of a parameter; index: its number in byte order of names.  The draw depends
 * on seed, index and element alone. */
void scl_param_init(const scl_param *p, int index, unsigned long long seed, float *data);

#endif
