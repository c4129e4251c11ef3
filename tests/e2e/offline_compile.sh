#!/usr/bin/env bash
# The compilers of three vendors, without their GPUs, SPIR-V validation and the lint, over the kernels of all shipped configs: no
# undefined function, no spill, no register tile in memory, at most 32 KB of local memory, and nothing that takes 10 % more than the
# committed table says; every kernel is in the table, and in a plan that is compiled (on the first description; on all:
# tests/portable/offline_cover.sh).  What is not installed is skipped by name.  A minute on two idle cores, seconds where nothing has
# changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$SOURCE/tools/offline-compile" --check-cover 1 | cut -c1-300
code=0
"$SOURCE/tools/offline-compile" --quiet > "$work/out" || code=$?
cut -c1-300 "$work/out"
[ $code != 77 ] || exit 77
[ $code = 0 ] || { echo "FAILED: offline-compile" >&2; exit 1; }
