#!/usr/bin/env bash
# The whole published fingerprint on every implementation that is here; tests/op/fingerprint.sh has the short one.
. "$(dirname "$0")/../e2e/common"
compared=0
export RUSTICL_ENABLE=llvmpipe
for device in "Portable Computing Language" rusticl; do
    "$SCORECL" devices 2>/dev/null | grep -q "$device:" || { echo "skipped: there is no $device here"; continue; }
    "$SCORECL" verify --fingerprint --all --device "$device" || fail "$device"
    compared=$((compared + 1))
done
[ $compared -gt 0 ] || exit 77
