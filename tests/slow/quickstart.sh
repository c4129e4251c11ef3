#!/usr/bin/env bash
# tools/quickstart, as a newcomer runs it, but into folders of the test: the picture that it names is there, and the network has
# learnt what the README promises.
. "$(dirname "$0")/../e2e/common"

QUICKSTART_OUT=$work/run QUICKSTART_BUILD=$work/build "$SOURCE/tools/quickstart" > said 2> log || { tail -20 log said; fail "exit $?"; }
picture=$(sed -n 's/^quickstart: samples are in //p' said)
[ -s "$picture" ] || fail "there is no picture '$picture'"
[ "$(head -c 4 "$picture" | tail -c 3)" = PNG ] || fail "'$picture' is no PNG"
loss=$(sed -n 's/.*"eval_loss": \([0-9.e+-]*\).*/\1/p' run/train/metrics.jsonl | tail -1)
echo "held-out loss $loss"
awk -v loss="${loss:-none}" 'BEGIN { exit !(loss + 0 > 0 && loss + 0 <= 115) }' || fail "the held-out loss is '$loss', not at most 115"
