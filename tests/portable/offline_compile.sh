#!/usr/bin/env bash
# The compilers of three vendors, without their GPUs: convolutions and linear layers keep everything in registers, no kernel
# spills, and none has more than 32 bytes of private memory in memory (the short vector at the end of a row).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile BYTES ARGUMENTS...: 77 is no compiler at all.
compile()
{
    local code=0 bytes=$1; shift
    "$SOURCE/tools/offline-compile" --scratch "$bytes" "$@" > "$work/out" || code=$?
    grep -E '^(FAIL|offline-compile:)|skipped' "$work/out" || true
    [ $code != 77 ] || exit 77
    [ $code = 0 ] || { echo "FAILED: offline-compile $*" >&2; exit 1; }
}

compile 0 --family conv --family linear
compile 32 --config "$SOURCE/configs/mnist.yaml" --conv direct

# A register tile in memory is seen: an index that is not known when the kernel is compiled.
tree=$work/tree
mkdir -p "$tree/tools"
cp -r "$SOURCE/cl" "$SOURCE/configs" "$tree"
cp -r "$SOURCE/tools/offline-compile" "$SOURCE/tools/device-descriptions" "$tree/tools"
sed -i 's/^    TILE_EACH(ZERO)/    TILE_EACH(ZERO) acc[get_local_id(0) % TM][0] = (float4)(1.0f);/' "$tree/cl/lib/tile_gpu.cl"
cmp -s "$tree/cl/lib/tile_gpu.cl" "$SOURCE/cl/lib/tile_gpu.cl" && { echo "FAILED: the fault does not fit" >&2; exit 1; }
code=0
"$tree/tools/offline-compile" --family conv --conv direct --config "$tree/configs/mnist.yaml" --chip gfx1030 --chip sm_80 \
    > "$work/out" || code=$?
[ $code = 1 ] && grep -q '^FAIL .* conv_gpu .*bytes of scratch' "$work/out" ||
    { cat "$work/out"; echo "FAILED: a tile in memory is not seen" >&2; exit 1; }
echo "caught: $(grep -m1 '^FAIL' "$work/out")"
