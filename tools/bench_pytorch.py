"""Times ScoreCL and PyTorch in turns on one network: the work of tools/bench-pytorch, which installs PyTorch first.

A round is: each PyTorch mode, ScoreCL with its peak probe, each PyTorch mode again.  A row takes the medians over all rounds, so
that a machine whose speed changes within minutes changes both sides alike.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

CONFIGS = ["28x28x1-ngf64-b32", "32x32x3-ngf128-b16", "28x28x1-ngf16-b64"]
WHATS = ["forward", "train_step", "sample_step"]
MODES = ["eager", "channels_last", "compile", "compile_channels_last"]
QUICK_SECONDS = 200
HERE = os.path.dirname(os.path.abspath(__file__))


def say(text):
    print(text, file=sys.stderr, flush=True)


class Worker:
    """A process that runs PyTorch in one mode."""

    def __init__(self, config, mode, threads):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), PYTHONDONTWRITEBYTECODE="1")
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "bench_torch_worker.py"), config, mode, str(threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.mode, self.samples, self.peak, self.first = mode, {w: [] for w in WHATS}, dict.fromkeys(WHATS, 0), {}

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"PyTorch ({self.mode}) ended with status {self.process.wait()}")
        return json.loads(line)

    def ready(self, what):
        self.first[what] = self.ask("ready", what)["seconds"]

    def time(self, what, n):
        answer = self.ask("time", what, n)
        self.samples[what] += answer["samples"]
        self.peak[what] = max(self.peak[what], answer["peak_bytes"])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def scorecl_row(args, config, what, threads, seconds):
    command = [args.scorecl, "bench", config, "--device", "cpu", "--what", what, "--threads", str(threads), "--seconds", str(seconds),
               "--json", "-"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"bench-pytorch: {' '.join(command)} ended with status {done.returncode}")
    return json.loads(done.stdout)["rows"][0]


def bench_row(args, workers, config, what, threads, begin):
    """Rounds until there are enough, or the time is over."""
    start_all(workers, what)
    rows, share = [], QUICK_SECONDS / (len(args.configs) * len(args.threads) * len(WHATS))
    start = time.monotonic()
    for round_ in range(args.rounds):
        for w in workers:
            w.time(what, 2)
        rows.append(scorecl_row(args, config, what, threads, 2))
        for w in workers:
            w.time(what, 1)
        spent = time.monotonic() - start
        if args.quick and (spent * (round_ + 2) / (round_ + 1) > share or time.monotonic() - begin > QUICK_SECONDS):
            break
    ours = statistics.median(r["scorecl_s"] for r in rows)
    peers = {w.mode: statistics.median(w.samples[what]) for w in workers}
    best = min(workers, key=lambda w: peers[w.mode])
    return {
        "config": config, "what": what, "threads": threads, "scorecl_s": ours, "pytorch_s": peers, "ratio": peers[best.mode] / ours,
        "scorecl_peak_bytes": max(r["scorecl_peak_bytes"] for r in rows), "pytorch_peak_bytes": best.peak[what],
        "best": best.mode, "rounds": len(rows),
        "scorecl_range_s": [min(r["min_s"] for r in rows), max(r["max_s"] for r in rows)],
        "pytorch_range_s": {w.mode: [min(w.samples[what]), max(w.samples[what])] for w in workers},
        "pytorch_first_s": {w.mode: w.first[what] for w in workers},
        "fma_peak_gflop_s": [r["fma_peak_gflop_s"] for r in rows], "scorecl_gflop_s": statistics.median(r["gflop_s"] for r in rows),
    }


def start_all(workers, what):
    """First calls, which compile; leaves the modes that run here: torch.compile needs a C++ compiler, and says so itself."""
    for w in list(workers):
        try:
            w.ready(what)
        except (RuntimeError, BrokenPipeError) as e:
            say(f"bench-pytorch: {w.mode} left out: {e}")
            workers.remove(w)
    if not workers:
        sys.exit("bench-pytorch: PyTorch does not run in any mode")


def print_row(row, out):
    low, high = row["scorecl_range_s"]
    peers = "  ".join(f"{m} {s:.3f} ({row['pytorch_range_s'][m][0]:.3f}-{row['pytorch_range_s'][m][1]:.3f})"
                      for m, s in row["pytorch_s"].items())
    peaks = row["fma_peak_gflop_s"]
    print(f"{row['config']:<20} {row['what']:<11} {row['threads']} thr  ScoreCL {row['scorecl_s']:.3f} ({low:.3f}-{high:.3f})  "
          f"PyTorch {peers}  ratio {row['ratio']:.2f}  memory {row['scorecl_peak_bytes'] / 2**20:.0f} / "
          f"{row['pytorch_peak_bytes'] / 2**20:.0f} MiB  probe {min(peaks):.0f}-{max(peaks):.0f} GFLOP/s",
          file=out, flush=True)


def machine(load):
    model = "unknown"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    import torch

    return {"load_at_start": load, "cpu": model, "cores": len(os.sched_getaffinity(0)), "system": platform.platform(), "torch": torch.__version__,
            "date": time.strftime("%Y-%m-%d")}


NOTES = """seconds: median (smallest-largest); ratio: best of PyTorch / ScoreCL, above 1 ScoreCL is faster.  Neither side keeps an average of the weights.
memory: ScoreCL's buffers as planned / growth of PyTorch's resident set over that of the imported library, in its fastest mode.
probe: float fma rate of the device, measured before and after each of ScoreCL's rows."""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--scorecl", required=True)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--json")
    p.add_argument("--config", action="append", dest="configs")
    p.add_argument("--threads", action="append", type=int)
    p.add_argument("--rounds", type=int, default=5)
    args = p.parse_args()
    args.configs = args.configs or (CONFIGS[:1] if args.quick else CONFIGS)
    args.threads = args.threads or [2, 1]
    out = sys.stderr if args.json == "-" else sys.stdout
    begin, rows = time.monotonic(), []
    load = os.getloadavg()[0]
    if load > 0.5:       # threads that wait for one another lose far more than their share: PyTorch was seen 100 times slower
        say(f"bench-pytorch: other programs are running (load {load:.1f}): ratios taken now say little")
    # What torch.compile makes is kept for this run alone: the common folder may hold files cut short by an earlier one.
    compiled = tempfile.TemporaryDirectory(prefix="bench-pytorch.")
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = compiled.name
    for config in args.configs:
        for threads in args.threads:
            workers = [Worker(config, mode, threads) for mode in (MODES[:1] if args.quick else MODES)]
            for what in WHATS:
                rows.append(bench_row(args, workers, config, what, threads, begin))
                print_row(rows[-1], out)
            for w in workers:
                w.close()
    print(NOTES, file=out)
    if args.json:
        text = json.dumps({"machine": machine(load), "rows": rows}, indent=1) + "\n"
        if args.json == "-":
            sys.stdout.write(text)
        else:
            with open(args.json, "w") as f:
                f.write(text)


if __name__ == "__main__":
    main()
