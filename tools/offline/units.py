"""Kernels as they are after the preprocessor: many programs hold the same kernel, whatever their options say.

A program (kernel file or generated source, and options) is preprocessed and cut into its file-scope declarations; every kernel is
named by a hash of its text and of all that it uses.  Kernels of one text are compiled once, and many of them in one translation
unit: each declaration is renamed by its hash, so equal helpers are shared and different ones of one name stand side by side.
"""
import collections
import concurrent.futures
import functools
import hashlib
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
WORD = re.compile(r'"(?:\\.|[^"\\])*"|\.?\d(?:[eEpP][+-]|[\w.])*|[A-Za-z_]\w*')  # or a string or number: no names in them
DEFINED = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)
MARK = re.compile(r"__scl_program (\d+);")
TOKENS = re.compile(r'"(?:\\.|[^"\\])*"|[{}();]|^[ \t]*#.*$', re.M)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)\)?", re.S)

Program = collections.namedtuple("Program", "family source options")


class Symbol:
    """A file-scope declaration (all of one name): its text renamed, the symbols that it uses, in order."""

    def __init__(self, name, text, uses):
        self.name, self.text, self.uses = name, text, uses


class Kernel:
    """name: as it is called in a translation unit; function: as the program calls it; text: of all that it uses."""

    def __init__(self, function, symbol):
        self.function, self.symbol, self.name = function, symbol, symbol.name

    @functools.cached_property
    def text(self):
        return translation_unit([self], [])


def declarations(text):
    """File-scope declarations and lines of pragmas of preprocessed text."""
    depth, start, function, out = 0, 0, False, []
    for m in TOKENS.finditer(text):
        c = m.group()
        if c[0] == '"':
            continue
        if c.lstrip().startswith("#"):
            if depth == 0 and not text[start:m.start()].strip():
                out.append(c.strip())
                start = m.end()
            continue
        if c in "({":
            if depth == 0 and c == "{":
                head = text[start:m.start()]
                function = "(" in ATTRIBUTE.sub("", head) and not re.search(r"(?<![=!<>])=(?!=)", head)
            depth += 1
        elif c in ")}":
            depth -= 1
            if depth == 0 and c == "}" and function:
                out.append(text[start:m.end()].strip())
                start, function = m.end(), False
        elif depth == 0:
            if text[start:m.start()].strip():
                out.append(text[start:m.end()].strip())
            start = m.end()
    if text[start:].strip():
        raise RuntimeError("a declaration without an end: " + text[start:].strip()[:200])
    return out


@functools.lru_cache(None)
def names_of(declaration):
    """What a declaration declares."""
    head = ATTRIBUTE.sub(" ", declaration)
    if head.startswith("typedef"):
        names = [re.findall(r"(\w+)\s*(?:\[[^\]]*\]\s*)*;$", head)[0]]
        return names + re.findall(r"^typedef\s+(?:struct|union|enum)\s+(\w+)", head) + enumerators(head)
    tag = re.match(r"(?:struct|union|enum)\b\s*(\w*)\s*\{", head)
    if tag:
        return [n for n in [tag.group(1)] if n] + enumerators(head)
    before = re.split(r"[({=\[;]", head, maxsplit=1)[0]
    return [IDENTIFIER.findall(before)[-1]]


def is_prototype(declaration):
    """Of a function that the compiler has, unless it is defined elsewhere."""
    head = ATTRIBUTE.sub(" ", declaration)
    return head.endswith(";") and "(" in head and not re.match(r"typedef|struct|union|enum", head) and "{" not in head and "=" not in head


def enumerators(head):
    m = re.search(r"\benum\b[^{]*\{(.*?)\}", head, re.S)
    return re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", m.group(1).strip()) if m else []


def kernels_of(text, known):
    """The kernels of preprocessed text, {function: Kernel}, and its pragmas.  known: {text and uses: Symbol}, shared."""
    pragmas, owner, bodies, kernels, end = [], {}, {}, [], {}
    for place, d in enumerate(declarations(text)):
        if d.startswith("#"):
            pragmas.append(d)
            continue
        names = names_of(d)
        if re.match(r"(?:__attribute__\s*\(\(.*?\)\)\)?\s*)*(?:__)?kernel\b", d, re.S) and d.endswith("}"):
            kernels.append(names[0])
        first = next((owner[n] for n in names if n in owner), names[0])     # a prototype belongs to its function
        for n in names:
            owner[n] = first
        bodies.setdefault(first, []).append(d)
        end[first] = place
    outside = {first for first, parts in bodies.items() if all(is_prototype(p) for p in parts)}
    symbols = {}

    def symbol(first):
        if first in symbols:
            return symbols[first]
        own = {n for n in owner if owner[n] == first}
        body = "\n".join(bodies[first])
        # What is declared later is another name here: that of a variable, say.
        used = list(dict.fromkeys(owner[n] for n in WORD.findall(body)
                                  if n in owner and n not in own and end[owner[n]] < end[first]))
        uses = [symbol(u) for u in used]
        key = (first, body, tuple(u.name for u in uses))
        if key not in known:
            digest = hashlib.sha256(repr(key).encode()).hexdigest()[:10]
            new = {} if first in outside else {n: n + "_" + (digest if n in own else symbols[owner[n]].name.rsplit("_", 1)[1])
                   for n in owner if (n in own or owner[n] in used) and owner[n] not in outside}
            renamed = WORD.sub(lambda m: new.get(m.group(), m.group()), body)
            known[key] = Symbol(first if first in outside else first + "_" + digest, renamed, uses)
        symbols[first] = known[key]
        return known[key]

    return {k: Kernel(k, symbol(owner[k])) for k in kernels}, pragmas


def text_of(program, cl):
    return program.source or open(os.path.join(cl, "ops", program.family + ".cl")).read()


def preprocess(clang, target, programs, cl):
    """Preprocessed text of every program."""
    macros = set()
    for folder, _, files in os.walk(cl):
        for name in files:
            macros.update(DEFINED.findall(open(os.path.join(folder, name)).read()))
    lines = []
    for i, p in enumerate(programs):
        options = [o[2:].partition("=") for o in p.options.split() if o.startswith("-D")]
        mine = set(DEFINED.findall(p.source or ""))
        lines.append("__scl_program %d;" % i)
        lines += ["#define %s %s" % (name, value or ("" if equal else "1")) for name, equal, value in options]
        lines.append(text_of(p, cl))
        lines += ["#undef " + name for name in sorted(macros | mine | {o[0] for o in options})]
    done = subprocess.run([clang, "-E", "-P", "-x", "cl", "-cl-std=CL1.2", "-target", target, "-Xclang", "-fdeclare-opencl-builtins",
                           "-I", cl, "-w", "-"], input="\n".join(lines) + "\n", capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[:2000])
    parts = MARK.split(done.stdout)
    return {programs[int(i)]: text for i, text in zip(parts[1::2], parts[2::2])}


def units_of(clang, target, programs, cl=os.path.join(ROOT, "cl"), share=100):
    """{program: {function: Kernel}} and the pragmas that stand before all of them."""
    programs = list(programs)
    shares = [programs[i:i + share] for i in range(0, len(programs), share)]
    known, out, pragmas = {}, {}, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for texts in pool.map(lambda s: preprocess(clang, target, s, cl), shares):
            same = {}
            for program, text in texts.items():
                if text not in same:
                    same[text] = kernels_of(text, known)
                out[program] = same[text][0]
                pragmas += [p for p in same[text][1] if p not in pragmas]
    return out, pragmas


def translation_unit(kernels, pragmas):
    lines, seen = list(pragmas), set()

    def add(symbol):
        if symbol.name in seen:
            return
        seen.add(symbol.name)
        for u in symbol.uses:
            add(u)
        lines.append(symbol.text)

    for k in kernels:
        add(k.symbol)
    return "\n".join(lines) + "\n"
