"""Operator x implementation: what `scorecl verify` says, and whether training and sampling end with the same bits.

A cell is {"outcome": ..., "error", "derivative_error", "tolerance", "cases", "seconds", "message"}; outcomes are those of
OUTCOMES.  An operator is a process of its own, so that a driver that crashes or hangs loses one cell, not a column.
"""
import concurrent.futures
import json
import os
import struct
import time

from .implementations import Missing
from .places import say

SAME, CLOSE, DIFFERS, NO_BUILD, CRASH, FAILED, TIME, SKIPPED = \
    "same", "tolerance", "differs", "build", "crash", "failed", "time", "skipped"
OUTCOMES = {SAME: "same bits", CLOSE: "within tolerance", DIFFERS: "differs", NO_BUILD: "does not build", CRASH: "crashed",
            FAILED: "failed", TIME: "not finished in time", SKIPPED: "skipped"}
FAULTS = (DIFFERS, NO_BUILD, CRASH, FAILED)
NO_DEVICE, BITS_DIFFER = 3, 4           # exit codes of scorecl
PROBE, RUN, RECORDED, FINGERPRINT = "device probe", "train, sample", "recorded launches", "fingerprint"
UNREACHED = "no time was left for it"
BUILD_WORDS = ("kernel build failed", "(kernel build for", "clBuildProgram", "clCreateKernel")


class NoDevice(Missing):
    """There is none of this name."""


def report_of(done):
    try:
        return json.loads(done.out)
    except ValueError:
        return None


def cell(outcome, message="", seconds=0.0, **more):
    return {"outcome": outcome, "message": message[:4000], "seconds": round(seconds, 3), **more}


def not_done(done):
    """Of a command that gave no report."""
    if done.code is None:
        return cell(TIME, f"not finished after {done.seconds:.0f} s", done.seconds)
    words = done.last_words()
    if done.code < 0 or done.code > 128:
        return cell(CRASH, words, done.seconds)
    outcome = NO_BUILD if any(w in done.err for w in BUILD_WORDS) else DIFFERS if done.code == BITS_DIFFER else FAILED
    return cell(outcome, done.err.strip() or words, done.seconds)


def said_of(case):
    """What a failing case says, and the command that repeats it."""
    repeat = f" (repeat with: {case['repeat']})" if case.get("repeat") else ""
    return f"{case['case']}: {case.get('message', '')}{repeat}"


def operator_cell(done, objection):
    report = report_of(done)
    if not report or not report.get("cases"):
        return not_done(done)
    lost = [c for c in report["cases"] if c.get("lost")]        # the device hung or was gone
    cases = [c for c in report["cases"] if not c.get("not_run") and c not in lost]
    if not cases:
        return cell(FAILED, "; ".join(said_of(c) for c in lost), done.seconds)
    # CLBlast's own kernels want larger work-groups than a small device has; it is opt-in, and says so where it is asked for.
    small = [c["case"] for c in cases if not c["passed"] and "CLBlast error -54" in c.get("message", "")]
    bad = [c for c in cases if not c["passed"] and c["case"] not in small]
    errors = [c["derivative_error"] for c in cases if "derivative_error" in c]
    # A convolution by clblast is the one thing with an order of its own; its case is checked by tolerance everywhere.
    close = [c["case"] for c in cases if c["passed"] and not c["bits"]]
    more = {"error": max(c["error"] for c in cases), "tolerance": max(c["tolerance"] for c in cases),
            "derivative_error": max(errors, default=None), "cases": len(cases), "by_tolerance": close}
    message = "; ".join(said_of(c) for c in bad + lost)
    if small and not bad:
        message = "work-groups too small for CLBlast, which ran not: " + ", ".join(small)
    if objection:
        return cell(DIFFERS, objection + ("; " + message if message else ""), done.seconds, **more)
    if bad:
        building = all(any(w in c.get("message", "") for w in BUILD_WORDS) for c in bad)
        return cell(NO_BUILD if building else DIFFERS, message, done.seconds, **more)
    if lost:
        return cell(FAILED, message, done.seconds, **more)
    return cell(CLOSE if len(close) == len(cases) else SAME, message, done.seconds, **more)


def write_pictures(path):
    """64 pictures of 8x8, smooth blobs, as .npy."""
    head = "{'descr': '|u1', 'fortran_order': False, 'shape': (64, 8, 8, 1), }".ljust(117) + "\n"
    values = bytearray()
    for n in range(64):
        for y in range(8):
            for x in range(8):
                values.append(1 + int(1000 / (4 + (x - n % 7) ** 2 + (y - n // 8) ** 2)))
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + values)


TINY = """seed: 7
data: { format: npy, path: %s, transform: { dequantize: uniform, flip: true } }
model: { net: ncsn, ngf: 4 }
noise: { schedule: geometric, sigma_begin: 1.0, sigma_end: 0.05, levels: 2 }
stages:
  train:
    kind: train
    optimizer: { method: adam, lr: 1.0e-3, warmup: 2, clip: 1000 }
    ema: 0.9
    batch: 4
    steps: 3
    eval: { every: never }
  sample:
    kind: sample
    needs: [train]
    sampler: { step_lr: 1.0e-3, steps_per_level: 1 }
    count: 2
    save: [npy]
"""


class Matrix:
    def __init__(self, implementations, operators, options):
        self.implementations, self.operators, self.options = implementations, operators, options
        self.columns, self.cells = [], {}
        self.end = time.monotonic() + 60 * options.minutes if options.minutes else None
        self.rows = [PROBE] + operators + ([RUN, RECORDED, FINGERPRINT] if options.runs else [])

    def limit(self):
        """Seconds that a command may take."""
        return self.options.limit if self.end is None else max(0.1, min(self.options.limit, self.end - time.monotonic()))

    def over(self):
        return self.end is not None and time.monotonic() > self.end

    def fill(self, binary, work):
        self.binary, self.work = binary, work
        write_pictures(os.path.join(work, "pictures.npy"))
        with open(os.path.join(work, "tiny.yaml"), "w") as f:
            f.write(TINY % os.path.join(work, "pictures.npy"))
        self.wanted_sums = self.sums_of_reference() if self.options.runs else None
        for impl in self.implementations:
            column = {"name": impl.name, "about": impl.about, "skipped": "", "device": None, "flop": 0 if self.options.all else impl.flop}
            self.columns.append(column)
            try:
                if self.over():
                    self.put(impl, PROBE, cell(TIME, UNREACHED))
                    raise Missing(f"not reached within {self.options.minutes:g} minutes")
                impl.prepare(binary, work)
                column["device"] = self.look(impl)
                say(f"{impl.name}: {title(column)}")
                self.fill_column(impl)
            except Missing as e:
                column["skipped"] = str(e)
                say(f"{impl.name}: skipped: {e}")

    def look(self, impl):
        """The device, by its probe, whose cell this fills.  One that builds nothing at all is no use to anyone: it is skipped, by
        name.  One whose driver fails in the probe may still run most operators; one that hangs in it would in each of them."""
        done = impl.scorecl("verify", "--probe", "--device", impl.select, "--json", "-", limit=self.limit())
        report = report_of(done)
        words = impl.objection()
        if report and report.get("devices"):
            probe = report.get("probe") or {}
            self.put(impl, PROBE, cell(SAME, "", done.seconds) if probe.get("promised") else
                     cell(DIFFERS, probe.get("differed", ""), done.seconds))
            return dict(report["devices"][0], probe=probe.get("promised", False))
        said = [line.strip() for line in (words or not_done(done)["message"]).splitlines() if line.strip()]
        listed = [] if done.code == NO_DEVICE else (report_of(impl.scorecl("devices", "--json", "-", limit=60)) or {}).get("devices", [])
        impl.objection()
        if done.code == NO_DEVICE or not (listed or done.code is None):
            raise NoDevice("no device: " + " ".join(said)[:300])
        if any(w in done.err for w in BUILD_WORDS):
            raise Missing(f"it lists a device that cannot be used: {': '.join(said[-2:])[:300]}")
        self.put(impl, PROBE, not_done(done))
        if done.code is None:
            raise Missing(f"its probe did not finish in {done.seconds:.0f} s")
        return dict(listed[0], probe=False)

    def put(self, impl, row, value):
        self.cells.setdefault(row, {})[impl.name] = value
        if value["outcome"] in FAULTS + (TIME,) and value["message"] != UNREACHED:
            say(f"{impl.name}: {row}: {OUTCOMES[value['outcome']]}: {value['message'][:300]}")

    def fill_column(self, impl):
        depth = ["--all"] if self.options.all else ["--quick", "--work", impl.flop] if impl.flop else ["--quick"]

        def check(op):
            done = impl.scorecl("verify", *depth, "--op", op, "--device", impl.select, "--json", "-", limit=self.limit())
            return operator_cell(done, impl.objection())
        # The longest first.
        tasks = [(FINGERPRINT, lambda: fingerprint_cell(impl, self.limit()))] if self.options.runs and impl.fingerprint else []
        if self.options.runs:
            tasks += [(RUN, lambda: self.run_cell(impl, "single")), (RECORDED, lambda: self.recorded_cell(impl))]
        tasks += [(op, lambda op=op: check(op)) for op in self.operators]
        with concurrent.futures.ThreadPoolExecutor(1 if impl.log else self.options.jobs) as pool:
            for _ in pool.map(lambda task: self.put(impl, task[0], cell(TIME, UNREACHED) if self.over() else task[1]()), tasks):
                pass

    def sums(self, impl, launches):
        """Checksums of weights and samples of the tiny config; raises a cell."""
        out = os.path.join(self.work, f"{impl.name}-{launches}")
        done = impl.scorecl("run", os.path.join(self.work, "tiny.yaml"), "--device", impl.select, "--out", out, "-o",
                            "launches=" + launches, limit=self.limit())
        words = impl.objection()
        if done.code != 0 or words:
            return None, cell(DIFFERS, words, done.seconds) if words else not_done(done)
        files = [os.path.join(out, "train/checkpoints/latest.safetensors"), os.path.join(out, "sample/samples.npy")]
        sums = impl.scorecl("checksum", *files)
        impl.objection()
        lines = [line.split()[0] for line in sums.out.splitlines()]
        return (lines if len(lines) == 2 else None), cell(SAME, "weights %s, samples %s" % tuple(lines), done.seconds) \
            if len(lines) == 2 else not_done(sums)

    def run_cell(self, impl, launches):
        if self.wanted_sums is None:
            return cell(TIME, "the C definitions did not finish")
        got, value = self.sums(impl, launches)
        if got and got != self.wanted_sums:
            value.update(outcome=DIFFERS, message=f"{value['message']}; the C definitions: {' '.join(self.wanted_sums)}")
        return value

    def sums_of_reference(self):
        from .implementations import Reference
        reference = Reference("definitions", "")
        reference.prepare(self.binary, self.work)
        return self.sums(reference, "single")[0]

    def recorded_cell(self, impl):
        """A step recorded as a command buffer, where the device has them."""
        if impl.select == "reference":
            return cell(SKIPPED, "the C definitions have no launches to record")
        done = impl.scorecl("devices", "--json", "-")
        impl.objection()
        report = report_of(done)
        features = report["devices"][0] if report and report.get("devices") else {}
        if not features.get("command_buffer"):
            return cell(SKIPPED, "the device has no command buffers")
        return self.run_cell(impl, "recorded")

    # ---- what came out ----

    def values(self, outcomes):
        """In the order in which the matrix is printed, not that in which the cells were done."""
        cells = [(row, c["name"], self.cells.get(row, {}).get(c["name"])) for row in self.rows for c in self.columns]
        return [(row, name, v) for row, name, v in cells if v and v["outcome"] in outcomes]

    def ran(self):
        return [c for c in self.columns if not c["skipped"]]

    def exit_code(self):
        if self.values(FAULTS):
            return 4
        return 1 if self.values((TIME,)) else 0 if len(self.ran()) > 1 else 3

    def verdict(self):
        faults, late, ran = self.values(FAULTS), self.values((TIME,)), self.ran()
        skipped = [c["name"] for c in self.columns if c["skipped"]]
        tail = f"; skipped: {', '.join(skipped)}" if skipped else ""
        if faults:
            named = some(f"{row} on {name} ({OUTCOMES[v['outcome']]})" for row, name, v in faults)
            return f"DIFFERENT: {named}{tail}"
        head = f"{len(self.rows)} rows x {len(ran)} implementations"
        if late:
            return f"no difference, but NOT FINISHED: {some(f'{row} on {name}' for row, name, _ in late)}; {head}{tail}"
        return f"no difference: {head}{tail}" if len(ran) > 1 else f"nothing to compare{tail}"

    def json(self, versions):
        return {"versions": versions, "depth": "all" if self.options.all else "quick", "outcomes": OUTCOMES, "rows": self.rows,
                "columns": self.columns, "cells": self.cells, "verdict": self.verdict(), "passed": self.exit_code() == 0}

    def text(self):
        """Rows against numbered columns; the legend names them."""
        signs = {SAME: "=", CLOSE: "~", DIFFERS: "DIFFERS", NO_BUILD: "NO BUILD", CRASH: "CRASHED", FAILED: "FAILED", TIME: "LATE", SKIPPED: "-"}
        ran = self.ran()
        lines = ["columns:"]
        for i, c in enumerate(ran, 1):
            lines.append(f"  {i:2}  {c['name']:16} {title(c)}" + (f"; cases of up to {c['flop']:,} operations" if c["flop"] else ""))
        for c in self.columns:
            if c["skipped"]:
                lines.append(f"   -  {c['name']:16} skipped: {c['skipped']}")
        lines += ["", "=: same bits as the C definition, and seconds; worst error: against the double-precision oracle", ""]
        lines.append(f"{'':22}" + "".join(f"{i:>9}" for i in range(1, len(ran) + 1)) + "  worst error")
        for row in self.rows:
            cells = self.cells.get(row, {})
            shown = ""
            for c in ran:
                v = cells.get(c["name"])
                seconds = f" {v['seconds']:.1f}" if v and v["outcome"] in (SAME, CLOSE) else ""
                shown += f"{(signs[v['outcome']] + seconds) if v else '-':>9}"
            errors = [v["error"] for v in cells.values() if v.get("error") is not None]
            lines.append(f"{row:22}{shown}" + (f"  {max(errors):11.1e}" if errors else ""))
        notes = [f"{name}: {row}: {v['message']}" for row, name, v in self.values((SAME,)) if v["message"] and row in self.operators]
        return "\n".join(lines + ([""] + notes if notes else []))


def some(names):
    names = list(names)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def title(column):
    d = column["device"]
    if column["name"] == "reference" or not d:
        return column["about"]
    return f"{column['about']}: {d['name']}, driver {d['driver']}"


def fingerprint_cell(impl, limit):
    done = impl.scorecl("verify", "--fingerprint", "--device", impl.select, "--json", "-", limit=limit)
    words = impl.objection()
    report = report_of(done)
    if words:
        return cell(DIFFERS, words, done.seconds)
    if done.code == 0 and report:
        return cell(SAME, "", done.seconds, cases=len(report.get("cases", [])))
    if report and done.code == 4:
        bad = [str(c.get("case", c.get("config", ""))) for c in report.get("cases", []) if not c.get("passed")]
        return cell(DIFFERS, "differs: " + ", ".join(bad), done.seconds)
    return not_done(done)


def operators_of(impl):
    return [line.split()[0] for line in impl.scorecl("ops").out.splitlines() if line.strip()]
