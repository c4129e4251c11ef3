#!/usr/bin/env bash
# The same weights after 30 steps: twice, with one and two threads, other tiles, without fusion, in place and not, recomputed and not, in micro-batches, on the C
# definitions, and interrupted.
. "$(dirname "$0")/common"

train first
[ "$(wc -l < first/train/metrics.jsonl)" -ge 6 ] || fail "too few rows of metrics"
train again;                                              same first again
POCL_MAX_PTHREAD_COUNT=1 train one_thread;                same first one_thread
POCL_MAX_PTHREAD_COUNT=2 train two_threads;               same first two_threads
train unfused -o fuse=false;                              same first unfused
for memory in in_place=false recompute=none recompute=activations; do
    train "$memory" -o "stages.train.memory.$memory";     same first "$memory"
done
train recorded -o launches=recorded;                      same first recorded
grep -q "cannot record" recorded.log && echo "recorded: this device has no command buffers that fit, launches are single"
train micro -o stages.train.accumulate=2;                 same first micro
train micro5 -o stages.train.accumulate=5;                same first micro5      # 12 = 3+3+3+3
train tiles -o tune.conv2d.MR=4 -o tune.conv2d_dw.MR=4;   same first tiles
train definitions --device reference;                     same first definitions

# Another seed is another result: the comparison above can fail.
train seed --seed 8
[ "$(weights first)" != "$(weights seed)" ] || fail "the seed changes nothing"

# Stopped after any step by SIGINT and SIGTERM: exit 130, a checkpoint, and the same end.
for signal in INT TERM; do
    train "stopped$signal" --device reference -o stages.train.steps=30 &
    pid=$!
    until [ -s "stopped$signal/train/metrics.jsonl" ]; do sleep 0.01; kill -0 $pid 2>/dev/null || break; done
    child=$(cat "stopped$signal/lock")
    kill -$signal "$child" 2>/dev/null || true
    status=0; wait $pid || status=$?
    if [ $status = 130 ]; then
        grep -q -- "--resume" "stopped$signal.log" || fail "does not say how to resume"
        train "stopped$signal" --device reference --resume
    elif [ $status != 0 ]; then
        fail "SIG$signal: exit $status"
    else
        echo "SIG$signal came after the end"
    fi
    same first "stopped$signal"
done
