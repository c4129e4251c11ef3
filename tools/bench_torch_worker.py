"""One way of running PyTorch, for tools/bench_pytorch.py: answers commands on standard input, one line each.

    bench_torch_worker.py CONFIG MODE THREADS
    ready WHAT          -> {"seconds": of the first call, with compilation}
    time WHAT N         -> {"samples": [seconds, ...], "peak_bytes": memory beyond that of the imported library}

WHAT: forward (scores of a batch, no gradients), train_step (fresh noise and levels, zero_grad, loss, backward, Adam) and
sample_step (one update of Langevin dynamics), as the official code does them.
"""
import ctypes
import json
import re
import sys
import time

import torch

import ncsn_torch

LEVELS = 10


def memory(name):
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith(name + ":"):
                return 1024 * int(line.split()[1])
    return 0


class Peer:
    def __init__(self, config, mode, threads):
        size = re.fullmatch(r"(\d+)x(\d+)x(\d+)-ngf(\d+)-b(\d+)", config)
        height, width, channels, ngf, self.batch = map(int, size.groups())
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.base = memory("VmRSS")
        self.format = torch.channels_last if "channels_last" in mode else torch.contiguous_format
        self.net = ncsn_torch.NCSN(ngf, channels, LEVELS).to(memory_format=self.format)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        self.sigmas = torch.logspace(0, -2, LEVELS)
        self.data = torch.randint(0, 256, (4 * self.batch, channels, height, width), dtype=torch.uint8)
        self.x = torch.rand(self.batch, channels, height, width).contiguous(memory_format=self.format)
        self.labels = torch.randint(0, LEVELS, (self.batch,))
        self.score = torch.compile(self.net) if mode.startswith("compile") else self.net

    def forward(self):
        with torch.no_grad():
            self.score(self.x, self.labels)

    def sample_step(self):
        with torch.no_grad():
            labels = torch.full((self.batch,), 3)
            self.x = (self.x + 2e-5 * self.score(self.x, labels) + 6e-3 * torch.randn_like(self.x)).clamp_(0, 1)

    def train_step(self):
        index = torch.randint(0, self.data.shape[0], (self.batch,))
        x = (self.data[index] + torch.rand(self.x.shape)) / 256
        x = x.contiguous(memory_format=self.format)
        labels = torch.randint(0, LEVELS, (self.batch,))
        self.adam.zero_grad()
        loss = ncsn_torch.dsm_loss(self.score, x, labels, self.sigmas, torch.randn_like(x))
        loss.backward()
        self.adam.step()
        return loss.item()

    def timed(self, what):
        start = time.perf_counter()
        getattr(self, what)()
        return time.perf_counter() - start


def main():
    peer = Peer(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    for line in sys.stdin:
        verb, what, *rest = line.split()
        if verb == "ready":
            answer = {"seconds": peer.timed(what)}
        else:
            try:                      # the high-water mark of these calls alone
                with open("/proc/self/clear_refs", "w") as f:
                    f.write("5")
            except OSError:
                pass
            samples = [peer.timed(what) for _ in range(int(rest[0]))]
            answer = {"samples": samples, "peak_bytes": memory("VmHWM") - peer.base}
        ctypes.CDLL(None).malloc_trim(0)      # four of these wait beside one another
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
