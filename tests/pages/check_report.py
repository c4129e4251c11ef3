"""Checks a report without a browser: check_report.py PAGE ROWS SPIKE.  What it holds, how large it is, and that no text of a run is markup."""
import html.parser
import json
import os
import re
import sys


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.loads, self.data, self.inside, self.policy = [], [], "", None, ""

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.loads += [attrs[k] for k in ("src", "href") if k in attrs]
        self.inside = attrs.get("id") if tag == "script" else None
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.policy = attrs["content"]

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, text):
        if self.inside == "data":
            self.data += text


def check(right, what):
    if not right:
        sys.exit("FAILED: " + what)


path, rows, spike = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
size = os.path.getsize(path)
page = Page()
with open(path, encoding="utf-8") as f:
    text = f.read()
page.feed(text)
check(size < 10e6, "the page has %d bytes" % size)
check(page.tags.count("script") == 4 and text.count("</script") == 4, "%d scripts, %d ends of scripts" % (page.tags.count("script"), text.count("</script")))
check(not page.loads, "it loads %s" % page.loads)
check(page.policy.startswith("default-src 'none'"), "its policy is '%s'" % page.policy)
check("Permission is hereby granted, free of charge" in text and "Chart.js Contributors" in text, "the library's licence is not in it")
check(not re.search(r"(?m)^@[a-z.]+@$", text), "a mark of the template is left")

run = json.loads(page.data)["runs"][0]
stages = {s["name"]: s for s in run["stages"]}
loss = stages["train"]["metrics"]["columns"]["loss"]
norm = stages["train"]["metrics"]["columns"]["grad_norm"]
steps, values = loss["points"]
check(loss["count"] == rows and stages["train"]["metrics"]["rows"] == rows, "%d of %d rows" % (loss["count"], rows))
check(len(steps) == len(values) <= 3000, "%d points" % len(steps))
check(values[steps.index(spike)] == 98765.4375, "the spike is %s" % values[steps.index(spike)])
check(steps == sorted(steps) and steps[0] <= 150 and steps[-1] > rows - 150, "steps %s to %s" % (steps[0], steps[-1]))
check(norm["bad"] == 1 and norm["count"] == rows - 1, "%d values that are not finite" % norm["bad"])
with open(os.path.dirname(path) + "/train/metrics.jsonl", encoding="ascii") as f:
    all_rows = {r["step"]: r["loss"] for r in map(json.loads, f.read().split("\n")[:-1])}
check(all(all_rows[s] == v for s, v in zip(steps, values)), "a point is no row of the file")
check(max(all_rows.values()) == max(values) and min(all_rows.values()) == min(values), "extremes are lost")
if rows > 3000:
    mean = sum(loss["means"][1]) / len(loss["means"][1])
    check(abs(mean - sum(all_rows.values()) / rows) < 0.01 * mean, "the mean of the means is %g" % mean)
check([p["step"] for p in stages["train"]["samples"]] == [k * rows // 4 for k in range(5)], "samples over training")
check(stages["sample"]["trajectory"]["sigma"][::2] == [1, 0.05] and stages["sample"]["trajectory"]["columns"] == 4, "levels of the trajectory")
check(all(p["uri"].startswith("data:image/png;base64,iVBOR") for p in stages["sample"]["pictures"]), "pictures")
check(stages["evaluate"]["evaluation"]["values"]["frechet"] == {"value": 12.375, "error": 0.25}, "evaluation")
check(run["config"]["stages"]["train"]["optimizer"]["method"] == "adam", "config")
check("taken" in run["config_text"] and run["log"][1].endswith("\u2028"), "texts are whole")
print("%s: %d bytes, %d rows in %d points" % (path, size, rows, len(steps)))
