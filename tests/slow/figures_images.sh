#!/usr/bin/env bash
# The paper's figures on images as they are: figures 4, 5, 6 and the neighbours from one training, and figure 1.
. "$(dirname "$0")/../e2e/common"
run() { "$SCORECL" run "$SOURCE/configs/paper/$1.yaml" --out "$2" --resume > log 2>&1 || { cat log; fail "$1"; }; }
for figure in fig4 fig5 fig6 fig_neighbours; do run $figure garments; done
grep -q '^train is left' log || fail "the figures do not share their training"
run fig1_images fig1
python3 - << 'PY'
import json, math, statistics, sys
faults = 0
def check(what, v, low, high):
    global faults
    ok = low <= v <= high
    faults += not ok
    print(f"{'pass' if ok else 'FAIL'} {what}: {v:.5g}, from {low:.5g} to {high:.5g}")
def value(stage, name):
    v = json.load(open(f"garments/{stage}/evaluation.json"))["values"][name]
    return v["value"], v.get("error", 0)
note = lambda stage, key: float(json.load(open("garments/environment.json"))["stages"][stage][key])

# Figure 4: on the noise alone, Langevin dynamics of step 0.4 sigma^2 keeps sqrt(1.25) sigma.  At the largest level, whose score is
# learned first, x does not know its picture yet: two draws of the data (variance 0.09 each) come to it, twice that for a score
# that is not exact.  At the last level the step sigma^2 s takes away what the score knows of the noise, not more than there is.
rows = [list(map(float, line.split())) for line in open("garments/noise/intermediate.txt")]
check("noise at sigma 1", rows[0][1], math.sqrt(1.25) - 4 * rows[0][2], math.sqrt(1.25 + 0.09 * 4) + 4 * rows[0][2])
check("noise at sigma 0.01", rows[-1][1], 0.1, math.sqrt(1.25) + 4 * rows[-1][2])

# Figure 5: mean and spread of the pixels are those of as many images, within 4 standard errors and a fifth of short training; no
# nearer to the held-out images than training images are.
for name in "mean", "variance":
    (made, e), (real, f) = value("quality", name), value("yardstick", name)
    check(name, made, 0.8 * real - 4 * math.hypot(e, f), 1.2 * real + 4 * math.hypot(e, f))
(made, e), (real, f) = value("quality", "wasserstein"), value("yardstick", "wasserstein")
check("sliced Wasserstein distance", made, real - 4 * math.hypot(e, f), 0.12)

# Figure 6: what is known is kept to the bit of the denoising step; the rest is no farther from the picture than an exact sampler's
# by more than half, and no nearer than its mean can be.
for stage in "right", "below":
    check(f"{stage}: known pixels", note(stage, "known_off"), 0, 2**-22)
    ratio = note(stage, "unknown_rms") / note(stage, "unknown_spread")
    check(f"{stage}: distance over spread", ratio, 1, 1.5 * math.sqrt(2))

# The neighbours: no sample is a copy.
(made, e), (real, f) = value("neighbours", "nearest"), value("held_out", "nearest")
check("distance of samples to their neighbours", made, real / 2, 2 * real + 4 * math.hypot(e, f))

# Figure 1: with noise the loss has a bottom, -1/2 784 / 10^-4, which it must not pass; without, it falls far below.
def last(stage, n=20):
    rows = [json.loads(line) for line in open(f"fig1/{stage}/metrics.jsonl")]
    return [r["loss"] for r in rows if "loss" in r][-n:]
noisy, bare = last("with_noise"), last("without_noise")
error = statistics.stdev(noisy) / math.sqrt(len(noisy))
check("loss with noise", statistics.mean(noisy), -784 / 2e-4 - 4 * error, 0)
error = statistics.stdev(bare) / math.sqrt(len(bare))
check("loss without", statistics.mean(bare), -math.inf, -784 / 2e-4 - 4 * error)
sys.exit(faults > 0)
PY
for f in garments/intermediate/trajectory.png garments/noise/figure.png garments/samples/grid.png garments/right/grid.png \
    garments/neighbours/neighbours.png fig1/loss/figure.png fig1/loss/figure.svg; do [ -s $f ] || fail "no $f"; done
