"""The matrix's page in Chromium: its script runs, a real click tells a cell's error, time and registers, no word of it is markup.

  portability_page.py TOOLS FOLDER [SCREENSHOT]
"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [sys.argv[1], os.path.dirname(os.path.abspath(__file__))]
import chromium  # noqa: E402
from offline import compilers, report as offline  # noqa: E402
from portability_lib import matrix, page  # noqa: E402

EVIL = "</script><img src=x onerror=\"document.title='markup'\">"
failed = []


def check(good, what):
    if not good:
        failed.append(what)
        print("FAILED: " + what, file=sys.stderr)


def report():
    """A matrix with every outcome, of columns that are named like the real ones."""
    names = ["reference", "pocl", "rusticl", "oclgrind", "trixie-pocl", "intel", "sid-rusticl"]
    columns = [{"name": n, "about": f"about {n}", "skipped": "", "device": {"name": f"a device of {n}", "platform": "P", "driver": "1.2",
                                                                           "version": "OpenCL 3.0"}} for n in names]
    columns.append({"name": "gone", "about": "gone", "skipped": "no driver " + EVIL, "device": None})
    rows, cells, outcomes = ["conv2d", "flat_sum", "adam", "train, sample"], {}, list(matrix.OUTCOMES)
    for i, row in enumerate(rows):
        for k, name in enumerate(names):
            outcome = outcomes[(k + i) % len(outcomes)] if i else "same"
            message = "s[1] = 0x4282b663 instead of 0x4282b662 " + EVIL if outcome == "differs" else ""
            cells.setdefault(row, {})[name] = matrix.cell(outcome, message, 1.25 * k, error=1.5e-7, tolerance=2e-6,
                                                          derivative_error=None, cases=6, by_tolerance=[])
    return {"versions": {"scorecl": "0.1.0", "arithmetic": 1, "kernels_sha256": "48a30715131e356d"}, "depth": "quick",
            "outcomes": matrix.OUTCOMES, "rows": rows, "columns": columns, "cells": cells, "verdict": "DIFFERENT: a test", "passed": False}


def registers():
    """A report of tools/offline-compile: a kernel of two operators on two chips, and one with spills on one of them."""
    gpu, wide = ("conv_gpu", "BN=16 BM=128", 128), ("conv_wide " + EVIL, "", 64)
    rows = {("gfx90a", *gpu): compilers.Figures(98, 12832, 0, 0), ("dg2", *gpu): compilers.Figures(128, 12288, 0, 0, 16),
            ("dg2", *wide): compilers.Figures(256, 0, 48, 3, 8)}
    operators = {gpu[:2]: {"conv2d", "conv2d_dx"}, wide[:2]: {"conv2d"}}
    return json.loads(offline.to_json(rows, {}, operators, {"gfx90a": "clang 15", "dg2": "ocloc 22"}, {},
                                      {"gfx942": "there is no clang-19"}, [], [], 1.0))


def main():
    folder = sys.argv[2]
    path = os.path.join(folder, "matrix.html")
    with open(path, "w") as f:
        f.write(page.render(report(), registers()))
    with chromium.Page("file://" + path) as p:
        check(p.value("document.querySelectorAll('#matrix tbody button').length") == 28, "a button for each cell")
        check(p.value("document.getElementById('verdict').textContent") == "DIFFERENT: a test", "the verdict")
        colours = p.value("[...new Set([...document.querySelectorAll('#matrix tbody button')].map("
                          "b => getComputedStyle(b).backgroundColor))].length")
        check(colours == len(matrix.OUTCOMES) - 1, f"a colour for each outcome, a crash being a failure, not {colours}")
        details = "document.getElementById('details').innerText"
        check("worst error" not in p.value(details), "no details before a click")
        p.click("button[data-row='conv2d'][data-column='oclgrind']")
        text = p.value(details)
        for word in ("conv2d on oclgrind: same bits", "a device of oclgrind", "1.5e-7", "2.0e-6", "3.75 s",
                     "not on gfx942: there is no clang-19"):
            check(word in text, f"the details after a click have '{word}': {text}")
        check(p.value("[...document.querySelectorAll('#details tr')].map(r => [...r.children].map(c => c.textContent))") ==
              [["kernel", "options", "work-items", "dg2", "gfx90a"], ["conv_gpu", "BN=16 BM=128", "128", "128/SIMD16", "98"],
               ["conv_wide " + EVIL, "", "64", "256/SIMD8, 48 B scratch, 3 spills", ""]], f"registers for each chip: {text}")
        check(p.value("document.querySelector('#details tbody td:nth-child(5)').title").startswith("12832 bytes of local "),
              "local memory of a kernel")
        wrong = p.value("(b => b.dataset.row + '/' + b.dataset.column)(document.querySelector('#matrix tbody button.differs'))")
        row, column = wrong.split("/")
        p.click(f"button[data-row='{row}'][data-column='{column}']")
        text = p.value(details)
        check("no plan of the shipped configs launches a kernel of this row" in text, f"a row without kernels: {text}")
        check("0x4282b663" in text and "</script>" in text and "conv_gpu" not in text, f"the details of the second click: {text}")
        check(p.value("document.title") != "markup" and p.value("document.images.length") == 0, "messages are text, not markup")
        check(p.errors == [], f"the script runs without an error: {p.errors}")
        check([r for r in p.requests if not r.startswith("file://")] == [], f"nothing is fetched: {p.requests}")
        if len(sys.argv) > 3:
            p.screenshot(sys.argv[3])
    return 1 if failed else 0


sys.exit(main())
