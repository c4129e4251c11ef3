"""The processes that run PyTorch for tools/bench_pytorch.py, one for each mode, and their caches."""
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys

MODES = ["eager", "channels_last", "compile", "compile_channels_last"]
HERE = os.path.dirname(os.path.abspath(__file__))


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("SCORECL_INDUCTOR_CACHE") or os.path.join(base, "scorecl", "inductor")


class Worker:
    """Runs PyTorch in one mode.

    Its compiled code has a folder of its own: a run that was cut short damages no other mode's.
    """

    def __init__(self, case, mode, lean):
        self.case, self.mode, self.lean = case, mode, lean
        self.first = {}
        self.process = None
        version = importlib.metadata.version("torch").split("+")[0]
        self.folder = os.path.join(cache_folder(), "torch-" + version,
                                   f"{case['config']}-{mode}-{case['threads'] or case['math']}")

    def start(self):
        threads = str(self.case["threads"] or os.cpu_count())
        env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        if self.case["device"] == "cpu":
            # Threads that have nothing to do sleep: others are timed while this process waits for its turn.
            env.update(OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads)
            env.setdefault("OMP_WAIT_POLICY", "passive")
            env.setdefault("KMP_BLOCKTIME", "0")
        if self.mode.startswith("compile"):
            env.update(TORCHINDUCTOR_CACHE_DIR=self.folder, TORCHINDUCTOR_FX_GRAPH_CACHE="1",
                       TORCHINDUCTOR_AUTOGRAD_CACHE="1")
        case, script = self.case, os.path.join(HERE, "bench_torch_worker.py")
        command = [sys.executable, script, case["config"], self.mode, threads, case["device"], case["math"]]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=env)

    def ask(self, *words):
        if not self.process:
            self.start()
        try:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self.process.wait()
            self.process = None
            raise RuntimeError(f"PyTorch ({self.mode}) ended with status {status}")
        return json.loads(line)

    def ready(self, what):
        """What an earlier run left unfinished on disk may end the process: then once more, from nothing."""
        kept = self.mode.startswith("compile") and os.path.isdir(self.folder)
        try:
            answer = self.ask("ready", what)
        except RuntimeError:
            if not kept:
                raise
            shutil.rmtree(self.folder)
            answer = self.ask("ready", what)
        self.first[what] = answer["first_s"]
        if self.lean:
            self.ask("rest")

    def time(self, what, seconds):
        if self.lean:
            self.ask("time", what, 0)
        answer = self.ask("time", what, seconds)
        if self.lean:
            self.ask("rest")
        return answer

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process = None
