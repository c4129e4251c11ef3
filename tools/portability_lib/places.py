"""Where things are: sources, caches, the binary; running a command."""
import os
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "scorecl", "portability")


def say(text):
    print("portability: " + text, file=sys.stderr, flush=True)


def write(path, text):
    """The file as a whole or not at all; -: standard output."""
    if path == "-":
        print(text)
        return
    with open(path + ".part", "w") as f:
        f.write(text)
    os.replace(path + ".part", path)


def binary(given):
    """The program under test; built where there is none."""
    path = os.path.abspath(given or os.environ.get("SCORECL") or os.path.join(ROOT, "build/release/scorecl"))
    if not os.access(path, os.X_OK):
        if given or os.environ.get("SCORECL"):
            sys.exit(f"portability: there is no program {path}")
        say("building ScoreCL into build/release")
        subprocess.run([os.path.join(ROOT, "tools/install-deps")], check=True, stdout=sys.stderr)
        subprocess.run([os.path.join(ROOT, "tools/build"), "build/release"], check=True, stdout=sys.stderr)
    return path


class Done:
    """What became of a command; code None: it ran over its time."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def last_words(self):
        lines = [line for line in (self.err + "\n" + self.out).splitlines() if line.strip()]
        if self.code is not None and self.code < 0:
            return f"ended by {signal.Signals(-self.code).name}" + (f": {lines[-1]}" if lines else "")
        return lines[-1].strip() if lines else f"exit status {self.code}"


running = set()         # groups of processes
ended = False           # by a signal: nothing starts any more


def end_all(number, _):
    """Of a signal that ends this program: what it has started ends too."""
    global ended
    ended = True
    for child in list(running):
        kill(child)
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt


def kill(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def call(command, limit, env=None, cwd=None):
    """Runs a command in a group of its own, all of which ends when its time does, or this program."""
    if ended:
        raise KeyboardInterrupt
    start = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             errors="replace", env=env, cwd=cwd, start_new_session=True)
    running.add(child)
    try:
        out, err = child.communicate(timeout=limit)
        code = child.returncode
    except subprocess.TimeoutExpired:
        kill(child)
        out, err = child.communicate()
        code = None
    except BaseException:
        kill(child)
        raise
    finally:
        running.discard(child)
    return Done(code, out, err, time.monotonic() - start)


def have(program):
    return shutil.which(program) is not None
