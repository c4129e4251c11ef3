#!/usr/bin/env bash
# `precision`: a device without matrix units trains in f32, with its bits, and says so in log and environment.json; one with a unit
# (emulated here) trains with it, near the same losses, and its checkpoint names what was asked for.
source "$SOURCE/tests/e2e/common"
unset SCL_MATRIX_EMULATE

# noted RUN KEY: of its train stage in environment.json.
noted()
{
    python3 - "$1/environment.json" "$2" <<'END'
import json, sys
def find(o):
    if isinstance(o, dict):
        if sys.argv[2] in o:
            return o[sys.argv[2]]
        o = list(o.values())
    return next((v for v in map(find, o) if v is not None), None) if isinstance(o, list) else None
print(find(json.load(open(sys.argv[1]))))
END
}

cat > points.yaml <<'END'
seed: 1
device: cpu
data: { format: points, holdout: none, points: { distribution: mixture, weights: [0.8, 0.2], means: [[2, 2], [-2, -2]], sigma: 1, count: 64 } }
model: { net: mlp, widths: [20] }
noise: { schedule: geometric, levels: 1, sigma_begin: 1 }
stages:
  train:
    kind: train
    objective: { loss: dsm }
    optimizer: { method: sgd, lr: 1.0e-2 }
    batch: 32
    steps: 4
    log_every: 1
    eval: { every: never }
    checkpoint: { every: end }
END

# points OUT FLAGS...: a small network of linear layers.
points() { local out=$1; shift; "$SCORECL" run points.yaml --out "$out" "$@" > "$out.log" 2>&1 || { cat "$out.log"; fail "$out"; }; }

points plain
points fallback -o precision=bf16
if [ "$(noted fallback precision)" != f32 ]; then
    echo "this device has matrix units: no fallback to look at"
else
    grep -q 'precision bf16 is not available on .*: computing in f32, with the bits of precision: f32 (' fallback.log ||
        { cat fallback.log; fail "the fallback is not told"; }
    grep -q 'precision bf16 is not available' fallback/log.txt || fail "log.txt does not tell the fallback"
    [ "$(weights plain)" = "$(weights fallback)" ] || fail "the fallback has not the bits of f32"
fi
[ "$(noted plain precision)" = None ] || fail "f32 needs no note"

export SCL_MATRIX_EMULATE=dpas8
points units -o precision=f16
[ "$(noted units precision)" = f16 ] || fail "environment.json does not name the precision"
[[ $(noted units precision_of) == *'products by dpas8 (emulated: '* ]] || fail "environment.json does not name the unit"
[ "$(weights plain)" != "$(weights units)" ] || fail "f16 changed nothing"
"$SCORECL" dump plan units/config.yaml > plan
grep -q '^ *matrix BM=' plan || fail "the plan has no matrix kernel"
python3 - plain/train/metrics.csv units/train/metrics.csv <<'END' || fail "f16 is far from f32"
import csv, sys
a, b = ([float(r["loss"]) for r in csv.DictReader(open(f)) if r["loss"]] for f in sys.argv[1:])
print(a, b)
sys.exit(not (len(a) == len(b) > 2 and all(abs(x - y) <= 0.02 * abs(x) for x, y in zip(a, b))))
END
SCL_MATRIX_EMULATE=wmma "$SCORECL" run points.yaml --out no -o precision=tf32 > no.log 2>&1 && fail "wmma has no tf32"
grep -q 'SCL_MATRIX_EMULATE=wmma: that unit has not this precision' no.log || { cat no.log; fail "and it is not told"; }
