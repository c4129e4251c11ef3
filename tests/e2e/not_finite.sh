#!/usr/bin/env bash
# A loss that is not finite stops the run, says step and node, and the last good checkpoint stays; the held-out loss too.
. "$(dirname "$0")/common"

# Floats [16,8,8]: every tenth picture, the held-out ones, is too large for a float's square.
pictures()
{
    python3 - "$1" <<'P'
import struct, sys
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 8, 8), }".ljust(117) + "\n"
rows = b"".join(struct.pack("<64f", *[float(sys.argv[1]) * (k % 7 - 3) if i % 10 == 9 else k % 5 / 8 for k in range(64)])
                for i in range(20))
open("large.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + rows)
P
}
run() { "$SCORECL" run "$tiny" --device reference --only train -o data.format=npy -o data.transform.flip=false "$@"; }

pictures 1e25
flags=(-o "data.path=$work/large.npy" -o stages.train.steps=10 -o stages.train.checkpoint.every=2)
expect 1 "the held-out loss is not finite after step 4: node" run --out held "${flags[@]}" -o stages.train.eval.every=4
grep -qF "the last good checkpoint is held/train/checkpoints/latest.safetensors" said || fail "the checkpoint is not named"
grep -qF "error: stage train: the held-out loss" held/log.txt || fail "log.txt does not say it"
[ "$(readlink held/train/checkpoints/latest.safetensors)" = step-00000002.safetensors ] || fail "a later checkpoint was written"
[ ! -e held/train/checkpoints/best.safetensors ] || fail "a loss that is not finite became the best"

# Trained on them: the first step already.
expect 1 "the loss or a gradient is not finite at step 1: node" run --out first "${flags[@]}" -o data.holdout=none \
    -o stages.train.eval.every=never -o stages.train.batch=20
grep -qF "no checkpoint was written yet" said || fail "does not say that there is no checkpoint"
# A rate that throws the weights off: step and checkpoint belong together.
expect 1 "the loss or a gradient is not finite at step" run --out thrown -o "data.path=$work/large.npy" \
    -o stages.train.eval.every=never -o stages.train.checkpoint.every=1 -o stages.train.optimizer.method=sgd \
    -o stages.train.optimizer.lr=100 -o stages.train.optimizer.clip=0 -o stages.train.optimizer.schedule=constant
at=$(sed -n 's/.*not finite at step \([0-9]*\):.*/\1/p' said)
[ "$(readlink thrown/train/checkpoints/latest.safetensors)" = "$(printf 'step-%08d.safetensors' $((at - 1)))" ] ||
    fail "step $at failed, but the last checkpoint is $(readlink thrown/train/checkpoints/latest.safetensors)"
"$SCORECL" checksum thrown/train/checkpoints/latest.safetensors > /dev/null || fail "the last checkpoint cannot be read"
