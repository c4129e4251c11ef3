#!/usr/bin/env bash
# The same weights and samples on the C definitions, PoCL and rusticl: 8x8 pictures, 4 channels, 3 steps.
. "$(dirname "$0")/../e2e/common"

make_data
flags=(-o data.format=npy -o "data.path=$work/data.npy" -o stages.train.steps=3 -o stages.train.batch=4 -o noise.levels=2
       -o stages.train.eval.images=4 -o stages.sample.count=2 -o stages.sample.sampler.steps_per_level=1)
sums()
{
    "$SCORECL" checksum "$1/train/checkpoints/latest.safetensors" "$1/sample/samples.npy" | cut -c1-64
}

"$SCORECL" run "$tiny" --out reference --device reference "${flags[@]}" > log 2>&1 || { cat log; fail "reference"; }
compared=0
export RUSTICL_ENABLE=llvmpipe
for device in "Portable Computing Language" rusticl; do
    if ! "$SCORECL" devices 2>/dev/null | grep -q "$device:"; then
        echo "skipped: there is no $device here"
        continue
    fi
    "$SCORECL" run "$tiny" --out "run-$device" --device "$device" "${flags[@]}" > log 2>&1 || { cat log; fail "$device"; }
    grep -q "\"platform\": \"$device" "run-$device/environment.json" || fail "it ran on another device than $device"
    [ "$(sums "run-$device")" = "$(sums reference)" ] || fail "$device differs: $(sums "run-$device") instead of $(sums reference)"
    echo "$device: $(sums "run-$device" | head -1)"
    compared=$((compared + 1))
done
[ $compared -gt 0 ] || exit 77
