"""Rows {(chip, kernel, options, items): Figures} as text, Markdown and JSON."""
import json

from offline.occupancy import resident, share


def registers_of(f):
    return "%d/SIMD%d" % (f.registers, f.simd) if f.simd else str(f.registers)


def text(rows):
    line = "%-8s %-28s %-64s %5s %9s %6s %7s %6s  %s"
    out = [line % ("chip", "kernel", "options", "items", "registers", "local", "scratch", "spills", "resident")]
    for (chip, kernel, options, items), f in rows.items():
        held = resident(chip, f, items)
        out.append(line % (chip, kernel, options, items, registers_of(f), f.local, f.scratch, f.spills,
                           "%4d of %d" % held if held else "?"))
    return "\n".join(out)


def markdown(rows):
    """A line per kernel and tile, a column per chip: registers, and the share of its work-items that a compute unit holds."""
    chips = sorted({key[0] for key in rows})
    out = ["| kernel | options | items | local | " + " | ".join(chips) + " |", "|---|---|---|---|" + "---|" * len(chips)]
    for kernel, options, items in sorted({key[1:] for key in rows}):
        cells = []
        for chip in chips:
            f = rows.get((chip, kernel, options, items))
            if f is None:
                cells.append("")
                continue
            held = share(chip, f, items)
            cells.append(("SIMD%d" % f.simd if f.simd else str(f.registers)) + ("" if held is None else " %d %%" % held) +
                         (", %d B scratch" % f.scratch if f.scratch else "") + (", %d spills" % f.spills if f.spills else ""))
        local = max(f.local for key, f in rows.items() if key[1:] == (kernel, options, items))
        out.append("| `%s` | %s | %d | %d | %s |" % (kernel, options, items, local, " | ".join(cells)))
    return "\n".join(out)


def to_json(rows, families, operators, versions, checked, skipped, faults, notes, seconds):
    kernels = []
    for (chip, kernel, options, items), f in rows.items():
        held = resident(chip, f, items)
        kernels.append({"family": families.get(kernel), "operators": sorted(operators[kernel, options]), "chip": chip,
                        "kernel": kernel, "options": options, "items": items, "registers": f.registers, "simd": f.simd or None,
                        "local_bytes": f.local, "scratch_bytes": f.scratch, "spills": f.spills,
                        "resident": held[0] if held else None, "resident_most": held[1] if held else None})
    return json.dumps({"compilers": versions, "checked": checked, "skipped": skipped, "faults": faults, "notes": notes,
                       "seconds": round(seconds, 1), "kernels": kernels}, indent=1)
