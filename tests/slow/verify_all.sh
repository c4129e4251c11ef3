#!/usr/bin/env bash
# Every candidate of every case, with and without -cl-denorms-are-zero; NCSNv2's golden file with direct convolutions; the lint
# with every option set.
set -euo pipefail
"$SCORECL" verify --all
"$SCORECL" verify --golden "$SOURCE/tests/golden/ncsnv2_32x32x3_ngf8.safetensors" -o conv=direct --no-skip
exec "$SOURCE/tools/lint-kernels" --scorecl "$SCORECL" --all
