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
cp -r "$SOURCE/tools/portability_lib" "$SOURCE/tools/offline" "$work/tools"
sed -i 's/button.onclick = .*;/button.onclick = null;/' "$work/tools/portability_lib/page.html"
! cmp -s "$work/tools/portability_lib/page.html" "$SOURCE/tools/portability_lib/page.html"
if python3 "$here/portability_page.py" "$work/tools" "$work" 2> "$work/said"; then
    echo "FAILED: a page that does not answer clicks passes" >&2
    exit 1
fi
grep -q "details after a click" "$work/said" || { cat "$work/said" >&2; exit 1; }

# The page's registers come by themselves where a vendor's compiler is; where none is, it says so.
# page PATH: what the page knows of adam's registers; only the C definitions, which is nothing to compare
page()
{
    local got=0
    PATH=$1 "$SOURCE/tools/portability" --scorecl "$SCORECL" --only reference --op adam --no-runs --html "$work/own.html" \
        > "$work/said" 2>&1 || got=$?
    [ $got = 3 ] || { cat "$work/said" >&2; exit 1; }
    python3 - "$work/own.html" <<'P'
import json, re, sys
data = json.loads(re.search(r'id="data">(.*?)</script>', open(sys.argv[1]).read(), re.S).group(1))
for kernel, _, _, figures in data["registers"]["rows"]["adam"] if data["registers"] else []:
    print(kernel, "on", *figures)
print(data["no_registers"] or "")
P
}
page "$PATH" > "$work/first"
cat "$work/first"
grep -qE '^adam on (gfx|sm_|dg2)|^none: there is no ' "$work/first" || { echo "FAILED: registers of adam" >&2; exit 1; }
mkdir "$work/bin"
ln -s "$(readlink -f "$(python3 -c 'import sys; print(sys.executable)')")" "$work/bin/python3"
page "$work/bin" > "$work/second"
cat "$work/second"
grep -q '^none: there is no clang' "$work/second" || { echo "FAILED: no compiler, and no word of it" >&2; exit 1; }
