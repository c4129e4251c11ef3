#!/usr/bin/env bash
# Two training steps under oclgrind with its checks for races and for wrong use of the API: its log stays empty.
. "$(dirname "$0")/../e2e/common"

command -v oclgrind > /dev/null || { echo "skipped: oclgrind is not installed"; exit 77; }
make_data
"$SCORECL" run "$tiny" --out reference --only train --device reference -o data.format=npy -o "data.path=$work/data.npy" \
    -o stages.train.steps=2 -o stages.train.batch=2 -o noise.levels=2 -o stages.train.eval.every=never > /dev/null 2>&1
oclgrind --data-races --check-api --uninitialized --log oclgrind.log "$SCORECL" run "$tiny" --out run --only train --device oclgrind \
    -o data.format=npy -o "data.path=$work/data.npy" -o stages.train.steps=2 -o stages.train.batch=2 -o noise.levels=2 \
    -o stages.train.eval.every=never > run.log 2>&1 || { cat run.log oclgrind.log; fail "it does not run under oclgrind"; }
grep -qi oclgrind run/environment.json || fail "it ran on another device"
[ ! -s oclgrind.log ] || { head -50 oclgrind.log; fail "oclgrind found something"; }
same reference run
