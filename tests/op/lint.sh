#!/usr/bin/env bash
# The rules of docs/design/arithmetic.md, section 2, over every kernel with the option sets of the cases.
set -euo pipefail
exec "$SOURCE/tools/lint-kernels" --scorecl "$SCORECL"
