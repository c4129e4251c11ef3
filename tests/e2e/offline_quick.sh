#!/usr/bin/env bash
# The kernels of the quickstart, compiled for a GPU of each vendor that is not here, as SPIR-V for OpenCL 1.2, and linted: no undefined
# function, no spill, at most 32 KB of local memory.  tests/portable/offline_compile.sh has all kernels and chips, and the table.
set -euo pipefail
exec "$SOURCE/tools/offline-compile" --quiet --config "$SOURCE/configs/quickstart.yaml" --conv auto --table none \
    --chip gfx1030 --chip sm_80 --chip dg2 --chip pvc --chip spirv --chip lint
