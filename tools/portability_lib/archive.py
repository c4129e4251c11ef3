"""One archive of one device: what a maintainer needs to know of it; and docs/devices.md, made of such archives."""
import glob
import hashlib
import io
import json
import os
import platform
import re
import subprocess
import sys
import tarfile
import time

from . import matrix
from .matrix import Matrix, operators_of, report_of
from .places import ROOT, binary, have, say

SIZE = "28x28x1-ngf64-b32"
# Shares of the time that is left when a part begins, at most.
SHARES = {"fingerprint": 0.35, "reproducer": 0.4, "verify": 0.7, "network": 0.6, "bench": 0.6, "profile": 0.9}
ONE_OPERATOR = 120       # seconds at most: what a device that hangs costs


class Collector:
    def __init__(self, impl, minutes, work):
        self.impl, self.end = impl, time.monotonic() + 60 * minutes - 5
        self.folder = os.path.join(work, "archive")
        self.parts = []
        os.makedirs(os.path.join(self.folder, "logs"))

    def left(self, share=1.0):
        return max(1.0, (self.end - time.monotonic()) * share)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def part(self, name, *arguments, share=1.0, output=None):
        """Runs scorecl; its report goes to `output`, what it says to logs/."""
        done = self.impl.scorecl(*arguments, limit=self.left(share))
        words = self.impl.objection()
        if output and done.out:
            self.write(output, done.out)
        self.write(f"logs/{name}.txt", f"scorecl {' '.join(map(str, arguments))}\nexit status {done.code}, {done.seconds:.1f} s\n{words}\n"
                   + done.err + ("" if output else done.out))
        state = "not finished in time" if done.code is None else "done" if done.code == 0 and not words else f"exit status {done.code}"
        self.note(name, state, done.seconds)
        return done

    def note(self, name, state, seconds=0.0):
        self.parts.append({"part": name, "state": state, "seconds": round(seconds, 1)})
        say(f"{name}: {state}, {seconds:.0f} s")


def machine():
    """The processor and the system; nothing that names the machine or its owner."""
    cpu = ""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as f:
            cpu = (re.findall(r"^model name\s*: (.*)", f.read(), re.M) or [""])[0]
    system = ""
    if os.path.exists("/etc/os-release"):
        with open("/etc/os-release") as f:
            system = (re.findall(r'^PRETTY_NAME="?([^"\n]*)', f.read(), re.M) or [""])[0]
    cards = []
    if have("lspci"):
        out = subprocess.run(["lspci"], stdout=subprocess.PIPE, text=True).stdout
        cards = [line.split(": ", 1)[1] for line in out.splitlines() if re.search(r"VGA|3D|Display|accelerator", line)]
    drivers = {}
    for path in sorted(glob.glob("/etc/OpenCL/vendors/*.icd")):
        with open(path) as f:
            drivers[os.path.basename(path)] = f.read().strip()
    return {"cpu": cpu, "cpus": os.cpu_count(), "system": system, "kernel": platform.release(), "architecture": platform.machine(),
            "cards": cards, "drivers": drivers}


def verify_part(c, m, impl):
    """The operators, as long as there is time: what has run by then is in the archive."""
    start = time.monotonic()
    m.end = start + c.left(SHARES["verify"])
    m.fill_column(impl)
    passed = len([row for row, _, _ in m.values((matrix.SAME, matrix.CLOSE)) if row in m.operators])
    bad = m.values(matrix.FAULTS)
    c.note("verify", f"{passed} of {len(m.operators)} operators with the bits of their C definitions, {len(bad)} not",
           time.monotonic() - start)
    return {"passed": passed, "failed": len(bad), "different": [[row, v["outcome"]] for row, _, v in bad]}


def fingerprint_part(c, impl, work):
    """The published checksums; where one differs, the kernel that computes the difference, as a folder for `verify --replay`."""
    path = os.path.join(c.folder, "fingerprint.json")
    done = c.part("fingerprint", "verify", "--fingerprint", "--device", impl.select, "--json", path, share=SHARES["fingerprint"])
    # Of one that was not finished it still tells which had differed.
    bad = list(dict.fromkeys(re.findall(r"^FAIL (\w+): .* instead of ", done.out, re.M)))
    if bad:
        # The configs of pictures have theirs from verify alone; the tiny one is of the same operators.
        config = os.path.join(ROOT, "tests/fingerprints/points.yaml") if bad == ["points"] else tiny_config(work)
        c.part("reproducer", "verify", "--config", config, "--device", impl.select, "--no-guards", "--out",
               os.path.join(c.folder, "reproducer"), share=SHARES["reproducer"])
    return "differs" if bad else {None: "not finished", 0: "same"}.get(done.code, "failed")


def tiny_config(work):
    path = os.path.join(work, "tiny.yaml")
    matrix.write_pictures(os.path.join(work, "pictures.npy"))
    with open(path, "w") as f:
        f.write(matrix.TINY % os.path.join(work, "pictures.npy"))
    return path


def profile_part(c, impl, work):
    """The time of each kernel in a short training of the tiny config."""
    out = os.path.join(work, "profile")
    done = c.part("profile", "profile", tiny_config(work), "--device", impl.select, "--steps", "3", "--out", out,
                  share=SHARES["profile"])
    report = os.path.join(out, "profile.json")
    if done.code == 0 and os.path.exists(report):
        with open(report) as f:
            c.write("profile.json", f.read())


def collect(impl, args, work):
    start = time.time()
    if args.bundle:
        args.scorecl = bundle_program(args)
    program = binary(args.scorecl)
    try:
        impl.prepare(program, work)
    except matrix.Missing as e:
        print(f"portability: {impl.name}: skipped: {e}")
        return 3
    if args.only and args.device not in ("auto", "all"):
        impl.select = args.device
    c = Collector(impl, args.minutes or 10, work)
    args.all = args.runs = False
    args.limit, args.minutes = ONE_OPERATOR, c.left() / 60
    m = Matrix([impl], operators_of(impl), args)
    column = {"name": impl.name, "about": impl.about, "skipped": "", "device": None, "flop": 0}
    m.columns.append(column)
    result = {"passed": 0, "failed": 0, "operators": len(m.operators), "different": [], "fault": ""}
    try:
        column["device"] = m.look(impl)
    except matrix.NoDevice as e:
        print(f"portability: nothing to compare: {e}")
        return 3
    except matrix.Missing as e:
        column["skipped"] = result["fault"] = str(e)
    devices = c.part("devices", "devices", *(["--measure"] if column["device"] else []), "--json", "-", share=0.2, output="devices.json")
    c.part("version", "version")
    if column["device"]:
        # The fingerprint is of every operator and the shortest: first, whatever there is time for.
        result["fingerprint"] = fingerprint_part(c, impl, work)
        result.update(verify_part(c, m, impl))
        c.part("network", "bench", SIZE, "--device", impl.select, "--seconds", "1", "--json", "-", share=SHARES["network"],
               output="bench-network.json")
        c.part("bench", "bench", "--device", impl.select, "--seconds", "0.1", "--json", "-", share=SHARES["bench"], output="bench.json")
        profile_part(c, impl, work)
    c.write("matrix.json", json.dumps(m.json({}), indent=1))
    pack_result(c, impl, args, column["device"], report_of(devices) or {}, result, start)
    late = column["skipped"] and m.values((matrix.TIME,))
    bad = result["failed"] or result.get("fingerprint") == "differs"
    whole = result["passed"] == result["operators"] and result.get("fingerprint", "same") == "same"
    words = "DIFFERENT" if bad else f"CANNOT BE USED: {result['fault']}" if result["fault"] and not late else \
        "no difference" if whole else "no difference so far, NOT FINISHED"
    print(f"portability: {words}: {result['passed']} of {result['operators']} operators checked; {time.time() - start:.0f} s; "
          f"wrote {args.archive}")
    return 4 if bad else 0 if whole else 1


def pack_result(c, impl, args, probed, report, result, start):
    date = time.strftime("%Y-%m-%d", time.gmtime(start))
    described = [d for d in report.get("devices", []) if probed and d["name"] == probed["name"] and d["driver"] == probed["driver"]]
    c.write("manifest.json", json.dumps({
        "kind": "scorecl device archive", "date": date, "implementation": impl.name,
        "about": impl.about, "device": {**(described[0] if described else {}), **(probed or {})}, "machine": machine(),
        "versions": versions_of(impl), "result": result, "parts": c.parts, "seconds": round(time.time() - start, 1)}, indent=1))
    args.archive = args.archive or f"portability-{slug(impl, probed)}-{date}.tar.gz"
    pack(c.folder, args.archive)


def versions_of(impl):
    done = impl.scorecl("verify", "--op", "flatten", "--quick", "--device", "reference", "--json", "-")
    impl.objection()
    return (report_of(done) or {}).get("versions", {})


def slug(impl, device):
    words = f"{impl.name}-{device['driver'] if device else 'none'}" if impl.name != "host" else \
        f"{device['name']}-{device['driver']}" if device else "host"
    return re.sub(r"[^a-z0-9.]+", "-", words.lower()).strip("-")[:80]


def pack(folder, name):
    """Files in order, owned by nobody: nothing in it tells who made it."""
    top = re.sub(r"\.tar\.gz$", "", os.path.basename(name))
    with tarfile.open(name + ".part", "w:gz") as tar:
        for path in sorted(glob.glob(os.path.join(folder, "**"), recursive=True)):
            if os.path.isfile(path):
                info = tar.gettarinfo(path, os.path.join(top, os.path.relpath(path, folder)))
                info.uid = info.gid = 0
                info.uname = info.gname = ""
                with open(path, "rb") as f:
                    tar.addfile(info, f)
    os.replace(name + ".part", name)


def bundle_program(args):
    """The program of a bundle: bin/scorecl, made by its script `unpack` without touching the system."""
    program = os.path.join(os.path.abspath(args.bundle), "bin", "scorecl")
    if not os.access(program, os.X_OK):
        unpack = os.path.join(args.bundle, "unpack")
        if not os.path.exists(unpack):
            sys.exit(f"portability: {args.bundle} is no folder of tools/bundle-deps: it has no script `unpack`")
        if subprocess.run(["bash", unpack, "--here"], stdout=sys.stderr).returncode != 0 or not os.access(program, os.X_OK):
            sys.exit(f"portability: `{unpack} --here` made no {program}; its reason is above")
    return program


# ---- docs/devices.md ----

def open_archive(path):
    """{file name: text} of an archive, and its sha256."""
    with open(path, "rb") as f:
        content = f.read()
    files = {}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        for member in tar:
            if member.isfile() and "/" in member.name:
                files[member.name.split("/", 1)[1]] = tar.extractfile(member).read().decode(errors="replace")
    if json.loads(files.get("manifest.json", "{}")).get("kind") != "scorecl device archive":
        sys.exit(f"portability: {path} is no archive of tools/portability --device")
    return files, hashlib.sha256(content).hexdigest()


def network_times(files):
    rows = (json.loads(files["bench-network.json"]).get("rows", []) if files.get("bench-network.json") else [])
    return {r["what"]: f"{1e3 * r['scorecl_s']:.3g}" for r in rows if r.get("scorecl_s")}


def device_row(files, sha):
    m = json.loads(files["manifest.json"])
    d, r, t = m["device"], m["result"], network_times(files)
    measured = d.get("measured") or d
    rate = measured.get("fma_gflops")
    bits = r["fault"].split("\n")[0][:120] if r["fault"] else f"{r['passed']} of {r['operators']}" + \
        (f", {r['operators'] - r['passed'] - r['failed']} not reached in time" if r["operators"] > r["passed"] + r["failed"] else "") + \
        "".join(f"; {op}: {matrix.OUTCOMES[outcome]}" for op, outcome in r["different"])
    columns = [d.get("name", "none"), d.get("platform", ""), d.get("driver", ""), m["machine"]["system"], bits, r.get("fingerprint", "–"),
               f"{rate:.0f}" if rate else "–", t.get("forward", "–"), t.get("train_step", "–"), t.get("sample_step", "–"), m["date"],
               m["versions"].get("kernels_sha256", "")[:8], sha[:8]]
    return "| " + " | ".join(str(c).replace("|", "/") for c in columns) + " |"


def devices_page(paths):
    rows = [device_row(*open_archive(p)) for p in paths]
    return f"""# Devices

Made by `tools/portability --devices-page ARCHIVE...`, from archives of `tools/portability --device SEL` alone: nothing here was typed in. If
your device is not here, or not with your driver: run that command (10 minutes, no network) and send the archive.

*bits*: operators whose quick cases have the bits of their C definitions. *fingerprint*: the small configs of `scorecl verify --fingerprint`.
Times are milliseconds of `scorecl bench {SIZE}`, untuned, on whatever else the machine did; fma: measured GFLOP/s.

| device | platform | driver | system | bits | fingerprint | fma | forward | train step | sample step | date | kernels | archive |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
""" + "\n".join(rows) + "\n"
