#!/usr/bin/env bash
# The compilers of three vendors, without their GPUs, over the kernels of all shipped configs: no undefined function, no spill, no
# register tile in memory, at most 32 KB of local memory, and nothing that takes 10 % more than the committed table says.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

code=0
"$SOURCE/tools/offline-compile" --quiet > "$work/out" || code=$?
grep -v '^note ' "$work/out" | cut -c1-300
[ $code != 77 ] || exit 77
[ $code = 0 ] || { echo "FAILED: offline-compile" >&2; exit 1; }

# A register tile in memory is seen: an index that is not known when the kernel is compiled.
cp -r "$SOURCE/cl" "$work/cl"
sed -i 's/^    TILE_EACH(ZERO)/    TILE_EACH(ZERO) acc[get_local_id(0) % TM][0] = (float4)(1.0f);/' "$work/cl/lib/tile_gpu.cl"
cmp -s "$work/cl/lib/tile_gpu.cl" "$SOURCE/cl/lib/tile_gpu.cl" && { echo "FAILED: the fault does not fit" >&2; exit 1; }
code=0
"$SOURCE/tools/offline-compile" --kernels "$work/cl" --family conv --conv direct --config "$SOURCE/configs/mnist.yaml" --chip gfx1030 \
    --chip sm_80 --quiet > "$work/out" || code=$?
[ $code != 77 ] || exit 0
[ $code = 1 ] && grep -q '^FAIL .* conv_gpu .*bytes of scratch' "$work/out" ||
    { cat "$work/out"; echo "FAILED: a tile in memory is not seen" >&2; exit 1; }
echo "caught: $(grep -m1 '^FAIL' "$work/out")"
