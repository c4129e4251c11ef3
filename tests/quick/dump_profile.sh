#!/usr/bin/env bash
# The graph of a profile as a picture: a valid SVG with every node that was measured, whose colours follow the times.
. "$(dirname "$0")/../e2e/common"

profile=$SOURCE/tests/profile/toy.json
expect 2 "without CONFIG" "$SCORECL" dump plan --profile "$profile" --format dot
expect 2 "no stage 'nowhere'" "$SCORECL" dump graph --profile "$profile" --stage nowhere --format dot
expect 2 "needs a CONFIG" "$SCORECL" dump graph
expect 2 "no nodes in a block 'res9'" "$SCORECL" dump graph --profile "$profile" --block res9 --format dot
expect 2 "--block is for" "$SCORECL" dump stages "$tiny" --block res1 --format dot
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

# A network of many nodes is drawn by blocks, soon, with all of its time; a block of it, node by node.
python3 - "$profile" <<'PYTHON'
import copy
import json
import sys

profile = json.load(open(sys.argv[1]))
stage = profile["stages"][0]
rows = []
for k in range(30):
    for row in copy.deepcopy(stage["kernels"]):
        row["scope"] = f"part{k % 10}.{k}" + ("." + row["scope"] if row["scope"] else "")
        row["node"] += 1000 * k
        for value in row["inputs"] + row["outputs"]:
            if value:
                value["name"] += f" of {k}"
        rows.append(row)
stage["kernels"] = rows
json.dump(profile, open("large.json", "w"))
PYTHON
timeout 120 "$SCORECL" dump graph --profile large.json --format svg > large.svg || fail "a large graph"
"$SCORECL" dump graph --profile large.json --block part3.3 --format svg > part.svg
timeout 120 "$SCORECL" dump graph "$SOURCE/configs/fashion.yaml" --format svg > fashion.svg || fail "the graph of a config"
"$SCORECL" dump graph "$SOURCE/configs/fashion.yaml" --block res1.0 --format svg > res1.svg
python3 - large.json <<'PYTHON' || fail "the picture of a large graph"
import json
import re
import sys
import xml.etree.ElementTree as xml

svg = "{http://www.w3.org/2000/svg}"


def boxes(path):
    groups = list(xml.parse(path).getroot().iter(svg + "g"))
    texts = [[t.text for t in g.iter(svg + "text")] for g in groups if g.get("class") == "node"]
    return texts, sum(g.get("class") == "edge" for g in groups), "".join(t.text for t in groups[0].iter(svg + "text"))


kernels = json.load(open(sys.argv[1]))["stages"][0]["kernels"]
nodes = len({(k["plan"], k["node"]) for k in kernels})
shown, edges, words = boxes("large.svg")
assert nodes > 1500 and 10 < len(shown) <= 150 and f"{nodes} nodes in {len(shown)} boxes" in words, (nodes, len(shown))
assert sum(int(re.match(r"(\d+) nodes", t[1]).group(1)) if "nodes" in t[1] else 1 for t in shown) == nodes
total = 1e3 * sum(k["step_s"]["median"] for k in kernels)
assert abs(sum(float(t[-1].split(" ms")[0]) for t in shown) - total) < 0.001 * len(shown), total
part = {(k["plan"], k["node"]) for k in kernels if re.match(r"part3\.3(\.|$)", k["scope"])}
shown, edges, words = boxes("part.svg")
assert len(shown) == len(part) > 50 and edges > 20 and "boxes" not in words, (len(shown), len(part))
assert 20 < len(boxes("fashion.svg")[0]) <= 150 and "boxes" in boxes("fashion.svg")[2]
assert all("res1.0" in t[0] for t in boxes("res1.svg")[0]) and len(boxes("res1.svg")[0]) > 20
print(f"{nodes} nodes as blocks")
PYTHON
