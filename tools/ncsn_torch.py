"""NCSN in PyTorch, written for speed with PyTorch's own functions: the peer of tools/bench-pytorch.

The same network as host/model/ncsn.c, official parameter names, checked against the golden file by
    python3 tools/ncsn_torch.py tests/golden/ncsn_28x28x1_ngf8.safetensors
"""
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


class Norm(nn.Module):
    """Conditional InstanceNorm++."""

    def __init__(self, channels, levels):
        super().__init__()
        self.embed = nn.Embedding(levels, 3 * channels)
        self.embed.weight.data[:, : 2 * channels].normal_(1, 0.02)
        self.embed.weight.data[:, 2 * channels :].zero_()

    def forward(self, x, y):
        mean = x.mean(dim=(2, 3))
        m, v = mean.mean(-1, keepdim=True), mean.var(-1, keepdim=True)
        gamma, alpha, beta = self.embed(y).chunk(3, dim=-1)
        across = (mean - m) / torch.sqrt(v + 1e-5)
        h = F.instance_norm(x)
        shift = gamma * alpha * across + beta
        return torch.addcmul(shift[..., None, None], h, gamma[..., None, None])


def conv(a, b, size=3, dilation=1, bias=True):
    return nn.Conv2d(a, b, size, padding=dilation * (size // 2), dilation=dilation, bias=bias)


class ConvMeanPool(nn.Module):
    def __init__(self, a, b, size):
        super().__init__()
        self.conv = conv(a, b, size)

    def forward(self, x):
        return F.avg_pool2d(self.conv(x), 2)


class Residual(nn.Module):
    def __init__(self, a, b, levels, down=False, dilation=1):
        super().__init__()
        inner = a if down else b
        halve = down and dilation == 1
        self.conv1 = conv(a, inner, dilation=dilation)
        self.normalize2 = Norm(inner, levels)
        self.conv2 = ConvMeanPool(inner, b, 3) if halve else conv(inner, b, dilation=dilation)
        if halve:
            self.shortcut = ConvMeanPool(a, b, 1)
        elif down or a != b:
            self.shortcut = conv(a, b, 3 if dilation > 1 else 1, dilation)
        self.normalize1 = Norm(a, levels)

    def forward(self, x, y):
        h = self.conv1(F.elu(self.normalize1(x, y)))
        h = self.conv2(F.elu(self.normalize2(h, y)))
        return h + (self.shortcut(x) if hasattr(self, "shortcut") else x)


class RCU(nn.Module):
    def __init__(self, channels, blocks, levels):
        super().__init__()
        self.blocks = blocks
        for i in range(1, blocks + 1):
            for s in (1, 2):
                setattr(self, f"{i}_{s}_norm", Norm(channels, levels))
                setattr(self, f"{i}_{s}_conv", conv(channels, channels, bias=False))

    def forward(self, x, y):
        for i in range(1, self.blocks + 1):
            h = x
            for s in (1, 2):
                h = getattr(self, f"{i}_{s}_conv")(F.elu(getattr(self, f"{i}_{s}_norm")(h, y)))
            x = x + h
        return x


class MSF(nn.Module):
    def __init__(self, inputs, channels, levels):
        super().__init__()
        self.convs = nn.ModuleList(conv(a, channels) for a in inputs)
        self.norms = nn.ModuleList(Norm(a, levels) for a in inputs)

    def forward(self, xs, y):
        total, shape = None, xs[0].shape[2:]
        for x, c, n in zip(xs, self.convs, self.norms):
            h = c(n(x, y))
            if h.shape[2:] != shape:
                h = F.interpolate(h, size=shape, mode="bilinear", align_corners=True)
            total = h if total is None else total + h
        return total


class CRP(nn.Module):
    def __init__(self, channels, levels):
        super().__init__()
        self.convs = nn.ModuleList(conv(channels, channels, bias=False) for _ in range(2))
        self.norms = nn.ModuleList(Norm(channels, levels) for _ in range(2))

    def forward(self, x, y):
        x = F.elu(x)
        path = x
        for c, n in zip(self.convs, self.norms):
            path = c(F.avg_pool2d(n(path, y), 5, 1, 2))
            x = path + x
        return x


class Refine(nn.Module):
    def __init__(self, inputs, channels, levels, end=False):
        super().__init__()
        self.adapt_convs = nn.ModuleList(RCU(a, 2, levels) for a in inputs)
        if len(inputs) > 1:
            self.msf = MSF(inputs, channels, levels)
        self.crp = CRP(channels, levels)
        self.output_convs = RCU(channels, 3 if end else 1, levels)

    def forward(self, xs, y):
        hs = [a(x, y) for a, x in zip(self.adapt_convs, xs)]
        h = self.msf(hs, y) if len(hs) > 1 else hs[0]
        return self.output_convs(self.crp(h, y), y)


class NCSN(nn.Module):
    def __init__(self, n, channels, levels):
        super().__init__()
        self.begin_conv = conv(channels, n)
        self.normalizer = Norm(n, levels)
        self.end_conv = conv(n, channels)
        self.res1 = nn.ModuleList([Residual(n, n, levels), Residual(n, n, levels)])
        self.res2 = nn.ModuleList([Residual(n, 2 * n, levels, True), Residual(2 * n, 2 * n, levels)])
        self.res3 = nn.ModuleList([Residual(2 * n, 2 * n, levels, True, 2), Residual(2 * n, 2 * n, levels, False, 2)])
        self.res4 = nn.ModuleList([Residual(2 * n, 2 * n, levels, True, 4), Residual(2 * n, 2 * n, levels, False, 4)])
        self.refine1 = Refine([2 * n], 2 * n, levels)
        self.refine2 = Refine([2 * n, 2 * n], 2 * n, levels)
        self.refine3 = Refine([2 * n, 2 * n], n, levels)
        self.refine4 = Refine([n, n], n, levels, True)

    def forward(self, x, y):
        h = self.begin_conv(2 * x - 1)
        layers = []
        for group in (self.res1, self.res2, self.res3, self.res4):
            for block in group:
                h = block(h, y)
            layers.append(h)
        r = self.refine1([layers[3]], y)
        r = self.refine2([layers[2], r], y)
        r = self.refine3([layers[1], r], y)
        r = self.refine4([layers[0], r], y)
        return self.end_conv(F.elu(self.normalizer(r, y)))


def dsm_loss(net, x, labels, sigmas, z):
    sigma = sigmas[labels].view(-1, 1, 1, 1)
    score = net(x + sigma * z, labels)
    return (0.5 * (score + z / sigma).square().flatten(1).sum(1) * sigma.view(-1) ** 2).mean()


def check(path):
    """Largest errors of score and loss against a golden file."""
    from safetensors.torch import load_file

    t = load_file(path)
    weights = {k.removeprefix("param."): v.double() for k, v in t.items() if k.startswith("param.")}
    first = weights["begin_conv.weight"]
    net = NCSN(first.shape[0], first.shape[1], weights["normalizer.embed.weight"].shape[0]).double()
    net.load_state_dict(weights)
    with torch.no_grad():
        score = net(t["out.perturbed"].double(), t["in.labels"])
        loss = dsm_loss(net, t["in.x"].double(), t["in.labels"], t["sigmas"].double(), t["in.noise"].double())
    return (score - t["out.score"]).abs().max().item(), abs(loss.item() / t["out.dsm_loss"].item() - 1)


if __name__ == "__main__":
    score_error, loss_error = check(sys.argv[1])
    print(f"score {score_error:.2e}  loss {loss_error:.2e}")
    sys.exit(score_error > 1e-5 or loss_error > 1e-6)
