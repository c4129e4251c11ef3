#!/usr/bin/env bash
# scorecl bench on a tiny network: the rows of --json have what docs/interfaces.md promises, a step's time is dealt out to its
# operators without rest, the sweeps have every size, and -o reaches the convolutions.
. "$(dirname "$0")/common"

net=8x8x1-ngf4-b2
"$SCORECL" bench $net --what train_step --by-operator -o conv=direct --seconds 0.2 --json step.json > step.txt
"$SCORECL" bench $net --what conv2d --scaling --seconds 0.05 --json scaling.json > scaling.txt
"$SCORECL" bench $net --what jvp --what forward --seconds 0.05 --json two.json > /dev/null
"$SCORECL" bench --op adam --op gather_batch --seconds 0.05 --json ops.json > /dev/null
"$SCORECL" bench --op adam --op nothing > said 2>&1 && fail "an unknown operator is measured"
grep -q "no operator with cases is called 'nothing'" said || { cat said; fail "the unknown operator is not named"; }
grep -q "^$net *train_step " step.txt || fail "no row of the step"
grep -q 'a run of .* convolutions forward .* everything else .* device idle ' step.txt || fail "no sum of shares"
grep -q "^$net *conv2d *128 *4 " scaling.txt || fail "no row of the largest batch"

python3 - <<'PY'
import json
row, = json.load(open("step.json"))["rows"]
assert row["config"] == "8x8x1-ngf4-b2" and row["what"] == "train_step" and row["conv"] == "direct", row
assert 0 < row["min_s"] <= row["scorecl_s"] <= row["max_s"] and row["scorecl_s"] < row["first_s"], row
assert row["samples"] >= 3 and 0 <= row["host_share"] and row["fma_peak_gflop_s"] > 0, row
assert 0 < row["scorecl_peak_bytes"] < row["resident_peak_bytes"] and row["resident_growth_bytes"] >= 0, row
operators = {o["op"]: o for o in row["operators"]}
assert {"conv2d", "conv2d_dx", "conv2d_dw", "adam"} <= operators.keys(), operators
assert sum(o["launches"] for o in row["operators"]) == row["launches"], row
seconds = [o["seconds"] for o in row["operators"]]
assert seconds == sorted(seconds, reverse=True) and min(seconds) >= 0, seconds
assert abs(sum(seconds) / row["run_s"] + row["idle_share"] - 1) < 1e-3, row
conv = sum(operators[o]["seconds"] for o in ("conv2d", "conv2d_dx", "conv2d_dw")) / row["run_s"]
assert abs(conv + row["outside_conv_share"] + row["idle_share"] - 1) < 1e-3, row

assert [r["what"] for r in json.load(open("two.json"))["rows"]] == ["forward", "jvp"]

assert {r["op"] for r in json.load(open("ops.json"))["rows"]} == {"adam", "gather_batch"}

rows = json.load(open("scaling.json"))["rows"]
assert [r["batch"] for r in rows if r["axis"] == "batch"] == [1, 2, 4, 8, 16, 32, 64, 128], rows
channels = [(r["batch"], r["ngf"]) for r in rows if r["axis"] == "channels"]
assert channels == [(2, n) for n in (16, 32, 64, 128, 256)], rows
for r in rows:
    assert abs(r["image_s"] * r["batch"] / r["scorecl_s"] - 1) < 1e-9 and r["gflop_s"] > 0 and r["share"] > 0, r
PY
echo "pass"
