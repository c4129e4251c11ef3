"""A run directory of any length, as `scorecl run` leaves it, with what a page may stumble over: make_run.py CONFIG.yaml DIR ROWS [SPIKE].

CONFIG.yaml is a resolved config (`scorecl check --print`).  Everything else is made up here."""
import json
import math
import os
import random
import struct
import sys
import zlib

HOSTILE = "</script><script>document.title='taken'</script><!-- \u2028"


def png(path, width, height, shade):
    """shade(x, y): grey, 0 to 255."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join(b"\0" + bytes(shade(x, y) for x in range(width)) for y in range(height))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def metrics(path, rows, spike):
    noise = 1
    with open(path, "w", encoding="ascii") as f:
        for step in range(1, rows + 1):
            noise = noise * 48271 % 2147483647
            loss = 100 * (0.2 + math.exp(-3 * step / rows)) * (0.8 + 0.4 * noise / 2147483647)
            row = {"step": step, "loss": 98765.4375 if step == spike else round(loss, 4), "grad_norm": round(loss / 3, 4), "lr": 0.001}
            if step % max(1, rows // 40) == 0:
                row["eval_loss"] = round(100 * (0.21 + math.exp(-3 * step / rows)), 4)
            if step == 7:
                row["grad_norm"] = None
            f.write(json.dumps(row) + "\n")
        f.write('{"step": %d, "lo' % (rows + 1))     # what a running stage is in the middle of


def main():
    config, folder, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    spike = int(sys.argv[4]) if len(sys.argv) > 4 else rows // 2
    with open(config, encoding="utf-8") as f:
        write(folder + "/config.yaml", f.read() + "# " + HOSTILE + "\n")
    device = {"name": "device " + HOSTILE, "platform": "made up", "driver": "1", "version": "OpenCL 3.0", "compute_units": 2, "global_bytes": 2 ** 33}
    write(folder + "/environment.json", json.dumps({"scorecl": "0", "arithmetic": 1, "config": HOSTILE, "stages": {"train": {"device": device, "peak_bytes": 2 ** 25}}}))
    write(folder + "/state.json", json.dumps({"stages": {
        "train": {"status": "finished", "finished": "2026-01-02 03:04:05 UTC", "seconds": 3600.5, "steps": rows},
        "sample": {"status": "finished", "finished": "2026-01-02 03:05:05 UTC", "seconds": 50},
        "evaluate": {"status": "failed", "seconds": 0, "error": HOSTILE}}}))
    write(folder + "/log.txt", "2026-01-02T02:04:04Z train runs: it has not run yet\n2026-01-02T02:04:05Z train: %s\n" % HOSTILE)
    os.makedirs(folder + "/train/samples", exist_ok=True)
    os.makedirs(folder + "/sample", exist_ok=True)
    metrics(folder + "/train/metrics.jsonl", rows, spike)
    for k in range(5):
        # Noise, which does not compress: a long run has as much as a page has room for.
        side, noise = 1000 if rows >= 100000 else 42, random.Random(k).randbytes
        lines = [noise(side) for _ in range(side)]
        png(folder + "/train/samples/step-%08d.png" % (k * rows // 4), side, side, lambda x, y, lines=lines: lines[y][x])
    png(folder + "/sample/grid.png", 42, 42, lambda x, y: x * y % 256)
    # Three rows of four pictures of 8x8 with lines of two pixels: row r is of shade 60 (r + 1).
    png(folder + "/sample/trajectory.png", 42, 32, lambda x, y: 255 if x % 10 < 2 or y % 10 < 2 else 60 * (y // 10 + 1))
    write(folder + "/evaluate/evaluation.json", json.dumps({"values": {
        "frechet": {"value": 12.375, "error": 0.25}, "modes.0": {"value": 0.79, "true": 0.8},
        **{"loss.%d" % i: {"value": 30.0 - i} for i in range(1, 5)}}}))


main()
