#!/usr/bin/env bash
# No description of a GPU ever gets a CPU's kernel: register tiles (MR, NR), wide vectors, groups of one work-item; none
# misses a kernel for its convolutions, and its names decide nothing.  Every algorithm, training and sampling, of a small
# network; training of a large one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() { echo "FAILED: $*" >&2; exit 1; }

described=0
for file in "$SOURCE"/tools/device-descriptions/*.json; do
    grep -q '"class": "GPU"' "$file" || continue
    described=$((described + 1))
    for config in quickstart cifar10; do
        for conv in auto direct winograd4 winograd2; do
            for stage in train sample; do
                [ $config = quickstart ] || [ $conv$stage = autotrain ] || continue
                "$SCORECL" dump plan "$SOURCE/configs/$config.yaml" -o "conv=$conv" --stage "$stage" --describe "$file" > plan \
                    2> err || { cat err; fail "$file: no plan for $config, $conv"; }
                if grep -E '^ .* (WG=1|VEC=(8|16)|[MN]R=[0-9]+)( |$)|^ +(direct|winograd|winograd_fused)( |$)' plan > wrong; then
                    head -3 wrong
                    fail "$file: a CPU's kernel for $config, $conv, $stage"
                fi
                case $conv in
                    auto) grep -qE '^ +(direct|winograd)_gpu BN=' plan ;;
                    direct) grep -q '^ *direct_gpu BN=' plan && ! grep -q winograd plan ;;
                    *) grep -q '^ *winograd_gpu BN=' plan ;;
                esac || fail "$file: $conv does not show in the plan for $config, $stage"
            done
        done
    done
done
[ "$described" -ge 6 ] || fail "only $described GPUs are described"

# What the pattern means: a CPU's plan has what no GPU's may have.
sed 's/"class": "GPU"/"class": "CPU"/; s/"vector_width": 1/"vector_width": 16/; s/"local_bytes": [0-9]*/"local_bytes": 1048576/' \
    "$SOURCE/tools/device-descriptions/nvidia-h100.json" > cpu.json
"$SCORECL" dump plan "$SOURCE/configs/mnist.yaml" --describe cpu.json > plan
grep -qE '^ .* NR=[0-9]+( |$)' plan && grep -qE '^ +winograd_fused ' plan || fail "a CPU's plan has no CPU's kernel"

# Names decide nothing; how many compute units a core has does.  A core has one at least.
arc=$SOURCE/tools/device-descriptions/intel-arc-a770.json
planned()
{
    "$SCORECL" dump plan "$SOURCE/configs/quickstart.yaml" --describe "$1" | sed '1s/ for [^:]*:/:/' > "$2" && [ -s "$2" ]
}
sed -E 's/"(name|vendor|platform)": "[^"]*"/"\1": "another"/' "$arc" > named.json
sed '/"units_per_core"/d' "$arc" > silent.json
sed 's/"units_per_core": [0-9]*/"units_per_core": 0/' "$arc" > zero.json
for d in "$arc" named.json silent.json zero.json; do planned "$d" "plan-$(basename "$d" .json)" || fail "$d: no plan"; done
cmp plan-intel-arc-a770 plan-named || fail "a name changes the plan"
! cmp -s plan-intel-arc-a770 plan-silent || fail "512 cores get the plan of 32"
cmp plan-silent plan-zero || fail "no compute unit of a core is not one"
echo "$described GPUs, no CPU's kernel"
