#!/usr/bin/env bash
# Official .pth checkpoints in and out: the golden weights to .pth and back keep every bit, and training starts from them.
# SCORECL_PYTHON: a python3 with PyTorch and safetensors.
set -euo pipefail
python=${SCORECL_PYTHON:-python3}
"$python" -c 'import torch, safetensors' 2>/dev/null || { echo "skipped: $python has no PyTorch and safetensors"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
convert=("$python" "$SOURCE/tools/convert_checkpoint.py")
golden=$SOURCE/tests/golden/ncsn_28x28x1_ngf8.safetensors
sum() { "$SCORECL" checksum "$1" | cut -c1-64; }
same() { [ "$2" = "$3" ] || { echo "FAIL: $1: $2 is not $3"; exit 1; }; echo "pass: $1"; }

# What the weights' checksum must be, by a second program: docs/interfaces.md, section 1.
expected=$("$python" - "$golden" <<'PY'
import hashlib, sys
from safetensors.numpy import load_file
sha = hashlib.sha256()
weights = {n.removeprefix("param."): t for n, t in load_file(sys.argv[1]).items() if n.startswith("param.")}
assert len(weights) == 173, len(weights)
for name in sorted(weights):
    t = weights[name]
    sha.update(name.encode() + b"\0F32\0" + ",".join(map(str, t.shape)).encode() + b"\0" + t.tobytes())
print(sha.hexdigest())
PY
)
"${convert[@]}" "$golden" "$dir/a.pth"
"${convert[@]}" "$dir/a.pth" "$dir/a.safetensors" --size 28
"${convert[@]}" "$dir/a.safetensors" "$dir/b.pth"
"${convert[@]}" "$dir/b.pth" "$dir/b.safetensors" --size 28
same "golden weights through .pth" "$(sum "$dir/a.safetensors")" "$expected"
same "and through .pth once more" "$(sum "$dir/b.safetensors")" "$expected"

# A step too small to move a weight, from the converted file; then the run's checkpoint goes the same way out.
"$python" - "$dir/data.npy" <<'PY'
import sys, numpy
numpy.save(sys.argv[1], (numpy.arange(20 * 28 * 28) * 7919 % 256).astype(numpy.uint8).reshape(20, 28, 28))
PY
cat >"$dir/warm.yaml" <<'YAML'
data: { format: npy, path: data.npy }
model: { net: ncsn, ngf: 8 }
stages:
  train:
    kind: train
    init: a.safetensors
    optimizer: { lr: 1.0e-30 }
    ema: 0
    batch: 2
    steps: 1
    eval: { every: never }
YAML
"$SCORECL" run "$dir/warm.yaml" --out "$dir/run" --device cpu
"${convert[@]}" "$dir/run/train/checkpoints/latest.safetensors" "$dir/c.pth"
"${convert[@]}" "$dir/c.pth" "$dir/c.safetensors"
same "a training run from converted weights, and its checkpoint as .pth" "$(sum "$dir/c.safetensors")" "$expected"

# NCSNv2: vectors instead of tables, the levels beside the weights, a moving average in the fifth place.
v2=$SOURCE/tests/golden/ncsnv2_32x32x3_ngf8.safetensors
"${convert[@]}" "$v2" "$dir/v2.pth"
"$python" - "$dir/v2.pth" <<'PY'
import sys, torch
state = torch.load(sys.argv[1], weights_only=True)[0]
sigmas = state["module.sigmas"]
assert len(sigmas) == 12 and abs(float(sigmas[0]) - 50) < 1e-4 and abs(float(sigmas[-1]) - 0.01) < 1e-8, sigmas
average = {n.removeprefix("module."): 2 * t for n, t in state.items() if n != "module.sigmas"}
torch.save([state, {}, 3, 7, average], sys.argv[1])
PY
"${convert[@]}" "$dir/v2.pth" "$dir/v2.safetensors" --size 32
"$python" - "$v2" "$dir/v2.safetensors" <<'PY'
import sys
from safetensors import safe_open
golden, mine = (safe_open(name, framework="np") for name in sys.argv[1:])
weights = [n for n in golden.keys() if n.startswith("param.")]
assert len(mine.keys()) == 2 * len(weights), (len(mine.keys()), len(weights))
for name in weights:
    assert (golden.get_tensor(name) == mine.get_tensor(name[6:])).all(), name
    assert (2 * golden.get_tensor(name) == mine.get_tensor("ema." + name[6:])).all(), name
meta = mine.metadata()
assert meta["net"] == "ncsnv2" and meta["levels"] == "12" and meta["ngf"] == "8" and meta["sigma_begin"] == "50", meta
PY
echo "pass: weights, levels and average of NCSNv2"
"$SCORECL" sample "$dir/v2.safetensors" -n 1 -o stages.sample.sampler.steps_per_level=1 --device cpu --out "$dir/v2" > /dev/null
[ -s "$dir/v2/samples.npy" ] || { echo "FAIL: no sample of converted NCSNv2 weights"; exit 1; }
echo "pass: a sample of converted NCSNv2 weights"

# What is no such checkpoint is refused.
"$python" -c 'import sys, torch; torch.save([{"module.other": torch.zeros(2)}, {}], sys.argv[1])' "$dir/other.pth"
if "${convert[@]}" "$dir/other.pth" "$dir/other.safetensors" 2>"$dir/err"; then echo "FAIL: a foreign checkpoint was taken"; exit 1; fi
grep -q begin_conv.weight "$dir/err" || { echo "FAIL: no reason given:"; cat "$dir/err"; exit 1; }
echo "pass: a foreign checkpoint is refused"
