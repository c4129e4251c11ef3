"""The page of a profile in a browser: look_profile.py PAGE profile.json.  What it shows is what the file says; sorted, filtered, clicked."""
import json
import sys

from look import Browser, check

page, file = sys.argv[1:]
with open(file, encoding="utf-8") as f:
    stage = json.load(f)["stages"][0]
kernels, operators = stage["kernels"], stage["operators"]


def usual(row):
    return row["step_s"]["median"] or row["step_s"]["mean"]


def column(b, i):
    return [r.split("\t")[i] for r in b.js("return [...document.querySelectorAll('#table tbody tr')].map(r => [...r.cells].map(c => c.textContent).join('\\t'))")]


def set_to(b, css, value):
    b.js("const e = document.querySelector(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event(e.tagName === 'SELECT' ? 'change' : 'input'))", css, value)


def names(b):
    return column(b, 0)


def tables(b):
    slowest = max(operators, key=lambda o: sum(usual(k) for k in kernels if k["operator"] == o["operator"]))["operator"]
    check(slowest in b.one("#verdict b").text, "the verdict is %s" % b.text("#verdict"))
    check(max((k for k in kernels if k["operator"] == slowest), key=usual)["scope"] in b.one("#verdict").text, "the verdict does not say where")
    check([o["brief"] for o in operators if o["operator"] == slowest][0] in b.one("#verdict").text, "the verdict does not say what it computes")
    check("bound by" in b.one("#verdict").text or "not measured" in b.one("#verdict").text, "the verdict does not say why")
    by_time = sorted(kernels, key=usual, reverse=True)
    check(names(b)[:3] == [k["operator"] for k in by_time[:3]], "the table begins with %s" % names(b)[:3])
    b.click("#table th:nth-child(6) button")
    top = max(k["calls_per_step"] for k in kernels)
    check(float(column(b, 5)[0].replace(",", "")) == top, "sorted by calls it begins with %s" % column(b, 5)[0])
    b.click("#table th:nth-child(1) button")
    check(names(b)[0] == min(k["operator"] for k in kernels), "sorted by name it begins with %s" % names(b)[0])
    b.click("#table th:nth-child(1) button")
    check(names(b)[0] == max(k["operator"] for k in kernels), "sorted backwards it begins with %s" % names(b)[0])
    b.one("#filter").send_keys(slowest)
    expected = [k for k in kernels if slowest in " ".join([k["key"], k["operator"], k["kernel"], k["implementation"] or "", k["expression"] or ""])]
    check("%d of" % len(expected) in b.one("#count").text.replace(",", "") and 0 < len(expected) < len(kernels), "filtered: %s, not %d" % (b.one("#count").text, len(expected)))
    b.click("#table tbody tr")
    check(len(b.all("#detail tr")) >= 5 and len(b.all("#table tr.picked")) == 1, "a row that is clicked tells nothing")
    set_to(b, "#filter", "")
    bound = kernels[0]["roofline"]["bound"]
    set_to(b, "#only", bound)
    check("%d of" % sum(k["roofline"]["bound"] == bound for k in kernels) in b.one("#count").text.replace(",", ""), "bound by %s: %s" % (bound, b.one("#count").text))
    set_to(b, "#only", "")
    set_to(b, "#list", "operators")
    check(names(b)[0] == slowest, "operators begin with %s" % names(b)[0])
    set_to(b, "#list", "blocks")
    check("%d of" % len(stage["blocks"]) in b.one("#count").text.replace(",", ""), "blocks: %s" % b.one("#count").text)
    set_to(b, "#list", "kernels")


def roofline(b):
    drawn = b.js("return charts.get('roofline').chart.data.datasets.flatMap(d => d.ceiling ? [] : d.data.map(p => [p.x, p.y]))")
    there = [k for k in kernels if k["intensity"] and k["gflop_s"]]
    check(len(drawn) == min(1500, len(there)), "%d points, not %d" % (len(drawn), len(there)))
    check(sorted(map(tuple, drawn)) == sorted((k["intensity"], k["gflop_s"]) for k in there[:1500]), "the points are not the kernels'")
    check(b.js("const s = charts.get('roofline').chart.scales; return [s.x.type, s.y.type]") == ["logarithmic", "logarithmic"], "the axes are not logarithmic")
    check(b.js("return charts.get('roofline').chart.data.datasets.filter(d => d.ceiling).length") == 2, "the ceilings are not drawn")


def flame_and_step(b):
    b.wait("return document.querySelectorAll('#flame button').length > 4", "the flame is empty")
    before = len(b.all("#flame button"))
    name = b.all("#flame button")[1].get_attribute("title")
    b.all("#flame button")[1].click()
    check(b.all("#flame button")[0].get_attribute("title") == name, "a click does not go into %s" % name)
    check("→ " + name in b.one("#flame-tip").text, "the flame says %s" % b.one("#flame-tip").text)
    b.all("#flame button")[0].click()
    check(len(b.all("#flame button")) == before, "a second click does not come back")
    check("%d commands" % len(stage["timeline"]) in b.one("#timeline-tip").text.replace(",", ""), "the step says %s" % b.one("#timeline-tip").text)
    b.drag("#timeline", 0.1, 0.4)
    check(b.js("return ui.window[0] > 0 && ui.window[1] < stage().timeline.at(-1)[2]"), "a drag does not zoom")
    check(b.js("return [...charts.keys()].some(n => n.startsWith('memory'))") or len(stage["memory"]["curve"]) < 2, "there is no memory curve")


desk = Browser()
try:
    desk.open(page)
    print("first paint %.2f s, document %.2f s, whole %.2f s, of it %.2f s work" % desk.times())
    tables(desk)
    desk.wait("return !!charts.get('roofline').chart", "the roofline is not drawn")
    roofline(desk)
    flame_and_step(desk)
    desk.quiet()
    desk.shot("profile")
finally:
    desk.close()
phone = Browser(390, 844, dark=True)
try:
    phone.open(page)
    phone.fits()
    phone.quiet()
    phone.shot("profile-phone-dark")
finally:
    phone.close()
print("profile: verdict, table sorted and filtered, roofline, flame, step, memory, a small dark screen")
