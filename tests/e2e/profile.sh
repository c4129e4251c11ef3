#!/usr/bin/env bash
# scorecl profile: the files agree with each other, with `scorecl bench` and with a reader of their own; stamps that cannot be true.
set -euo pipefail
rm -rf profile.test && mkdir profile.test && cd profile.test
config=$SOURCE/tests/e2e/tiny.yaml
check=$SOURCE/tests/profile/check_trace.py

"$SCORECL" profile "$config" --steps 4 --out out --csv -o launches=recorded >table.txt
grep -q "looking costs" table.txt
grep -q "device memory" table.txt
[ -z "$(find out -name '.*' -not -name out)" ] || { echo "scratch files are left"; exit 1; }
python3 "$check" out/trace.json "$SOURCE/tests/profile/trace.schema.json"
"$SCORECL" bench "$config" --what train_step --by-operator --seconds 0.1 --json bench.json >/dev/null

python3 - <<'PY'
import csv, json, math
p = json.load(open("out/profile.json"))
assert p["schema"] == "scorecl-profile" and p["schema_version"] == 1
s, = p["stages"]
kernels, device, steps = s["kernels"], s["device"], s["steps"]["profiled"]
near = lambda a, b, most=1e-6: abs(a - b) <= most * max(abs(a), abs(b), 1e-12)

assert s["kind"] == "train" and s["batch"] == 12 and steps >= 4 and s["steps"]["unprofiled"] == steps
assert s["clock"]["source"] == "device" and s["clock"]["rejected"] == 0, s["clock"]
assert s["wall"]["unprofiled_s"]["n"] == s["wall"]["profiled_s"]["n"] == s["steps"]["rounds"]

# Busy, gaps and edges are the wall time; hosts work or wait.
assert near(device["busy_s"] + device["gap_s"] + device["edge_s"], device["wall_s"], 1e-4), device
assert near(s["host"]["busy_s"] + s["host"]["wait_s"], device["wall_s"], 1e-4)
assert 0 <= s["host"]["overlap_s"] <= device["busy_s"]

# Every sum of rows is the same sum.
for name in ("kernels", "functions", "operators"):
    assert near(sum(r["total_s"] for r in s[name]), device["kernel_s"] * steps, 1e-4), name
    assert near(sum(r["share"] for r in s[name]), 1, 1e-4), name
    assert sum(r["calls"] for r in s[name]) == round(s["launches_per_step"] * steps), name
    assert [r["total_s"] for r in s[name]] == sorted((r["total_s"] for r in s[name]), reverse=True), name
assert near(sum(r["total_s"] for r in s["blocks"] if r["depth"] == 0), device["kernel_s"] * steps, 1e-4)
block = {b["block"]: b for b in s["blocks"]}
inside = [b for b in s["blocks"] if b["parent"] == "res1"]
assert block["res1.0.conv1"]["depth"] == 2 and inside and sum(b["total_s"] for b in inside) <= block["res1"]["total_s"] * 1.0001

# Rows say what they are.
assert len({k["key"] for k in kernels}) == len(kernels)
conv = next(k for k in kernels if k["scope"] == "res1.0.conv1" and k["operator"] == "conv2d" and k["kernel"] == "conv_direct")
assert conv["key"] == "train/res1.0.conv1/conv2d.0/conv_direct", conv["key"]
assert conv["inputs"][0]["shape"] == [12, 8, 8, 4] and conv["inputs"][1]["name"] == "res1.0.conv1.weight"
assert conv["implementation"] == "direct" and conv["tuning"]["WG"] >= 1
for k in kernels:
    assert k["calls"] == k["call_s"]["n"] and k["step_s"]["n"] == steps and k["calls_per_step"] * steps == k["calls"]
    assert k["step_s"]["min"] <= k["step_s"]["q1"] <= k["step_s"]["median"] <= k["step_s"]["q3"] <= k["step_s"]["max"]
    assert k["flops"] is None or near(k["gflop_s"] * k["step_s"]["median"] * 1e9, k["flops"], 1e-5)
    assert k["roofline"]["bound"] in ("compute", "memory", "launch")

# The timeline is one step, in order.
ends = 0
for row, begin, end in s["timeline"]:
    assert ends - 2e-9 <= begin <= end and (row < len(kernels) if row >= 0 else -1 - row < len(s["transfers"]))
    ends = end
assert sum(row >= 0 for row, _, _ in s["timeline"]) == s["launches_per_step"]

plan, = [q for q in s["plans"] if q["runs_per_step"]]
assert plan["runs_per_step"] == 1 and plan["launches"] == s["launches_per_step"]
assert max(b for _, b in plan["live"]) <= plan["slab_bytes"] <= s["memory"]["planned_bytes"] <= s["memory"]["peak_bytes"]
phases = {(q["phase"], q["when"]) for q in s["host"]["phases"]}
for want in ("config", "graph", "plan", "programs", "data"):
    assert (want, "before") in phases, want
assert ("enqueue", "steps") in phases and ("checkpoint", "after") in phases

# The same work as bench counts: flops and launches equal, rates as far as a busy machine repeats itself.
bench = {r["op"]: r for r in json.load(open("bench.json"))["rows"][0]["operators"]}
for r in s["operators"]:
    b = bench[r["operator"]]
    assert b["launches"] == r["calls_per_step"] and b["nodes"] == r["nodes"], r["operator"]
    assert r["flops"] is None or near(b["flops"], r["flops"], 1e-6), r["operator"]
assert bench.keys() == {r["operator"] for r in s["operators"]}

rows = list(csv.DictReader(open("out/events.csv")))
launches = [r for r in rows if r["command"] == "launch"]
assert len(launches) == s["launches_per_step"] * steps and len(rows) == s["clock"]["checked"]
total = sum(int(r["end_ns"]) - int(r["start_ns"]) for r in launches)
assert near(1e-9 * total, device["kernel_s"] * steps, 1e-4)
assert all(int(r["queued_ns"]) <= int(r["submit_ns"]) <= int(r["start_ns"]) <= int(r["end_ns"]) for r in rows)
PY

# Sampling needs a checkpoint: the training runs for a step.
"$SCORECL" profile "$config" --stage sample --steps 2 --out sample --device reference -o stages.sample.sampler.steps_per_level=8 >sample.txt
python3 "$check" sample/trace.json
python3 - <<'PY'
import json
s, = json.load(open("sample/profile.json"))["stages"]
assert s["unit"] == "update" and s["batch"] == 4 and s["clock"]["source"] == "host" and s["device"]["agreement"] > 0.98
assert json.load(open("sample/profile.json"))["roofline"] is None
PY
# Likelihoods: a step is an evaluation of the ODE.  Evaluations and plots have none.
mixture=$SOURCE/configs/likelihood_mixture.yaml
"$SCORECL" profile "$mixture" --stage probes --steps 4 --out likelihood >likelihood.txt
python3 "$check" likelihood/trace.json
python3 - <<'PY'
import json
s, = json.load(open("likelihood/profile.json"))["stages"]
assert s["kind"] == "likelihood" and s["unit"] == "evaluation" and s["batch"] == 2000 and s["steps"]["profiled"] >= 4
rows = {o["operator"]: o for o in s["operators"]}
assert rows["mixture_score"]["calls_per_step"] == 1 and rows["mixture_hessian"]["calls_per_step"] == 4, rows
assert all(o["brief"] for o in rows.values()) and s["weights"] is None
assert abs(sum(o["total_s"] for o in rows.values()) - s["device"]["kernel_s"] * s["steps"]["profiled"]) < 1e-6
PY
! "$SCORECL" profile "$SOURCE/configs/paper/fig3.yaml" --stage iid_modes --out none 2>err.txt
grep -q "stages of kind train, sample and likelihood can be profiled, not of kind evaluate" err.txt
! "$SCORECL" profile "$config" --stage nothing --out none 2>err.txt
grep -q "has no stage of that name" err.txt
! "$SCORECL" profile "$config" --stage sample --steps 1000 --out none --device reference 2>err.txt
grep -q "a smaller --steps may do" err.txt && [ ! -e none/profile.json ]

# Devices whose clock is none, and stamps of single commands that cannot be true.
toy=$SOURCE/configs/toy_vp.yaml
fake() {
    SCL_FAKE_STAMPS=$1 LD_PRELOAD=$BUILD/tests/libfake_stamps.so "$SCORECL" profile "$toy" --steps 4 --out "fake_$1" >"fake_$1.txt"
    python3 "$check" "fake_$1/trace.json"
}
for what in one_ns none no_queue backwards overlap timer; do fake $what; done
grep -q "every launch waited for, as the device says that a launch which the host waited .* took 0.000001 ms" fake_one_ns.txt
grep -q "every launch waited for, as the device has no queue with profiling" fake_no_queue.txt
grep -q "stamps that cannot be true" fake_backwards.txt
grep -q "by clGetDeviceAndHostTimer" fake_timer.txt
python3 - <<'PY'
import json
clock = {}
for what in ("one_ns", "none", "no_queue", "backwards", "overlap", "timer"):
    s, = json.load(open(f"fake_{what}/profile.json"))["stages"]
    clock[what] = s["clock"]
    assert s["device"]["kernel_s"] > 0 and s["device"]["agreement"] < 1.0001
for what in ("one_ns", "none", "no_queue"):
    assert clock[what]["source"] == "host" and clock[what]["reason"] and not clock[what]["rejected"], clock[what]
for what in ("backwards", "overlap"):
    assert clock[what]["source"] == "device"
    assert 0.03 < clock[what]["rejected"] / clock[what]["checked"] < 0.1, clock[what]
assert clock["backwards"]["faults"].keys() == {"backwards"}
assert clock["overlap"]["faults"].keys() <= {"overlap", "outside"}
assert clock["timer"]["alignment"] == "timer" and not clock["timer"]["rejected"], clock["timer"]
PY
