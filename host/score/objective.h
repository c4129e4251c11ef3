/* Objectives: what a score network is trained on, one loss per sample (docs/interfaces.md, section 7 has the config's keys).
 *
 * With s the score at x~ = x + sigma z (or at x itself: clean), weight = sigma^p of the noise table (clean: 1):
 *   dsm     weight * 1/2 |s + z/sigma|^2                          Vincent 2011; annealed: Song & Ermon 2019, eq. 5 and 6
 *   ssm     weight * ( 1/2 (v.s)^2 + v.J v )                      Song et al. 2019, eq. 7;  mean over M projections v
 *   ssm_vr  weight * ( 1/2 |s|^2 + v.J v )                        the same, eq. 8: the first term is known exactly
 *   ism     weight * ( 1/2 |s|^2 + tr J )                         Hyvarinen 2005; one forward-mode pass per dimension
 *   esm     weight * 1/2 |s - grad log p|^2                       against a true score that is known
 *   cross_entropy   -ln p(class | x~), p the softmax of a classifier's logits; every level weighs alike
 * J is the Jacobian of s by x~.  All projections have E v v' = 1, so ssm and ssm_vr estimate ism: gaussian, rademacher (the signs
 * of a Gaussian), sphere (uniform on the sphere of radius sqrt(D)).  The official ssm takes |v| = 1: 1/D of this loss, with the
 * same minimum (docs/design/ncsn-spec.md 1.3).
 *
 * Processes vp and subvp (score/sde.h): x~ = alpha x + sigma z, the rest alike.  In continuous time level and weight
 * are functions of a time for each sample instead of entries of tables (score/time.h).
 *
 * predict: what the network's result f means.  score: s = f;  epsilon: s = -f/sigma;  x0: s = (alpha f - x~)/sigma^2.
 * energy: p is proportional to exp(-E), so s = -grad_x E, by reverse mode: E is the result of a network with one output, or
 * 1/2 |x - f|^2 of one whose result is like x. */
#ifndef SCL_SCORE_OBJECTIVE_H
#define SCL_SCORE_OBJECTIVE_H

#include "model/net.h"
#include "score/sde.h"

typedef struct scl_objective_spec {
    const char *loss;            /* dsm | ssm | ssm_vr | ism | esm | cross_entropy; NULL: dsm */
    const char *predict;         /* score | epsilon | x0; NULL: score */
    const char *projection;      /* ssm, ssm_vr: gaussian | rademacher | sphere; NULL: gaussian */
    int projections;             /* M; 0: 1 */
    bool energy;                 /* the network gives an energy; predict is score */
    bool clean;                  /* no perturbation: one level, which the network may see */
    int components;              /* esm: of the mixture that the data come from; 0: not known */
    scl_sde sde;                 /* how data and noise mix; zero: ve by the tables */
    bool continuous;             /* levels are times, which are drawn */
    double anneal_power;         /* continuous: the weight is sigma to this power, or, */
    bool likelihood;             /* g(t)^2 */
} scl_objective_spec;

/* Values of one step.  x, z (dsm or perturbed) and level are given; v, where given, is the only projection, else
 * they are drawn (held_out: from the stream of held-out noise). */
typedef struct scl_objective {
    scl_value *x, *z, *v;
    scl_level level;
    scl_value *class;            /* cross_entropy: i32[N] */
    bool held_out;
    scl_value *point, *score;    /* x~ and s there; cross_entropy: the logits f32[N,K] */
    scl_value *tangent;          /* J v of the last projection; NULL: none was needed */
    scl_value *loss;             /* f32[N], one per sample */
    scl_value *term[2];          /* its two terms where it has two, else NULL */
} scl_objective;

/* Does the objective fit network and dimension?  The message has the reason and the key. */
scl_status scl_objective_check(const scl_objective_spec *spec, const scl_net_config *net, scl_err *err);

/* The energy E f32[N] or f32[N,1] at x, of a network that gives one. */
scl_status scl_energy_build(scl_graph *g, const scl_net_config *net, const char *prefix, scl_value *x, const scl_level *level,
                            scl_value **energy, scl_err *err);

/* The network's score at x: its result by what it gives (predict, energy). */
scl_status scl_score_build(scl_graph *g, const scl_net_config *net, const scl_objective_spec *spec, const char *prefix,
                           scl_value *x, const scl_level *level, scl_value **score, scl_err *err);

/* Appends perturbation, score and loss.  Constants: the tables of model/level.h that are read and not given; esm:
 * truth.log_weight, truth.variance f32[K], truth.mean f32[K,D], and where clean truth.sigma f32[L], zeros. */
scl_status scl_objective_build(scl_graph *g, const scl_objective_spec *spec, const scl_net_config *net, const char *prefix,
                               scl_objective *o, scl_err *err);

#endif
