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
from .matrix import Matrix, has_fingerprint, operators_of, report_of
from .places import binary, have, say

SIZE = "28x28x1-ngf64-b32"
# Shares of the time that is left when a part begins, at most.
SHARES = {"fingerprint": 0.35, "verify": 0.7, "network": 0.6, "bench": 0.6, "profile": 0.9}


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
    return {"cpu": cpu, "cpus": os.cpu_count(), "system": system, "kernel": platform.release(), "architecture": platform.machine(), "cards": cards}


def verify_part(c, impl, jobs):
    """The operators one by one, as long as there is time: what has run by then is in the archive."""
    operators = operators_of(impl)

    class Options:
        all, runs, fingerprint, limit, minutes = False, False, False, 600, c.left(SHARES["verify"]) / 60
    Options.jobs = jobs
    m = Matrix([impl], operators, Options)
    m.columns = [{"name": impl.name, "about": impl.about, "skipped": "", "device": None, "flop": 0}]
    start, fault = time.monotonic(), ""
    try:
        m.columns[0]["device"] = m.look(impl)
        m.fill_column(impl)
    except matrix.Missing as e:
        m.columns[0]["skipped"] = str(e)
        fault = "" if m.over() else str(e)      # a probe that had no time says nothing of the device
    passed = len([row for row, _, _ in m.values((matrix.SAME, matrix.CLOSE)) if row in operators])
    bad = m.values(matrix.FAULTS)
    state = fault or f"{passed} of {len(operators)} operators with the bits of their C definitions, {len(bad)} not"
    c.write("matrix.json", json.dumps(m.json({}), indent=1))
    c.note("verify", state, time.monotonic() - start)
    return {"passed": passed, "failed": len(bad), "operators": len(operators), "different": [[row, v["outcome"]] for row, _, v in bad],
            "fault": fault}


def profile_part(c, impl, work):
    """The time of each kernel in a short training of the tiny config."""
    if "later version" in impl.scorecl("profile", "--help").err or impl.scorecl("profile", "--help").code != 0:
        c.note("profile", "this version has none")
        return
    out = os.path.join(work, "profile")
    done = c.part("profile", "profile", os.path.join(work, "tiny.yaml"), "--device", impl.select, "--steps", "3", "--out", out,
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
    devices = c.part("devices", "devices", "--measure", "--json", "-", share=0.2, output="devices.json")
    c.part("version", "version")
    # The fingerprint is of every operator and the shortest: first, whatever there is time for.
    fingerprint = {}
    if has_fingerprint(impl):
        done = c.part("fingerprint", "verify", "--fingerprint", "--device", impl.select, "--json", "-", share=SHARES["fingerprint"],
                      output="fingerprint.json")
        said = {None: "not finished", 0: "same", 4: "differs"}
        fingerprint = {"fingerprint": said.get(done.code, "failed")}
    else:
        c.note("fingerprint", "this version has none")
    result = {**verify_part(c, impl, args.jobs), **fingerprint}
    c.part("network", "bench", SIZE, "--device", impl.select, "--seconds", "1", "--json", "-", share=SHARES["network"],
           output="bench-network.json")
    c.part("bench", "bench", "--device", impl.select, "--seconds", "0.1", "--json", "-", share=SHARES["bench"], output="bench.json")
    matrix.write_pictures(os.path.join(work, "pictures.npy"))
    with open(os.path.join(work, "tiny.yaml"), "w") as f:
        f.write(matrix.TINY % os.path.join(work, "pictures.npy"))
    profile_part(c, impl, work)
    probed = json.load(open(os.path.join(c.folder, "matrix.json")))["columns"][0]["device"]
    report = report_of(devices) or {}
    described = [d for d in report.get("devices", []) if probed and d["name"] == probed["name"] and d["driver"] == probed["driver"]]
    c.write("manifest.json", json.dumps({
        "kind": "scorecl device archive", "date": time.strftime("%Y-%m-%d", time.gmtime(start)), "implementation": impl.name,
        "about": impl.about, "device": {**(described[0] if described else {}), **(probed or {})}, "machine": machine(),
        "versions": versions_of(impl), "result": result, "parts": c.parts, "seconds": round(time.time() - start, 1)}, indent=1))
    name = args.archive or f"portability-{slug(impl, probed)}-{time.strftime('%Y-%m-%d', time.gmtime(start))}.tar.gz"
    pack(c.folder, name)
    bad = result["failed"] or result["fault"] or result.get("fingerprint") == "differs"
    whole = result["passed"] == result["operators"] and result.get("fingerprint", "same") == "same"
    words = "DIFFERENT" if bad else "no difference" if whole else "no difference so far, NOT FINISHED"
    print(f"portability: {words}: {result['passed']} of {result['operators']} operators checked; {time.time() - start:.0f} s; wrote {name}")
    return 4 if bad else 0 if whole else 1


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
    """The program of a bundle, on the bundle's own libraries: bin/scorecl, made by its script `unpack`."""
    program = os.path.join(os.path.abspath(args.bundle), "bin", "scorecl")
    if not os.access(program, os.X_OK):
        unpack = os.path.join(args.bundle, "unpack")
        if not os.path.exists(unpack):
            sys.exit(f"portability: {args.bundle} is no folder of tools/bundle-deps: it has no script `unpack`")
        subprocess.run([unpack], check=True, stdout=sys.stderr)
    return program if os.access(program, os.X_OK) else args.scorecl


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
        ("; differ: " + ", ".join(op for op, _ in r["different"]) if r["different"] else "")
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
