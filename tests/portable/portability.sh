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
