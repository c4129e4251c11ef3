#!/usr/bin/env bash
# No room for the next checkpoint: a clear error, the last one stays good, and with room the run ends as if nothing had been.
. "$(dirname "$0")/common"

flags=(-o stages.train.optimizer.schedule=constant -o stages.train.eval.every=never --device reference)
train whole "${flags[@]}" -o stages.train.steps=40
train run "${flags[@]}" -o stages.train.steps=20
before=$(weights run)
files=$(ls run/train/checkpoints)

# A limit of 64 KiB for a file, where a checkpoint has more.
[ "$(wc -c < "$(latest run)")" -gt 65536 ] || fail "the checkpoint is too small for this test"
status=0
(ulimit -f 64; train run "${flags[@]}" -o stages.train.steps=40 --resume) || status=$?
[ $status = 1 ] || fail "exit $status, not 1"
grep -q "no space left" run.log || fail "does not say that there is no space left"
grep -q "step-00000030" run.log || fail "does not name the file"
[ "$(weights run)" = "$before" ] || fail "the last good checkpoint changed"
[ "$(ls run/train/checkpoints)" = "$files" ] || fail "something else is in the folder: $(ls run/train/checkpoints)"
train run "${flags[@]}" -o stages.train.steps=40 --resume
same whole run

# The same on a file system that is really full, where one may be mounted: there is room for two checkpoints.
mkdir small
if mount -t tmpfs -o size=1500k tmpfs small 2>/dev/null; then
    trap 'status=$?; cd /; umount "$work/small"; rm -rf "$work"; exit $status' EXIT
    train small/run "${flags[@]}" -o stages.train.steps=20
    status=0
    train small/run "${flags[@]}" -o stages.train.steps=40 --resume || status=$?
    [ $status = 1 ] || fail "full file system: exit $status, not 1"
    grep -q "step-00000030.*no space left" small/run.log || { cat small/run.log; fail "full file system: not said"; }
    [ "$(weights small/run)" = "$before" ] || fail "full file system: the last good checkpoint changed"
    mount -o remount,size=8m small
    train small/run "${flags[@]}" -o stages.train.steps=40 --resume
    same whole small/run
else
    echo "no tmpfs can be mounted here: only the limit was tried"
fi
