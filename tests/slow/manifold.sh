#!/usr/bin/env bash
# Figure 1 on a line: the loss of sliced score matching falls without end on data on a manifold, and has a bottom once noise of
# sd 0.01 gives the data a density: there E|s|^2 is that of the two directions across, 2/0.01^2, and the least loss -1/2 of it.
. "$(dirname "$0")/../e2e/common"
"$SCORECL" run "$SOURCE/configs/paper/fig1_line.yaml" --out run > log 2>&1 || { cat log; fail "fig1_line"; }
python3 - << 'PY'
import json, math, statistics, sys
def last(stage, n=60):
    rows = [json.loads(line) for line in open(f"run/{stage}/metrics.jsonl")]
    return [r["loss"] for r in rows if "loss" in r][-n:]
noisy, bare = last("with_noise"), last("without_noise")
mean, error = statistics.mean(noisy), statistics.stdev(noisy) / math.sqrt(len(noisy))
print(f"with noise {mean:.0f} +- {error:.0f}, at best -10000; without {statistics.mean(bare):.0f}")
# Batches are independent: 4 standard errors, and 15 % that the network has not learned yet.
sys.exit(not (-10000 - 4 * error < mean < -8500 + 4 * error) or not statistics.mean(bare) < 20 * mean)
PY
[ -s run/loss/figure.png ] && [ -s run/loss/figure.svg ] || fail "no picture"
