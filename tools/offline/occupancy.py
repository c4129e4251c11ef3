"""How many work-items a compute unit holds at a time, as far as registers and local memory let it: an estimate.

NVIDIA: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"; AMD: ISA guides and LLVM's AMDGPU user guide;
Intel: oneAPI GPU optimization guide.
"""

# Of a multiprocessor: work-items, kilobytes of local memory, groups.
NVIDIA = {"sm_70": (2048, 96, 32), "sm_75": (1024, 64, 16), "sm_80": (2048, 164, 32), "sm_86": (1536, 100, 16),
          "sm_89": (1536, 100, 24), "sm_90": (2048, 228, 32), "sm_100": (2048, 228, 32), "sm_120": (1536, 100, 24)}

# Of a compute unit (RDNA: half a WGP): lanes of a wave, SIMDs, registers of a lane, their granularity, waves of a SIMD.
AMD = {"gfx906": (64, 4, 256, 4, 10), "gfx90a": (64, 4, 512, 8, 8), "gfx942": (64, 4, 512, 8, 8), "gfx1030": (32, 2, 1024, 8, 16),
       "gfx1100": (32, 2, 1536, 24, 16), "gfx1200": (32, 2, 1536, 24, 16)}

# Of a subslice (skl), dual subslice (tgllp) or Xe core: hardware threads, kilobytes of local memory.
INTEL = {"skl": (56, 64), "tgllp": (112, 64), "dg2": (128, 128), "pvc": (64, 128)}


def up(n, to):
    return (n + to - 1) // to * to


def nvidia(chip, f, items):
    most, local, groups = NVIDIA[chip]
    reserved = 0 if chip in ("sm_70", "sm_75") else 1024        # of every group
    warps = up(items, 32) // 32
    groups = min(groups, most // (warps * 32), 65536 // (up(max(f.registers, 1) * 32, 256) * warps),
                 (local << 10) // max(f.local + reserved, 1))
    return groups * items, most


def amd(chip, f, items):
    wave, simds, file, grain, most = AMD[chip]
    waves = simds * min(most, file // up(max(f.registers, 1), grain))
    groups = min(waves * wave / items, (64 << 10) / max(f.local, 1))
    # A group of RDNA is placed on a WGP, two of these units.
    groups = int(groups) if chip.startswith("gfx9") else int(2 * groups) / 2
    return int(groups * items), simds * most * wave


def intel(chip, f, items):
    threads, local = INTEL[chip]
    threads //= 2 if f.registers > 128 else 1
    simd = f.simd or 8
    groups = min(threads // max(up(items, simd) // simd, 1), (local << 10) // max(f.local, 1))
    return groups * items, threads * simd


def resident(chip, f, items):
    """Work-items that a compute unit holds, and the most of them; None for a chip that is not in the tables."""
    for table, of in ((NVIDIA, nvidia), (AMD, amd), (INTEL, intel)):
        if chip in table:
            return of(chip, f, items)
    return None


def share(chip, f, items):
    """In percent; None where it is unknown."""
    found = resident(chip, f, items)
    return None if found is None else round(100 * found[0] / found[1])
