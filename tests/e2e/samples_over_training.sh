#!/usr/bin/env bash
# log.samples_every: pictures while a network trains.  They are those of the weights of their step, and training does not feel them.
. "$(dirname "$0")/common"

make_data
data=(-o data.format=npy -o "data.path=$work/data.npy")
args=("$tiny" "${data[@]}" -o log.samples_every=10 -o log.samples=4)
"$SCORECL" run "${args[@]}" -o log.tensorboard=true -o stages.train.checkpoint.keep=all --out run > run.log 2>&1 || { cat run.log >&2; fail "run"; }
train plain
same plain run
cmp <(grep -o '"loss": [^,]*' plain/train/metrics.jsonl) <(grep -o '"loss": [^,]*' run/train/metrics.jsonl) || fail "other losses"
[ "$(ls run/train/samples | tr '\n' ' ')" = "step-00000010.png step-00000020.png step-00000030.png " ] || fail "$(ls run/train/samples)"
[ ! -e plain/train/samples ] || fail "pictures that nobody asked for"

# The last is what the sample stage draws, the others what their checkpoints give.
cmp run/train/samples/step-00000030.png run/sample/grid.png || fail "the last picture is not the sample stage's"
for step in 10 20; do
    "$SCORECL" sample "run/train/checkpoints/step-000000$step.safetensors" -n 4 --out "of$step" > of.log 2>&1 || { cat of.log >&2; fail "sample"; }
    cmp "run/train/samples/step-000000$step.png" "of$step/grid.png" || fail "the picture of step $step is of other weights"
done
cmp -s run/train/samples/step-00000010.png run/train/samples/step-00000020.png && fail "all pictures are one"

# The reference device draws the same; a run that was killed writes the same again; raw weights where no average is kept.
code=0
SCL_FAULT=checkpoint:2 "$SCORECL" run "${args[@]}" --device reference --only train --out killed > killed.log 2>&1 || code=$?
[ "$code" = 137 ] || { cat killed.log >&2; fail "it was not killed: $code"; }
"$SCORECL" run "${args[@]}" --device reference --only train --resume --out killed > killed.log 2>&1 || { cat killed.log >&2; fail "resume"; }
diff -r killed/train/samples run/train/samples || fail "other pictures after a kill"
"$SCORECL" run "${args[@]}" --out raw -o stages.train.ema=0 > raw.log 2>&1 || { cat raw.log >&2; fail "without an average"; }
cmp raw/train/samples/step-00000030.png raw/sample/grid.png || fail "raw weights"
cmp -s raw/train/samples/step-00000030.png run/train/samples/step-00000030.png && fail "raw weights are no average"

# Samples that explode are no reason to stop training.
"$SCORECL" run "${args[@]}" --only train --out wild -o stages.sample.sampler.step_lr=1e6 > wild.log 2>&1 || { cat wild.log >&2; fail "wild"; }
grep -q "warning.*no samples of step 10: .*explodes\|warning.*no samples of step 10: .*not finite" wild.log || { cat wild.log >&2; fail "it does not say so"; }
same plain wild

# Who draws?  Nobody: a config error at its place.  Pictures and checkpoints are in the report and in the event files.
printf 'log: { samples_every: 5 }\n' | cat - <(sed '/^  sample:/,$d' "$tiny") > nobody.yaml
expect 2 "nobody.yaml:1:23: log.samples_every: no sample stage says how" "$SCORECL" check nobody.yaml
"$SCORECL" report run --json report.json > /dev/null
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$SOURCE/tests/e2e python3 - <<'PYTHON' || fail "report and events"
import json
from read_events import read
train, = (s for s in json.load(open("report.json"))["runs"][0]["stages"] if s["name"] == "train")
assert [p["step"] for p in train["samples"]] == [10, 20, 30] and all("uri" in p for p in train["samples"]), train["samples"]
shown = read("run/train")["samples"]
assert [step for step, _ in shown] == [10, 20, 30], shown
assert all(image[4] == open(f"run/train/samples/step-{step:08d}.png", "rb").read() for step, image in shown)
PYTHON
echo "samples over training: those of the weights, and no bit of the training is another"
