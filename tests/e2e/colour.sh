# Colour: colourisation and inpainting of pictures with three channels, small icons, by the C definitions and by OpenCL.
. "$SOURCE/tests/e2e/common"
icons=/usr/share/icons/oxygen/base/32x32/actions
[ -d "$icons" ] || { echo "skipped: oxygen-icon-theme is not installed"; exit 77; }
cat > colour.yaml << YAML
seed: 3
data: { format: images, path: $icons, transform: { size: 8, channels: 3 } }
model: { net: ncsn, ngf: 4 }
noise: { levels: 4 }
conv: direct
stages:
  train: { kind: train, batch: 8, steps: 30, ema: 0.9, eval: { every: never }, checkpoint: { every: end } }
  colours: &some
    kind: sample
    needs: [train]
    sampler: &langevin { steps_per_level: 3, step_lr: 2.0e-5 }
    condition: { task: colorize, per_image: 3, first: 2 }
    count: 12
  steps: { <<: *some, condition: { task: colorize, per_image: 3, first: 2, noise: step } }
  ancestral: { <<: *some, sampler: { method: ancestral } }
  corrector: { <<: *some, sampler: { method: predictor_corrector, group: 6 } }
  flow: { <<: *some, sampler: { method: probability_flow, solver: euler } }
YAML
"$SCORECL" run colour.yaml --out run --device reference > log 2>&1 || { cat log; fail "colour.yaml"; }
python3 - << 'PY'
import json, struct, sys, zlib
def png(file):
    """width, channels, rows of bytes: filters undone."""
    data, at, idat = open(file, "rb").read(), 8, b""
    while at < len(data):
        n, name = struct.unpack(">I4s", data[at:at + 8])
        idat += data[at + 8:at + 8 + n] if name == b"IDAT" else b""
        if name == b"IHDR":
            width, height, _, kind = struct.unpack(">IIBB", data[at + 8:at + 18])
        at += n + 12
    C, raw, rows = {0: 1, 2: 3}[kind], zlib.decompress(idat), []
    for y in range(height):
        f, row, up = raw[y * (width * C + 1)], bytearray(raw[y * (width * C + 1) + 1:(y + 1) * (width * C + 1)]), rows[-1] if y else bytes(width * C)
        for i in range(width * C):
            a, b, c = (row[i - C] if i >= C else 0), up[i], (up[i - C] if i >= C else 0)
            p = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            row[i] = (row[i] + (0, a, b, (a + b) // 2, p)[f]) & 255
        rows.append(bytes(row))
    return width, C, rows
def samples(stage):
    data = open(f"run/{stage}/samples.npy", "rb").read()
    head = 10 + struct.unpack("<H", data[8:10])[0]
    assert b"(12, 8, 8, 3" in data[:head], data[:head]
    return struct.unpack("<%df" % (12 * 192), data[head:])
notes, faults = json.load(open("run/environment.json"))["stages"], 0
def check(ok, what):
    global faults
    faults += not ok
    print("pass" if ok else "FAIL", what)
for stage in "colours", "steps", "ancestral", "corrector", "flow":
    x, off = samples(stage), float(notes[stage]["known_off"])
    # Three values of at most 8 are summed and rounded: 4 roundings of 2^-24 of 8.
    check(off < 4 * 8 * 2**-24, f"{stage}: grey values are off by {off:g}")
    grey = [[sum(x[i * 192 + p * 3 + k] for k in range(3)) / 3 for p in range(64)] for i in range(12)]
    check(max(abs(a - b) for i in range(12) for a, b in zip(grey[i], grey[i // 3 * 3])) < 4 * 8 * 2**-24, f"{stage}: the three of a picture share them")
    check(max(abs(a - b) for a, b in zip(grey[0], grey[3])) > 0.05, f"{stage}: other pictures have others")
    # An untrained network leaves the colours free: the samples of a picture differ, but for the flow, which has no other noise than its start.
    check(float(notes[stage]["unknown_spread"]) > 0.01, f"{stage}: the colours are free")
    width, channels, rows = png(f"run/{stage}/grid.png")
    check(channels == 3 and width == 2 + 5 * 10 and len(rows) == 2 + 4 * 10, f"{stage}: a row is the grey picture, three samples, the picture")
    inside = [rows[2 + r * 10 + y][(2 + x) * 3:(3 + x) * 3] for r in range(4) for y in range(8) for x in range(8)]
    check(all(len(set(p)) == 1 for p in inside), f"{stage}: the first is grey")
sys.exit(faults > 0)
PY

# OpenCL gives the same bits.
"$SCORECL" sample run/train/checkpoints/latest.safetensors -n 6 --out here -o stages.colours.count=6 > log 2>&1 || { cat log; fail "by OpenCL"; }
"$SCORECL" sample run/train/checkpoints/latest.safetensors -n 6 --out there -o stages.colours.count=6 --device reference > log 2>&1 || { cat log; fail "by the reference"; }
[ "$("$SCORECL" checksum here/samples.npy | cut -d' ' -f1)" = "$("$SCORECL" checksum there/samples.npy | cut -d' ' -f1)" ] || fail "OpenCL colours otherwise"
