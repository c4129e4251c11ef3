#!/usr/bin/env bash
# Every candidate of every case, with and without -cl-denorms-are-zero; the lint with every option set.
set -euo pipefail
"$SCORECL" verify --all
exec "$SOURCE/tools/lint-kernels" --scorecl "$SCORECL" --all
