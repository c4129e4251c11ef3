/* The config of an experiment: one YAML file, typed.
 *
 * Every key stands once, in config/schema.def: its place in these structs, type, default, range, help.  From
 * that table come the parser, the defaults, the validation, the resolved print-out, `scorecl schema`, the
 * JSON schema and the manual page.
 * A config is immutable once read; everything in it is owned by its arena. */
#ifndef SCL_CONFIG_CONFIG_H
#define SCL_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/limits.h"

/* The order of every enum is the order of the choices in schema.def. */
typedef enum scl_conv_choice {
    SCL_CONV_AUTO, SCL_CONV_WINOGRAD4, SCL_CONV_WINOGRAD2, SCL_CONV_DIRECT, SCL_CONV_CLBLAST
} scl_conv_choice;
typedef enum scl_precision {
    SCL_PRECISION_F32, SCL_PRECISION_TF32, SCL_PRECISION_BF16, SCL_PRECISION_F16
} scl_precision;
typedef enum scl_tuning_choice { SCL_TUNING_AUTO, SCL_TUNING_OFF } scl_tuning_choice;
typedef enum scl_data_format {
    SCL_DATA_IDX, SCL_DATA_IMAGES, SCL_DATA_CIFAR10, SCL_DATA_NPY, SCL_DATA_POINTS
} scl_data_format;
typedef enum scl_points_kind {
    SCL_POINTS_FILE, SCL_POINTS_MIXTURE, SCL_POINTS_RING, SCL_POINTS_TWO_MOONS, SCL_POINTS_CHECKERBOARD,
    SCL_POINTS_SWISS_ROLL,
    SCL_POINTS_LINE
} scl_points_kind;
typedef enum scl_dequantize { SCL_DEQUANTIZE_UNIFORM, SCL_DEQUANTIZE_NONE } scl_dequantize;
typedef enum scl_net_kind { SCL_NET_NCSN, SCL_NET_NCSNV2, SCL_NET_NCSNV2_DEEPER, SCL_NET_NCSNV2_DEEPEST, SCL_NET_MLP,
                           SCL_NET_RESSCORE, SCL_NET_CLASSIFIER, SCL_NET_ANALYTIC } scl_net_kind;
typedef enum scl_net_condition { SCL_CONDITION_AUTO, SCL_CONDITION_LEVEL, SCL_CONDITION_TIME,
                                 SCL_CONDITION_NONE } scl_net_condition;
typedef enum scl_net_output { SCL_OUTPUT_SCORE, SCL_OUTPUT_ENERGY } scl_net_output;
typedef enum scl_noise_kind { SCL_NOISE_GEOMETRIC, SCL_NOISE_NONE } scl_noise_kind;
typedef enum scl_process { SCL_PROCESS_VE, SCL_PROCESS_VP, SCL_PROCESS_SUBVP } scl_process;
typedef enum scl_time { SCL_TIME_TABLE, SCL_TIME_CONTINUOUS } scl_time;
typedef enum scl_predict { SCL_PREDICT_SCORE, SCL_PREDICT_EPSILON, SCL_PREDICT_X0 } scl_predict;
typedef enum scl_projection {
    SCL_PROJECTION_GAUSSIAN, SCL_PROJECTION_RADEMACHER, SCL_PROJECTION_SPHERE
} scl_projection;
typedef enum scl_stage_kind {
    SCL_STAGE_TRAIN, SCL_STAGE_SAMPLE, SCL_STAGE_EVALUATE, SCL_STAGE_LIKELIHOOD, SCL_STAGE_PLOT
} scl_stage_kind;
typedef enum scl_loss_kind {
    SCL_LOSS_DSM, SCL_LOSS_SSM, SCL_LOSS_SSM_VR, SCL_LOSS_ISM, SCL_LOSS_ESM, SCL_LOSS_CROSS_ENTROPY
} scl_loss_kind;
typedef enum scl_weighting { SCL_WEIGHTING_POWER, SCL_WEIGHTING_LIKELIHOOD } scl_weighting;
typedef enum scl_optimizer_kind { SCL_OPTIMIZER_ADAM, SCL_OPTIMIZER_SGD, SCL_OPTIMIZER_RMSPROP } scl_optimizer_kind;
typedef enum scl_lr_schedule { SCL_LR_CONSTANT, SCL_LR_LINEAR, SCL_LR_COSINE } scl_lr_schedule;
typedef enum scl_split { SCL_SPLIT_TEST, SCL_SPLIT_TRAIN } scl_split;
typedef enum scl_sampler_kind {
    SCL_SAMPLER_LANGEVIN, SCL_SAMPLER_ANNEALED_LANGEVIN, SCL_SAMPLER_CONSISTENT, SCL_SAMPLER_EULER_MARUYAMA,
    SCL_SAMPLER_REVERSE_DIFFUSION, SCL_SAMPLER_ANCESTRAL, SCL_SAMPLER_PREDICTOR_CORRECTOR, SCL_SAMPLER_PROBABILITY_FLOW,
} scl_sampler_kind;
typedef enum scl_solver { SCL_SOLVER_RK45, SCL_SOLVER_EULER } scl_solver;
typedef enum scl_step_rule { SCL_STEP_OFFICIAL, SCL_STEP_PAPER } scl_step_rule;   /* a, sqrt(2a); a/2, sqrt(a) */
typedef enum scl_sample_init { SCL_INIT_AUTO, SCL_INIT_UNIFORM, SCL_INIT_NORMAL, SCL_INIT_PRIOR } scl_sample_init;
typedef enum scl_condition_task {
    SCL_CONDITION_NOTHING, SCL_CONDITION_INPAINT, SCL_CONDITION_COLORIZE, SCL_CONDITION_INTERPOLATE
} scl_condition_task;
typedef enum scl_known_noise { SCL_KNOWN_LEVEL, SCL_KNOWN_STEP } scl_known_noise;
typedef enum scl_weights_choice { SCL_WEIGHTS_EMA, SCL_WEIGHTS_RAW } scl_weights_choice;
typedef enum scl_launches { SCL_LAUNCHES_SINGLE, SCL_LAUNCHES_RECORDED } scl_launches;
typedef enum scl_residence { SCL_RESIDENCE_AUTO, SCL_RESIDENCE_DEVICE, SCL_RESIDENCE_STREAM } scl_residence;
typedef enum scl_recompute { SCL_RECOMPUTE_NONE, SCL_RECOMPUTE_ACTIVATIONS } scl_recompute;
enum { SCL_SAVE_GRID = 1, SCL_SAVE_IMAGES = 2, SCL_SAVE_NPY = 4, SCL_SAVE_TRAJECTORY = 8 };   /* a set */

/* Of an evaluation: a set. */
enum {
    SCL_METRIC_MOMENTS = 1, SCL_METRIC_MODES = 2, SCL_METRIC_FISHER = 4, SCL_METRIC_FRECHET = 8,
    SCL_METRIC_KERNEL = 16, SCL_METRIC_PRECISION_RECALL = 32, SCL_METRIC_WASSERSTEIN = 64,
    SCL_METRIC_NEIGHBOURS = 128, SCL_METRIC_CLASSES = 256, SCL_METRIC_LOSS = 512, SCL_METRIC_DENSITY = 1024,
    SCL_METRICS_OF_NETWORK = SCL_METRIC_FISHER | SCL_METRIC_LOSS | SCL_METRIC_DENSITY    /* not of samples */
};
typedef enum scl_trace_kind { SCL_TRACE_HUTCHINSON, SCL_TRACE_EXACT } scl_trace_kind;
typedef enum scl_probe { SCL_PROBE_RADEMACHER, SCL_PROBE_GAUSSIAN } scl_probe;
typedef enum scl_features { SCL_FEATURES_PIXELS, SCL_FEATURES_CLASSIFIER } scl_features;
typedef enum scl_plot_type {
    SCL_PLOT_SCATTER, SCL_PLOT_FIELD, SCL_PLOT_CURVE, SCL_PLOT_LOSS, SCL_PLOT_DENSITY, SCL_PLOT_LEVELS
} scl_plot_type;
enum { SCL_LOG_X = 1, SCL_LOG_Y = 2 };

typedef struct scl_transform_config {
    scl_dequantize dequantize;
    bool flip, logit;
    int size;            /* pixels of a side after resizing; 0: as stored */
    int crop;            /* pixels of a side of the centre crop before resizing; 0: none */
    int channels;        /* 1 grey, 3 RGB; 0: as stored */
} scl_transform_config;

/* A list of numbers, or a list of lists of equal length: [rows, cols]; a number alone is 1 x 1, a plain list n x 1. */
typedef struct scl_reals { int rows, cols; const double *at; } scl_reals;

/* Points drawn from a distribution (host/data/points.h). */
typedef struct scl_points_config {
    scl_points_kind distribution;
    int count;                       /* points drawn, both splits together */
    uint64_t seed;                   /* of the points alone: another seed of the experiment trains on the same ones */
    scl_reals weights, means, sigma; /* mixture: [K], [K,D], [K] or one for all; weights need not add up to 1 */
    double scale, noise;             /* the other shapes: their size, and the sd of normal noise on them */
} scl_points_config;

typedef struct scl_data_config {
    scl_data_format format;
    const char *path;                /* joined to the config's folder unless absolute */
    const char *test_path;           /* NULL: the format's own test split, or held-out images */
    int holdout;                     /* images, npy without test_path: each holdout-th is of the test split; 0: none */
    scl_residence residence;         /* changes no bit */
    scl_points_config points;        /* format points */
    scl_transform_config transform;
} scl_data_config;

/* A list of whole numbers. */
typedef struct scl_ints { int n; const int *at; } scl_ints;

/* Do the data lie in files, or are they drawn? */
static inline bool scl_data_in_files(const scl_data_config *d)
{
    return d->format != SCL_DATA_POINTS || d->points.distribution == SCL_POINTS_FILE;
}

typedef struct scl_model_config {
    scl_net_kind net;
    int ngf;
    scl_ints widths;             /* mlp */
    int classes;                 /* classifier */
    scl_net_condition condition;
    scl_net_output output;
    scl_predict predict;
} scl_model_config;

typedef struct scl_noise_config {
    scl_noise_kind schedule;
    scl_process process;             /* how data and noise mix (score/sde.h) */
    scl_time time;                   /* training: a level of the table, or any time, for each sample */
    double sigma_begin, sigma_end;   /* ve; sigma_begin 0: auto, until a run puts a number there (run/noise_auto.h) */
    double beta_begin, beta_end;     /* vp, subvp */
    int levels;                      /* 0: auto, likewise */
} scl_noise_config;

typedef struct scl_train_config {
    struct {
        scl_loss_kind loss;
        scl_weighting weighting;
        double anneal_power;
        scl_projection projection;
        int projections;
    } objective;
    struct {
        scl_optimizer_kind method;
        double lr, beta1, beta2, eps, momentum, decay;   /* momentum: sgd, rmsprop; decay: rmsprop's mean of squares */
        scl_lr_schedule schedule;
        int warmup;                  /* steps over which the rate rises linearly from 0 */
        double lr_end;               /* rate at the last step of linear and cosine, as a fraction of lr */
        double clip;                 /* most global gradient norm; 0: no clipping */
    } optimizer;
    const char *init;                /* checkpoint whose weights to start from; NULL: fresh */
    double ema;                      /* 0: no average is kept */
    int batch, accumulate, steps, log_every;
    struct { int every; scl_split split; int images; } eval;       /* every 0: never; images: most, 0: all */
    struct { int every, keep; } checkpoint;                         /* every 0: only at the end; keep 0: all */
} scl_train_config;

/* What device memory is spent on; nothing here changes a bit. */
typedef struct scl_memory_config {
    int limit;                       /* most device memory in MiB; 0: what the device has */
    bool in_place;
    scl_recompute recompute;
} scl_memory_config;

typedef struct scl_log_config {
    bool tensorboard;
    int samples_every, samples;      /* pictures over training: steps between them, 0: never; samples of one */
} scl_log_config;

typedef struct scl_sample_config {
    struct {
        scl_sampler_kind method;
        double step_lr;              /* 0: by the noise levels */
        int steps_per_level, steps;  /* annealed_langevin; langevin */
        bool denoise;
        scl_step_rule step_rule;
        scl_sample_init init;
        scl_reals range;             /* init uniform: [2] */
        double snr;                  /* predictor_corrector */
        int corrector_steps;
        int group;                   /* samples whose norms are taken together */
        scl_solver solver;           /* probability_flow */
        double rtol, atol;
        int max_evaluations;
    } sampler;
    struct {
        scl_condition_task task;
        const char *mask, *images;   /* NULL: none; the data's test split */
        int first, per_image;
        scl_known_noise noise;
        int columns;
        const char *classifier;      /* "none", a stage, or the path of a file */
        scl_ints class;              /* n 0: all */
        double scale;
    } condition;
    scl_weights_choice weights;
    const char *checkpoint;          /* "latest", "best", "step-N", or the path of a file */
    int count, batch;                /* batch: samples drawn at once; 0: as many as fit, at most count */
    unsigned save;                   /* SCL_SAVE_* */
} scl_sample_config;

/* Samples against data, or a score against the true one. */
typedef struct scl_evaluate_config {
    const char *samples;             /* "needs", "data", or the path of an .npy file */
    scl_split reference;
    unsigned metrics;                /* SCL_METRIC_* */
    scl_features features;
    const char *classifier;          /* "none", a stage, or the path of a file */
    int images;                      /* most of each side; 0: all */
    int neighbours, projections, blocks;
    struct {
        int points, level;           /* level: the noise level plus 1; 0: none */
        double radius, box;          /* radius: in standard deviations of a component; box: half its side */
    } fisher;
} scl_evaluate_config;

/* Log-densities by the probability-flow ODE. */
typedef struct scl_likelihood_config {
    scl_split split;
    int count;                       /* most samples; 0: all */
    scl_trace_kind trace;
    scl_probe probe;                 /* hutchinson */
    int probes;
    int group;                       /* samples that share the ODE's steps */
    double rtol, atol;
    int max_evaluations;
} scl_likelihood_config;

typedef struct scl_plot_config {
    scl_plot_type type;
    const char *title, *x_label, *y_label, *value, *formula;       /* NULL: none */
    scl_reals x;                     /* of the needs, in their order */
    unsigned log;                    /* SCL_LOG_* */
    double box;
    int arrows, level;               /* of a side; level as fisher.level */
} scl_plot_config;

typedef struct scl_stage_config {
    const char *name;
    scl_stage_kind kind;
    bool kind_is_known;              /* false: its kind was a fault */
    const char **needs; int n_needs;
    const char *device;              /* the stage's own, else the experiment's */
    /* Resolved: the experiment's section with the stage's own keys over it; own_*: the stage sets something itself. */
    bool own_device, own_data, own_model, own_noise;
    scl_data_config data;
    scl_model_config model;
    scl_noise_config noise;
    scl_memory_config memory;
    scl_train_config train;          /* kind train */
    scl_sample_config sample;        /* kind sample; evaluate, likelihood and plot: weights and checkpoint */
    scl_evaluate_config evaluate;    /* kind evaluate */
    scl_likelihood_config likelihood;    /* kind likelihood */
    scl_plot_config plot;            /* kind plot */
} scl_stage_config;

/* tune.OP.PARAM = VALUE: a tunable of an operator, forced. */
typedef struct scl_tune_config { const char *op, *param; int value; } scl_tune_config;

typedef struct scl_config {
    uint64_t seed;                   /* below 2^63 */
    const char *device;
    int arithmetic;
    scl_conv_choice conv;
    scl_precision precision;
    bool fuse, fuse_output, fuse_along, fuse_input;
    scl_launches launches;
    scl_tuning_choice tuning;
    int launch_limit;            /* seconds; 0: none */
    scl_data_config data;
    scl_model_config model;
    scl_noise_config noise;
    scl_log_config log;
    scl_stage_config *stage; int n_stage;          /* in the order of the file */
    int *order;                      /* stage numbers as they are run: needs first, else the file's order */
    scl_tune_config *tune; int n_tune;
    const char *file;                              /* as given */
    const char *name;                              /* file's name without folder and extension: runs/NAME */
    struct scl_config_places *places;              /* where every key stood */
    scl_arena arena;
} scl_config;

typedef struct scl_override { const char *key, *value; } scl_override;   /* -o key=value; value is YAML */

/* All faults of a config, each as one line "FILE:LINE:COL: path.of.keys: message; did you mean 'x'?". */
typedef struct scl_config_errors {
    char **line; int n;
    scl_arena arena;
} scl_config_errors;
void scl_config_errors_free(scl_config_errors *errors);

/* Reads, resolves and validates.  On SCL_BAD_CONFIG every fault is in errors, and err (may be NULL) holds the
 * first one. SCL_FAILED: out of memory.  *out is owned (scl_config_free); NULL on failure. */
scl_status scl_config_read(const char *file, const scl_override *overrides, int n_overrides, scl_config **out,
                           scl_config_errors *errors, scl_err *err);
/* The same from text; file is the name in messages, and relative paths are joined to folder (NULL: left as
 * they are). */
scl_status scl_config_parse(const char *text, size_t length, const char *file, const char *folder,
                            const scl_override *overrides, int n_overrides, scl_config **out, scl_config_errors *errors,
                            scl_err *err);
void scl_config_free(scl_config *config);           /* accepts NULL */

/* The resolved config as YAML, every key with its value; reading it back gives the same config.  In arena. */
char *scl_config_text(const scl_config *config, scl_arena *arena);

/* The same as a JSON object: words stand where they stand in YAML ("never"), a path that is not set is null.
 * In arena. */
char *scl_config_json(const scl_config *config, scl_arena *arena);

/* Pixels of a side and channels as far as the config tells: as asked, else the format's own; 0: only the data do. */
static inline int scl_data_size(const scl_data_config *d)
{
    const int own = d->format == SCL_DATA_CIFAR10 ? 32 : d->format == SCL_DATA_IDX ? 28 : d->format == SCL_DATA_POINTS;
    return d->transform.size ? d->transform.size : own;
}

static inline int scl_data_channels(const scl_data_config *d)
{
    const int own = d->format == SCL_DATA_CIFAR10 ? 3 : d->format == SCL_DATA_IDX;
    return d->transform.channels ? d->transform.channels : own;
}

/* Are pictures of the data part of what the samples come from? */
static inline bool scl_sample_reads_data(const scl_sample_config *s)
{
    const scl_condition_task task = s->condition.task;
    return !s->condition.images && (task == SCL_CONDITION_INPAINT || task == SCL_CONDITION_COLORIZE);
}

/* Is a checkpoint named as the path of a file, and not by its place among those of a train stage? */
static inline bool scl_checkpoint_is_file(const char *which)
{
    return strchr(which, '/') || strstr(which, ".safetensors");
}

/* The classifier that a stage names (sample: that guides it; evaluate: that looks at the samples), NULL: none. */
static inline const char *scl_stage_classifier(const scl_stage_config *s)
{
    const char *name = s->kind == SCL_STAGE_SAMPLE ? s->sample.condition.classifier
                       : s->kind == SCL_STAGE_EVALUATE ? s->evaluate.classifier : NULL;
    return name && strcmp(name, "none") ? name : NULL;
}

/* The class asked for sample i: runs of `each` samples, the classes of the list in turn (an empty one: 0, 1,
 * 2 ...). */
static inline int scl_asked_class(const scl_ints *asked, int each, int i)
{
    return asked->n ? asked->at[i / each] : i / each;
}

/* Does an evaluation look at the samples through a classifier? */
static inline bool scl_evaluate_classifies(const scl_evaluate_config *e)
{
    return e->features == SCL_FEATURES_CLASSIFIER || e->metrics & SCL_METRIC_CLASSES;
}

/* Does the stage compute on its device, or on the host alone? */
static inline bool scl_stage_uses_device(const scl_stage_config *s)
{
    switch (s->kind) {
    case SCL_STAGE_EVALUATE:
        return s->evaluate.metrics & SCL_METRICS_OF_NETWORK || scl_evaluate_classifies(&s->evaluate);
    case SCL_STAGE_PLOT: return s->plot.type == SCL_PLOT_FIELD || s->plot.type == SCL_PLOT_DENSITY;
    case SCL_STAGE_TRAIN: case SCL_STAGE_SAMPLE: case SCL_STAGE_LIKELIHOOD: break;
    }
    return true;
}

/* Are all keys of two sections `noise` the same? */
bool scl_noise_equal(const scl_noise_config *a, const scl_noise_config *b);

/* The stage of that name, or NULL. */
const scl_stage_config *scl_config_stage(const scl_config *config, const char *name);

/* The sample stage that says how samples of a train stage are drawn while it trains (log.samples_every): the first that
 * needs it directly, takes its checkpoint by its place and has no condition.  NULL: none. */
const scl_stage_config *scl_config_drawer(const scl_config *config, const scl_stage_config *train);

/* The keys that decide what a stage computes, one "path = value" a line in a fixed order, without device,
 * tuning, logging, checkpoint intervals and accumulate; with_steps false leaves out train.steps too (to see
 * that only it has changed). */
char *scl_config_stage_inputs(const scl_config *config, const scl_stage_config *stage, bool with_steps,
                              scl_arena *arena);
/* sha256 of that text, 64 hex digits and NUL. */
void scl_config_stage_hash(const scl_config *config, const scl_stage_config *stage, bool with_steps, char hex[65]);

/* Reports a fault found later (data shape, limits) at the place of a key such as "stages.train.batch". */
scl_status scl_config_fail(const scl_config *config, scl_err *err, scl_status code, const char *key,
                           const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Names of the choices, as in the file: scl_config_choice("optimizer.method", SCL_OPTIMIZER_ADAM) is "adam".
 * Static. */
const char *scl_config_choice(const char *key, int value);

/* The schema for people, editors and man.  In arena. */
char *scl_schema_text(scl_arena *arena);
char *scl_schema_json(scl_arena *arena);
char *scl_schema_man(scl_arena *arena);

#endif
