"""The matrix as one HTML page that needs nothing beside it."""
import json
import os


def registers_of(path):
    """Rows of a report of tools/offline-compile, by the operator or family that they name."""
    if not path:
        return {}
    with open(path) as f:
        report = json.load(f)
    rows = report if isinstance(report, list) else report.get("kernels") or report.get("rows") or []
    by_key = {}
    for row in rows:
        for key in {row.get("op"), row.get("family"), row.get("program")} - {None}:
            by_key.setdefault(key, []).append(row)
    return by_key


def render(report, registers=None, families=None):
    data = dict(report, registers=registers_of(registers), families=families or {})
    # Inside a script element only these could end it.
    text = json.dumps(data).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.html")) as f:
        return f.read().replace("@DATA@", text)
