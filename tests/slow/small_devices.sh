#!/usr/bin/env bash
# Devices that have little, played by tests/cl/fake_opencl.c and told by PoCL: training gives the same bits on them.  What is missing
# is compiled for them alone, so it takes minutes; tests/e2e/faults.sh has devices that misbehave.
. "$(dirname "$0")/../e2e/common"
. "$(dirname "$0")/../e2e/faulty_devices"

going run "" good
# Small devices: 64 work-items, 16 KB of local memory, no fp64, no queue out of order.
going run "max_group=64 local=16384 no_fp64=1 in_order=1" small;                same good small
bad "max_group=64 local=16384 no_fp64=1 in_order=1" devices > said
grep -q "work-group 64, local memory 16 KB" said && grep -q "fp64 no" said && grep -q "out-of-order queues no" said || { cat said; fail "the limits are not seen"; }
if "$SCORECL" devices --device cpu 2>/dev/null | grep -q "Portable Computing Language"; then
    POCL_MAX_WORK_GROUP_SIZE=64 going run "" pocl_64 --device "Portable Computing Language"; same good pocl_64
fi
