#!/usr/bin/env python3
"""Official NCSN checkpoints (.pth of PyTorch) to safetensors and back.

    tools/convert_checkpoint.py checkpoint.pth weights.safetensors [--size 28]
    tools/convert_checkpoint.py weights.safetensors checkpoint.pth

The official files hold a list: the network's state_dict (names behind "module." when it was trained with DataParallel), the
optimiser's, and more.  Only the weights are taken; names stay official.  Back: [state_dict with "module.", {}].
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


def guess_metadata(weights, size):
    """What the names and shapes tell of the network."""
    begin = weights["begin_conv.weight"]
    conditional = "normalizer.embed.weight" in weights
    meta = {"net": "ncsn" if conditional else "ncsnv2", "ngf": str(begin.shape[0]), "channels": str(begin.shape[1])}
    if conditional:
        meta["num_classes"] = str(weights["normalizer.embed.weight"].shape[0])
    if size:
        meta["image_size"] = str(size)
    return meta


def to_safetensors(source, target, size):
    import torch
    from safetensors.torch import save_file

    weights = weights_of(torch.load(source, map_location="cpu", weights_only=True))
    if "begin_conv.weight" not in weights:
        sys.exit(f"{source}: no 'begin_conv.weight': not a checkpoint of NCSN's family")
    weights = {name: t.detach().to(torch.float32).contiguous() for name, t in weights.items() if t.is_floating_point()}
    save_file(weights, target, metadata=guess_metadata(weights, size))
    return len(weights)


def to_pth(source, target):
    import torch
    from safetensors.torch import load_file

    tensors = load_file(source)
    prefixes = ("ema.", "adam.", "param.", "sgd.", "rmsprop.", "state.")
    if any(name.startswith("param.") for name in tensors):
        weights = {n.removeprefix("param."): t for n, t in tensors.items() if n.startswith("param.")}
    else:
        weights = {n: t for n, t in tensors.items() if not n.startswith(prefixes)}
    torch.save([{f"module.{n}": t for n, t in weights.items()}, {}], target)
    return len(weights)


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
