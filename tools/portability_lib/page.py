"""The matrix as one HTML page that needs nothing beside it."""
import json
import os

from .places import ROOT, call, say

FIGURES = ("registers", "simd", "local_bytes", "scratch_bytes", "spills", "resident", "resident_most")  # as in page.html
LIMIT = 1800.0      # seconds


def registers_of(report):
    """What the page shows of a report of tools/offline-compile; rows: {operator: [[kernel, options, items, {chip: figures}]]}."""
    rows = {}
    for k in report["kernels"]:
        for op in k["operators"]:
            row = rows.setdefault(op, {}).setdefault((k["kernel"], k["options"], k["items"]), {})
            row[k["chip"]] = [k[name] for name in FIGURES]
    return {"compilers": report["compilers"], "skipped": report["skipped"],
            "chips": sorted({k["chip"] for k in report["kernels"]}),
            "rows": {op: [[*key, figures] for key, figures in sorted(found.items())] for op, found in rows.items()}}


def compiled(program, families, work):
    """A report of tools/offline-compile for kernels of these families, or None and why."""
    path = os.path.join(work, "registers.json")
    words = [w for family in families for w in ("--family", family)]
    say("what compilers of vendors say of the kernels (minutes the first time)")
    done = call([os.path.join(ROOT, "tools/offline-compile"), "--scorecl", program, "--quiet", "--json", path, *words], LIMIT)
    report = None
    if done.code in (0, 1, 77) and os.path.exists(path):
        with open(path) as f:
            report = json.load(f)
    if report and report["kernels"]:
        return report, None
    return None, "none: " + (", ".join(sorted(set(report["skipped"].values()))) if report else done.last_words())


def render(report, registers, why=None):
    """registers: a report of tools/offline-compile, or None and why there is none."""
    data = dict(report, registers=registers and registers_of(registers), no_registers=why)
    # Inside a script element only these could end it.
    text = json.dumps(data).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.html")) as f:
        return f.read().replace("@DATA@", text)
