"""One way of running PyTorch, for tools/bench_pytorch.py: answers commands on standard input, one line each.

    bench_torch_worker.py CONFIG MODE THREADS DEVICE MATH
    ready WHAT          -> {"first_s": of the first call, with compilation, "second_s": of the next}
    time WHAT SECONDS   -> {"samples": [seconds, ...], "peak_bytes": most memory,
                            "growth_bytes": over that of the imported library}
    rest                -> {}: gives memory it does not need back to the system

MODE: eager, channels_last, compile, compile_channels_last; DEVICE: cpu, gpu; MATH: f32, tf32 (of a GPU's
products).  WHAT: forward (scores of a batch, no gradients), train_step (fresh noise and levels, zero_grad,
loss, backward, Adam) and sample_step (one update of Langevin dynamics), as the official code does them.
"""
import ctypes
import gc
import json
import re
import sys
import time

import torch

import ncsn_torch

LEVELS = 10


def resident(name):
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith(name + ":"):
                return 1024 * int(line.split()[1])
    return 0


def rest():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def set_math(math):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = math == "tf32"
    torch.backends.cudnn.benchmark = True


class Peer:
    def __init__(self, config, mode, threads, device):
        size = re.fullmatch(r"(\d+)x(\d+)x(\d+)-ngf(\d+)-b(\d+)", config)
        height, width, channels, ngf, self.batch = map(int, size.groups())
        self.device = torch.device("cuda" if device == "gpu" else "cpu")
        if device == "cpu":
            torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.base = resident("VmRSS")
        self.format = torch.channels_last if "channels_last" in mode else torch.contiguous_format
        self.net = ncsn_torch.NCSN(ngf, channels, LEVELS).to(self.device, memory_format=self.format)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        self.sigmas = torch.logspace(0, -2, LEVELS, device=self.device)
        shape = channels, height, width
        self.data = torch.randint(0, 256, (4 * self.batch, *shape), dtype=torch.uint8, device=self.device)
        self.x = torch.rand(self.batch, *shape, device=self.device).contiguous(memory_format=self.format)
        self.labels = self.draw(LEVELS)
        self.score = torch.compile(self.net) if mode.startswith("compile") else self.net

    def draw(self, below):
        return torch.randint(0, below, (self.batch,), device=self.device)

    def forward(self):
        with torch.no_grad():
            self.score(self.x, self.labels)

    def sample_step(self):
        with torch.no_grad():
            labels = torch.full((self.batch,), 3, device=self.device)
            noise = torch.randn_like(self.x)
            self.x = (self.x + 2e-5 * self.score(self.x, labels) + 6e-3 * noise).clamp_(0, 1)

    def train_step(self):
        x = (self.data[self.draw(self.data.shape[0])] + torch.rand(self.x.shape, device=self.device)) / 256
        x = x.contiguous(memory_format=self.format)
        self.adam.zero_grad()
        loss = ncsn_torch.dsm_loss(self.score, x, self.draw(LEVELS), self.sigmas, torch.randn_like(x))
        loss.backward()
        self.adam.step()

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def timed(self, what):
        self.wait()
        start = time.perf_counter()
        getattr(self, what)()
        self.wait()
        return time.perf_counter() - start

    def ready(self, what):
        """The first call compiles, the second finds out whether the first has left anything to compile."""
        first = self.timed(what)
        rest()
        return {"first_s": first, "second_s": self.timed(what)}

    def forget_peak(self):
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
            return
        try:
            with open("/proc/self/clear_refs", "w") as f:
                f.write("5")
        except OSError:                # the mark then covers the calls before too
            pass

    def memory(self):
        """Of a GPU, what PyTorch took of the card; else the process as the system sees it."""
        if self.device.type == "cuda":
            peak = torch.cuda.max_memory_reserved()
            return {"peak_bytes": peak, "growth_bytes": peak}
        peak = resident("VmHWM")
        return {"peak_bytes": peak, "growth_bytes": peak - self.base}

    def time(self, what, seconds):
        """As many calls as begin within the time, one at least."""
        self.forget_peak()
        samples, begin = [], time.perf_counter()
        while not samples or time.perf_counter() - begin < seconds:
            samples.append(self.timed(what))
        return {"samples": samples, **self.memory()}


def main():
    config, mode, threads, device, math = sys.argv[1:]
    if device == "gpu":      # on a processor they do nothing but enter the key of torch.compile's cache
        set_math(math)
    peer = Peer(config, mode, int(threads), device)
    for line in sys.stdin:
        verb, *words = line.split()
        answer = {}
        if verb == "ready":
            answer = peer.ready(words[0])
        elif verb == "time":
            answer = peer.time(words[0], float(words[1]))
        else:
            rest()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
