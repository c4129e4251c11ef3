#!/usr/bin/env bash
# The golden outputs of the official networks, on the default device: everything passes its gate, and what this version
# does not have is skipped, with a reason.
set -euo pipefail
folder=$SOURCE/tests/golden
check() {    # check ALGORITHM
    local code=0
    "$SCORECL" verify --golden "$folder/ncsn_28x28x1_ngf8.safetensors" -o "conv=$1" > golden.txt || code=$?
    cat golden.txt
    [ $code = 0 ] || { echo "FAIL conv=$1: exit code $code"; exit 1; }
    [ "$(tail -n 1 golden.txt)" = "28 passed, 0 failed, 0 skipped" ] || { echo "FAIL conv=$1: not all of 28 quantities"; exit 1; }
}
check direct
check clblast
check winograd4
check winograd2
check auto

# NCSNv2: every quantity, and none is skipped.  (With direct convolutions: tests/slow/verify_all.sh.)
code=0
"$SCORECL" verify --golden "$folder/ncsnv2_32x32x3_ngf8.safetensors" -o conv=winograd4 --no-skip > golden.txt || code=$?
cat golden.txt
[ $code = 0 ] && grep -q '^6 passed, 0 failed, 0 skipped' golden.txt || { echo "FAIL ncsnv2: exit code $code"; exit 1; }
# Every sampler's trajectory, and both ways of inpainting.
for algorithm in direct winograd4; do
    "$SCORECL" verify --golden "$folder/samplers_28x28x1_ngf8.safetensors" -o "conv=$algorithm" --no-skip > golden.txt || { cat golden.txt; echo "FAIL samplers conv=$algorithm"; exit 1; }
    cat golden.txt
    [ "$(grep -c '^pass ' golden.txt)" = 7 ] || { echo "FAIL samplers conv=$algorithm: not 7 quantities pass"; exit 1; }
done

# The toy: every loss of score matching with its gradient.
"$SCORECL" verify --golden "$folder/toy_mlp.safetensors" --no-skip > golden.txt || { cat golden.txt; echo "FAIL toy_mlp"; exit 1; }
cat golden.txt
