#!/usr/bin/env bash
# The plans that tools/offline/plans.json names launch whatever any plan of the shipped configs launches, on every description;
# one plan less and a plan that is none are seen.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
offline="$SOURCE/tools/offline-compile"
fail() { echo "FAILED: $*" >&2; cat "$work/out" >&2; exit 1; }

# planted PATTERN CHANGE: as python3 changes the plans of the first description
planted()
{
    local pattern=$1 code=0
    python3 - "$SOURCE/tools/offline/plans.json" "$work/plans.json" "$2" <<'P'
import json, sys
cover = json.load(open(sys.argv[1]))
plans = cover[sorted(cover)[0]]
exec(sys.argv[3])
json.dump(cover, open(sys.argv[2], "w"))
P
    "$offline" --check-cover 1 --plans "$work/plans.json" > "$work/out" || code=$?
    [ $code = 1 ] && grep -qE "^FAIL $pattern" "$work/out" && grep -q "1 descriptions: .*--cover .* renews it" "$work/out" ||
        fail "not seen: $2"
    grep -m1 ^FAIL "$work/out" | cut -c1-200
}
planted '[^ ]*: nothing named launches .*; [^ ]+ [^ ]+ [^ ]+ does' 'del plans[0]'
planted '[^ ]*: nothing named launches conv_gpu \(fused\) \[-D.*\]; ' 'plans.clear()'
planted '[^ ]*: no_such train auto is no plan' 'plans.append(["no_such", "train", "auto"])'

"$offline" --check-cover > "$work/out" || fail "stale"
cat "$work/out"
