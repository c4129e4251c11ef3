"""Roots of other Debian releases, for their drivers: made by debootstrap, entered by chroot.  Both need root.

The mirror and apt's settings are the host's, so that a machine behind a proxy or a mirror of its own needs nothing more.
"""
import glob
import os
import re
import shutil
import tempfile

from .places import CACHE, call, say

SUITES = ("trixie", "sid")
# What the program loads, by the names that Debian 13 and sid have in common, and the drivers.
PACKAGES = ["ca-certificates", "ocl-icd-libopencl1", "pocl-opencl-icd", "mesa-opencl-icd", "libyaml-0-2", "libjansson4", "libmd0",
            "zlib1g", "liblapacke", "libclblast1", "libmicrohttpd12t64"]


class Unready(Exception):
    """Why there is no such root."""


def folder(suite):
    return os.path.join(CACHE, "roots", suite)


def is_made(root):
    """With everything that the program loads today."""
    mark = os.path.join(root, ".ready")
    if not os.path.exists(mark):
        return False
    with open(mark) as f:
        return f.read().split() == PACKAGES


def ready(suite):
    """The root's path."""
    root = folder(suite)
    if not is_made(root):
        raise Unready(f"there is no root of Debian {suite}; `tools/portability --roots` makes it (as root)")
    if os.geteuid() != 0:
        raise Unready(f"entering the root of Debian {suite} takes root")
    return root


def icd(root, words):
    for path in sorted(glob.glob(os.path.join(root, "etc/OpenCL/vendors/*.icd"))):
        with open(path) as f:
            if any(w in f.read().lower() for w in words):
                return "/" + os.path.relpath(path, root)
    raise Unready("its root has no such driver")


def mirror():
    """The first mirror in apt's sources."""
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if os.path.isfile(path):
            with open(path) as f:
                found = re.search(r"^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s*)?)(\w+:\S+)", f.read(), re.M)
            if found:
                return found.group(1)
    raise Unready("apt's sources name no mirror")


ENTER = """for d in proc sys dev; do mount --rbind "/$d" "$1/$d"; done
for d in "$2" "$3"; do mkdir -p "$1$d"; mount --bind "$d" "$1$d"; done
root=$1; shift 3
exec chroot "$root" env -i "$@"
"""


def call_in(root, command, limit, env=None, work=None):
    """In a mount name space of its own: whatever was mounted is gone with it."""
    settings = {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
                **(env or {})}
    binds = [os.path.dirname(os.path.abspath(command[0])) if os.path.isabs(command[0]) else "/mnt", work or "/mnt"]
    words = [f"{k}={v}" for k, v in settings.items()]
    return call(["unshare", "--mount", "sh", "-ec", ENTER, "sh", root, *binds, *words, *command], limit)


def make(suite):
    if os.geteuid() != 0:
        raise Unready("making a root takes root")
    if not shutil.which("debootstrap"):
        raise Unready("there is no debootstrap (Debian's package debootstrap)")
    root = folder(suite)
    os.makedirs(os.path.dirname(root), exist_ok=True)
    for old in glob.glob(root + ".part-*"):
        shutil.rmtree(old)
    part = tempfile.mkdtemp(prefix=suite + ".part-", dir=os.path.dirname(root))
    os.chmod(part, 0o755)
    say(f"making a root of Debian {suite}; about a minute, 1.5 GB")
    done = call(["debootstrap", "--variant=minbase", suite, part, mirror()], 1800)
    if done.code != 0:
        raise Unready(f"debootstrap {suite}: {done.last_words()}")
    for setting in glob.glob("/etc/apt/apt.conf.d/99*"):
        shutil.copy(setting, os.path.join(part, "etc/apt/apt.conf.d/"))
    if os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
        os.makedirs(os.path.join(part, "etc/ssl/certs"), exist_ok=True)
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", os.path.join(part, "etc/ssl/certs/"))
    for name in ("/etc/resolv.conf", "/etc/hosts"):
        shutil.copy(name, part + name)
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        done = call_in(part, command, 1800)
        if done.code != 0:
            raise Unready(f"{' '.join(command[:2])} in the root of {suite}: {done.last_words()}")
    call_in(part, ["apt-get", "clean"], 60)
    with open(os.path.join(part, ".ready"), "w") as f:
        f.write("\n".join(PACKAGES) + "\n")
    shutil.rmtree(root, ignore_errors=True)
    os.rename(part, root)
    return root
