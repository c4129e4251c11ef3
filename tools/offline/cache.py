"""What compilers said before: the figures of a kernel by its text, the chip and the compiler, in $XDG_CACHE_HOME/scorecl.  A fault is
not kept: it is looked at again."""
import hashlib
import json
import os
import tempfile

from offline import compilers

MOST = 20000        # figures that are kept: a few versions of all kernels


def path_of():
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(folder, "scorecl", "offline-compile.json")


class Cache:
    def __init__(self):
        self.used, self.hits = {}, 0
        with open(compilers.__file__, "rb") as file:
            self.how = hashlib.sha256(file.read()).hexdigest()
        try:
            with open(path_of()) as file:
                self.known = {key: compilers.Figures(*figures) for key, figures in json.load(file).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self.known = {}

    def key(self, kernel, chip, version, pragmas):
        return hashlib.sha256("\0".join([self.how, chip, version, *pragmas, kernel.text]).encode()).hexdigest()

    def get(self, key):
        """Figures, or None."""
        if key in self.known:
            self.used[key] = self.known[key]
            self.hits += 1
        return self.known.get(key)

    def put(self, key, figures):
        self.used[key] = figures

    def save(self):
        """A cache that cannot be written is none."""
        older = [(k, f) for k, f in self.known.items() if k not in self.used]
        keep = dict(older[-max(0, MOST - len(self.used)):]) if len(self.used) < MOST else {}
        try:
            os.makedirs(os.path.dirname(path_of()), exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path_of()), delete=False) as file:
                json.dump({**keep, **self.used}, file)
            os.replace(file.name, path_of())
        except OSError:
            pass
