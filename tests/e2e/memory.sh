#!/usr/bin/env bash
# Memory changes no bit: batches dealt into micro-batches by a limit, data streamed from the host, both, over the ends of epochs and
# across a resume; samples drawn fewer at a time.  64 pictures, of which 6 are held out: epochs of 58, in batches of 24, 24 and 10.
. "$(dirname "$0")/common"

says() { grep -qF -- "$2" "$1.log" || { cat "$1.log" >&2; fail "$1 does not say '$2'"; }; }
run() { local out=$1; shift; train "$out" --device reference -o data.transform.size=16 -o stages.train.batch=24 -o stages.train.steps=8 \
    -o stages.train.optimizer.schedule=constant -o stages.train.eval.every=4 -o stages.train.checkpoint.every=5 "$@"; }

run whole
[ "$(weights whole)" != "$(run other --seed 9; weights other)" ] || fail "the seed changes nothing"
run explicit -o stages.train.accumulate=3;                       same whole explicit
grep -q "does not fit" explicit.log whole.log && fail "a batch that fits is dealt"
run limited -o stages.train.memory.limit=5;                      same whole limited
says limited "train: batch 24 does not fit in 5 MiB: dealt into"
parts() { sed -n 's/.*dealt into \([0-9]*\) micro-batches.*/\1/p' "$1.log"; }
n=$(parts limited)
[ "$n" -gt 1 ] && [ "$n" -le 24 ] || fail "dealt into $n"
# `accumulate` is a minimum, and the number found is the smallest: one less asked for gives the same number.
run at_least -o stages.train.memory.limit=5 -o stages.train.accumulate=$((n - 1));  same whole at_least
[ "$(parts at_least)" = "$n" ] || fail "from $((n - 1)) on: $(parts at_least) micro-batches, not $n"
run more -o stages.train.memory.limit=5 -o stages.train.accumulate=24;              same whole more
[ -z "$(parts more)" ] || fail "24 micro-batches fit and are dealt again"

# One sample does not fit either: numbers, before anything ran.
status=0; run small -o stages.train.memory.limit=1 || status=$?
[ "$status" = 1 ] || fail "what does not fit exits with $status"
says small "it does not fit on reference: even one sample at a time takes"
says small "it may take 1.0 MiB"
[ ! -s small/train/metrics.jsonl ] || fail "steps were taken"

run stream -o data.residence=stream;                             same whole stream
says stream "the data stay in host memory"
run stream2 -o data.residence=stream -o stages.train.accumulate=2;  same whole stream2
run stream5 -o data.residence=stream -o stages.train.accumulate=5;  same whole stream5
cmp <(cut -d, -f1-3 whole/train/metrics.csv) <(cut -d, -f1-3 stream5/train/metrics.csv) || fail "metrics differ"
# Stopped after step 5, inside the second epoch, and resumed with the data elsewhere.
run resumed -o data.residence=stream -o stages.train.steps=5
run resumed -o data.residence=device --resume;                   same whole resumed
says resumed "goes on from step 5"
run back -o stages.train.steps=5
run back -o data.residence=stream -o stages.train.accumulate=2 --resume;  same whole back
says back "goes on from step 5"

# The same on the device, where transfers do not wait.
train device -o stages.train.batch=24 -o stages.train.steps=8 -o data.residence=stream -o stages.train.accumulate=2
train device_whole -o stages.train.batch=24 -o stages.train.steps=8;  same device device_whole

# Samples: drawn at once, and as many as fit.
draw() { local out=$1; shift; "$SCORECL" sample "$(latest whole)" --device reference -n 40 \
    -o "stages.sample.save=[npy, trajectory]" --out "$out" "$@" > "$out.log" 2>&1; }
draw all
draw few -o stages.sample.memory.limit=1
says few "does not fit in 1 MiB: drawn"
cmp all/samples.npy few/samples.npy || fail "samples differ"
cmp all/trajectory.png few/trajectory.png || fail "trajectories differ"
echo "memory: all checks passed"
