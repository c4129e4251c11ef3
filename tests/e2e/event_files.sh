#!/usr/bin/env bash
# metrics.jsonl and the event files of log.tensorboard by readers of their own, also after a kill and --resume.
. "$(dirname "$0")/common"

make_data
args=("$tiny" -o data.format=npy -o "data.path=$work/data.npy" --device reference -o log.tensorboard=true --out run)

# Killed in the second checkpoint: the rows up to step 20 are written, the checkpoint of step 10 is the newest.
code=0
SCL_FAULT=checkpoint:2 "$SCORECL" run "${args[@]}" -o stages.train.log_every=1 > killed.log 2>&1 || code=$?
[ "$code" = 137 ] || { cat killed.log >&2; fail "it was not killed: $code"; }
cp -r run before
"$SCORECL" run "${args[@]}" -o stages.train.log_every=1 --resume > run.log 2>&1 || { cat run.log >&2; fail "--resume"; }
grep -q "goes on from step 10" run.log || fail "it did not go on from step 10"
[ "$(find run/train -name 'events.out.tfevents.*' | wc -l)" = 2 ] || fail "a run that goes on has a file of its own"

PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$SOURCE/tests/e2e python3 - <<'PYTHON' || fail "the files do not read"
import json
import struct
from read_events import read


def strict(text):
    def refuse(word):
        raise ValueError(f"{word} is not JSON")
    return json.loads(text, parse_constant=refuse)


def rows(path):
    data = open(path, encoding="utf-8").read()
    assert data.endswith("\n")
    return [strict(line) for line in data.splitlines()]


for run, last in ("before", 20), ("run", 30):
    metrics = rows(f"{run}/train/metrics.jsonl")
    tags = read(f"{run}/train")
    assert [r["step"] for r in metrics] == list(range(1, last + 1)), [r["step"] for r in metrics]
    for name in sorted(set().union(*metrics) - {"step"}):
        wanted = [(r["step"], r[name]) for r in metrics if name in r]
        got = tags.pop(name)
        assert [step for step, _ in got] == [step for step, _ in wanted], name
        assert all(abs(a - b) <= 1e-7 * abs(b) for (_, a), (_, b) in zip(got, wanted)), (name, got, wanted)
    (step, text), = tags.pop("config")[-1:]
    assert not tags, tags
    assert text.startswith("```yaml\n") and "log:\n  tensorboard: true\n" in text and text.endswith("```\n"), text
    if run == "run":
        assert step == 11, step
        body = text[len("```yaml\n"):-len("```\n")]
        assert open("run/config.yaml").read().startswith(body), "the config is not that of config.yaml"

tags = read("run/sample")
(step, image), = tags["grid"]
png = open("run/sample/grid.png", "rb").read()
assert step == 30 and image[4] == png and (image[2], image[1]) == struct.unpack(">II", png[16:24]) and image[3] == 1, step
PYTHON

# Asked for nothing, there is nothing.
train plain --device reference
[ -z "$(find plain -name '*tfevents*')" ] || fail "event files that nobody asked for"
[ "$(weights run)" = "$(weights plain)" ] || fail "writing events changed the weights"
echo "event files: scalars, text and pictures are those of the run"
