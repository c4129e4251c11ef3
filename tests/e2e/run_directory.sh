#!/usr/bin/env bash
# A run directory: what is refused, what is left, what goes on; samples; damaged and foreign checkpoints.
. "$(dirname "$0")/common"

make_data
args=("$tiny" -o data.format=npy -o "data.path=$work/data.npy" --device reference)
expect 0 "sample finished" "$SCORECL" run "${args[@]}" --out run
[ -s run/sample/grid.png ] && [ -s run/sample/samples.npy ] || fail "no samples"
for file in config.yaml environment.json log.txt state.json train/metrics.jsonl train/metrics.csv; do
    [ -s "run/$file" ] || fail "no run/$file"
done
[ "$(find run/train/checkpoints -type f | wc -l)" -le 3 ] || fail "more checkpoints than keep and best"
first=$(weights run)

expect 2 "--resume" "$SCORECL" run "${args[@]}" --out run
expect 0 "time: perhaps " "$SCORECL" run "${args[@]}" --out none --dry-run --device auto
expect 0 "inputs unchanged" "$SCORECL" run "${args[@]}" --out run --resume
expect 0 "optimizer.lr was" "$SCORECL" run "${args[@]}" --out run --resume --dry-run -o stages.train.optimizer.lr=0.5
[ "$(weights run)" = "$first" ] || fail "--dry-run changed something"
expect 0 "nothing was run" "$SCORECL" run "${args[@]}" --out run --resume --dry-run -o stages.sample.count=5 --json plan.json
python3 -c "
import json
r = json.load(open('plan.json'))
assert r['dry_run'] and {n: s['action'] for n, s in r['stages'].items()} == {'train': 'is left', 'sample': 'runs'}, r
assert 'count was 4, is 5' in r['stages']['sample']['reason'] and r['stages']['sample']['gflop'] > 0, r
" || fail "the JSON result of a dry run"
python3 -c "
import json
e = json.load(open('run/environment.json'))
assert e['compiler'] and e['clblast'] and len(e['kernels_sha256']) == 64, e
assert all(e['stages'][s]['peak_bytes'] > 0 for s in ('train', 'sample')), e
" || fail "environment.json"
# The printed config is the config.
expect 0 "inputs unchanged" "$SCORECL" run run/config.yaml --out run --resume
expect 0 "sample finished" "$SCORECL" run "${args[@]}" --out run --only sample --force sample
expect 2 "needs stages that are not finished" "$SCORECL" run "${args[@]}" --out other --only sample
expect 1 "nowhere.npy" "$SCORECL" run "${args[@]}" --out none -o "data.path=nowhere.npy"
[ ! -e none/train ] || fail "something was computed without data"
# What was refused leaves no run behind: the same directory serves the mended command.
[ ! -e none/state.json ] && [ ! -e other/state.json ] || fail "a refused run left a state.json"
expect 0 "train finished" "$SCORECL" run "${args[@]}" --out other --only train --json result.json
python3 -c "
import json
r = json.load(open('result.json'))
status = {name: stage['status'] for name, stage in r['stages'].items()}
assert r['exit_code'] == 0 and status == {'train': 'finished', 'sample': 'pending'}, r
" || fail "the JSON result"
expect 1 "/dev/null" "$SCORECL" run "${args[@]}" --out /dev/null/run

# Samples without a config: those of the sample stage again.
expect 0 "drawn" "$SCORECL" sample "$(latest run)" --device reference --out drawn --json drawn.json
python3 -c "
import json
r = json.load(open('drawn.json'))
assert r['folder'] == 'drawn' and r['count'] == 4 and len(r['checksum']) == 64, r
" || fail "the JSON result of sample"
[ "$("$SCORECL" checksum drawn/samples.npy | cut -c1-64)" = "$("$SCORECL" checksum run/sample/samples.npy | cut -c1-64)" ] ||
    fail "the checkpoint alone gives other samples"
expect 0 "many" "$SCORECL" sample "$(latest run)" --device reference --out many -n 7 -o stages.sample.sampler.steps_per_level=1
expect 1 "is of images of 8x8x1" "$SCORECL" sample "$(latest run)" --device reference --out many \
    -o data.transform.size=16
expect 2 "no_such_key" "$SCORECL" sample "$(latest run)" --out many -o no_such_key=1

# More steps go on; the newest checkpoint is damaged, so the one before it is used; the end is that of an unbroken run.
long=(-o stages.train.optimizer.schedule=constant)
train short --device reference "${long[@]}" -o stages.train.steps=25
train whole --device reference "${long[@]}" -o stages.train.steps=40
newest=short/train/checkpoints/step-00000025.safetensors
truncate -s -7 "$newest"
train short --device reference "${long[@]}" -o stages.train.steps=40 --resume
grep -q "step-00000025.safetensors' is truncated" short.log || fail "the damaged checkpoint is not named"
grep -q "goes on from step 20" short.log || fail "did not go on from step 20"
same whole short

# A checkpoint that another stage makes in the same run; and one that is not there, which ends its own branch alone.
cat >chain.yaml <<END
data: { format: npy, path: $work/data.npy, transform: { size: 8, channels: 1 } }
model: { ngf: 4 }
device: reference
noise: { levels: 2 }
stages:
  first: { kind: train, batch: 4, steps: 2 }
  second: { kind: train, needs: [first], batch: 4, steps: 2, init: "\${FROM:-chain/first/checkpoints/latest.safetensors}" }
  draw: { kind: sample, needs: [first], sampler: { steps_per_level: 1 }, count: 2 }
END
expect 0 "may make it" "$SCORECL" run chain.yaml --out chain --dry-run
expect 0 "second finished" "$SCORECL" run chain.yaml --out chain
FROM=absent.safetensors expect 1 "absent.safetensors' does not exist" "$SCORECL" run chain.yaml --out branch --keep-going
grep -q "draw finished" said || fail "--keep-going did not draw"

# Foreign weights.
expect 1 "does not fit this network" "$SCORECL" run "${args[@]}" --out wide --only train -o model.ngf=5 -o "stages.train.init=$work/$(latest run)"
grep -qF "begin_conv.weight is [4,1,3,3] in the file, [5,1,3,3] here" said || fail "the difference is not named"
expect 0 "train finished" "$SCORECL" run "${args[@]}" --out warm --only train -o "stages.train.init=$work/$(latest run)"
printf 'junk' > junk.safetensors
expect 1 "junk.safetensors" "$SCORECL" sample junk.safetensors
expect 1 "junk.safetensors" "$SCORECL" checksum junk.safetensors

# Training and held-out pictures of two shapes: both are named.
sed 's/(64, 8, 8, 1), }/(16, 16, 16,1),}/' data.npy > large.npy
expect 1 "data.npy' are 8x8x1, the held-out ones in '$work/large.npy' are 16x16x1" "$SCORECL" run "$tiny" --device reference --out two \
    -o data.format=npy -o "data={format: npy, path: $work/data.npy, test_path: $work/large.npy}"
