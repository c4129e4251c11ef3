#!/usr/bin/env bash
# Log-densities by the probability-flow ODE: a Gaussian and a mixture with their true scores against closed forms, exact and estimated
# traces against each other, a trained network against the entropy, pictures of bytes, a resumed run, and what is refused.
. "$(dirname "$0")/common"
cat > likelihood.yaml << 'YAML'
seed: 5
device: reference
data: &gaussian { format: points, holdout: none, points: { distribution: mixture, weights: [1], means: [[1, -2]], sigma: 0.5, count: 6000 } }
model: { net: analytic }
noise: { sigma_begin: 100, sigma_end: 0.01, levels: 10 }
stages:
  gaussian: &flow { kind: likelihood, likelihood: { split: train, count: all, probes: 2, group: 2000 } }
  gaussian_probes: { <<: *flow, likelihood: { split: train, count: all, probe: gaussian, probes: 4, group: 2000 } }
  gaussian16:
    <<: *flow
    data:
      format: points
      points: { means: [[1, -1, 1, -1, 1, -1, 1, -1, 0, 0, 0, 0, 2, 2, -2, -2]], count: 2000 }
    likelihood: { split: train, count: all, trace: exact, group: 1000 }
  mixture: &mixture
    <<: *flow
    data: { format: points, points: { weights: [0.7, 0.3], means: [[1.5, 1], [-1, -0.5]], sigma: [0.6, 0.9], count: 10000 } }
    likelihood: { split: train, count: all, trace: exact, group: 5000 }
  mixture_probes: { <<: *mixture, likelihood: { split: train, count: all, probes: 2, group: 5000 } }
  gaussian_vp: { <<: *flow, noise: &vp { process: vp, time: continuous } }
  mixture_vp: { <<: *mixture, noise: *vp }
  mixture_subvp: { <<: *mixture, noise: { process: subvp, time: continuous } }
YAML
"$SCORECL" run likelihood.yaml --out run > run.log 2>&1 || { cat run.log >&2; fail "no likelihoods"; }
python3 - << 'PY'
import json, math, struct, sys
def read(stage):
    return json.load(open("run/%s/evaluation.json" % stage))
faults = 0
def check(ok, what):
    global faults
    print("pass" if ok else "FAIL", what)
    faults += not ok
# On average the density is below the true one by the divergence of the prior from what it stands for, |alpha m|^2 / (2 sd^2) nats.
def gaussian(stage, D, prior, most=0.01, v=0.25):
    e = read(stage)
    b, above = e["values"]["bits_per_dim"], e["values"]["above_true"]
    entropy = 0.5 * math.log2(2 * math.pi * math.e * v)
    check(e["dimension"] == D and e["offset"] == 0, "%s: %d dimensions, no bytes" % (stage, D))
    check(b["error"] <= most and abs(b["value"] - entropy) <= 3 * b["error"],
          "%s: %.5f +- %.5f bits a dimension, entropy %.5f" % (stage, b["value"], b["error"], entropy))
    gap = prior / (D * math.log(2))
    check(abs(above["value"] - gap) <= 3 * above["error"] + 5e-5, "%s: %.2e +- %.1e above the true density at the same points, %.2e by the "
          "prior" % (stage, above["value"], above["error"], gap))
    return e["values"]
v = gaussian("gaussian", 2, 5 / 2e4)
check(v["probe_error"]["value"] < 1e-6 and v["above_true"]["error"] < 5e-4, "signs are exact for a multiple of the unit matrix")
p = gaussian("gaussian_probes", 2, 5 / 2e4, most=0.06)
# v.Jv of normal v has the variance 2 tr J^2: the integral of sigma^2 / (v + sigma^2) d ln sigma is L = ln(100^2/0.25)/2 for each
# dimension, so M of n samples have sd L sqrt(2 D / (M n)) nats
L = 0.5 * math.log((0.25 + 1e4) / (0.25 + 1e-4))
want = L * math.sqrt(2 * 2 / (4 * 6000)) / (2 * math.log(2))
check(abs(p["probe_error"]["value"] / want - 1) < 0.05, "normal probes are not: +- %.5f, %.5f by their variance" % (p["probe_error"]["value"], want))
gaussian("gaussian16", 16, 24 / 2e4)
gaussian("gaussian_vp", 2, 5 / 2 * math.exp(-10.05))
# the mixture's entropy by quadrature
w, m, s = (0.7, 0.3), ((1.5, 1), (-1, -0.5)), (0.6, 0.9)
h, entropy = 0.05, 0.0
for i in range(-160, 161):
    for j in range(-160, 161):
        x, y = i * h, j * h
        p = sum(w[k] / (2 * math.pi * s[k] ** 2) * math.exp(-((x - m[k][0]) ** 2 + (y - m[k][1]) ** 2) / (2 * s[k] ** 2)) for k in (0, 1))
        entropy -= p * math.log(p) * h * h if p > 0 else 0
entropy /= 2 * math.log(2)
exact, probes = read("mixture")["values"], read("mixture_probes")["values"]
for name in ("mixture", "mixture_probes", "mixture_vp", "mixture_subvp"):
    e = read(name)["values"]
    b = e["bits_per_dim"]
    check(b["error"] <= 0.01 and abs(b["value"] - entropy) <= 3 * b["error"],
          "%s: %.5f +- %.5f bits a dimension, by quadrature %.5f" % (name, b["value"], b["error"], entropy))
    check(abs(e["nats_per_dim"]["value"] / math.log(2) - b["value"]) < 1e-12, "in nats as in bits")
    if name != "mixture_probes":
        check(abs(e["above_true"]["value"]) < 3 * e["above_true"]["error"] + 1e-4 and e["above_true"]["error"] < 5e-4,
              "%s: %.2e +- %.1e above the true density" % (name, e["above_true"]["value"], e["above_true"]["error"]))
apart, error = probes["bits_per_dim"]["value"] - exact["bits_per_dim"]["value"], probes["probe_error"]["value"]
check(0 < error < 0.01 and abs(apart) <= 3 * error, "estimated and exact traces: %.2e apart, error of the probes %.2e" % (apart, error))
# a line for each sample, and the array, say the same
lines = [json.loads(l) for l in open("run/mixture/metrics.jsonl")]
raw = open("run/mixture/log_density.npy", "rb").read()
array = struct.unpack("<10000f", raw[-40000:])
check([l["step"] for l in lines] == list(range(10000)) and all(struct.unpack("f", struct.pack("f", l["log_density"]))[0] == a for l, a in
      zip(lines, array)), "metrics.jsonl and log_density.npy")
mean = sum(array) / 10000
check(abs(-mean / (2 * math.log(2)) - exact["bits_per_dim"]["value"]) < 1e-6, "whose mean is the value")
sys.exit(faults > 0)
PY

# Stopped inside a line behind 5500 samples: the whole group of them is kept, the other one is measured anew, to the same end.
cp -r run again
python3 - << 'PY'
import json
lines = open("again/mixture_probes/metrics.jsonl").readlines()
open("again/mixture_probes/metrics.jsonl", "w").write("".join(lines[:5500]) + lines[5500][:20])
s = json.load(open("again/state.json"))
s["stages"]["mixture_probes"]["status"] = "interrupted"
json.dump(s, open("again/state.json", "w"))
PY
"$SCORECL" run likelihood.yaml --out again --resume > again.log 2>&1 || { cat again.log >&2; fail "no resume"; }
grep -q 'mixture_probes goes on: it did not finish (interrupted): goes on behind the samples of metrics.jsonl' again.log ||
    { cat again.log >&2; fail "it does not say that it goes on"; }
for f in metrics.jsonl metrics.csv evaluation.json log_density.npy; do
    cmp "run/mixture_probes/$f" "again/mixture_probes/$f" || fail "$f differs after a resume"
done

expect 1 'the ODE needs more than 20 evaluations: it has come to t = ' "$SCORECL" run likelihood.yaml --out short --only gaussian \
    -o stages.gaussian.likelihood.max_evaluations=20
grep -q 'likelihood.max_evaluations help' said || { cat said >&2; fail "it does not name the key"; }
grep -q 'samples 0 to 1999' said || { cat said >&2; fail "it does not name the samples"; }
expect 2 'stages.gaussian16.likelihood.probes: an exact trace takes no random vectors' "$SCORECL" check likelihood.yaml \
    -o stages.gaussian16.likelihood.probes=2

# A network with weights for each level on the Gaussian: its density is one, so it is not above the true one on average (Gibbs).
cat > trained.yaml << 'YAML'
device: reference
data: { format: points, holdout: none, points: { distribution: mixture, weights: [1], means: [[0.5, -0.5]], sigma: 0.5, count: 4000 } }
model: { net: mlp, widths: [32], condition: level, predict: epsilon }
noise: { sigma_begin: 10, sigma_end: 0.1, levels: 10 }
stages:
  train: { kind: train, batch: 128, steps: 1500, ema: 0.99, optimizer: { lr: 1.0e-2, schedule: cosine }, eval: { every: never } }
  likelihood: { kind: likelihood, needs: train, likelihood: { split: train, count: 2000, trace: exact, group: 1000, rtol: 1.0e-4, atol: 1.0e-4 } }
YAML
"$SCORECL" run trained.yaml --out trained > trained.log 2>&1 || { cat trained.log >&2; fail "no likelihood of a trained network"; }
python3 - << 'PY'
import json, sys
v = json.load(open("trained/likelihood/evaluation.json"))["values"]
a = v["above_true"]
print("trained network: %.4f +- %.4f bits a dimension above the true density" % (a["value"], a["error"]))
sys.exit(not -3 * a["error"] < a["value"] < 0.2)
PY

# Bytes: 8 bits more than the density has, and never fewer than none.
train pictures
cat > pictures.yaml << YAML
device: reference
data: { format: npy, path: $work/data.npy, holdout: none, transform: { size: 8, channels: 1 } }
model: { net: ncsn, ngf: 4 }
noise: { sigma_begin: 1.0, sigma_end: 0.05, levels: 3 }
stages:
  bytes: &bytes
    kind: likelihood
    checkpoint: $work/pictures/train/checkpoints/latest.safetensors
    likelihood: { split: train, count: 6, group: 3, probes: 2, rtol: 1.0e-2, atol: 1.0e-2 }
  logits: { <<: *bytes, data: { transform: { logit: true } } }
YAML
"$SCORECL" run pictures.yaml --out bytes > bytes.log 2>&1 || { cat bytes.log >&2; fail "no likelihood of pictures"; }
python3 - << 'PY'
import json, math, sys
for stage in ("bytes", "logits"):
    e = json.load(open("bytes/%s/evaluation.json" % stage))
    v = e["values"]
    print("%s: %.3f +- %.3f bits a dimension" % (stage, v["bits_per_dim"]["value"], v["bits_per_dim"]["error"]))
    if e["offset"] != 8 or e["dimension"] != 64 or abs(v["bits_per_dim"]["value"] - 8 - v["nats_per_dim"]["value"] / math.log(2)) > 1e-9:
        sys.exit("not 8 bits above the density")
PY
expect 1 'bytes have a density with uniform noise' "$SCORECL" run pictures.yaml --out none -o data.transform.dequantize=none
echo "likelihood: closed forms, estimates and bounds agree"
