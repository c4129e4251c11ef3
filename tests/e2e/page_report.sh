#!/usr/bin/env bash
# The page of runs in headless Chromium: opened, zoomed, followed by real events; SHOTS=DIR keeps screenshots.
. "$SOURCE/tests/e2e/common"
export PYTHONDONTWRITEBYTECODE=1
python=/usr/bin/python3
$python -c 'import selenium' 2> /dev/null || { echo "skipped: no python3-selenium"; exit 77; }
[ -x /usr/bin/chromium ] && [ -x /usr/bin/chromedriver ] || { echo "skipped: no chromium or chromium-driver"; exit 77; }
sed 's/count: 4/count: 4\n    save: [trajectory]/; /save: \[grid, npy\]/d' "$tiny" > my.yaml
"$SCORECL" check --print my.yaml > resolved.yaml
sed 's/lr: 0.001/lr: 0.01/' resolved.yaml > other.yaml
$python "$SOURCE/tests/pages/make_run.py" resolved.yaml "a <b>run" 200000
$python "$SOURCE/tests/pages/make_run.py" other.yaml other 400
"$SCORECL" report "a <b>run" > /dev/null
"$SCORECL" report "a <b>run" other --out both.html > /dev/null
$python "$SOURCE/tests/pages/look_report.py" "a <b>run" both.html "$SCORECL"
