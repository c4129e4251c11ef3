#!/usr/bin/env bash
# The stages as a picture: a valid SVG with every stage and every need; without Graphviz, an error that names the package.
. "$(dirname "$0")/../e2e/common"

config=$SOURCE/configs/paper/fig3.yaml
expect 1 "apt install graphviz" env PATH=/nowhere "$SCORECL" dump stages "$config" --format svg
expect 2 "a config is no graph" "$SCORECL" dump config "$config" --format svg
expect 2 "text, dot, svg or json" "$SCORECL" dump stages "$config" --format png
"$SCORECL" dump stages "$config" --format dot | grep -q '^digraph stages {' || fail "the program for dot"
command -v dot > /dev/null || { echo "SKIP: Graphviz is not installed (Debian: graphviz)"; exit 77; }

"$SCORECL" dump stages "$config" --format svg > stages.svg
"$SCORECL" dump stages "$config" --format json > stages.json
python3 - <<'PYTHON' || fail "the picture of the stages"
import json
import xml.etree.ElementTree as xml

svg = "{http://www.w3.org/2000/svg}"
stages = json.load(open("stages.json"))
root = xml.parse("stages.svg").getroot()
assert root.tag == svg + "svg", root.tag
titles = {"node": set(), "edge": set()}
for group in root.iter(svg + "g"):
    if group.get("class") in titles:
        titles[group.get("class")].add(group.find(svg + "title").text)
assert titles["node"] == {s["name"] for s in stages} and len(stages) > 2, titles
assert titles["edge"] == {f"{need}->{s['name']}" for s in stages for need in s["needs"]} and titles["edge"], titles
texts = [t.text for t in root.iter(svg + "text")]
assert all(f"{s['name']} ({s['kind']})" in texts for s in stages), texts
print(f"{len(stages)} stages, {len(titles['edge'])} needs")
PYTHON
