#!/usr/bin/env bash
# The golden outputs of the official networks, on the default device: everything passes its gate.
set -euo pipefail
folder=$SOURCE/tests/golden
check() {    # check FILE QUANTITIES ALGORITHM
    "$SCORECL" verify --golden "$folder/$1.safetensors" -o "conv=$3" --no-skip > golden.txt || { cat golden.txt; echo "FAIL $1 conv=$3"; exit 1; }
    cat golden.txt
    [ "$(tail -n 1 golden.txt)" = "$2 passed, 0 failed, 0 skipped" ] || { echo "FAIL $1 conv=$3: not all of $2 quantities"; exit 1; }
}
for algorithm in direct clblast winograd4 winograd2 auto; do
    check ncsn_28x28x1_ngf8 28 $algorithm
done
check ncsnv2_32x32x3_ngf8 6 winograd4
# Every sampler's trajectory, and both ways of inpainting.
check samplers_28x28x1_ngf8 7 direct
check samplers_28x28x1_ngf8 7 winograd4
check toy_mlp 9 auto

# --no-skip makes skips failures; a file of which nothing can be computed is no success.
LC_ALL=C sed -E 's/("net": ?)"mlp"/\1"nix"/' "$folder/toy_mlp.safetensors" > unknown.safetensors
for flag in --no-skip ""; do
    code=0
    "$SCORECL" verify --golden unknown.safetensors $flag --json golden.json > golden.txt || code=$?
    [ $code = 4 ] && grep -q '^0 passed, 0 failed, ' golden.txt || { cat golden.txt; echo "FAIL unknown network: exit code $code"; exit 1; }
    grep -q '"verdict": "skip"' golden.json
done
