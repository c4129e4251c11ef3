"""The committed table of figures: rows are kernels with their options, columns chips; what a compiler said, and which compiler."""
import os

from offline.compilers import Figures
from offline.units import ROOT

TABLE = os.path.join(ROOT, "tools/offline/registers.tsv")
LIMIT = 1.10


def cell_of(f):
    return "%d%s/%d/%d/%d" % (f.registers, "x%d" % f.simd if f.simd else "", f.local, f.scratch, f.spills)


def figures_of(cell):
    registers, local, scratch, spills = cell.split("/")
    registers, _, simd = registers.partition("x")
    return Figures(float(registers), int(local), int(scratch), int(spills), int(simd or 0))


def write(path, rows, versions):
    """rows: {(chip, kernel, options, items): Figures}"""
    chips = sorted(versions)
    with open(path, "w") as file:
        for chip in chips:
            file.write("# %s\t%s\n" % (chip, versions[chip]))
        file.write("\t".join(["kernel", "options", "items", *chips]) + "\n")
        for kernel, options, items in sorted({key[1:] for key in rows}):
            cells = [cell_of(rows[(c, kernel, options, items)]) if (c, kernel, options, items) in rows else "" for c in chips]
            file.write("\t".join([kernel, options, str(items), *cells]) + "\n")


def read(path):
    versions, rows, chips = {}, {}, None
    with open(path) as file:
        for line in file.read().splitlines():
            if line.startswith("# "):
                chip, _, version = line[2:].partition("\t")
                versions[chip] = version
                continue
            cells = line.split("\t")
            if chips is None:
                chips = cells[3:]
                continue
            for chip, cell in zip(chips, cells[3:]):
                if cell:
                    rows[(chip, cells[0], cells[1], int(cells[2]))] = figures_of(cell)
    return rows, versions


def weight(f):
    """Registers of a work-item: a hardware thread of Intel's shares its own among as many as it runs."""
    return f.registers * 8 / f.simd if f.simd else f.registers


def worse(new, old):
    """In which way a kernel takes over 10 % more than it did, as texts."""
    pairs = [("registers", weight(new), weight(old)), ("bytes of local memory", new.local, old.local),
             ("bytes of scratch", new.scratch, old.scratch), ("spills", new.spills, old.spills)]
    return ["%g %s, %g in the table" % (a, what, b) for what, a, b in pairs if a > b * LIMIT]


def compare(rows, versions, path):
    """Faults; notes; how many figures were compared."""
    known, of = read(path)
    notes = ["%s: not compared, the table is of %s, this is %s" % (c, of.get(c, "no compiler"), v)
             for c, v in sorted(versions.items()) if of.get(c) != v]
    faults, compared, new = [], 0, 0
    for key, f in rows.items():
        if of.get(key[0]) != versions[key[0]]:
            continue
        if key not in known:
            new += 1
            continue
        compared += 1
        faults += ["%s %s [%s]: %s" % (key[0], key[1], key[2], w) for w in worse(f, known[key])]
    if new:
        notes.append("%d figures are not in the table; tools/offline-compile --write-table puts them there" % new)
    return faults, notes, compared
