#!/usr/bin/env bash
# What a failing case prints to repeat it fails again: alone, in a fresh shell, with the candidate, the flags and what in the environment
# changes kernels.
. "$(dirname "$0")/../e2e/common"
"$SCORECL" devices > /dev/null 2>&1 || { echo "skipped: there is no OpenCL device here"; exit 77; }

# Only groups of 16 are wrong: neither the default nor an extreme candidate has them.
folder="$work/planted kernels"
mkdir -p "$folder/ops"
sed 's|row\[4 \* q + e\] = word\[e & 3\]\[e >> 2\];|row[4 * q + e] = word[e \& 3][e >> 2] + (WG == 16 ? PLANTED : 0);|' \
    "$SOURCE/cl/ops/random.cl" > "$folder/ops/random.cl"
! cmp -s "$folder/ops/random.cl" "$SOURCE/cl/ops/random.cl" || fail "nothing was planted"
export SCL_KERNEL_DIR=$folder

# repeats OPTIONS FLAGS...: the case fails so, and the line that is printed fails in the same words.
repeats()
{
    local options=$1 line; shift
    SCL_CL_OPTIONS=$options expect 4 "FAIL random_normal one_value: chunks WG=16" "$SCORECL" verify --op random_normal --case one_value "$@"
    grep -m1 '^FAIL' said > first
    line=$(sed -n 's/^ *repeat with: //p' said | head -1)
    expect 4 "$(cat first)" env -u SCL_KERNEL_DIR PATH="$(dirname "$SCORECL"):$PATH" sh -c "$line"
    echo "fails again: ${line//$work\//}"
}
# Options of any length, those of the pass that flushes included.
many=$(printf -- '-DOTHER%d ' {1..60})
repeats "$many-DPLANTED=1.0f" --all
SCL_CL_OPTIONS="$many-DPLANTED=1.0f" expect 4 "0 passed, 2 failed" "$SCORECL" verify --op random_normal --case one_value --all
[ "$(grep -c '^FAIL random_normal one_value: chunks WG=16' said)" = 2 ] || { cat said; fail "options are cut"; }
repeats "-DPLANTED=1.0f" -o tune.random_normal.WG=16
# What is printed without --candidate would pass: it has to be there.
SCL_CL_OPTIONS=-DPLANTED=1.0f expect 0 "0 failed" "$SCORECL" verify --op random_normal --case one_value
