#!/usr/bin/env bash
# An interrupted run says how to go on, and that line, typed as it is, ends with the weights of an unbroken run.
. "$(dirname "$0")/common"

scorecl() { "$SCORECL" "$@"; }
flags=(--device reference --seed 9 -o stages.train.steps=150 -o stages.train.log_every=1 -o stages.train.eval.every=never)
train whole "${flags[@]}"
folder="a run's folder"
train "$folder" "${flags[@]}" &
pid=$!
until [ -s "$folder/train/metrics.jsonl" ]; do sleep 0.01; kill -0 $pid 2>/dev/null || fail "ended before it began"; done
kill -INT "$(cat "$folder/lock")"
status=0; wait $pid || status=$?
[ $status = 130 ] || fail "exit $status, not 130"
line=$(sed -n 's/.*go on with: //p' "$folder.log")
[[ "$line" == "scorecl run "*"--resume"* ]] || fail "no command to go on with: '$line'"
grep -qF "warning: stopped after step" "$folder/log.txt" || fail "log.txt does not say that it was stopped"
eval "$line" > on.log 2>&1 || { cat on.log; fail "'$line' fails"; }
grep -q "goes on from step" on.log || fail "'$line' began anew"
[ "$(weights "$folder")" = "$(weights whole)" ] || fail "'$line' ends with other weights"
