"""Which programs the plans of the shipped configs launch on a described device.

A plan is made of a stage of a config, an algorithm of convolutions and a description.  There are some thousand of them, and most launch
nothing that others do not; plans.json (tools/offline-compile --cover makes it) names, for every description, enough of them that every
kernel with every set of options is launched, and among all descriptions every generated source; --check-cover tells what is missing.
"""
import collections
import glob
import json
import os
import re
import subprocess

from offline.units import ROOT, Program

Use = collections.namedtuple("Use", "items operators")      # work-items of a group at most; for whose nodes
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


def merged(pairs):
    """{key: Use} of pairs of a key and a Use."""
    out = {}
    for key, use in pairs:
        old = out.get(key, Use(0, frozenset()))
        out[key] = Use(max(use.items, old.items), use.operators | old.operators)
    return out


def launches(binary, plan, description, settings=()):
    """{(family, source, options, kernel): Use} of a plan (config, stage, conv)."""
    config, stage, conv = plan
    path = config if os.path.sep in config and os.path.exists(config) else os.path.join(ROOT, "configs", config + ".yaml")
    overrides = [w for s in ("conv=" + conv, *settings) for w in ("-o", s)]
    found = dump(binary, "schedule", path, "--stage", stage, *overrides, "--describe", description)
    return merged(((l["family"], l.get("source"), l["options"], l["kernel"]), Use(l["local"], frozenset([l["op"]])))
                  for l in (found or {"launches": []})["launches"] if not l["kernel"].startswith("CLBlast"))


def launches_by_plan(binary, plans, path, pool, settings=()):
    """{plan: its launches} for a description."""
    return dict(zip(plans, pool.map(lambda p: launches(binary, p, path, settings), plans)))


def every_stage(binary, pool, configs=None):
    """(config, stage) of all stages with a graph; configs: files, the shipped ones by default."""
    shipped = [f for pattern in ("*.yaml", "*/*.yaml") for f in glob.glob(os.path.join(ROOT, "configs", pattern))]
    files = configs or sorted(shipped)
    names = [f if configs else short(f) for f in files]
    stages = pool.map(lambda f: dump(binary, "stages", f), files)
    return [(name, s["name"]) for name, found in zip(names, stages) for s in found if s["kind"] not in ("evaluate", "plot")]


def launches_of_all(binary, stages, path, pool, convs=CONVS, settings=()):
    """{plan: its launches} of every stage with every algorithm.  What a stage without convolutions launches is the same for all
    of them: it is planned once."""
    found = launches_by_plan(binary, [(*s, convs[0]) for s in stages], path, pool, settings)
    several = [p[:2] for p, l in found.items() if not l or any(family == "conv" for family, *_ in l)]
    found |= launches_by_plan(binary, [(*s, conv) for s in several for conv in convs[1:]], path, pool, settings)
    plans = [(*s, conv) for s in stages for conv in convs]
    return {p: found[p] for p in plans if p in found}


def covering(found):
    """The plans that launch what no earlier one does, the richest first.  found: {plan: set of what is to be covered}."""
    left, chosen, rest = set().union(*found.values()), [], dict(found)
    while left:
        best = max(rest, key=lambda p: len(rest[p] & left))
        chosen.append(best)
        left -= rest.pop(best)
    return sorted(chosen)


def wanted_by_description(binary, descriptions, pool):
    """Of each description its name and {plan: what is to be covered of it}: (kernel, options, is it fused), and (kernel, None,
    source) of each generated source that no earlier description has."""
    stages, seen = every_stage(binary, pool), set()
    for path in descriptions:
        wanted, sources = {}, set()
        for plan, found in launches_of_all(binary, stages, path, pool).items():
            mine = {(kernel, None, source) for _, source, _, kernel in found if source}
            wanted[plan] = {(kernel, options, bool(source)) for _, source, options, kernel in found} | mine - seen
            sources |= mine
        seen |= sources
        yield os.path.basename(path), wanted


def make_cover(binary, descriptions, pool):
    """The text of plans.json."""
    cover = {name: covering(wanted) for name, wanted in wanted_by_description(binary, descriptions, pool)}
    parts = ['  "%s": [\n%s\n  ]' % (name, ",\n".join("    " + json.dumps(p) for p in of_it)) for name, of_it in cover.items()]
    return "{\n" + ",\n".join(parts) + "\n}"


def stale(binary, descriptions, pool, path):
    """What the plans named in `path` do not launch on these descriptions, the first ones or all, as texts."""
    with open(path) as file:
        cover = json.load(file)
    for name, wanted in wanted_by_description(binary, descriptions, pool):
        named = {tuple(p) for p in cover.get(name, [])}
        for plan in sorted(named - set(wanted)):
            yield "%s: %s is no plan" % (name, " ".join(plan))
        done = set().union(*(wanted[p] for p in named & set(wanted)))
        for plan, of_plan in wanted.items():
            for kernel, options, fused in sorted(of_plan - done, key=str):
                row = "%s%s [%s]" % (kernel, " (fused)" if fused else "", options)
                what = "a source of " + kernel if options is None else row
                yield "%s: nothing named launches %s; %s does" % (name, what, " ".join(plan))
            done |= of_plan


def programs_of(binary, path, pool, args):
    """{(program, kernel): Use} of the plans for a description."""
    with open(args.plans) as file:
        named = json.load(file).get(os.path.basename(path))
    if args.every or args.config or args.conv or not named:
        stages = every_stage(binary, pool, args.config)
        found = launches_of_all(binary, stages, path, pool, args.conv or CONVS, args.set)
    else:
        found = launches_by_plan(binary, [tuple(p) for p in named], path, pool, args.set)
    return merged(((Program(family, source, options), kernel), use) for of_plan in found.values()
                  for (family, source, options, kernel), use in of_plan.items() if not args.family or family in args.family)


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
