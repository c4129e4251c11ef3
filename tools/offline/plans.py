"""Which programs the plans of the shipped configs launch on a described device.

A plan is made of a stage of a config, an algorithm of convolutions and a description.  There are some thousand of them, and most launch
nothing that others do not; plans.json (tools/offline-compile --cover makes it) names, for every description, enough of them that every
kernel with every set of options is launched, and among all descriptions every generated source.
"""
import concurrent.futures
import glob
import json
import os
import re
import subprocess

from offline.units import ROOT, Program

FUSED_READS = r"-D(?:VEC|CUT)=\d+"       # options that only what is fused into a kernel may read (cl/lib/fused.cl)
CONVS = ("auto", "direct", "winograd2", "winograd4")
COVER = os.path.join(ROOT, "tools/offline/plans.json")


def short(config):
    return os.path.relpath(config, os.path.join(ROOT, "configs")).removesuffix(".yaml")


def dump(binary, *arguments):
    """The JSON of scorecl dump, or None: this stage has no graph, or it does not fit."""
    done = subprocess.run([binary, "dump", *arguments, "--format", "json"], capture_output=True, text=True)
    if done.returncode == 0:
        return json.loads(done.stdout)
    if re.search(r"has no graph|has no key|unknown key|does not fit on|cannot run|is not trained by", done.stderr):
        return None
    raise RuntimeError("scorecl dump %s: %s" % (" ".join(arguments), done.stderr.strip()))


def launches(binary, plan, description, settings=()):
    """{(family, source, options, kernel): items} of a plan (config, stage, conv)."""
    config, stage, conv = plan
    path = config if os.path.sep in config and os.path.exists(config) else os.path.join(ROOT, "configs", config + ".yaml")
    overrides = [w for s in ("conv=" + conv, *settings) for w in ("-o", s)]
    found = dump(binary, "schedule", path, "--stage", stage, *overrides, "--describe", description)
    return {(l["family"], l.get("source"), l["options"], l["kernel"]): l["local"]
            for l in (found or {"launches": []})["launches"] if not l["kernel"].startswith("CLBlast")}


def every_plan(binary, pool, configs=None, convs=None):
    """All plans: what a stage without convolutions launches is the same for every algorithm."""
    files = configs or sorted(glob.glob(os.path.join(ROOT, "configs/*.yaml")) + glob.glob(os.path.join(ROOT, "configs/*/*.yaml")))
    names = [f if configs else short(f) for f in files]
    stages = pool.map(lambda f: dump(binary, "stages", f), files)
    return [(name, s["name"], conv) for name, found in zip(names, stages) for s in found
            if s["kind"] not in ("evaluate", "plot") for conv in convs or CONVS]


def covering(all_plans, found):
    """The plans that launch what no earlier one does, the richest first.  found: {plan: set of what is to be covered}."""
    left, chosen = set().union(*found.values()), []
    rest = {p: found[p] for p in all_plans}
    while left:
        best = max(rest, key=lambda p: len(rest[p] & left))
        chosen.append(best)
        left -= rest.pop(best)
    return sorted(chosen)


def make_cover(binary, descriptions, pool):
    """The text of plans.json.  All plans are made for the first description; which of them the others need is looked for among
    those that cover the first, as descriptions differ in the tiles that they choose, not in what there is to compute."""
    plans, cover = every_plan(binary, pool), {}
    for path in descriptions:
        found = dict(zip(plans, pool.map(lambda p: launches(binary, p, path), plans)))
        wanted = {p: {(kernel, options, bool(source)) for _, source, options, kernel in l} for p, l in found.items()}
        if not cover:
            for p, l in found.items():
                wanted[p] |= {(kernel, source) for _, source, _, kernel in l if source}
        cover[os.path.basename(path)] = covering(plans, wanted)
        plans = cover[os.path.basename(descriptions[0])]
    lines = ['  "%s": [\n%s\n  ]' % (name, ",\n".join("    " + json.dumps(p) for p in chosen)) for name, chosen in cover.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def programs_of(binary, path, pool, args):
    """{(program, kernel): items} of the plans for a description."""
    if args.every or args.config or args.conv:
        plans = every_plan(binary, pool, args.config, args.conv)
    else:
        cover = json.load(open(COVER))
        plans = cover.get(os.path.basename(path)) or every_plan(binary, pool)
    out = {}
    for found in pool.map(lambda p: launches(binary, p, path, args.set), plans):
        for (family, source, options, kernel), items in found.items():
            if not args.family or family in args.family:
                out[(Program(family, source, options), kernel)] = items
    return out


def plain(program):
    """The program without what is fused into it; an expression is nothing else."""
    return program if program.family == "pointwise" else program._replace(source=None)


def heaviest(programs, found):
    """Of the generated sources of a kernel with the same options the one that makes it longest, of others all: {(program, kernel):
    which (program, kernel) to compile}.  Options that a kernel does not read do not tell it from others.  found: units.units_of,
    of the plain programs too."""
    chosen, longest = {}, {}
    for program, kernel in programs:
        text = found[program][kernel].text
        same = (found[plain(program)][kernel].name, bool(program.source), *re.findall(FUSED_READS, program.options))
        for of, key in ((chosen, (program.family, kernel, program.options, bool(program.source))), (longest, same)):
            if key not in of or (len(text), text) > of[key][0]:
                of[key] = ((len(text), text), program, kernel, same)
    return {(p, kernel): longest[same][1:3] for _, p, kernel, same in chosen.values()}
