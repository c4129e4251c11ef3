#!/usr/bin/env bash
# Winograd training and sampling: the same weights and samples on the C definitions, with fusions on and off, with one thread, other
# tiles and micro-batches; and the number of launches changes as it must.  With $EVERYTHING (tests/slow) every fusion of winograd2
# too, and further tiles: each compiles dozens of convolutions that differ from those here by a constant.
. "$(dirname "${BASH_SOURCE[0]}")/common"

make_data
run()
{
    local out=$1; shift
    "$SCORECL" run "$tiny" --out "$out" -o data.format=npy -o "data.path=$work/data.npy" -o stages.train.steps=8 \
        -o stages.train.eval.every=never -o "conv=$conv" "$@" > "$out.log" 2>&1 || { cat "$out.log"; fail "$out"; }
}
both() { "$SCORECL" checksum "$(latest "$1")" "$1/sample/samples.npy" | cut -c1-64 | tr '\n' ' '; }
equal() { [ "$(both "$conv")" = "$(both "$1")" ] || fail "$conv and $1 end with different bits"; echo "$1: $(both "$1")"; }
launches()
{
    "$SCORECL" dump schedule "$tiny" -o data.path=. -o "conv=$conv" --stage sample "$@" | sed -n '1s/.*: \([0-9]*\) launches.*/\1/p'
}
gpu_tiles()
{
    run "gpu-$1" -o tune.conv2d.BM=32 -o tune.conv2d_dx.BM=32 -o tune.conv2d_dw.BM=32 -o "fuse_input=$1"; equal "gpu-$1"
}

for conv in winograd4 winograd2; do
    run "$conv"
    grep -q "begin_conv=$conv" "$conv/config.yaml" || fail "config.yaml does not name the algorithm"
    run "$conv-definitions" --device reference;   equal "$conv-definitions"
    run "$conv-micro" -o stages.train.accumulate=5; equal "$conv-micro"
    [ $conv = winograd4 ] || [ "${EVERYTHING:-}" ] || continue
    run "$conv-unfused" -o fuse=false;            equal "$conv-unfused"
    run "$conv-no-output" -o fuse_output=false;   equal "$conv-no-output"
    run "$conv-no-along" -o fuse_along=false;     equal "$conv-no-along"
    run "$conv-input" -o fuse_input=true;         equal "$conv-input"
done
conv=winograd4
# A batch of more than a group of 32 samples, whole, in runs of a group, and in runs that cut the groups.
groups=(-o stages.train.batch=64 -o stages.train.steps=2)
run groups "${groups[@]}"
for runs in 2 5; do
    run "groups-$runs" "${groups[@]}" -o "stages.train.accumulate=$runs"
    [ "$(both groups)" = "$(both "groups-$runs")" ] || fail "a batch in $runs runs ends with different bits"
done
POCL_MAX_PTHREAD_COUNT=1 run one_thread;          equal one_thread
gpu_tiles true
if [ "${EVERYTHING:-}" ]; then
    gpu_tiles false
    run tiles -o tune.conv2d.TILES=16 -o tune.conv2d_dx.MR=8; equal tiles
fi
[ "$(both winograd4)" != "$(both winograd2)" ] || fail "winograd4 and winograd2 are the same"

# 34 residual adds go into the convolution before them; 71 activations into the launch that normalises before them, or else into the
# convolution behind them.
all=$(launches) none=$(launches -o fuse_output=false) apart=$(launches -o fuse_along=false)
input=$(launches -o fuse_along=false -o fuse_input=true)
echo "launches: $all as by default, $none without the output side, $apart without along, $input with the input side instead"
[ $((none - all)) -eq 34 ] || fail "the output side does not take 34 launches away"
[ $((apart - all)) -eq 71 ] || fail "fusing along does not take 71 launches away"
[ $((apart - input)) -gt 50 ] || fail "the input side does not take more than 50 launches away"
