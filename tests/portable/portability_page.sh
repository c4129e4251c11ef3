#!/usr/bin/env bash
# The page of tools/portability in headless Chromium: script without error, a real click shows a cell's details.
set -euo pipefail
command -v chromium > /dev/null || { echo "skipped: chromium is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$(dirname "$0")
python3 "$here/portability_page.py" "$SOURCE/tools" "$work" "${1:-$work/page.png}"
# Without the handler of clicks the same check fails.
mkdir "$work/tools"
cp -r "$SOURCE/tools/portability_lib" "$work/tools"
sed -i 's/button.onclick = .*;/button.onclick = null;/' "$work/tools/portability_lib/page.html"
! cmp -s "$work/tools/portability_lib/page.html" "$SOURCE/tools/portability_lib/page.html"
if python3 "$here/portability_page.py" "$work/tools" "$work" 2> "$work/said"; then
    echo "FAILED: a page that does not answer clicks passes" >&2
    exit 1
fi
grep -q "details after a click" "$work/said" || { cat "$work/said" >&2; exit 1; }
