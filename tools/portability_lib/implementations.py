"""The OpenCL implementations that a processor can have, and how each is run.

Every one has caches of its own: PoCL's does not tell its work-group methods apart.  What is missing says why, by name.
"""
import glob
import os
import subprocess

from . import roots
from .places import CACHE, ROOT, call, have, say

ICD_FOLDER = "/etc/OpenCL/vendors"
LLVMPIPE = {"RUSTICL_ENABLE": "llvmpipe"}


def icd(words):
    """The loader's file of a driver whose library is called so."""
    for path in sorted(glob.glob(os.path.join(ICD_FOLDER, "*.icd"))):
        with open(path) as f:
            if any(w in f.read().lower() for w in words):
                return path
    return None


class Missing(Exception):
    """Why an implementation is not here."""


class Implementation:
    """One column of the matrix.

    select: what `--device` takes; log: a file that has to stay empty (oclgrind's); flop: floating-point operations of an
    operator's case at most, where a device or its compiler is slow or stands in another column too; fingerprint: is it asked for?
    """

    select = "0"
    log = None

    def __init__(self, name, about, driver=None, env=None, package="", flop=0, fingerprint=True):
        self.name, self.about, self.driver, self.package = name, about, driver, package
        self.flop, self.fingerprint = flop, fingerprint
        self.env = env or {}
        self.cache = os.path.join(CACHE, "caches", name)

    def prepare(self, binary, work):
        """Raises Missing."""
        self.binary, self.work = binary, work
        if self.driver:
            path = icd(self.driver)
            if not path:
                raise Missing(f"no driver for it in {ICD_FOLDER} (Debian's package {self.package})")
            self.env["OCL_ICD_VENDORS"] = path

    def environment(self):
        for folder in ("pocl", "xdg", "mesa"):
            os.makedirs(os.path.join(self.cache, folder), exist_ok=True)
        dropped = ("POCL_", "RUSTICL_", "OCLGRIND_", "OCL_ICD_", "SCL_")
        env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        return {**env, "POCL_CACHE_DIR": os.path.join(self.cache, "pocl"), "XDG_CACHE_HOME": os.path.join(self.cache, "xdg"),
                "MESA_SHADER_CACHE_DIR": os.path.join(self.cache, "mesa"), **self.env}

    def prefix(self):
        return []

    def scorecl(self, *arguments, limit=600):
        return call([*self.prefix(), self.binary, *map(str, arguments)], limit, env=self.environment(), cwd=self.work)

    def objection(self):
        """What a tool around the program has to say, and forgets then."""
        return ""


class Host(Implementation):
    """The devices of this machine as they are: for `--device SEL`."""

    def __init__(self, select):
        super().__init__("host", "the devices of this machine")
        self.select = select

    def environment(self):
        return {"SCL_LAUNCH_LIMIT": "30", **os.environ}      # a launch that hangs is named


class Reference(Implementation):
    select = "reference"


class Oclgrind(Implementation):
    """Its exit code is the program's, whatever it finds: its log tells."""

    def __init__(self, name, about, flags, flop):
        super().__init__(name, about, flop=flop, fingerprint=False)
        self.flags = flags

    def prepare(self, binary, work):
        super().prepare(binary, work)
        if not have("oclgrind"):
            raise Missing("there is no oclgrind (Debian's package oclgrind)")
        self.log = os.path.join(work, self.name + ".log")

    def prefix(self):
        return ["oclgrind", "--max-errors", "20", "--log", self.log, *self.flags]

    def objection(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, errors="replace") as f:
            text = f.read().strip()
        os.unlink(self.log)
        return " | ".join(line.strip() for line in text.splitlines() if line.strip())[:600]


class Intel(Implementation):
    """Intel's OpenCL run time for processors, from PyPI; it runs on AMD's too."""

    PACKAGES = ("intel-opencl-rt", "intel-cmplr-lib-rt")
    install = False

    def __init__(self, name, about, spirv=False, **more):
        super().__init__(name, about, **more)
        self.spirv = spirv

    def prepare(self, binary, work):
        super().prepare(binary, work)
        if self.spirv:
            for program in ("clang-15", "llvm-spirv-15"):
                if not have(program):
                    raise Missing(f"there is no {program} (Debian's package of that name)")
            self.env["SCL_SPIRV"] = os.path.join(ROOT, "tools/spirv")
        venv = os.path.join(CACHE, "intel")
        library = os.path.join(venv, "lib", "libintelocl.so")
        if not os.path.exists(library):
            if not self.install:
                raise Missing(f"not installed; --install gets {' and '.join(self.PACKAGES)} from PyPI (830 MB) into {venv}")
            say(f"installing {' '.join(self.PACKAGES)} into {venv}")
            pip = [os.path.join(venv, "bin", "python3"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            for command in (["python3", "-m", "venv", venv], [*pip, *self.PACKAGES]):
                done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                if done.returncode:
                    raise Missing(f"cannot be installed: {(done.stdout.strip() or ' '.join(command)).splitlines()[-1]}")
        # The package's own file names a folder that does not exist.
        folder = os.path.join(CACHE, "intel-icd")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "intel.icd"), "w") as f:
            f.write(library + "\n")
        self.env["OCL_ICD_VENDORS"] = folder


class Rooted(Implementation):
    """A driver of another Debian release, in a root of its own; the program is this one."""

    def __init__(self, suite, driver, about, env=None, flop=0):
        super().__init__(f"{suite}-{'pocl' if 'pocl' in driver else 'rusticl'}", about, env=env, flop=flop)
        self.suite, self.words = suite, driver

    def prepare(self, binary, work):
        self.binary, self.work = binary, work
        try:
            self.root = roots.ready(self.suite)
            self.env["OCL_ICD_VENDORS"] = roots.icd(self.root, self.words)
        except roots.Unready as e:
            raise Missing(str(e)) from None

    def scorecl(self, *arguments, limit=600):
        env = {"POCL_CACHE_DIR": "/var/cache/scorecl/pocl", "XDG_CACHE_HOME": f"/var/cache/scorecl/{self.name}", **self.env}
        return roots.call_in(self.root, [self.binary, *map(str, arguments)], limit, env, self.work)


# Operations of a case: what oclgrind, which interprets, and rusticl, which compiles slowly, do in minutes; and what is enough where
# a driver stands in another column too, or keeps nothing of what it compiled (Intel's).
SMALL, TINY = 200_000, 20_000
SUITES = (("trixie", "Debian 13"), ("sid", "Debian sid"))


def every():
    """In the order of the matrix's columns: every compiler once, then again in other ways."""
    pocl, rusticl = ("pocl",), ("rusticl",)
    cores = os.cpu_count() or 1
    rows = [Reference("reference", "the C definitions"),
            Implementation("pocl", f"PoCL, {cores} threads", pocl, package="pocl-opencl-icd")]
    rows += [Rooted(suite, pocl, f"PoCL of {title}") for suite, title in SUITES]
    rows += [Implementation("rusticl", "rusticl on llvmpipe", rusticl, dict(LLVMPIPE), "mesa-opencl-icd", SMALL)]
    rows += [Rooted(suite, rusticl, f"rusticl of {title}", dict(LLVMPIPE), SMALL) for suite, title in SUITES]
    rows += [Intel("intel", "Intel's run time for processors", flop=TINY),
             Intel("intel-spirv", "Intel's run time, from SPIR-V of clang", spirv=True, flop=TINY, fingerprint=False),
             Oclgrind("oclgrind", "oclgrind: races, use of the API", ["--data-races", "--check-api"], SMALL),
             Oclgrind("oclgrind-small", "oclgrind: 16 KB of local memory, work-groups of 64",
                      ["--local-mem-size", "16384", "--max-wgsize", "64", "--check-api"], TINY),
             Implementation("rusticl-gpu", "rusticl on llvmpipe, as a GPU", rusticl, {**LLVMPIPE, "RUSTICL_DEVICE_TYPE": "gpu"},
                            "mesa-opencl-icd", TINY, False)]
    # `repl` copies a kernel for each work-item and does not come to an end.
    again = [("1-thread", "one thread", {"POCL_MAX_PTHREAD_COUNT": "1", "POCL_CPU_MAX_CU_COUNT": "1"}),
             ("64", "work-groups of 64 at most", {"POCL_MAX_WORK_GROUP_SIZE": "64"}),
             *[(m, f"work-group method {m}", {"POCL_WORK_GROUP_METHOD": m}) for m in ("loops", "loopvec", "workitemloops")]]
    return rows + [Implementation(f"pocl-{name}", f"PoCL, {about}", pocl, env, "pocl-opencl-icd", TINY, False) for name, about, env in again]
