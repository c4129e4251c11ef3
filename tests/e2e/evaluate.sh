#!/usr/bin/env bash
# The evaluate stage on images: a set against itself, against another, and what it refuses.  Nothing is trained.
. "$(dirname "$0")/common"
cat > e.yaml << 'YAML'
data: { path: /usr/share/datasets/fashion-mnist, transform: { size: 14 } }
stages:
  same: &all
    kind: evaluate
    samples: data
    reference: train
    images: 150
    metrics: [moments, frechet, kid, precision_recall, wasserstein, neighbours]
    projections: 20
    blocks: 3
  other: { <<: *all, reference: test }
YAML
"$SCORECL" run e.yaml --out run > log 2>&1 || { cat log; fail evaluate; }
grep -q 'other: kid' log || { cat log; fail "the log does not show the values"; }
for s in same other; do [ -s "run/$s/neighbours.png" ] || fail "$s: no neighbours.png"; done
python3 - run << 'PY'
import json, sys
same, other = (json.load(open(f"{sys.argv[1]}/{s}/evaluation.json"))["values"] for s in ("same", "other"))
def check(ok, what):
    print("pass" if ok else "FAIL", what)
    return not ok
faults = check(abs(same["frechet"]["value"]) < 1e-6 * other["frechet"]["value"], "a set is at distance 0 from itself (frechet)")
faults += check(same["wasserstein"]["value"] == 0 and same["nearest"]["value"] == 0, "and so is every projection, and its nearest picture is itself")
faults += check(same["precision"]["value"] == 1 and same["recall"]["value"] == 1, "its precision and recall are 1")
faults += check(same["kid"]["value"] < 0, "its kernel distance, whose expectation is 0 for another set of the same kind, is below it")
faults += check(0 < other["frechet"]["value"] < 100 and 0 < other["wasserstein"]["value"] < 1 and other["nearest"]["value"] > 1, "another is away")
faults += check(abs(other["kid"]["value"]) < 5 * other["kid"]["error"] + 0.05, "but of the same kind (kid)")
faults += check(0.2 < other["precision"]["value"] <= 1 and 0.2 < other["recall"]["value"] <= 1, "and they cover each other")
faults += check(0.2 < same["mean"]["value"] < 0.4 and 0 < same["variance"]["value"] < 0.25, "moments of pixels from 0 to 1")
sys.exit(faults > 0)
PY
code=0
"$SCORECL" run e.yaml --out run2 -o stages.other.samples="$work/none.npy" > log 2>&1 || code=$?
[ $code = 1 ] && grep -q "none.npy' does not exist" log || { cat log; fail "missing samples: exit code $code"; }
code=0
"$SCORECL" run e.yaml --out run3 -o stages.other.blocks=100 > log 2>&1 || code=$?
[ $code = 1 ] && grep -q 'a kernel distance of 100 blocks needs 200 samples on each side, not 150 and 150' log ||
    { cat log; fail "too many blocks: exit code $code"; }
# JSON has no infinity: the square of a block's kernel distance of samples of 1e38 is none of a double.
python3 - << 'PY'
import struct
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 2), }"
head += " " * (-(10 + len(head) + 1) % 64) + "\n"
with open("huge.npy", "wb") as f:
    f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<80f", *([1e38, -1e38, 2e38, 1e38] * 20)))
PY
cat > huge.yaml << 'YAML'
data: { format: points, points: { distribution: ring, count: 40 } }
stages: { far: { kind: evaluate, samples: huge.npy, metrics: [moments, kid], blocks: 4 } }
YAML
code=0
"$SCORECL" run huge.yaml --out run4 > log 2>&1 || code=$?
[ $code = 1 ] && grep -q 'kid, or its error, is not finite' log && [ ! -e run4/far/evaluation.json ] ||
    { cat log; fail "a value that is not finite: exit code $code"; }
# The long comparisons of an evaluation can be interrupted: 20,000 pictures on each side would take a minute and more.
"$SCORECL" run e.yaml --out stopped --only same -o data.transform.size=28 -o stages.same.images=20000 \
    -o stages.same.metrics=[precision_recall] > log 2>&1 &
pid=$!
until grep -q 'of the reference' log; do kill -0 $pid || { cat log; fail "no evaluation"; }; sleep 0.1; done
kill -INT $pid
code=0
wait $pid || code=$?
[ $code = 130 ] && grep -q 'stopped in stage same, which begins anew with: scorecl run' log ||
    { cat log; fail "an interrupted evaluation: exit code $code"; }
