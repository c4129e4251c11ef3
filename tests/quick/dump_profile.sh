#!/usr/bin/env bash
# The graph of a profile as a picture: a valid SVG with every node that was measured, whose colours follow the times.
. "$(dirname "$0")/../e2e/common"

profile=$SOURCE/tests/profile/toy.json
expect 2 "without CONFIG" "$SCORECL" dump plan --profile "$profile" --format dot
expect 2 "no stage 'nowhere'" "$SCORECL" dump graph --profile "$profile" --stage nowhere --format dot
expect 2 "needs a CONFIG" "$SCORECL" dump graph
command -v dot > /dev/null || { echo "SKIP: Graphviz is not installed (Debian: graphviz)"; exit 77; }

"$SCORECL" dump graph --profile "$profile" --format svg > graph.svg
python3 - "$profile" <<'PYTHON' || fail "the picture of a profile"
import json
import sys
import xml.etree.ElementTree as xml

svg = "{http://www.w3.org/2000/svg}"
stage = json.load(open(sys.argv[1]))["stages"][0]
times, outputs, inputs = {}, {}, {}
for row in stage["kernels"]:
    node = row["plan"], row["node"]
    times[node] = times.get(node, 0) + row["step_s"]["median"]
    for value in row["outputs"]:
        outputs[row["plan"], value["name"]] = node
shown, edges = [], 0
for group in xml.parse("graph.svg").getroot().iter(svg + "g"):
    edges += group.get("class") == "edge"
    if group.get("class") == "node":
        colour = group.find(f".//{svg}polygon").get("fill")
        label = [t.text for t in group.iter(svg + "text")][-1]
        shown.append((float(label.split(" ms")[0]), int(colour[3:5], 16) + int(colour[5:7], 16)))
assert len(shown) == len(times) > 50, (len(shown), len(times))
assert edges > len(times) / 2, edges
assert [t for t, _ in sorted(shown)] == sorted(round(1e3 * t, 3) for t in times.values()), "times"
assert max(shown)[1] == min(c for _, c in shown) and min(c for _, c in shown) < max(c for _, c in shown), "the longest is the reddest"
shown.sort(key=lambda node: (node[0], -node[1]))
for (t, c), (u, d) in zip(shown, shown[1:]):
    assert d <= c + 2, "a longer node is not paler"
print(f"{len(shown)} nodes, {edges} edges")
PYTHON
