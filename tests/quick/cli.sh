#!/usr/bin/env bash
# The command line: help, exit codes, streams, the shipped configs.  Opens no device.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failures=0
fail() { echo "FAIL $*" >&2; failures=$((failures + 1)); }

# expect RC STREAM TEXT COMMAND...: exit code, and a text on standard output (1) or error (2); the other stream is empty.
expect() {
    local rc=$1 stream=$2 text=$3; shift 3
    "$SCORECL" "$@" >out 2>err </dev/null
    local got=$?
    [ $got -eq "$rc" ] || fail "$*: exit code $got, not $rc"
    if [ "$stream" = 1 ]; then
        grep -qF -- "$text" out || fail "$*: no '$text' on standard output"
        [ -s err ] && fail "$*: something on standard error: $(cat err)"
    else
        grep -qF -- "$text" err || fail "$*: no '$text' on standard error, but: $(cat err)"
        [ -s out ] && fail "$*: something on standard output"
    fi
    return 0
}

cat >good.yaml <<'END'
data: { path: nowhere, transform: { size: 8, channels: 1 } }
model: { ngf: 4 }
stages:
  train: { kind: train, batch: 4 }
  sample: { kind: sample, needs: [train] }
END
printf 'sead: 1\nstages: {}\n' >bad.yaml
printf 'data: { format: points, points: { distribution: ring, count: 64 } }\nstages: { train: { kind: train, batch: 4 } }\n' >points.yaml
sed 's/{ train: .*/{ moments: { kind: evaluate, samples: data } } /' points.yaml >moments.yaml

expect 0 1 "usage: scorecl COMMAND" --help
expect 2 2 "usage: scorecl COMMAND"
expect 2 2 "did you mean 'check'?" chekc good.yaml
expect 1 2 "does not exist" verify --config good.yaml --steps 2 --device reference
expect 2 2 "--steps goes with --config, not with the operators' cases" verify --steps 2
expect 2 2 "--steps 0: nothing would be compared" verify --config good.yaml --steps 0
expect 2 2 "'extra' is one word too many; usage: scorecl verify [flags]" verify extra
expect 2 2 "--op goes with the operators' cases, not with --fingerprint" verify --fingerprint --op adam
expect 2 2 "--op goes with the operators' cases, not with --replay" verify --replay nowhere --op adam --quick
expect 2 2 "--quick goes with the operators' cases, not with --replay" verify --replay nowhere --quick
expect 2 2 "more than one device (--device all) goes with the operators' cases, --config or --fingerprint, not with --replay" verify --replay nowhere --device all
expect 2 2 "--all goes with the operators' cases, --fingerprint or --list-kernels, not with --probe" verify --probe --all
expect 2 2 "-o goes with the operators' cases, --config or --golden, not with --fingerprint" verify --fingerprint -o tune.adam.WG=1
expect 2 2 "-o conv goes with --config or --golden, not with the operators' cases" verify -o conv=direct
expect 2 2 "more than one --device goes with --config" verify --device 0 --device 1
expect 2 2 "one at a time" verify --config good.yaml --replay folder
expect 2 2 "--cache is usual, cold or both, not 'tepid'" verify --config good.yaml --cache tepid
expect 2 2 "moments.yaml has no stage that launches kernels" verify --config moments.yaml
expect 2 2 "clblast promises no bits" verify --config good.yaml -o conv=clblast
expect 1 2 "replay.json" verify --replay nowhere
expect 2 2 "--replay launches kernels, and the reference device has none" verify --replay nowhere --device reference
expect 2 2 "--out nowhere/found: there is no folder 'nowhere'" verify --config good.yaml --device reference --out nowhere/found
expect 2 2 "one at a time" verify --fingerprint --probe
expect 2 2 "takes a number from 0 on, not 'abc'" verify --candidate abc
expect 2 2 "verify knows the keys conv, precision and tune.OP.PARAM" verify -o seed=1
expect 2 2 "15 is no candidate; there are 1|16|64" verify --op adam -o tune.adam.WG=15
expect 2 2 "conv: must be one of auto" verify -o conv=round
expect 0 1 '"kernels_sha256"' verify --probe --device reference --json -
expect 0 1 'bits promised' verify --probe --device reference --junit junit.xml
grep -q '<property name="compiler" value=' junit.xml || fail 'no versions in the JUnit report'
expect 0 1 "computes the C definitions themselves" verify --probe --device reference
expect 2 2 "--scaling is of a network" bench --scaling
expect 2 2 "--what train: forward, train_step, sample_step or jvp" bench --what train 8x8x1-ngf4-b2
expect 2 2 "--what train: forward, train_step, sample_step or jvp" bench --what train --what forward 8x8x1-ngf4-b2
expect 2 2 "two runs" bench --scaling --by-operator 8x8x1-ngf4-b2
expect 2 2 "nothing would be drawn" sample none.safetensors -n 0
expect 1 2 "nowhere" noise good.yaml --device cpu -o seed=2
expect 0 1 "levels" noise points.yaml --device reference
expect 0 1 '"class": "reference"' devices --device reference --json -
for command in run check dump sample devices verify bench tune profile report noise ops schema checksum version; do
    expect 0 1 "scorecl $command" $command --help
done
expect 0 1 "scorecl" --version
expect 0 1 "right; 2 stages: train sample" check good.yaml
expect 2 2 "bad.yaml:1:1: sead: unknown key; did you mean 'seed'?" check bad.yaml
expect 2 2 "bad.yaml:2:9: stages: there are none; nothing would be done" run bad.yaml
expect 2 2 "none.yaml:1:1: cannot open: No such file or directory" check none.yaml
expect 2 2 "there is no flag '--pirnt'" check --pirnt good.yaml
expect 2 2 "usage: scorecl check" check
expect 2 2 "-o takes KEY=VALUE, not 'seed'" check -o seed good.yaml
expect 2 2 "--out needs a value" run good.yaml --out
expect 2 2 "dump shows config, stages, graph, plan or schedule" dump nothing good.yaml
expect 2 2 "there is no operator 'conv'; did you mean 'conv2d'?" tune good.yaml --op conv
expect 1 2 "no OpenCL device: nothing to measure" tune good.yaml --device reference
expect 2 2 "has no stage 'x'" dump graph good.yaml --stage x
expect 0 1 "train            train    needs []" dump stages good.yaml
expect 0 1 "conv2d" dump graph good.yaml --stage train
expect 0 1 "digraph" dump graph good.yaml --format dot
expect 0 1 "langevin_step" dump graph good.yaml --stage sample --format json
expect 0 1 "plan of train" dump plan good.yaml --device reference
printf '{"class": "CPU", "name": "small", "global_bytes": 1000000}' >small.json
expect 1 2 "does not fit on small" dump plan good.yaml --describe small.json
expect 0 1 "N,H,W,C" ops conv2d
expect 2 2 "did you mean 'conv2d'?" ops conv2
expect 2 2 "-o tune.convd.MR=4:1:15: tune.convd.MR: there is no operator 'convd'" check -o tune.convd.MR=4 good.yaml
expect 2 2 "tune.perturb.XX: perturb has no such tunable" run -o tune.perturb.XX=4 good.yaml
expect 2 2 "is no candidate; there are" check -o tune.pixel_sum.WG=12345 good.yaml
expect 2 2 "77 is no candidate; there are 1|64" check -o tune.conv2d.WG=77 good.yaml
expect 2 2 "base: unknown key" check -o base=1 good.yaml
"$SCORECL" check -o base=1 good.yaml 2>&1 | grep -q "did you mean" && fail "'base' is near to nothing"
# numbers that do not go together: network, levels and sampler of one stage
expect 2 2 "stages.sample.sampler.step_lr: consistent_annealed needs a step between" check -o stages.sample.sampler.method=consistent_annealed good.yaml
expect 2 2 "-o noise.levels=1:1:14: noise.levels: the sampler ancestral goes from level to level and needs two at least" \
    check -o noise.levels=1 -o stages.sample.sampler.method=ancestral good.yaml
expect 2 2 "good.yaml:2:15: model.ngf: resscore normalises over 8 groups and needs a multiple of that, not 4" check -o model.net=resscore good.yaml
cat >two.yaml <<'END'
data: { path: nowhere, transform: { size: 8, channels: 1 } }
model: { ngf: 4 }
stages:
  a: { kind: train }
  b: { kind: train }
  sample: { kind: sample, needs: [a, b] }
END
expect 2 2 "two.yaml:6:34: stages.sample.needs: leads to 2 train stages" check two.yaml
expect 2 2 "the sampler would take 1e+10 steps" check -o noise.levels=10000 -o stages.sample.sampler.steps_per_level=1000000 good.yaml
expect 2 2 "needs two at least" run -o noise.levels=1 -o stages.sample.sampler.method=probability_flow good.yaml
[ -e runs/good ] && fail "a run folder was made for a config that cannot be"
expect 0 1 "stages.NAME.optimizer.lr" schema
expect 0 1 ".TH SCORECL-CONFIG 5" schema --man
expect 1 2 "none.npy" checksum none.npy
expect 0 1 '"right": true' check --json - good.yaml

"$SCORECL" schema --json-schema | python3 -m json.tool >/dev/null || fail "the JSON schema is no JSON"

# --json and --format json are the same result; what has no such form is refused.
json() { python3 -c "import json, sys; r = json.load(sys.stdin); assert $1, r" || fail "JSON: $1"; }
"$SCORECL" check --print --json - good.yaml | json "r[0]['config']['stages']['sample']['needs'] == ['train'] and \
    r[0]['config']['data']['test_path'] is None and r[0]['config']['stages']['train']['eval']['images'] == 'all'"
"$SCORECL" dump config good.yaml --format json | json "r['model']['ngf'] == 4 and r['stages']['train']['ema'] == 0.999"
"$SCORECL" dump stages good.yaml --json - | json "[s['name'] for s in r] == ['train', 'sample']"
"$SCORECL" dump plan good.yaml --device reference --json - | json "r['slab_bytes'] > 0 and any('slab' in o for s in r['steps'] for o in s['out'])"
printf '{"class": "CPU", "name": "made up"}' >made-up.json
"$SCORECL" dump schedule good.yaml --describe made-up.json --json - | json "len(r['launches']) > 20 and r['launches'][0]['kernel'] and 'conv2d' in [l['op'] for l in r['launches']]"
"$SCORECL" schema --json - | json "'properties' in r"
expect 2 2 "a config is no graph" dump config good.yaml --format dot
expect 2 2 "a schedule is no graph" dump schedule good.yaml --format dot

# the resolved config reads back as itself, from another folder
mkdir elsewhere
"$SCORECL" check --print good.yaml >elsewhere/resolved.yaml
"$SCORECL" check --print elsewhere/resolved.yaml | cmp - elsewhere/resolved.yaml || fail "the resolved config changes when it is read back"

for config in "$SOURCE"/configs/*.yaml "$SOURCE"/configs/*/*.yaml; do
    expect 0 1 ": right; " check "$config"
done

[ $failures -eq 0 ] && echo pass
exit $((failures != 0))
