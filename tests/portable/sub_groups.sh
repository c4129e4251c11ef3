#!/usr/bin/env bash
# A GPU's tiles with sub-groups of a required size, run by a compiler that has them: Intel's run time for processors, which
# tests/cl/fake_opencl.c has call itself a GPU.  The bits of the C definitions.
. "$(dirname "$0")/../e2e/common"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 77; }
drivers=$(PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$SOURCE/tools python3 - <<'P'
from portability_lib.implementations import Intel, Missing
try:
    intel = Intel("intel", "")
    intel.prepare("", "")
    print(intel.env["OCL_ICD_VENDORS"])
except Missing as why:
    print(f"skipped: Intel's run time is {why}")
P
)
case $drivers in skipped*) echo "$drivers"; exit 77 ;; esac
gpu() { local faults=$1; shift; OCL_ICD_VENDORS=$drivers FAKE_CL="gpu=1 $faults" LD_PRELOAD=$FAKE_OPENCL "$SCORECL" "$@"; }

gpu "" devices | grep -A1 "Intel(R) OpenCL" | grep -q "^     GPU" || fail "it is no GPU"
for op in conv2d conv2d_dx conv2d_dw linear linear_dw; do
    gpu "" verify --quick --work 20000 --op $op --device 0 > said || { cat said; fail "$op"; }
    grep "^$op " said
done
# They are what ran: where kernels with sub-groups do not build, none is left.
expect 4 "-DSUB_GROUP=" gpu build=-DSUB_GROUP verify --op conv2d --case one_pixel --quick --device 0
