#!/usr/bin/env bash
# The peer of the benchmark is the right network, and the benchmark's rows have what docs/interfaces.md, section 6, promises.
# SCORECL_PYTHON: a python3 of a virtual environment with PyTorch 2.13.0, numpy and safetensors.
set -euo pipefail
python=${SCORECL_PYTHON:-python3}
"$python" -c 'import torch, numpy, safetensors, sys; sys.exit(torch.__version__.split("+")[0] != "2.13.0")' 2>/dev/null ||
    { echo "skipped: $python has no PyTorch 2.13.0"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export PYTHONDONTWRITEBYTECODE=1
"$python" "$SOURCE/tools/ncsn_torch.py" "$SOURCE/tests/golden/ncsn_28x28x1_ngf8.safetensors"

venv=$("$python" -c 'import sys; print(sys.prefix)')
"$SOURCE/tools/bench-pytorch" --quick --venv "$venv" --config 8x8x1-ngf4-b2 --threads 2 --rounds 1 \
    -o conv=direct --json "$dir/rows.json" >"$dir/table"
cat "$dir/table"
grep -q '^8x8x1-ngf4-b2 *train_step *2 thr' "$dir/table"
"$python" - "$dir/rows.json" <<'PY'
import json, sys
report = json.load(open(sys.argv[1]))
assert report["machine"]["torch"].startswith("2.13.0"), report["machine"]
rows = report["rows"]
assert [r["what"] for r in rows] == ["forward", "train_step", "sample_step"], rows
for r in rows:
    assert r["config"] == "8x8x1-ngf4-b2" and r["threads"] == 2 and list(r["pytorch_s"]) == ["eager"], r
    assert abs(r["ratio"] * r["scorecl_s"] / r["pytorch_s"]["eager"] - 1) < 1e-9, r
    assert r["scorecl_s"] > 0 and r["device"] == "cpu" and r["math"] == "f32" and r["scorecl_conv"] == "direct", r
    assert 0 < r["scorecl_plan_bytes"] < r["scorecl_peak_bytes"] and r["scorecl_growth_bytes"] > 0, r
    assert 0 < r["pytorch_growth_bytes"] < r["pytorch_peak_bytes"], r
    assert 0 < r["ratio_range"][0] <= r["ratio_range"][1] and r["pytorch_first_s"]["eager"] > 0, r
    assert all(p > 0 for p in r["fma_peak_gflop_s"]), r
PY
echo "pass"
