#!/usr/bin/env bash
# The kernels of the quickstart, compiled for a GPU of each vendor that is not here; tests/portable/offline_compile.sh has all.
set -euo pipefail
exec "$SOURCE/tools/offline-compile" --quiet --config "$SOURCE/configs/quickstart.yaml" --conv auto \
    --chip gfx1030 --chip sm_80 --chip dg2 --chip spirv --chip lint
