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

    def of(self, chip):
        return [k for k, chips in self.wanted.items() if chip in chips]


def source_in(folder, kernels, pragmas):
    path = folder + "/k.cl"
    with open(path, "w") as file:
        file.write(units.translation_unit(kernels, pragmas))
    return path


def compile_chip(kernels, translate):
    """{kernel name: Answer}, of kernels that do not compile together one by one.  translate(kernels) raises Refused or Unknown."""
    try:
        found = translate(kernels)
    except Refused as e:
        if len(kernels) == 1:
            return {kernels[0].name: Answer(None, str(e)[:600])}
        half = len(kernels) // 2
        return {**compile_chip(kernels[:half], translate), **compile_chip(kernels[half:], translate)}
    return {k.name: Answer(found[k.name], None) if k.name in found else Answer(None, "not in the compiled program") for k in kernels}


def on_one(job, chip, kernels):
    """{kernel name: Answer}; a kernel that spills is judged as it is alone where that differs."""
    def translate(some):
        with tempfile.TemporaryDirectory() as folder:
            return job.maker.compile(chip, source_in(folder, some, job.pragmas), folder)
    answers = compile_chip(kernels, translate)
    for k in kernels if job.maker.alone_differs and len(kernels) > 1 else []:
        if answers[k.name].figures and answers[k.name].figures.scratch:
            answers.update(compile_chip([k], translate))
    return answers


def on_nvidia(job):
    """The answers of run_job: one PTX for many chips."""
    out, ptx = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        path = source_in(folder, job.wanted, job.pragmas)
        for chip in job.chips():
            kernels = job.of(chip)
            base = job.maker.base(chip, "".join(k.text for k in job.wanted))
            try:
                if base not in ptx:
                    ptx[base] = job.maker.to_ptx(base, path, folder)
                found = job.maker.figures(chip, ptx[base], {k.name for k in kernels}, folder)
                out[chip] = {k.name: Answer(found[k.name], None) for k in kernels}
            except Unknown:
                out[chip] = None
            except Refused:
                out[chip] = on_one(job, chip, kernels)
    return out


def run_job(job):
    """{chip: {kernel name: Answer}}; a chip that its compiler does not know is None."""
    if isinstance(job.maker, Nvidia):
        return on_nvidia(job)
    out = {}
    for chip in job.chips():
        try:
            out[chip] = on_one(job, chip, job.of(chip))
        except Unknown:
            out[chip] = None
    return out


def jobs_of(maker, pragmas, wanted, size=40):
    """Kernels in turn into units of about `size`, the large ones spread among them; of chips that share nothing one each."""
    shared = isinstance(maker, Nvidia)
    groups = {}
    for kernel, chips in sorted(wanted.items(), key=lambda w: -len(w[0].text)):
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
