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


def write(path, rows, versions, whole):
    """rows: {(chip, kernel, options, items): Figures}, of these compilers.  What the table has of other chips stays; so do
    other rows of the same compilers, unless these are the whole."""
    known, of = read(path) if os.path.exists(path) else ({}, {})
    kept = {key: f for key, f in known.items() if key[0] not in versions or not whole and of[key[0]] == versions[key[0]]}
    rows, versions = {**kept, **rows}, {**of, **versions}
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


def by_row(keys):
    """Texts of rows, each with its chips."""
    chips = {}
    for chip, *row in keys:
        chips.setdefault(tuple(row), []).append(chip)
    return ["%s [%s] of %d items on %s" % (*row, ", ".join(sorted(on))) for row, on in sorted(chips.items())]


def compare(rows, versions, path, whole):
    """Faults; notes; how many figures were compared.  whole: these are all rows, and those of the table must be the same."""
    known, of = read(path)
    same = {c for c, v in versions.items() if of.get(c) == v}
    notes = ["%s: not compared, the table is of %s, this is %s" % (c, of.get(c, "no compiler"), versions[c])
             for c in sorted(set(versions) - same)]
    both = [key for key in rows if key[0] in same and key in known]
    faults = ["%s %s [%s]: %s" % (*key[:3], w) for key in both for w in worse(rows[key], known[key])]
    missing = ["the table has no %s; tools/offline-compile --write-table puts it there" % row
               for row in by_row(key for key in rows if key[0] in same and key not in known)]
    gone = ["no plan launches %s any more; tools/offline-compile --write-table removes it" % row
            for row in by_row(key for key in known if key[0] in same and key not in rows)]
    return faults + (missing if whole else []), notes + (gone if whole else missing), len(both)
