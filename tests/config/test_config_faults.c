/* Configs: every fault with its exact line and column, in files and in overrides of the command line. */
#include "config/parse.h"

static const struct { const char *name, *text, *faults; } bad[] = {
    { "empty", "", "t.yaml:1:1: the file is empty" },
    { "comment only", "# nothing\n", "t.yaml:1:1: the file is empty" },
    { "no map", "- a\n- b\n", "t.yaml:1:1: a config is a map of keys, not a list" },
    { "syntax", "seed: [1, 2\nstages: x\n",
      "t.yaml:2:7: YAML: did not find expected ',' or ']' while parsing a flow sequence" },
    { "tab", "stages:\n\ttrain: 1\n",
      "t.yaml:2:1: YAML: found character that cannot start any token while scanning for the next token" },
    { "not utf-8", "seed: 1\ndevice: a\xff\n", "t.yaml:2:10: byte 0xff is not UTF-8" },
    { "two documents", "seed: 1\n---\nseed: 2\n",
      "t.yaml:2:1: a second document; one file is one experiment" },
    { "no stages", "seed: 1\n", "t.yaml:1:1: stages: there are none; nothing would be done" },
    { "empty stages", "stages: {}\n", "t.yaml:1:9: stages: there are none; nothing would be done" },
    { "stages no map", "stages: train\n", "t.yaml:1:9: stages: must be a map of keys, not 'train'" },
    { "unknown key", "sead: 1\n" DATA TRAIN, "t.yaml:1:1: sead: unknown key; did you mean 'seed'?" },
    { "key of a section", "sigma_begin: 1\n" DATA TRAIN,
      "t.yaml:1:1: sigma_begin: unknown key; did you mean 'noise.sigma_begin'?" },
    { "two faults", "sead: 1\nfuse: 3\n" DATA TRAIN,
      "t.yaml:1:1: sead: unknown key; did you mean 'seed'?\nt.yaml:2:7: fuse: must be true or false, not '3'" },
    { "twice", "seed: 1\nseed: 2\n" DATA TRAIN, "t.yaml:2:1: seed: given twice, first in line 1" },
    { "wrong type", "seed: one\n" DATA TRAIN,
      "t.yaml:1:7: seed: must be an integer from 0 to 9223372036854775807, not 'one'" },
    { "text for a number", "seed: '1'\n" DATA TRAIN,
      "t.yaml:1:7: seed: must be an integer from 0 to 9223372036854775807, not the text '1'" },
    { "negative", "seed: -1\n" DATA TRAIN,
      "t.yaml:1:7: seed: must be an integer from 0 to 9223372036854775807, not '-1'" },
    { "list for a number", "seed: [1]\n" DATA TRAIN,
      "t.yaml:1:7: seed: must be an integer from 0 to 9223372036854775807, not a list" },
    { "nothing", "noise:\n" DATA TRAIN, "t.yaml:1:7: noise: must be a map of keys, not nothing" },
    { "real out of range", "noise: { sigma_end: 0 }\n" DATA TRAIN,
      "t.yaml:1:21: noise.sigma_end: must be a number above 0 and up to 1e+06, not '0'" },
    { "not a number", "noise: { sigma_end: .nan }\n" DATA TRAIN,
      "t.yaml:1:21: noise.sigma_end: must be a number above 0 and up to 1e+06, not '.nan'" },
    { "rate of one", DATA "stages:\n  t: { kind: train, ema: 1 }\n",
      "t.yaml:3:26: stages.t.ema: must be a number from 0 and below 1, not '1'" },
    { "division by nothing", DATA "stages:\n  t: { kind: train, optimizer: { eps: 0 } }\n",
      "t.yaml:3:39: stages.t.optimizer.eps: must be a number from 1e-12 to 1, not '0'" },
    { "no levels", "noise: { levels: -1 }\n" DATA TRAIN,
      "t.yaml:1:18: noise.levels: must be 'auto' or an integer from 1 to 100000, not '-1'" },
    { "levels upside down", "noise: { sigma_begin: 0.01, sigma_end: 1 }\n" DATA TRAIN,
      "t.yaml:1:23: noise.sigma_begin: 0.01 is smaller than sigma_end, 1; levels go from the largest to the smallest" },
    { "choice", "conv: dirct\n" DATA TRAIN,
      "t.yaml:1:7: conv: must be one of auto, winograd4, winograd2, direct, clblast, not 'dirct'; did you "
      "mean 'direct'?" },
    { "no net", "model: { net: ncsnv3 }\n" DATA TRAIN,
      "t.yaml:1:15: model.net: must be one of ncsn, ncsnv2, ncsnv2_deeper, ncsnv2_deepest, mlp, resscore, "
      "classifier, analytic, not 'ncsnv3'; did you mean 'ncsnv2'?" },
    { "level of no use", "model: { net: ncsnv2, condition: level }\n" DATA TRAIN,
      "t.yaml:1:34: model.condition: the network ncsnv2 takes no level; it divides its result by the level's sigma" },
    { "a third of a size", "data: { path: d, transform: { size: 36 } }\nmodel: { net: ncsnv2_deepest }\n" TRAIN,
      "t.yaml:1:37: data.transform.size: 36 is no multiple of 8, by which the network ncsnv2_deepest "
      "shrinks its images" },
    { "a classifier's loss", "model: { net: classifier }\n" DATA TRAIN,
      "t.yaml:4:3: stages.train.objective.loss: a classifier is trained by cross_entropy, not by dsm" },
    { "a classifier's energy",
      "model: { net: classifier, output: energy }\n"
      DATA "stages:\n  t: { kind: train, objective: { loss: cross_entropy } }\n",
      "t.yaml:1:35: model.output: a classifier gives logits, not an energy" },
    { "classes of a score", DATA "stages:\n  t: { kind: train, objective: { loss: cross_entropy } }\n",
      "t.yaml:3:40: stages.t.objective.loss: cross_entropy trains a classifier (model.net)" },
    { "no widths", "model: { net: mlp, widths: [] }\n" DATA TRAIN,
      "t.yaml:1:28: model.widths: an mlp has 1 to 16 hidden layers, not 0" },
    { "width of zero", "model: { net: mlp, widths: [8, 0] }\n" DATA TRAIN,
      "t.yaml:1:32: model.widths: must be an integer or a list of integers from 1 to 65536, not '0'" },
    { "unknown precision", "precision: f8\n" DATA TRAIN,
      "t.yaml:1:12: precision: must be one of f32, tf32, bf16, f16, not 'f8'" },
    { "precision of another algorithm", "precision: tf32\nconv: winograd4\n" DATA TRAIN,
      "t.yaml:1:12: precision: matrix units compute the direct product, and conv is winograd4; conv must be auto or direct with tf32" },
    { "truth of images", DATA "stages:\n  t: { kind: train, objective: { loss: esm } }\n",
      "t.yaml:3:40: stages.t.objective.loss: esm needs the true score, known of data.points.distribution: "
      "mixture alone" },
    { "noiseless dsm", "noise: { schedule: none }\n" DATA "stages:\n  t: { kind: train, objective: { loss: dsm } }\n",
      "t.yaml:4:40: stages.t.objective.loss: dsm compares the score with the noise, and noise.schedule is none" },
    { "levels without noise",
      "noise: { schedule: none, levels: 3 }\n"
      DATA "stages:\n  t: { kind: train, objective: { loss: ssm } }\n",
      "t.yaml:1:34: noise.levels: noise.schedule is none, which is one level" },
    { "noiseless prediction",
      "noise: { schedule: none }\nmodel: { predict: x0 }\n"
      DATA "stages:\n  t: { kind: train, objective: { loss: ssm } }\n",
      "t.yaml:2:19: model.predict: x0 is told from the noise level, and noise.schedule is none" },
    { "trace of an image", DATA "stages:\n  t: { kind: train, objective: { loss: ism } }\n",
      "t.yaml:3:40: stages.t.objective.loss: ism takes the exact trace, a forward-mode pass for each of the "
      "784 values of a sample: a step "
      "would cost about 785 times a dsm step; at most 64: ssm_vr estimates the same" },
    { "noise of an energy", "model: { output: energy, predict: x0 }\n" DATA TRAIN,
      "t.yaml:1:35: model.predict: x0 is no gradient of an energy, and model.output is energy" },
    { "times of a table", "noise: { time: continuous }\n" DATA TRAIN,
      "t.yaml:1:16: noise.time: ncsn has weights of its own for each of 10 levels, and there is no level between "
      "them; ncsnv2, resscore, mlp with condition: time or none take any time, or time: table" },
    { "time of an ncsn", "model: { condition: time }\n" DATA TRAIN,
      "t.yaml:1:21: model.condition: the network ncsn does not take the time as an input; mlp does" },
    { "a short table", "noise: { process: vp }\n" DATA TRAIN,
      "t.yaml:1:8: noise.levels: beta_end / levels is the largest beta of the table and must be below 1: more "
      "than 20 levels, or time: continuous" },
    { "auto of vp", "noise: { process: vp, levels: auto }\n" DATA TRAIN,
      "t.yaml:1:31: noise.levels: auto is a rule for noise.process ve, not for vp" },
    { "falling rate", "noise: { process: subvp, levels: 100, beta_begin: 30 }\n" DATA TRAIN,
      "t.yaml:1:51: noise.beta_begin: 30 is larger than beta_end, 20; the rate rises" },
    { "noiseless vp", "noise: { schedule: none, process: vp, time: continuous }\nmodel: { net: ncsnv2 }\n" DATA
      "stages:\n  t: { kind: train, objective: { loss: ssm } }\n",
      "t.yaml:1:35: noise.process: vp adds noise, and noise.schedule is none\n"
      "t.yaml:1:45: noise.time: continuous is a time of the noise, and noise.schedule is none" },
    { "likelihood of a level", "noise: { levels: 1 }\n" DATA
      "stages:\n  t: { kind: train, objective: { weighting: likelihood } }\n",
      "t.yaml:4:45: stages.t.objective.weighting: likelihood weighs by g(t)^2, and noise at one level, or none, has no g" },
    { "annealed vp", "noise: { process: vp, levels: 1000 }\n" DATA
      "stages:\n  train: { kind: train }\n  s: { kind: sample, needs: [train], sampler: { method: annealed_langevin } }\n",
      "t.yaml:5:57: stages.s.sampler.method: annealed_langevin goes along levels that differ in noise alone; under "
      "vp they differ in the scale of the data too: ancestral, reverse_diffusion, predictor_corrector" },
    { "times between levels", "noise: { process: vp, levels: 1000 }\n" DATA
      "stages:\n  train: { kind: train }\n  s: { kind: sample, needs: [train], sampler: { method: probability_flow } }\n",
      "t.yaml:5:47: stages.s.sampler.solver: rk45 asks for every time, and ncsn has weights of its own for each "
      "level; solver: euler" },
    { "projections of dsm", DATA "stages:\n  t: { kind: train, objective: { projections: 2 } }\n",
      "t.yaml:3:47: stages.t.objective.projections: dsm takes no projections; ssm and ssm_vr do" },
    { "kind of projections of ism", DATA "stages:\n  t: { kind: train, objective: { projection: sphere } }\n",
      "t.yaml:3:46: stages.t.objective.projection: dsm takes no projections; ssm and ssm_vr do" },
    { "denoising without noise",
      "noise: { schedule: none }\n"
      DATA "stages:\n  t: { kind: train, objective: { loss: ssm } }\n"
      "  s: { kind: sample, needs: [t] }\n",
      "t.yaml:5:3: stages.s.sampler.denoise: x + sigma^2 s needs a noise level, and noise.schedule is none" },
    { "likelihood of no network", DATA "stages:\n  t: { kind: likelihood }\n",
      "t.yaml:3:3: stages.t.needs: names no train stage; give one, or the path of a file as checkpoint" },
    { "likelihood of bytes",
      "data: { path: /data/mnist, transform: { dequantize: none } }\n" TRAIN "  t: { kind: likelihood, needs: train }\n",
      "t.yaml:1:53: data.transform.dequantize: bytes have a density with uniform noise between them alone; uniform" },
    { "likelihood without noise",
      "model: { net: analytic }\nnoise: { schedule: none }\n" POINTS "stages:\n  t: { kind: likelihood }\n",
      "t.yaml:2:20: noise.schedule: none has no noise for the flow to go through" },
    { "likelihood of one level",
      "model: { net: analytic }\nnoise: { levels: 1 }\n" POINTS "stages:\n  t: { kind: likelihood }\n",
      "t.yaml:2:18: noise.levels: the flow goes from the smallest noise level to the largest, and there is one" },
    { "likelihood without a level",
      "model: { net: analytic, condition: none }\n" POINTS "stages:\n  t: { kind: likelihood }\n",
      "t.yaml:1:36: model.condition: the flow needs the score at every noise level, and analytic without the level has "
      "one for all; level or time, or predict: epsilon" },
    { "likelihood between DDPM's levels",
      "noise: { process: vp, levels: 100 }\n" DATA TRAIN "  t: { kind: likelihood, needs: train }\n",
      "t.yaml:1:19: noise.process: the flow asks for every time, and ncsn has weights of its own for each level; ve goes "
      "between them, or another network" },
    { "likelihood of classes",
      "model: { net: classifier }\n" DATA "stages:\n  c: { kind: train, objective: { loss: cross_entropy } }\n"
      "  t: { kind: likelihood, needs: c }\n",
      "t.yaml:1:15: model.net: a classifier gives classes, no score whose flow has a density" },
    { "exact trace of an image",
      DATA TRAIN "  t: { kind: likelihood, needs: train, likelihood: { trace: exact, probes: 2, probe: gaussian } }\n",
      "t.yaml:4:61: stages.t.likelihood.trace: exact takes a forward-mode pass for each of the 784 values of a sample; at "
      "most 64: hutchinson estimates the same\n"
      "t.yaml:4:76: stages.t.likelihood.probes: an exact trace takes no random vectors; hutchinson does\n"
      "t.yaml:4:86: stages.t.likelihood.probe: an exact trace takes no random vectors; hutchinson does" },
    { "evaluate what", DATA "stages:\n  t: { kind: evaluate }\n",
      "t.yaml:3:3: stages.t.needs: must name one sample stage, whose samples are evaluated (or say which: samples)" },
    { "evaluate which", DATA "stages:\n  t: { kind: evaluate, samples: dat }\n",
      "t.yaml:3:33: stages.t.samples: must be needs, data or the path of an .npy file, not 'dat'" },
    { "modes of images", DATA "stages:\n  t: { kind: evaluate, samples: data, metrics: [modes] }\n",
      "t.yaml:3:48: stages.t.metrics: modes are those of a mixture: data.points.distribution: mixture" },
    { "samples not kept",
      DATA TRAIN "  s: { kind: sample, needs: train, save: grid }\n  t: { kind: evaluate, needs: s }\n",
      "t.yaml:5:31: stages.t.needs: stage 's' keeps no samples: its save lacks npy" },
    { "score of images", DATA TRAIN "  t: { kind: evaluate, needs: train, metrics: [fisher] }\n",
      "t.yaml:4:47: stages.t.metrics: fisher needs a density that is known: data.points.distribution: mixture" },
    { "score of a point", "data: { format: points, points: { distribution: mixture, sigma: [1, 0] } }\n"
      "model: { net: mlp, condition: level }\n" TRAIN "  t: { kind: evaluate, needs: train, metrics: [fisher] }\n",
      "t.yaml:5:47: stages.t.metrics: fisher needs a noise level: data.points.sigma is 0, which is no density" },
    { "trained on the score of a point", "data: { format: points, points: { distribution: mixture, sigma: 0 } }\n"
      "model: { net: mlp, condition: none }\nnoise: { schedule: none }\n"
      "stages:\n  t: { kind: train, objective: { loss: esm } }\n",
      "t.yaml:5:40: stages.t.objective.loss: esm needs noise: data.points.sigma is 0, which has no score" },
    { "score of nothing", POINTS "stages:\n  t: { kind: evaluate, metrics: [fisher], fisher: { level: 11 } }\n",
      "t.yaml:3:3: stages.t.needs: names no train stage; fisher needs one, or the path of a file as checkpoint\n"
      "t.yaml:3:60: stages.t.fisher.level: level 11 of 10 noise levels" },
    { "loss of nothing", POINTS "stages:\n  t: { kind: evaluate, metrics: [loss] }\n",
      "t.yaml:3:3: stages.t.needs: names no train stage; loss needs one, or the path of a file as checkpoint" },
    { "loss of logits",
      "data: { path: d, transform: { logit: true } }\n" TRAIN
      "  t: { kind: evaluate, needs: train, metrics: [loss], objective: { projections: 2 } }\n",
      "t.yaml:4:81: stages.t.objective.projections: dsm takes no projections; ssm and ssm_vr do\n"
      "t.yaml:4:47: stages.t.metrics: loss compares pixels from 0 to 1, and data.transform.logit is on" },
    { "points as pictures", POINTS "stages:\n  t: { kind: evaluate, samples: data, metrics: [neighbours] }\n",
      "t.yaml:3:48: stages.t.metrics: neighbours are shown as pictures; points are none" },
    { "curve of samples",
      DATA TRAIN "  s: { kind: sample, needs: train }\n  t: { kind: plot, needs: s, plot: { type: curve } }\n",
      "t.yaml:5:27: stages.t.needs: must name evaluate or likelihood stages, and no others: a curve is drawn of "
      "their values\n"
      "t.yaml:5:36: stages.t.plot.value: missing; a curve is drawn of a value of evaluation.json, such as modes.0" },
    { "no arithmetic", POINTS "stages:\n  e: { kind: evaluate, samples: data }\n"
      "  t: { kind: plot, needs: e, plot: { type: curve, value: mean, formula: 'system(\"ls\")' } }\n",
      "t.yaml:4:73: stages.t.plot.formula: must be made of numbers, x, + - * / ** and brackets" },
    { "curve of two", POINTS "stages:\n  e: { kind: evaluate, samples: data }\n"
      "  t: { kind: plot, needs: e, plot: { type: curve, value: mean, x: [1, 2] } }\n",
      "t.yaml:4:67: stages.t.plot.x: must be one number for each of the 1 stages of needs" },
    { "field of images", DATA TRAIN "  t: { kind: plot, needs: train, plot: { type: field } }\n",
      "t.yaml:4:48: stages.t.plot.type: field needs a density that is known: data.points.distribution: mixture" },
    { "density of a score", POINTS "model: { net: mlp }\n" TRAIN "  t: { kind: plot, needs: train, plot: { type: density } }\n",
      "t.yaml:5:48: stages.t.plot.type: density is exp(-E) of a network that gives an energy: model.output: energy" },
    { "levels without a trajectory", DATA TRAIN "  s: { kind: sample, needs: train, save: [npy], sampler: { method: ancestral } }\n"
      "  t: { kind: plot, needs: s, plot: { type: levels } }\n",
      "t.yaml:5:27: stages.t.needs: stage 's' is no annealed Langevin dynamics, whose levels are drawn\n"
      "t.yaml:5:27: stages.t.needs: stage 's' keeps no trajectory as an array: its save lacks npy or trajectory" },
    { "scatter of training", DATA TRAIN "  t: { kind: plot, needs: train }\n",
      "t.yaml:4:27: stages.t.needs: must name sample stages, and no others: a scatter is drawn of them" },
    { "weights of a mixture",
      "data: { format: points, points: { distribution: mixture, weights: [1] } }\n"
      "stages:\n  t: { kind: evaluate, samples: data }\n",
      "t.yaml:1:67: data.points.weights: must be one number for each of the 2 means" },
    { "ragged means",
      "data: { format: points, points: { means: [[1, 2], [3]] } }\n"
      "stages:\n  t: { kind: evaluate, samples: a.npy }\n",
      "t.yaml:1:51: data.points.means: its lists must be of one length, not 2 and 1\n"
      "t.yaml:3:3: stages.t.metrics: samples are compared with data, and there is no data.path" },
    { "no mean", "data: { points: { means: [[1, b]], sigma: [] } }\n"
      "model: { ngf: 2 }\n" TRAIN,
      "t.yaml:1:31: data.points.means: must be a number or a list of numbers from -1e+06 to 1e+06, not 'b'\n"
      "t.yaml:1:43: data.points.sigma: must be a number or a list of numbers from 0 to 1e+06, not a list\n"
      "t.yaml:1:7: data.path: missing; a train stage needs images" },
    { "no kind", DATA "stages:\n  t: { steps: 3 }\n",
      "t.yaml:3:6: stages.t.kind: missing; give one of train, sample, evaluate, likelihood, plot" },
    { "key of another kind", DATA "stages:\n  t: { kind: train, count: 3 }\n",
      "t.yaml:3:21: stages.t.count: a key of sample stages, not of train stages" },
    { "deeper key", DATA "stages:\n  t: { kind: train, lr: 3 }\n",
      "t.yaml:3:21: stages.t.lr: unknown key; did you mean 'optimizer.lr'?" },
    { "name of a stage", DATA "stages:\n  ../t: { kind: train }\n",
      "t.yaml:3:3: stages.../t: a stage's name is a folder: letters, digits, _ and -, at most 64" },
    { "no data", TRAIN, "t.yaml:1:1: data.path: missing; a train stage needs images" },
    { "odd size", "data: { path: d, transform: { size: 27 } }\n" TRAIN,
      "t.yaml:1:37: data.transform.size: 27 is odd; the network ncsn halves its images and needs an even "
      "size of at least 8" },
    { "small size", "data: { path: d, transform: { size: 6 } }\n" TRAIN,
      "t.yaml:1:37: data.transform.size: must be 'stored' or an integer from 8 to 4096, not '6'" },
    { "channels", "data: { path: d, transform: { channels: 5 } }\n" TRAIN,
      "t.yaml:1:41: data.transform.channels: must be 'stored' or an integer from 1 to 4, not '5'" },
    { "images without size", "data: { format: images, path: d }\n" TRAIN,
      "t.yaml:1:7: data.transform.size: must be given for a folder of images" },
    { "micro-batches", DATA "stages:\n  t: { kind: train, batch: 4, accumulate: 8 }\n",
      "t.yaml:3:43: stages.t.accumulate: 8 micro-batches of a batch of 4" },
    { "needs nobody", DATA "stages:\n  train: { kind: train }\n  s: { kind: sample, needs: [trian] }\n",
      "t.yaml:4:29: stages.s.needs: no stage is called 'trian'; did you mean 'train'?" },
    { "cycle",
      DATA "stages:\n"
      "  a: { kind: train, needs: [c] }\n  b: { kind: train, needs: [a] }\n  c: { kind: train, needs: [b] }\n",
      "t.yaml:4:28: stages.b.needs: the stages need each other in a cycle: a -> c -> b -> a" },
    { "needs itself", DATA "stages:\n  a: { kind: train, needs: [a] }\n",
      "t.yaml:3:28: stages.a.needs: the stages need each other in a cycle: a -> a" },
    { "nothing to sample", DATA "stages:\n  s: { kind: sample }\n",
      "t.yaml:3:3: stages.s.needs: names no train stage; give one, or the path of a file as checkpoint" },
    { "two networks", DATA "stages:\n  t: { kind: train }\n  u: { kind: train }\n  s: { kind: sample, needs: [t, u] }\n",
      "t.yaml:5:29: stages.s.needs: leads to 2 train stages; the path of a file as checkpoint says whose network" },
    { "network of a need", POINTS "model: { net: mlp, condition: level }\nstages:\n"
      "  s: { kind: sample, checkpoint: a.safetensors }\n"
      "  t: { kind: evaluate, needs: s, metrics: [fisher] }\n",
      "t.yaml:5:31: stages.t.needs: names no train stage; fisher needs one, or the path of a file as checkpoint" },
    { "which checkpoint", DATA "stages:\n  t: { kind: train }\n  s: { kind: sample, needs: [t], checkpoint: last }\n",
      "t.yaml:4:46: stages.s.checkpoint: must be latest, best, step-N or the path of a file, not 'last'" },
    { "own anchor", "a: &x { b: *x }\n", "t.yaml:1:12: alias *x stands inside its own anchor" },
    { "no anchor", "a: *x\n", "t.yaml:1:4: alias *x has no anchor before it" },
    { "unset variable", "device: ${SCL_TEST_UNSET}\n" DATA TRAIN,
      "t.yaml:1:9: environment variable SCL_TEST_UNSET is not set (${SCL_TEST_UNSET:-default} gives a default)" },
    { "unset variable in a flow map", "device: auto\ndata: { path: ${SCL_TEST_UNSET}, format: frog }\n" TRAIN,
      "t.yaml:2:15: environment variable SCL_TEST_UNSET is not set (${SCL_TEST_UNSET:-default} gives a default)" },
    { "behind a variable in a flow map", "data: { path: ${SCL_TEST_UNSET:-{a, b}, [c]}, size: 28 }\n" TRAIN,
      "t.yaml:1:41: a key must be a plain word" },
    { "half a variable", "device: ${SCL\n" DATA TRAIN,
      "t.yaml:1:9: '${SCL': write ${NAME} or ${NAME:-default}" },
    { "tuning", "tune: { conv2d: { MR: four } }\n" DATA TRAIN,
      "t.yaml:1:23: tune.conv2d.MR: must be an integer from 0 to 1048576, not 'four'" },
};

static void test_bad(void)
{
    char faults[4096];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scl_config *config = parse_with(bad[i].text, strlen(bad[i].text), NULL, 0, faults, sizeof faults);
        expect(!strcmp(faults, bad[i].faults), bad[i].name, faults, bad[i].faults);
        scl_config_free(config);
    }
}

static const struct { const char *key, *value, *faults; } bad_overrides[] = {
    { "stages.train.stesp", "5",
      "-o stages.train.stesp=5:1:1: stages.train.stesp: unknown key; did you mean 'steps'?" },
    { "stages.trian.steps", "5",
      "-o stages.trian.steps=5:1:1: stages.trian.steps: unknown stage 'trian'; did you mean 'train'?" },
    { "stages.train.steps", "0",
      "-o stages.train.steps=0:1:20: stages.train.steps: must be an integer from 1 to 1000000000, not '0'" },
    { "a.b", "1", "-o a.b=1:1:1: a: unknown key" },
    { "seed.x", "1", "-o seed.x=1:1:1: seed.x: 'seed' is '1' and has no keys" },
    { "seed", "[1",
      "-o seed=[1:1:6: seed: YAML: did not find expected ',' or ']' while parsing a flow sequence" },
};

static void test_overrides(void)
{
    char faults[4096];
    static const char text[] = "seed: 1\n" DATA TRAIN;
    for (size_t i = 0; i < sizeof bad_overrides / sizeof *bad_overrides; i++) {
        const scl_override o = { bad_overrides[i].key, bad_overrides[i].value };
        scl_config *config = parse_with(text, strlen(text), &o, 1, faults, sizeof faults);
        expect(!strcmp(faults, bad_overrides[i].faults), o.key, faults, bad_overrides[i].faults);
        scl_config_free(config);
    }
    const scl_override o[] = { { "stages.train.optimizer.lr", "2e-3" }, { "noise", "{ levels: 3 }" }, { "seed", "7" },
                               { "tune.conv2d.MR", "4" }, { "--device", "Intel(R): 'x'" } };
    scl_config *c = parse("data: { path: d }\nstages:\n  train: { kind: train, device: gpu }\n", o, 5);
    expect(c->stage[0].train.optimizer.lr == 2e-3 && c->noise.levels == 3 && c->stage[0].noise.levels == 3 &&
               c->seed == 7,
           "overrides", "", "");
    expect(c->n_tune == 1 && !strcmp(c->tune[0].op, "conv2d") && !strcmp(c->tune[0].param, "MR") &&
               c->tune[0].value == 4,
           "tune", "", "");
    expect(!strcmp(c->stage[0].device, "Intel(R): 'x'"), "--device wins over the stage's own",
           c->stage[0].device, "Intel(R): 'x'");
    scl_config_free(c);
}

int main(void)
{
    unsetenv("SCL_TEST_UNSET");
    test_bad();
    test_overrides();
    printf("%s: %d failures\n", failures ? "FAIL" : "pass", failures);
    return failures != 0;
}
