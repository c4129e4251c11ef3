#!/usr/bin/env bash
# The page of a profile in headless Chromium: sorted, filtered and clicked by real events; SHOTS=DIR keeps screenshots.
. "$SOURCE/tests/e2e/common"
export PYTHONDONTWRITEBYTECODE=1
python=/usr/bin/python3
$python -c 'import selenium' 2> /dev/null || { echo "skipped: no python3-selenium"; exit 77; }
[ -x /usr/bin/chromium ] && [ -x /usr/bin/chromedriver ] || { echo "skipped: no chromium or chromium-driver"; exit 77; }
"$SCORECL" profile "$SOURCE/configs/toy_vp.yaml" --steps 10 --out p -o stages.train.batch=32 > said 2>&1 || fail "$(cat said)"
$python "$SOURCE/tests/pages/look_profile.py" p/profile.html p/profile.json
