#!/usr/bin/env bash
# verify --config: equal devices are equal, and of a device that computes wrong bits in one kernel from one step on the step, the
# node, the launch and the elements are named; the reproducer goes wrong on that device alone, and is right with the right source.
# Stages that train, sample, measure densities, evaluate and plot.  Two devices of PoCL, of which the second one builds a kernel
# with a fault planted into it; and guards, which name the kernel that writes outside of its buffers.
. "$(dirname "$0")/common"

two_devices
right=$one wrong=$two

{ cat "$SOURCE/tests/e2e/toy.yaml"; echo '  sample: { kind: sample, needs: [train], sampler: { step_lr: 1.0e-3 }, count: 4 }'; } > toy.yaml
sed '/  sample:/d; s/widths: \[16\]/&, condition: level/' toy.yaml > measures.yaml
cat >> measures.yaml <<'END'
  density: { kind: likelihood, needs: [train], likelihood: { group: 2, trace: exact } }
  score: { kind: evaluate, needs: [train], samples: data, metrics: [fisher, loss, moments] }
  points: { kind: evaluate, samples: data, metrics: [moments] }
  arrows: { kind: plot, needs: [train], plot: { type: field } }
END
config=toy.yaml

# plant FOLDER FILE SED-SCRIPT: kernel files with a fault that is compiled with -DPLANTED alone.
plant()
{
    mkdir -p "$1/$(dirname "$2")"
    sed "$3" "$SOURCE/cl/$2" > "$1/$2"
    grep -q PLANTED "$1/$2" || fail "the fault does not fit cl/$2 any more"
}

# wrong_device FOLDER FAMILY FLAGS...: verify of $config with the fault on the second device; exit 4, JSON in found.json.
wrong_device()
{
    local folder=$1 family=$2 got=0; shift 2
    env "SCL_KERNEL_DIR=$work/$folder" "SCL_CL_OPTIONS_$wrong=$family:-DPLANTED" \
        "$SCORECL" verify --config "$config" --steps 4 --json found.json --junit found.xml "$@" > /dev/null 2> errors || got=$?
    [ "$got" = 4 ] || { cat errors >&2; fail "$folder: exit $got, not 4"; }
    [ "$folder" = nan ] || [ ! -s errors ] || { cat errors >&2; fail "$folder: something on standard error"; }
    grep -q 'failures="1"' found.xml || fail "$folder: JUnit counts no failure"
}

# has KEY VALUE: the first finding says so.
has()
{
    local got
    got=$(awk -v key="\"$1\":" '/"found":/ { on = 1 } on && $1 == key { sub(/^ *"[^"]*": */, ""); sub(/,$/, ""); print; exit }' found.json)
    [ "$got" = "$2" ] || fail "$1 is $got, not $2"
}

"$SCORECL" verify --config toy.yaml --steps 4 --device "$right" --device "$wrong" --device reference > equal.txt || fail "equal devices are not"
cat equal.txt
[ "$(tail -1 equal.txt)" = "equal: the same bits after each of 9 runs on 3 devices" ] || fail "no verdict"
[ "$(grep -c ' guards: .* equal ' equal.txt)" = 2 ] || fail "guards were not checked on both devices"
"$SCORECL" run toy.yaml --out run --only train --device reference -o stages.train.steps=4 2> /dev/null
grep -q "train weights $(weights run)" equal.txt || fail "the weights are not those of scorecl run"

# One bit of some elements of the noise, from the third step on.
plant noise ops/random.cl 's/^            row\[4 \* q + e\] = .*/&\n#ifdef PLANTED\n        if (step >= 2)\n            row[4 * q] = as_float(as_uint(row[4 * q]) ^ 1u);\n#endif/'
wrong_device noise random --device "$right" --device "$wrong" --no-guards --out noise.replay
has step 3; has operator '"random_normal"'; has stage '"train"'; has index "$wrong"; has launch 0; has reproduces true
grep -q '"differ": 16' found.json || fail "16 of 32 elements differ: the first of each of 16 samples"
expect 4 "16 of 32 elements of out differ" "$SCORECL" verify --replay noise.replay --device "$right"
expect 4 "out[0,0,0,0] = 0x" "$SCORECL" verify --replay noise.replay --device "$wrong"
for file in README.txt replay.json kernel-0.cl buffer-0-counters.before.bin check-0-out.expected.bin check-0-out.got.bin; do
    [ -s "noise.replay/$file" ] || fail "the reproducer has no $file"
done
# For somebody who has no scorecl.
for line in "ScoreCL $("$SCORECL" version --json - | sed -n 's/.*"scorecl": "\(.*\)".*/\1/p') found it (kernel sources: sha256 [0-9a-f]\{64\})" \
            "    out\[0,0,0,0\] = 0x[0-9a-f]\{8\} (.*) instead of 0x" "^Run again alone, .* the device gives other bits, too" \
            "^  name  *\(basic\|cpu-minimal\)" "^  driver  *[0-9]" "^  platform version  *OpenCL .* PoCL" "^  operating system  *Linux " \
            "^  extensions  *cl_khr_byte_addressable_store .*cl_khr_fp64" "scorecl is the program of ScoreCL" "cmake -S . -B build" \
            "^    -cl-std=CL1.2 .* -DPLANTED$" "kernel field, global size 1 16 1, local size 1 1 1$" \
            "^     0  counters  *global pointer: 64 bytes at byte 0 of buffer-0-counters.before.bin$" "^     2  D  *int 2$" "^     4  stream  *uint "; do
    grep -q -- "$line" noise.replay/README.txt || { cat noise.replay/README.txt; fail "README.txt does not say: $line"; }
done
grep -q '"reproduces": true' noise.replay/replay.json && grep -q '"extensions": "cl_khr' noise.replay/replay.json ||
    fail "replay.json has no reproduces or no extensions"
grep -q '#include' noise.replay/kernel-0.cl && fail "the source of the reproducer is not whole"
sed -i 's/as_uint(row\[4 \* q\]) ^ 1u/as_uint(row[4 * q])/' noise.replay/kernel-0.cl
expect 0 "equal: this device gives the expected bits" "$SCORECL" verify --replay noise.replay/replay.json --device "$wrong"
# An error of whoever edits the source is at the line of the file that was edited.
cp -r noise.replay edited
line=$(grep -n "as_uint(row\[4 \* q\])" noise.replay/kernel-0.cl | cut -d: -f1)
sed -i "${line}s/as_uint/as_unit/" edited/kernel-0.cl
expect 1 "edited/kernel-0.cl:$line:" "$SCORECL" verify --replay edited --device "$right"
grep -q "row\[4 \* q\] = as_float(as_unit(" said && ! grep -q "cl/ops\|cl/generated" said || { cat said; fail "the line is not shown"; }
sed 's/^kernel void field(/kernel void meadow(/' noise.replay/kernel-0.cl > edited/kernel-0.cl
expect 1 "edited/kernel-0.cl has no kernel 'field'" "$SCORECL" verify --replay edited --device "$right"
echo "noise: step 3, random_normal, and its reproducer with both sources"

# Of the second batch of samples alone.
plant batch ops/random.cl 's/^            row\[4 \* q + e\] = .*/&\n#ifdef PLANTED\n        if (sample_of(counters, 0) == 2)\n            row[4 * q] = as_float(as_uint(row[4 * q]) ^ 1u);\n#endif/'
wrong_device batch random --device "$right" --device "$wrong" --no-guards --out batch.replay -o stages.sample.batch=2
has step 1; has operator '"random_normal"'; has stage '"sample"'; has first_sample 2; has reproduces true
echo "batch: the second, random_normal"

# A device whose noise is NaN ends its stage; that is what differs, not a failure to compare.
plant nan ops/random.cl 's/^            row\[4 \* q + e\] = .*/&\n#ifdef PLANTED\n        if (step >= 1 \&\& n == 3)\n            row[4 * q + 1] = as_float(0x7fc00000);\n#endif/'
wrong_device nan random --device "$right" --device "$wrong" --no-guards --out nan.replay
has step 2; has operator '"random_normal"'; has reproduces true
grep -q '"got": "0x7fc00000"' found.json || fail "the element is not told by its bits"
grep -q '"failed": "the loss or a gradient is not finite at step 2' found.json || fail "what ended the stage is not told"
echo "nan: step 2, random_normal"

# The first of two launches of a node, whose results have no definition of their own: told by the other device.
plant pack lib/conv_direct.cl '/^kernel void conv_pack(/,/^}/s/^    }$/#ifdef PLANTED\n        if (k == 0 \&\& c == 1)\n            o[0] = as_float(as_uint(o[0]) ^ 1u);\n#endif\n&/'
wrong_device pack linear --device "$right" --device "$wrong" --no-guards --out pack.replay
has step 1; has launch 0; has launches 2; has reproduces true
grep -q '"kernels": "conv_pack (ops/linear.cl' found.json || fail "the launch is not named"
expect 4 "elements of packed differ" "$SCORECL" verify --replay pack.replay --device "$right"
echo "pack: the first of two launches"

# The same in a network whose weights rest: that launch has run long before its step, and counts among the node's.
sed '/^  train:/d; s|needs: \[train\]|checkpoint: run/train/checkpoints/latest.safetensors|' toy.yaml > rest.yaml
config=rest.yaml
wrong_device pack linear --device "$right" --device "$wrong" --no-guards --out rest.replay -o stages.sample.count=64
has stage '"sample"'; has launch 0; has launches 2; has reproduces true
echo "rest: the first of two launches"
config=toy.yaml

# Behind the end of a buffer, where nothing else lies: no bit of a result changes, the band shows it.
plant outside ops/dsm_loss.cl 's/^    if (lid == 0)$/#ifdef PLANTED\n    if (n == 0 \&\& lid == 0)\n        loss[get_num_groups(0)] = 0.0f;\n#endif\n&/'
wrong_device outside dsm_loss --device "$right" --device "$wrong"
grep -q "kernel dsm_loss (ops/dsm_loss.cl, of dsm_loss) writes outside of its buffers: byte 0 behind buffer 'loss of dsm_loss'" found.json ||
    { grep outside found.json >&2; fail "the kernel and the buffer are not named"; }
echo "outside: $(grep -o 'kernel dsm_loss.*loss of dsm_loss' found.json | head -1)"

# What is no reproducer is refused, whatever it is.
mkdir broken && echo '{"memory": 1}' > broken/replay.json
expect 1 "is no replay that this version can run" "$SCORECL" verify --replay broken --device "$right"
cp -r noise.replay cut && truncate -s 3 cut/buffer-0-counters.before.bin
expect 1 "has 3 bytes, not 64" "$SCORECL" verify --replay cut --device "$right"
rm -rf cut; cp -r noise.replay cut
sed 's/"offset": 0,/"offset": 99999999,/' noise.replay/replay.json > cut/replay.json
expect 1 "is no replay that this version can run" "$SCORECL" verify --replay cut --device "$right"

# What else launches kernels.  A flow has its own number of evaluations: this fault is in those at the larger noise level.
config=measures.yaml
"$SCORECL" verify --config $config --steps 4 --device reference --device "$right" > equal.txt || fail "equal measures are not"
cat equal.txt
grep -q "^left: points (evaluate) launches no kernels of its own$" equal.txt || fail "what is left is not named"
[ "$(grep -c ' equal ' equal.txt)" = 3 ] || fail "reference, device and guards are not equal"
for made in "density densities" "score values" "arrows numbers"; do
    grep -q "  $made [0-9a-f]\{64\}  " equal.txt || fail "nothing is compared of: $made"
done
plant flow ops/embedding.cl '/^kernel void embedding(/,/^}/s/^}/#ifdef PLANTED\n    if (items * VEC == 32 \&\& label[n] == 0 \&\& d == 0)\n        rows[n * D] = as_float(as_uint(rows[n * D]) ^ 1u);\n#endif\n}/'
wrong_device flow embedding --device "$right" --device "$wrong" --no-guards --out flow.replay
has stage '"density"'; has first_sample 0; has operator '"embedding"'; has scope '"level.0"'; has launch 0; has reproduces true
grep -q '"differ": 2,' found.json || fail "the first element of each of 2 samples differs"
step=$(awk '/"found":/ { on = 1 } on && $1 == "\"step\":" { print $2 + 0; exit }' found.json)
[ "$step" -gt 1 ] || fail "evaluation $step: the first is at the smallest level, where nothing is wrong"
expect 4 "2 of 32 elements of rows differ" "$SCORECL" verify --replay flow.replay --device "$right"
echo "flow: evaluation $step, embedding, and its reproducer"

# Fisher's divergence is taken at the smallest level, over the reference and over the box; the loss begins with the largest.
plant loss ops/embedding.cl '/^kernel void embedding(/,/^}/s/^}/#ifdef PLANTED\n    if (items * VEC > 4096 \&\& label[n] == 0 \&\& item == 5)\n        rows[n * D + d] = as_float(as_uint(rows[n * D + d]) ^ 1u);\n#endif\n}/'
wrong_device loss embedding --device "$right" --device "$wrong" --no-guards --out loss.replay
has stage '"score"'; has step 3; has operator '"embedding"'; has reproduces true
echo "loss: the third evaluation, embedding"
