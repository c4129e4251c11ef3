#!/usr/bin/env bash
# Killed 20 times by SIGKILL and resumed: five times before the first checkpoint, five times inside a checkpoint's write, ten
# times in the middle of training.  Whatever is there then can be read, and the end is that of an unbroken run.
. "$(dirname "$0")/../e2e/common"

steps=400
flags=(-o "stages.train.steps=$steps" -o stages.train.log_every=1 -o stages.train.checkpoint.every=10 -o stages.train.eval.every=never)
train whole "${flags[@]}"
killed=0 inside=0 later=0

check()
{
    killed=$((killed + 1))
    [ ! -e "$(latest run)" ] || "$SCORECL" checksum "$(latest run)" > /dev/null || fail "latest.safetensors cannot be read"
}

rows() { cat run/train/metrics.jsonl 2>/dev/null | wc -l; }

# start: in the background; its process in $pid.
start()
{
    "$SCORECL" run "$tiny" --out run --only train --resume -o data.format=npy -o "data.path=$work/data.npy" "${flags[@]}" >> run.log 2>&1 &
    pid=$!
}

# Before there is a checkpoint: while the device, the data or the first kernels are made ready.
for wait in 0.00 0.05 0.10 0.20 0.30; do
    start
    sleep $wait
    kill -9 $pid 2>/dev/null || fail "ended within $wait s"
    wait $pid 2>/dev/null || true
    check
done

# Inside the first, second or third write of a process.
for write in 1 2 1 3 1; do
    status=0
    SCL_FAULT=checkpoint:$write train run "${flags[@]}" --resume || status=$?
    [ $status = 137 ] || fail "the fault point did not kill: exit $status"
    ls run/train/checkpoints/*.tmp-* > /dev/null 2>&1 || fail "no half of a file is left: not inside a write"
    inside=$((inside + 1))
    check
done

# Anywhere: after a number of steps that differs from time to time.
for more in 3 11 8 17 5 14 10 6 19 12; do
    before=$(rows)
    start
    until [ "$(rows)" -lt "$before" ] || [ "$(rows)" -ge $((before + more)) ]; do sleep 0.01; kill -0 $pid 2>/dev/null || fail "ended"; done
    before=$(rows)
    until [ "$(rows)" -ge $((before + more)) ]; do sleep 0.01; kill -0 $pid 2>/dev/null || fail "ended too early: $(tail -1 run.log)"; done
    [ ! -e "$(latest run)" ] || later=$((later + 1))
    kill -9 $pid
    wait $pid 2>/dev/null || true
    check
done

[ $killed = 20 ] && [ $inside = 5 ] && [ $((later + inside - 1)) -ge 10 ] || fail "killed $killed times, $inside inside, $later later"
train run "${flags[@]}" --resume
same whole run
[ "$(wc -l < run/train/metrics.jsonl)" = $steps ] || fail "rows of metrics are missing or doubled"
cmp <(cut -d, -f1,2,3 whole/train/metrics.csv) <(cut -d, -f1,2,3 run/train/metrics.csv) || fail "metrics differ"
! ls run/train/checkpoints/*.tmp-* 2>/dev/null || fail "halves of files are left"
