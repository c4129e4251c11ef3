#!/usr/bin/env bash
# tools/portability on all that is installed: small operators, training and sampling, recorded launches.  No difference, and each
# implementation that is missing is named with its reason.
. "$(dirname "$0")/../e2e/common"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 77; }
"$SOURCE/tools/portability" --scorecl "$SCORECL" --limit 1800 --op flat_sum,linear,norm_coef,subsample2,random_normal,adam --json m.json > said ||
    { cat said; fail "tools/portability exits with $?"; }
cat said
[ "$(grep -c '^ *-  .*skipped: .' said)" = "$(python3 -c "import json; print(sum(bool(c['skipped']) for c in json.load(open('m.json'))['columns']))")" ] ||
    fail "not every skipped implementation is named with its reason"
grep -q '^recorded launches .* = ' said || fail "no device recorded its launches"

# The archive of a device that computes wrongly, here by a wrong kernel: its folder `reproducer` shows the difference by itself.
mkdir -p kernels/ops
sed 's/scl_div_v(gamma, sigma)/scl_div_v(sigma, gamma)/' "$SOURCE/cl/ops/norm.cl" > kernels/ops/norm.cl
SCL_KERNEL_DIR=$work/kernels expect 4 "DIFFERENT: " "$SOURCE/tools/portability" --scorecl "$SCORECL" --device cpu --archive wrong.tar.gz
tar xzf wrong.tar.gz
grep -q '"norm_' wrong/reproducer/replay.json || fail "the archive has no reproducer of a normalisation"
expect 4 "operator     norm_" "$SCORECL" verify --replay wrong/reproducer
cat said
