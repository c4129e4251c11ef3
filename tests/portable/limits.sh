#!/usr/bin/env bash
# A device of 64 work-items and 16 KB of local memory that enforces both (oclgrind): a training step with the bits of the C definitions.
. "$(dirname "$0")/../e2e/common"
command -v oclgrind > /dev/null || { echo "skipped: oclgrind is not installed"; exit 77; }
make_data
flags=(--only train -o data.format=npy -o "data.path=$work/data.npy" -o stages.train.steps=1 -o stages.train.batch=2 -o noise.levels=2
       -o stages.train.eval.every=never)
"$SCORECL" run "$tiny" --out reference --device reference "${flags[@]}" > log 2>&1 || { cat log; fail "reference"; }
oclgrind --max-wgsize 64 --local-mem-size 16384 --check-api --log oclgrind.log "$SCORECL" run "$tiny" --out small --device oclgrind "${flags[@]}" > log 2>&1 ||
    { cat log; fail "it does not run on a small device"; }
[ ! -s oclgrind.log ] || { head -30 oclgrind.log; fail "oclgrind found something"; }
same reference small
