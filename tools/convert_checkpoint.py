#!/usr/bin/env python3
"""Official checkpoints of NCSN and NCSNv2 (.pth of PyTorch) to safetensors and back.

    tools/convert_checkpoint.py checkpoint.pth weights.safetensors [--size 28]
    tools/convert_checkpoint.py weights.safetensors checkpoint.pth

The official files hold a list: the network's state_dict (names behind "module." when it was trained with DataParallel), the
optimiser's, and more.  Only the weights are taken, and of NCSNv2 their moving average (as ema.NAME); names stay official.  The
table `sigmas` that NCSNv2 keeps beside its weights becomes metadata (levels, sigma_begin, sigma_end).  Back: [state_dict with
"module.", {}], with that table where the metadata tell it (levels are geometric).
Needs PyTorch and safetensors.
"""
import argparse
import sys


def weights_of(checkpoint):
    """The state_dict inside a loaded checkpoint, names without 'module.'."""
    state = checkpoint[0] if isinstance(checkpoint, (list, tuple)) else checkpoint
    if isinstance(state, dict) and "state_dict" in state:
        state = state["state_dict"]
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def average_of(checkpoint):
    """The moving average of the weights (NCSNv2 keeps it as the fifth entry), or nothing."""
    average = checkpoint[4] if isinstance(checkpoint, (list, tuple)) and len(checkpoint) > 4 else {}
    return {name.removeprefix("module."): tensor for name, tensor in average.items()} if isinstance(average, dict) else {}


def net_of(names):
    """The network whose parameters have these names (docs/interfaces.md, model.net)."""
    if "normalizer.embed.weight" in names or "refine1.crp.norms.0.gamma" in names:
        return "ncsn"                       # the second without the level: the baseline
    return "ncsnv2_deepest" if "res31.0.conv1.weight" in names else "ncsnv2_deeper" if "res5.0.conv1.weight" in names else "ncsnv2"


def guess_metadata(weights, sigmas, size):
    """What the names and shapes tell of the network."""
    begin = weights["begin_conv.weight"]
    meta = {"net": net_of(weights), "ngf": str(begin.shape[0]), "channels": str(begin.shape[1])}
    if "normalizer.embed.weight" in weights:
        meta["num_classes"] = str(weights["normalizer.embed.weight"].shape[0])
    if sigmas is not None:
        meta |= {"levels": str(len(sigmas)), "sigma_begin": f"{float(sigmas[0]):.7g}", "sigma_end": f"{float(sigmas[-1]):.7g}"}
    if size:
        meta["image_size"] = str(size)
    return meta


def to_safetensors(source, target, size):
    import torch
    from safetensors.torch import save_file

    checkpoint = torch.load(source, map_location="cpu", weights_only=True)
    weights = weights_of(checkpoint)
    if "begin_conv.weight" not in weights:
        sys.exit(f"{source}: no 'begin_conv.weight': not a checkpoint of NCSN's family")
    sigmas = weights.pop("sigmas", None)
    meta = guess_metadata(weights, sigmas, size)
    weights |= {f"ema.{name}": t for name, t in average_of(checkpoint).items() if name in weights}
    weights = {name: t.detach().to(torch.float32).contiguous() for name, t in weights.items() if t.is_floating_point()}
    save_file(weights, target, metadata=meta)
    return len(weights)


def to_pth(source, target):
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file

    tensors = load_file(source)
    with safe_open(source, framework="pt") as f:
        meta = f.metadata() or {}
    prefixes = ("ema.", "adam.", "param.", "sgd.", "rmsprop.", "state.")
    if any(name.startswith("param.") for name in tensors):
        weights = {n.removeprefix("param."): t for n, t in tensors.items() if n.startswith("param.")}
    else:
        weights = {n: t for n, t in tensors.items() if not n.startswith(prefixes)}
    count = len(weights)
    if meta.get("net", "").startswith("ncsnv2") and {"levels", "sigma_begin", "sigma_end"} <= meta.keys():
        begin, end = (torch.tensor(float(meta[key]), dtype=torch.float64).log().item() for key in ("sigma_begin", "sigma_end"))
        weights["sigmas"] = torch.linspace(begin, end, int(meta["levels"]), dtype=torch.float64).exp().to(torch.float32)
    torch.save([{f"module.{n}": t for n, t in weights.items()}, {}], target)
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--size", type=int, help="image size, for the metadata (the weights do not tell it)")
    args = parser.parse_args()
    back = args.source.endswith(".safetensors")
    count = to_pth(args.source, args.target) if back else to_safetensors(args.source, args.target, args.size)
    print(f"{args.target}: {count} tensors")


if __name__ == "__main__":
    main()
