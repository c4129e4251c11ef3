"""Compiles kernels for chips: many in one translation unit, and alone those of one that does not compile."""
import collections
import concurrent.futures
import os
import tempfile

from offline import units
from offline.compilers import Nvidia, Refused, Unknown

# One work-item's answer for a kernel on a chip.
Answer = collections.namedtuple("Answer", "figures fault")


class Job:
    """Kernels of one vendor's translation unit: which of its chips want which of them."""

    def __init__(self, maker, pragmas, wanted):
        self.maker, self.pragmas, self.wanted = maker, pragmas, wanted          # wanted: {Kernel: chips}

    def chips(self):
        return sorted({c for chips in self.wanted.values() for c in chips})


def source_in(folder, kernels, pragmas):
    path = folder + "/k.cl"
    with open(path, "w") as file:
        file.write(units.translation_unit(kernels, pragmas))
    return path


def compile_chip(maker, chip, kernels, pragmas, translate):
    """{kernel name: Answer}, of kernels that do not compile together one by one.  translate(kernels) raises Refused or Unknown."""
    try:
        found = translate(kernels)
    except Refused as e:
        if len(kernels) == 1:
            return {kernels[0].name: Answer(None, str(e)[:600])}
        half = len(kernels) // 2
        return {**compile_chip(maker, chip, kernels[:half], pragmas, translate),
                **compile_chip(maker, chip, kernels[half:], pragmas, translate)}
    return {k.name: Answer(found[k.name], None) if k.name in found else Answer(None, "not in the compiled program") for k in kernels}


def on_one(maker, chip, pragmas):
    def translate(kernels):
        with tempfile.TemporaryDirectory() as folder:
            return maker.compile(chip, source_in(folder, kernels, pragmas), folder)
    return translate


def run_job(job):
    """{chip: {kernel name: Answer}}; a chip that its compiler does not know is None."""
    out, of = {}, {c: [k for k, chips in job.wanted.items() if c in chips] for c in job.chips()}
    if isinstance(job.maker, Nvidia):
        with tempfile.TemporaryDirectory() as folder:
            ptx = {}
            for chip, kernels in of.items():
                base = job.maker.base(chip)
                try:
                    if base not in ptx:
                        mine = [k for k, chips in job.wanted.items() if any(job.maker.base(c) == base for c in chips)]
                        ptx[base] = job.maker.to_ptx(base, source_in(folder, mine, job.pragmas), folder)
                    found = job.maker.figures(chip, ptx[base], {k.name for k in kernels}, folder)
                    out[chip] = {k.name: Answer(found[k.name], None) for k in kernels}
                except Unknown:
                    out[chip] = None
                except Refused:
                    out[chip] = compile_chip(job.maker, chip, kernels, job.pragmas, on_one(job.maker, chip, job.pragmas))
        return out
    for chip, kernels in of.items():
        try:
            out[chip] = compile_chip(job.maker, chip, kernels, job.pragmas, on_one(job.maker, chip, job.pragmas))
        except Unknown:
            out[chip] = None
    return out


def jobs_of(maker, pragmas, wanted, size):
    """Kernels in turn into units of about `size`, the large ones spread among them; of chips that share nothing one each."""
    shared = isinstance(maker, Nvidia)
    groups = {}
    for kernel, chips in sorted(wanted.items(), key=lambda w: -len(w[0].symbol.text)):
        for key in [None] if shared else sorted(chips):
            groups.setdefault(key, {})[kernel] = chips if shared else {key}
    jobs = []
    for group in groups.values():
        n = max(1, -(-len(group) // size))
        kernels = list(group)
        jobs += [Job(maker, pragmas, {k: group[k] for k in kernels[i::n]}) for i in range(n)]
    return jobs


def run_jobs(jobs):
    """{chip: {kernel name: Answer}}; None: a chip that its compiler does not know."""
    out = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(run_job, jobs):
            for chip, answers in found.items():
                if answers is None:
                    out[chip] = None
                elif out.get(chip, {}) is not None:
                    out.setdefault(chip, {}).update(answers)
    return out
