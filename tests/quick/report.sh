#!/usr/bin/env bash
# `scorecl report` without a browser: what a page of a long run holds, texts that look like markup, the server of --follow.
. "$SOURCE/tests/e2e/common"
command -v python3 > /dev/null || { echo "skipped: no python3"; exit 77; }
sed 's/count: 4/count: 4\n    save: [trajectory]/; /save: \[grid, npy\]/d' "$tiny" > my.yaml
"$SCORECL" check --print my.yaml > resolved.yaml 2> said || fail "$(cat said)"
python3 "$SOURCE/tests/pages/make_run.py" resolved.yaml long 200000 123457
python3 "$SOURCE/tests/pages/make_run.py" resolved.yaml short 20 10
for run in "long 200000 123457" "short 20 10"; do
    read -r name rows spike <<< "$run"
    [ "$("$SCORECL" report $name)" = $name/report.html ] || fail "report does not say where it is"
    python3 "$SOURCE/tests/pages/check_report.py" $name/report.html $rows $spike
done
"$SCORECL" report long short --out both.html --json both.json > /dev/null
[ "$(grep -c '"folder": "short"' both.json)" = 1 ] || fail "the second run is not on the page"
expect 1 "'.' is no run directory: it has no config.yaml" "$SCORECL" report .
expect 2 "--port takes a number up to 65535" "$SCORECL" report long --follow --port 70000
expect 2 "--follow writes no file" "$SCORECL" report long --follow --out x.html
python3 "$SOURCE/tests/pages/follow.py" "$SCORECL" short
