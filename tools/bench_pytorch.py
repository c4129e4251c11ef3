"""Times ScoreCL and PyTorch in turns: the work of tools/bench-pytorch, which installs PyTorch first.

A round is a turn of ScoreCL, with its peak probe, and one of each PyTorch mode, in an order that moves on by
one from round to round.  A row takes the medians over all rounds, so that a machine whose speed
changes within minutes changes both sides alike.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

from bench_peer import MODES, Worker, cache_folder

CONFIGS = ["28x28x1-ngf64-b32", "32x32x3-ngf128-b16", "28x28x1-ngf16-b64"]
WHATS = ["forward", "train_step", "sample_step"]
QUICK_SECONDS = 200
ROOMY = 14 << 30       # bytes: four idle workers keep so much of what a training step took


def say(text):
    print("bench-pytorch: " + text, file=sys.stderr, flush=True)


def scorecl_turn(args, what, case):
    command = [args.scorecl, "bench", case["config"], "--device", args.device, "--what", what,
               "--seconds", str(args.seconds), "--json", "-"]
    if case["threads"]:
        command += ["--threads", str(case["threads"])]
    for override in args.overrides:
        command += ["-o", override]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"bench-pytorch: {' '.join(command)} ended with status {done.returncode}")
    report = json.loads(done.stdout)
    return {**report["rows"][0], "device": report["device"]}


def ready(workers, what):
    """First calls, which compile; leaves the modes that run here: torch.compile needs a C++ compiler."""
    for w in list(workers):
        try:
            w.ready(what)
        except RuntimeError as e:
            say(f"{w.mode} left out: {e}")
            workers.remove(w)
    if not workers:
        sys.exit("bench-pytorch: PyTorch does not run in any mode")


def quick_is_over(args, begin, start, rounds):
    """Would another round take this row beyond its share of the quick run?"""
    share = QUICK_SECONDS / (len(args.configs) * len(args.threads) * len(args.whats))
    spent = time.monotonic() - start
    return spent * (rounds + 1) / rounds > share or time.monotonic() - begin > QUICK_SECONDS


def bench_row(args, workers, what, case, begin):
    ready(workers, what)
    start, ours, turns = time.monotonic(), [], {w: [] for w in workers}
    for round_ in range(args.rounds):
        order = [None, *workers]
        first = round_ % len(order)
        for w in order[first:] + order[:first]:
            if w is None:
                ours.append(scorecl_turn(args, what, case))
            else:
                turns[w].append(w.time(what, args.seconds / 2))
        if args.quick and quick_is_over(args, begin, start, round_ + 1):
            break
    return row_of(what, case, ours, turns)


def row_of(what, case, ours, turns):
    samples = {w.mode: [s for turn in t for s in turn["samples"]] for w, t in turns.items()}
    medians = {mode: statistics.median(s) for mode, s in samples.items()}
    best = min(turns, key=lambda w: medians[w.mode])
    scorecl = statistics.median(r["scorecl_s"] for r in ours)
    by_round = [statistics.median(t["samples"]) / r["scorecl_s"] for t, r in zip(turns[best], ours)]
    planned, resident, growth = (max(r[key] for r in ours) for key in (
        "scorecl_peak_bytes", "resident_peak_bytes", "resident_growth_bytes"))
    if case["device"] == "gpu":         # the system does not tell what a process has on a card
        resident = growth = planned
    return {
        **case, "what": what, "scorecl_s": scorecl, "pytorch_s": medians,
        "ratio": medians[best.mode] / scorecl, "best": best.mode, "rounds": len(ours),
        "scorecl_peak_bytes": resident, "pytorch_peak_bytes": max(t["peak_bytes"] for t in turns[best]),
        "scorecl_growth_bytes": growth, "pytorch_growth_bytes": max(t["growth_bytes"] for t in turns[best]),
        "scorecl_plan_bytes": planned, "scorecl_conv": ours[0]["conv"],
        "ratio_range": [min(by_round), max(by_round)],
        "scorecl_range_s": [min(r["min_s"] for r in ours), max(r["max_s"] for r in ours)],
        "pytorch_range_s": {m: [min(s), max(s)] for m, s in samples.items()},
        "scorecl_first_s": ours[0]["first_s"], "pytorch_first_s": {w.mode: w.first[what] for w in turns},
        "fma_peak_gflop_s": [r["fma_peak_gflop_s"] for r in ours],
        "scorecl_gflop_s": statistics.median(r["gflop_s"] for r in ours), "scorecl_device": ours[0]["device"],
    }


def spread(median, low_high):
    return f"{median:.4g} ({low_high[0]:.4g}-{low_high[1]:.4g})"


def name_of(row):
    how = f"{row['threads']} thr" if row["threads"] else row["math"]
    return f"{row['config']:<19} {row['what']:<11} {how:<5}"


def print_row(row, out):
    ours = spread(row["scorecl_s"], row["scorecl_range_s"])
    lines = [f"{name_of(row)}  ratio {spread(row['ratio'], row['ratio_range'])}",
             f"ScoreCL {row['scorecl_conv']:<22} {ours} s, first {row['scorecl_first_s']:.1f} s"]
    for mode, seconds in row["pytorch_s"].items():
        lines.append(f"PyTorch {mode:<22} {spread(seconds, row['pytorch_range_s'][mode])} s, "
                     f"first {row['pytorch_first_s'][mode]:.1f} s{'  *' if mode == row['best'] else ''}")
    mib = {key: row[key] / 2**20 for key in row if key.endswith("_bytes")}
    lines.append(f"memory {mib['scorecl_peak_bytes']:.0f} / {mib['pytorch_peak_bytes']:.0f} MiB = "
                 f"{row['scorecl_peak_bytes'] / row['pytorch_peak_bytes']:.2f}; over the libraries' "
                 f"{mib['scorecl_growth_bytes']:.0f} / {mib['pytorch_growth_bytes']:.0f} MiB = "
                 f"{row['scorecl_growth_bytes'] / row['pytorch_growth_bytes']:.2f}; "
                 f"planned {mib['scorecl_plan_bytes']:.0f} MiB")
    probes = row["fma_peak_gflop_s"]
    lines.append(f"probe {min(probes):.0f}-{max(probes):.0f} GFLOP/s; {row['rounds']} rounds")
    print("\n    ".join(lines), file=out, flush=True)


def print_table(rows, out):
    """What is asked most often, once more: medians, the ratio, the ratio of peak memory."""
    modes = [m for m in MODES if any(m in r["pytorch_s"] for r in rows)]
    heads = "".join(f" {m.replace('compile_channels', 'c_channels'):>15}" for m in modes)
    heads = f"{'config':<19} {'what':<17} {'ScoreCL':>9}{heads} {'ratio':>6} {'memory':>6} {'growth':>6}"
    print("\n" + heads, file=out)
    for r in rows:
        peers = "".join(f" {r['pytorch_s'][m]:>15.4g}" if m in r["pytorch_s"] else f" {'-':>15}" for m in modes)
        ratios = [r["ratio"]] + [r[f"scorecl_{m}_bytes"] / r[f"pytorch_{m}_bytes"] for m in ("peak", "growth")]
        print(f"{name_of(r)} {r['scorecl_s']:>9.4g}{peers}" + "".join(f" {x:>6.2f}" for x in ratios), file=out)


NOTES = """
seconds: median (smallest-largest); ratio: best of PyTorch (*) / ScoreCL (range over the rounds): above 1
ScoreCL is faster.  first: the first call, with kernels built or loaded; it is in no other figure.
memory: most resident of a process, ScoreCL / PyTorch's fastest mode (GPU: planned / reserved on the card);
growth: the same without what was resident when the libraries were loaded and no network was there.
probe: float fma rate of the device, measured before and after each of ScoreCL's turns.
Neither side keeps an average of the weights."""


def available():
    with open("/proc/meminfo") as f:
        return next(1024 * int(line.split()[1]) for line in f if line.startswith("MemAvailable:"))


def bench_case(args, case, begin, out):
    lean = case["device"] == "cpu" and available() < ROOMY
    if lean:
        say("little memory is free: workers give theirs back after a turn, and run once untimed before one")
    workers = [Worker(case, mode, lean) for mode in args.modes]
    rows = []
    for what in args.whats:
        if args.warm:
            ready(workers, what)
            for w in workers:
                row = name_of({**case, "what": what})
                print(f"{row}  PyTorch {w.mode}: first call {w.first[what]:.1f} s", file=out, flush=True)
            continue
        rows.append(bench_row(args, workers, what, case, begin))
        print_row(rows[-1], out)
    for w in workers:
        w.close()
    return rows


def machine(load, rows):
    model = "unknown"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    import torch

    about = {"load_at_start": load, "cpu": model, "cores": len(os.sched_getaffinity(0)),
             "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
             "system": platform.platform(), "torch": torch.__version__, "date": time.strftime("%Y-%m-%d"),
             "scorecl_device": rows[0]["scorecl_device"] if rows else None}
    if torch.cuda.is_available():
        about["gpu"] = torch.cuda.get_device_name()
    return about


def cases_of(args):
    """On a GPU, PyTorch in float and with TF32 products; threads are a processor's matter."""
    for config in args.configs:
        if args.device == "gpu":
            for math in ("f32", "tf32"):
                yield {"config": config, "threads": 0, "device": "gpu", "math": math}
        else:
            for threads in args.threads:
                yield {"config": config, "threads": threads, "device": "cpu", "math": "f32"}


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--scorecl", required=True)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--warm", action="store_true")
    p.add_argument("--json")
    p.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    p.add_argument("--config", action="append", dest="configs")
    p.add_argument("--what", action="append", dest="whats", choices=WHATS)
    p.add_argument("--mode", action="append", dest="modes", choices=MODES)
    p.add_argument("--threads", action="append", type=int)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=1)
    p.add_argument("-o", action="append", dest="overrides", default=[])
    args = p.parse_args()
    args.configs = args.configs or (CONFIGS[:1] if args.quick else CONFIGS)
    args.threads = args.threads or [2, 1]
    args.whats = [w for w in WHATS if w in (args.whats or WHATS)]
    usual = MODES[2:] if args.warm else MODES[:1] if args.quick else MODES
    args.modes = [m for m in MODES if m in (args.modes or usual)]
    return args


def main():
    args = parse()
    out = sys.stderr if args.json == "-" else sys.stdout
    begin, rows = time.monotonic(), []
    load = os.getloadavg()[0]
    # Threads that wait for one another lose far more than their share: PyTorch was seen 100 times slower.
    if load > 0.5:
        say(f"other programs are running (load {load:.1f}): ratios taken now say little")
    say(f"what torch.compile makes is kept in {cache_folder()}")
    for case in cases_of(args):
        rows += bench_case(args, case, begin, out)
    if rows:
        print_table(rows, out)
        print(NOTES, file=out)
    about = machine(load, rows)
    for row in rows:
        del row["scorecl_device"]
    if args.json:
        text = json.dumps({"machine": about, "rows": rows}, indent=1) + "\n"
        if args.json == "-":
            sys.stdout.write(text)
        else:
            with open(args.json, "w") as f:
                f.write(text)


if __name__ == "__main__":
    main()
