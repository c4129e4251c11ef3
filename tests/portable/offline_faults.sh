#!/usr/bin/env bash
# tools/offline-compile catches what it is there for, and names it: an undefined function (each vendor's compiler hides it in
# its own way), a spill, too much local memory, a kernel that takes 11 % more registers than the table says, what only a newer
# OpenCL has, a kernel that the table does not know; and matrix instructions are refused by chips without them.  The kernels of one
# small family, a chip of each vendor.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
offline="$SOURCE/tools/offline-compile"
chips=(gfx1030 sm_80 dg2 spirv lint)
fail() { echo "FAILED: $*" >&2; cat "$work/out" >&2; exit 1; }

# compile ARGUMENTS...: the exit code, what was said in $work/out
compile()
{
    local args=() c
    for c in "${chips[@]}"; do args+=(--chip "$c"); done
    code=0
    "$offline" --family dsm_loss --config "$SOURCE/configs/quickstart.yaml" --conv direct "${args[@]}" "$@" > "$work/out" 2>&1 || code=$?
}

compile --table "$work/table" --write-table
[ $code != 77 ] || { cat "$work/out"; exit 77; }
[ $code = 0 ] || fail "the kernels as they are"
grep skipped "$work/out" || true
here=$(sed -n 's/^\(gfx[0-9a-z]*\|sm_[0-9]*\|dg2\|spirv\|lint\)  *[0-9]* kernels .*/\1/p' "$work/out")
[ -n "$here" ] || fail "no chip was compiled for"

# plant TEXT: in place of the statement that reads the sample's number
plant()
{
    rm -rf "$work/cl"
    cp -r "$SOURCE/cl" "$work/cl"
    TEXT=$1 HEAD=${2:-} perl -0pi -e 's/(kernel void dsm_loss)/$ENV{HEAD}$1/; s/(    const floatV inv = .*?;\n)/$1$ENV{TEXT}/' "$work/cl/ops/dsm_loss.cl"
    # attributes stand before the kernel: what is declared goes before them
    perl -0pi -e 's/(__attribute__\(\(reqd_work_group_size\(WG, 1, 1\)\)\)\n)(float scl_planted\(float x\);\n)/$2$1/' "$work/cl/ops/dsm_loss.cl"
    cmp -s "$work/cl/ops/dsm_loss.cl" "$SOURCE/cl/ops/dsm_loss.cl" && fail "the fault does not fit"
    compile --kernels "$work/cl" --table "$work/table"
    [ $code = 1 ] || fail "a planted fault gives exit code $code: $1"
}

# caught PATTERN CHIP...: on every one of these chips that is here
caught()
{
    local pattern=$1 chip; shift
    for chip in "$@"; do
        grep -qx "$chip" <<< "$here" || continue
        grep -qE "^FAIL $chip .*dsm_loss.*$pattern" "$work/out" || fail "$chip: $pattern is not caught"
        echo "caught: $(grep -E -m1 "^FAIL $chip .*dsm_loss" "$work/out" | cut -c1-160)"
    done
}

plant '    loss[n] = scl_planted(inv_sigma[n]);
' 'float scl_planted(float x);
'
caught '(undefined|[Uu]nresolved|scl_planted)' gfx1030 sm_80 dg2 spirv

plant '    local float much[10240];
    much[lid] = inv_sigma[n];
    barrier(CLK_LOCAL_MEM_FENCE);
    loss[n + lid] = much[(lid * 7 + D) % 10240];
'
caught '4[0-9]{4} bytes of local memory' gfx1030 sm_80 dg2

# More values alive than there are registers.
values=$(for i in $(seq 400); do echo "    const float4 v$i = vload4($i * D, s); "; done)
stores=$(for i in $(seq 400); do echo "    vstore4(v$i, $i * D + n, loss);"; done)
plant "$values
    barrier(CLK_GLOBAL_MEM_FENCE);
$stores
"
caught '[0-9]+ spills' gfx1030 sm_80 dg2

plant '    loss[n] = (float)(inv_sigma[n] * 2.0);
'
caught 'double' lint

# 11 % more registers than the table says, and 9 %.
for percent in 111 109; do
    awk -F '\t' -v OFS='\t' -v percent=$percent '/^#/ || $1 == "kernel" { print; next } { for (i = 4; i <= NF; i++) if ($i != "") {
        split($i, f, "/"); n = split(f[1], r, "x"); f[1] = sprintf("%.6g", r[1] * 100 / percent) (n > 1 ? "x" r[2] : "")
        $i = f[1] "/" f[2] "/" f[3] "/" f[4] } print }' "$work/table" > "$work/lower"
    compile --table "$work/lower"
    [ $percent = 109 ] || { [ $code = 1 ] || fail "11 % more registers are not seen"; caught 'registers, .* in the table' gfx1030 sm_80 dg2; }
    [ $percent = 111 ] || [ $code = 0 ] || fail "9 % more registers are a fault"
done
# Another compiler's figures are named, not compared.
sed 's/clang 15\|clang 19\|ocloc 2/clang 3/' "$work/table" > "$work/other"
compile --table "$work/other"
[ $code = 0 ] && grep -q 'not compared, the table is of clang 3' "$work/out" || fail "another compiler's table"

# A row that is missing is a fault, one that is left over a note, and writing mends both; other chips' columns stay.
chip=$(grep -v -x -e spirv -e lint <<< "$here" | head -1)
if [ -n "$chip" ]; then
    all() { code=0; "$offline" --chip "$chip" --quiet --table "$work/all" "$@" > "$work/out" || code=$?; }
    all --write-table
    [ $code = 0 ] || fail "the kernels of all plans"
    cp "$work/all" "$work/right"
    awk -F '\t' -v OFS='\t' '/^kernel/ { print; print "no_such_kernel", "WG=64", 64, "1/0/0/0"; next } $1 != "adam"' \
        "$work/right" > "$work/all"
    all
    [ $code = 1 ] && grep -qE "^FAIL the table has no adam \[.*\] of [0-9]+ items on $chip; .*--write-table" "$work/out" ||
        fail "a kernel without a row"
    grep -qE "^note no plan launches no_such_kernel \[WG=64\] of 64 items on $chip any more; .*--write-table" "$work/out" ||
        fail "a row without a kernel"
    grep -E '^FAIL the table|^note no plan' "$work/out" | cut -c1-160
    all --write-table
    cmp "$work/all" "$work/right" || fail "the table that was mended"
    awk -F '\t' -v OFS='\t' '/^#/ { print; next } /^kernel/ { print "# zz\ta compiler"; print $0, "zz"; next } { print $0, "1/2/3/4" }' \
        "$work/right" > "$work/two"
    cp "$work/two" "$work/all"
    all --write-table
    cmp "$work/all" "$work/two" || fail "another chip's column"
fi

# A register tile in memory is seen: an index that is not known when the kernel is compiled.
rm -rf "$work/cl"
cp -r "$SOURCE/cl" "$work/cl"
sed -i 's/^    TILE_EACH(ZERO)/    TILE_EACH(ZERO) acc[get_local_id(0) % TM][0] = (float4)(1.0f);/' "$work/cl/lib/tile_gpu.cl"
cmp -s "$work/cl/lib/tile_gpu.cl" "$SOURCE/cl/lib/tile_gpu.cl" && fail "the fault does not fit"
conv() { code=0; "$offline" --family conv --conv direct --config "$SOURCE/configs/mnist.yaml" --quiet "$@" > "$work/out" || code=$?; }
conv --kernels "$work/cl" --chip gfx1030 --chip sm_80
[ $code = 77 ] || { [ $code = 1 ] && grep -q '^FAIL .* conv_gpu .*bytes of scratch' "$work/out" || fail "a tile in memory is not seen"; }
grep -m1 '^FAIL .*bytes of scratch' "$work/out" || true

# On a device where a kernel may choose the sub-group, it asks for the smallest; left alone, this compiler takes the widest and spills.
sed '/"least_sub_group"/d' "$SOURCE/tools/device-descriptions/intel-max-1550.json" > "$work/left-alone.json"
conv --chip pvc "$work/left-alone.json"
[ $code = 77 ] || { [ $code = 1 ] && grep -q '^FAIL pvc conv_gpu .*spills' "$work/out" || fail "pvc does not spill in wide sub-groups"; }
grep -m1 '^FAIL pvc .*spills' "$work/out" || true

# Matrix instructions: on their chips they are there, others refuse them.
cat > "$work/mma.cl" <<'K'
kernel void f(global const uint *a, global float *c)
{
    float c0 = 0, c1 = 0, c2 = 0, c3 = 0;
    __asm__ volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(a[4]), "r"(a[5]));
    c[0] = c0 + c1 + c2 + c3;
}
K
cat > "$work/mfma.cl" <<'K'
typedef float v4 __attribute__((ext_vector_type(4)));
kernel void f(global const float *a, global v4 *c)
{
    const v4 zero = 0;
    c[get_local_id(0)] = __builtin_amdgcn_mfma_f32_16x16x4f32(a[get_local_id(0)], a[64 + get_local_id(0)], zero, 0, 0, 0);
}
K
cat > "$work/mad.cl" <<'K'
float8 __attribute__((overloadable)) intel_sub_group_f16_f16_matrix_mad_k16(int8 a, int8 b, float8 c);
__attribute__((intel_reqd_sub_group_size(8)))
kernel void f(global const int8 *a, global float8 *c)
{
    c[get_local_id(0)] = intel_sub_group_f16_f16_matrix_mad_k16(a[get_local_id(0)], a[8 + get_local_id(0)], (float8)(0.0f));
}
K
unit()
{
    code=0
    "$offline" --file "$@" > "$work/out" 2>&1 || code=$?
    [ $code = 0 ] && ! grep -q '^FAIL' "$work/out" || fail "matrix unit: $*"
    cat "$work/out"
}
unit "$work/mma.cl" --chip sm_80 --chip sm_120 --expect 'mma\.sync'
unit "$work/mma.cl" --chip sm_75 --chip gfx90a --refused
unit "$work/mfma.cl" --chip gfx90a --expect v_mfma
unit "$work/mfma.cl" --chip gfx1030 --chip sm_80 --refused
unit "$work/mad.cl" --chip dg2 --expect 'dpas\.8x'
unit "$work/mad.cl" --chip tgllp --expect 'dpas\.8x' --refused
