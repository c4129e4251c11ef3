"""Compilers of vendors whose devices are not here.  Each takes a translation unit (OpenCL C) and says what became of its kernels.

What each hides: AMD's compiler sees undefined functions when it links; NVIDIA's PTX names them as .extern and only ptxas refuses them;
Intel's ocloc succeeds and leaves a table of symbols behind; SPIR-V has them as imports.  Local memory over a device's limit is refused
by ptxas and lld alone, at 48 and 64 KB.
"""
import collections
import functools
import glob
import os
import re
import shutil
import subprocess
import tempfile

from offline.units import ROOT

LIBCLC = "/usr/lib/clc/"


def tool(*names):
    return next((path for path in map(shutil.which, names) if path), None)


PTXAS = os.environ.get("PTXAS") or tool("ptxas", "/usr/local/cuda/bin/ptxas")
OCLOC = os.environ.get("OCLOC") or tool("ocloc")
READELF = tool("llvm-readelf-14", "llvm-readelf-15", "llvm-readelf-19", "llvm-readelf")
OBJCOPY = tool("llvm-objcopy-14", "llvm-objcopy-15", "llvm-objcopy-19", "llvm-objcopy")
NEW_AMD = ("gfx942", "gfx950", "gfx115", "gfx12")       # unknown to clang 15

# What a compiler says of a kernel; simd: 0 unless registers are those of a hardware thread of so many work-items.
Figures = collections.namedtuple("Figures", "registers local scratch spills simd", defaults=(0,))


class Unknown(Exception):
    """The compiler does not know the chip."""


class Refused(Exception):
    """A translation unit does not compile."""


def run(*command, text=None):
    done = subprocess.run(command, capture_output=True, text=True, input=text)
    said = (done.stderr + done.stdout).strip()
    if done.returncode != 0 and re.search(r"is not defined for option 'gpu-name'|Could not determine device target|"
                                          r"unknown target CPU|not a valid target|invalid target ID", said):
        raise Unknown()
    if done.returncode != 0:
        raise Refused(said or "exit code %d" % done.returncode)
    return said


@functools.lru_cache(None)
def version_of(program, *arguments):
    said = subprocess.run([program, *arguments], capture_output=True, text=True).stdout
    found = re.search(r"V(\d+\.\d+\.\d+)|version (\d+\.\d+\.\d+)", said)
    return next(filter(None, found.groups())) if found else "?"


@functools.lru_cache(None)
def package_version(package):
    said = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True).stdout
    return re.sub(r"^\d+:|[-+~].*", "", said) or "?"


@functools.lru_cache(None)
def ocloc_version():
    """What ocloc says of itself, which it writes into a file."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([OCLOC, "query", "OCL_DRIVER_VERSION"], cwd=folder, capture_output=True)
        try:
            with open(folder + "/OCL_DRIVER_VERSION") as file:
                return file.read().strip(" \0\n")
        except OSError:
            return "?"


def clang(program, standard, target, bitcode, source, *more):
    return run(program, "-x", "cl", "-cl-std=" + standard, "-Xclang", "-finclude-default-header", "-Xclang",
               "-fdeclare-opencl-builtins", "-w", "-O3", "-target", target, "-Xclang", "-mlink-builtin-bitcode", "-Xclang",
               LIBCLC + bitcode, *more, source)


def undefined(names):
    return Refused("undefined function: " + ", ".join(sorted(set(names))))


def number(pattern, text):
    m = re.search(pattern, text)
    return int(m.group(1)) if m else 0


class Nvidia:
    """clang to PTX for the oldest chip, with libclc; then ptxas, which is what a driver has too."""

    alone_differs = False
    target = "nvptx64--nvidiacl"
    clang = tool("clang-15", "clang-16", "clang-17", "clang-19", "clang")

    def missing(self, chip):
        return not self.clang and "clang" or not os.path.exists(LIBCLC + self.target + ".bc") and "libclc" or \
            not PTXAS and "ptxas"

    def version(self, chip):
        return "clang %s, libclc %s, ptxas %s" % (version_of(self.clang, "--version"), package_version("libclc-15"),
                                                  version_of(PTXAS, "--version"))

    @staticmethod
    def base(chip, text):
        """The oldest chip whose PTX has what the kernels take: matrix units are in it from sm_80 on."""
        return "sm_80" if chip != "sm_75" and "mma.sync" in text else "sm_75"

    def to_ptx(self, base, source, folder):
        more = ("-Xclang", "-target-feature", "-Xclang", "+ptx75") if base != "sm_75" else ()
        clang(self.clang, "CL1.2", self.target, self.target + ".bc", source, "-Xclang", "-target-cpu", "-Xclang", base, *more, "-S",
              "-o", folder + "/k.ptx")
        with open(folder + "/k.ptx") as file:
            ptx = file.read()
        hidden = re.findall(r"^\.extern \.func[^;]*?\b([A-Za-z_]\w*)\s*\n?\(\s*\n?", ptx, re.M)
        if hidden:
            raise undefined(hidden)
        return ptx

    def figures(self, chip, ptx, names, folder):
        """Of the kernels with these names alone."""
        path = "%s/%s.ptx" % (folder, chip)
        with open(path, "w") as file:
            file.write(re.sub(r"^\.visible \.entry (\w+)\(.*?^\}\n", lambda m: m.group() if m.group(1) in names else "", ptx,
                              flags=re.M | re.S))
        said = run(PTXAS, "-arch=" + chip, "-v", "-o", "%s/%s.cubin" % (folder, chip), path)
        found = {}
        for part in said.split("Compiling entry function '")[1:]:
            found[part[:part.index("'")]] = Figures(
                number(r"Used (\d+) registers", part), number(r"(\d+) bytes smem", part), number(r"(\d+) bytes stack frame", part),
                number(r"(\d+) bytes spill stores", part) + number(r"(\d+) bytes spill loads", part))
        return found

    def compile(self, chip, source, folder):
        ptx = self.assembly(chip, source, folder)
        return self.figures(chip, ptx, set(re.findall(r"\.entry (\w+)\(", ptx)), folder)

    def assembly(self, chip, source, folder):
        with open(source) as file:
            return self.to_ptx(self.base(chip, file.read()), source, folder)


class Amd:
    """clang with libclc, linked by lld."""

    alone_differs = False
    target = "amdgcn-amd-amdhsa"
    clang = tool("clang-15", "clang-16", "clang-17", "clang-19", "clang")

    def compiler(self, chip):
        newer = tool("clang-19", "clang-20", "clang-21")
        # Clang 15 knows gfx11 but not all of its matrix instructions.
        return newer if chip.startswith(NEW_AMD) else newer or self.clang if chip.startswith("gfx11") else self.clang

    def missing(self, chip):
        return not self.compiler(chip) and ("clang-19" if chip.startswith(NEW_AMD) else "clang") or \
            not os.path.exists(LIBCLC + "amdgcn--amdhsa.bc") and "libclc" or not READELF and "llvm-readelf" or \
            not tool("ld.lld", "ld.lld-19", "ld.lld-15", "ld.lld-14") and "lld"

    def version(self, chip):
        return "clang %s, libclc %s" % (version_of(self.compiler(chip), "--version"), package_version("libclc-15"))

    def compile(self, chip, source, folder):
        path = "%s/%s.hsaco" % (folder, chip)
        clang(self.compiler(chip), "CL1.2", self.target, "amdgcn--amdhsa.bc", source, "-mcpu=" + chip, "-nogpulib", "-o", path)
        found = {}
        for part in run(READELF, "--notes", path).split("  - .a")[1:]:
            name = re.search(r"\.symbol:\s+(\w+)\.kd", part)
            if name:
                found[name.group(1)] = Figures(
                    number(r"\.vgpr_count:\s+(\d+)", part), number(r"\.group_segment_fixed_size:\s+(\d+)", part),
                    number(r"\.private_segment_fixed_size:\s+(\d+)", part), number(r"\.vgpr_spill_count:\s+(\d+)", part))
        return found

    def assembly(self, chip, source, folder):
        clang(self.compiler(chip), "CL1.2", self.target, "amdgcn--amdhsa.bc", source, "-mcpu=" + chip, "-nogpulib", "-S", "-o",
              folder + "/k.s")
        with open(folder + "/k.s") as file:
            return file.read()


class Intel:
    """ocloc, for the chip that its -device names.  Whether a kernel at the limit spills depends on what is compiled beside it."""

    alone_differs = True
    target = "spir64-unknown-unknown"
    clang = tool("clang-15", "clang-16", "clang-17", "clang-19", "clang")

    def missing(self, chip):
        return not self.clang and "clang" or not OCLOC and "ocloc" or not OBJCOPY and "llvm-objcopy"

    def version(self, chip):
        return "ocloc %s" % (ocloc_version() if "OCLOC" in os.environ else package_version("intel-opencl-icd"))

    def ocloc(self, chip, source, folder, **environment):
        out = "%s/%s" % (folder, chip)
        done = subprocess.run([OCLOC, "compile", "-file", source, "-device", chip, "--format", "zebin", "-options", "-cl-std=CL1.2",
                               "-output", "k", "-out_dir", out], capture_output=True, text=True, env={**os.environ, **environment})
        said = (done.stderr + done.stdout).strip()
        if re.search(r"Could not determine device target|Invalid device|Unknown device", said):
            raise Unknown()
        if done.returncode != 0:
            raise Refused(said or "exit code %d" % done.returncode)
        return out

    def compile(self, chip, source, folder):
        out = self.ocloc(chip, source, folder)
        path = out + "/ze"
        run(OBJCOPY, "--dump-section", ".ze_info=" + path, glob.glob(out + "/*.bin")[0], os.devnull)
        with open(path) as file:
            info = file.read()
        found = {}
        for part in re.split(r"\n  - name: +", info.split("kernels_misc")[0])[1:]:
            memory = part.split("per_thread_memory_buffers")[1] if "per_thread_memory_buffers" in part else ""
            sizes = re.findall(r"usage: +(\w+)\s+size: +(\d+)", memory)
            found[part.split()[0].strip("'")] = Figures(
                number(r"grf_count: +(\d+)", part), number(r"slm_size: +(\d+)", part), sum(int(size) for _, size in sizes),
                sum(int(size) for usage, size in sizes if usage != "private_space"), number(r"simd_size: +(\d+)", part))
        if "Intel_Symbol_Table_Void_Program" in found:
            raise Refused("undefined function: ocloc left a table of symbols")
        return found

    def assembly(self, chip, source, folder):
        self.ocloc(chip, source, folder, IGC_ShaderDumpEnable="1", IGC_DumpToCustomDir=folder + "/dump")
        return "\n".join(open(p, errors="replace").read() for p in glob.glob(folder + "/dump/**/*.asm", recursive=True))


class Spirv:
    """SPIR-V 1.0 as an OpenCL 1.2 device takes it: what goes beyond is refused."""

    alone_differs = False
    target = "spir64-unknown-unknown"
    clang = tool("clang-15")
    llvm_spirv = tool("llvm-spirv-15")

    def missing(self, chip):
        return not self.clang and "clang-15" or not self.llvm_spirv and "llvm-spirv-15" or not tool("spirv-val") and "spirv-val"

    def version(self, chip):
        return "clang %s, llvm-spirv %s, spirv-val %s" % (version_of(self.clang, "--version"), package_version("llvm-spirv-15"),
                                                         package_version("spirv-tools"))

    def compile(self, chip, source, folder):
        # Beyond -O0 llvm-spirv 15 orders blocks as spirv-val does not like them.
        run(self.clang, "-x", "cl", "-cl-std=CL1.2", "-Xclang", "-finclude-default-header", "-Xclang", "-fdeclare-opencl-builtins",
            "-w", "-target", self.target, "-O0", "-Xclang", "-disable-O0-optnone", "-emit-llvm", "-c", "-o", folder + "/k.bc", source)
        run(self.llvm_spirv, "--spirv-max-version=1.0", folder + "/k.bc", "-o", folder + "/k.spv")
        run("spirv-val", "--target-env", "opencl1.2", folder + "/k.spv")
        text = run("spirv-dis", folder + "/k.spv")
        hidden = [n for n in re.findall(r'LinkageAttributes "(\w+)" Import', text) if not n.startswith("__spirv_BuiltIn")]
        if hidden:
            raise undefined(hidden)
        return {name: Figures(0, 0, 0, 0) for name in re.findall(r'OpEntryPoint Kernel %\w+ "(\w+)"', text)}


class Lint:
    """What a C compiler warns of, as errors: double precision by a literal, values that do not fit; the core language alone."""

    alone_differs = False
    target = "spir64-unknown-unknown"
    clang = tool("clang-15", "clang-16", "clang-17", "clang-19", "clang")

    def missing(self, chip):
        return not self.clang and "clang"

    def version(self, chip):
        return "clang " + version_of(self.clang, "--version")

    def compile(self, chip, source, folder):
        run(self.clang, "-x", "cl", "-cl-std=CL1.2", "-Xclang", "-finclude-default-header", "-Xclang", "-fdeclare-opencl-builtins",
            "-target", self.target, "-Werror=double-promotion", "-Werror=implicit-float-conversion", "-Werror=shorten-64-to-32",
            "-Werror=implicit-function-declaration", "-Werror=vla", "-Werror=return-type", "-Werror=uninitialized", "-fsyntax-only",
            source)
        with open(source) as file:
            return {name: Figures(0, 0, 0, 0) for name in re.findall(r"\bkernel\s+void\s+(\w+)\s*\(", file.read())}


def compiler_of(chip):
    return COMPILERS["sm" if chip.startswith("sm_") else "gfx" if chip.startswith("gfx") else chip if chip in COMPILERS else "intel"]


COMPILERS = {"sm": Nvidia(), "gfx": Amd(), "intel": Intel(), "spirv": Spirv(), "lint": Lint()}
