#!/usr/bin/env bash
# Devices that have little, played by tests/cl/fake_opencl.c and told by PoCL: training gives the same bits on them.  What is missing
# is compiled for them alone, so it takes minutes; tests/e2e/faults.sh has devices that misbehave.
. "$(dirname "$0")/../e2e/common"
"$SCORECL" devices > /dev/null 2>&1 || { echo "skipped: there is no OpenCL device here"; exit 77; }
[ -f "$FAKE_OPENCL" ] || fail "no $FAKE_OPENCL"
make_data
flags=(--only train -o data.format=npy -o "data.path=$work/data.npy" -o stages.train.steps=4 -o stages.train.checkpoint.every=1
       -o stages.train.eval.every=never)
# bad FAULTS COMMAND...: the binary on such a device
bad() { local faults=$1; shift; FAKE_CL=$faults LD_PRELOAD=$FAKE_OPENCL timeout 300 "$SCORECL" "$@"; }
run() { local faults=$1 out=$2; shift 2; bad "$faults" run "$tiny" --out "$out" "${flags[@]}" "$@"; }
going() { "$@" > log 2>&1 || { cat log >&2; fail "'$*' stops"; }; }

going run "" good
# Small devices: 64 work-items, 16 KB of local memory, no fp64, no queue out of order.
going run "max_group=64 local=16384 no_fp64=1 in_order=1" small;                same good small
bad "max_group=64 local=16384 no_fp64=1 in_order=1" devices > said
grep -q "work-group 64, local memory 16 KB" said && grep -q "fp64 no" said && grep -q "out-of-order queues no" said || { cat said; fail "the limits are not seen"; }
if "$SCORECL" devices --device cpu 2>/dev/null | grep -q "Portable Computing Language"; then
    POCL_MAX_WORK_GROUP_SIZE=64 going run "" pocl_64 --device "Portable Computing Language"; same good pocl_64
fi
