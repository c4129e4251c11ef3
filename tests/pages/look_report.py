"""The page of runs in a browser: look_report.py RUN PAGE-OF-TWO SCORECL.  Opened, clicked, followed."""
import os
import signal
import subprocess
import sys

from look import Browser, check

run, both, scorecl = sys.argv[1:]


def lines(b):
    return b.js("return [...charts].map(([name, c]) => [name, c.chart.data.datasets.map(d => d.data.length), c.chart.options.scales.y.type])")


def one_run(b):
    size = os.path.getsize(run + "/report.html")
    check(5e6 < size < 10e6, "the page of the longest run has %d bytes" % size)
    b.open(run + "/report.html")
    b.wait("return document.readyState === 'complete'", "the page is not read to its end")
    paint, document, whole, work = b.times()
    print("%.1f MB: first paint %.2f s, document %.2f s, whole %.2f s, of it %.2f s work" % (size / 1e6, paint, document, whole, work))
    check(work < 2, "opening takes %.2f s of a processor" % work)
    check("taken" not in b.b.title, "a text of the run became a script")
    check([t.lower() for t in b.text("h2")] == ["overview", "stages", "curves", "samples and pictures", "evaluations", "config and environment", "log"], "sections: %s" % b.text("h2"))
    check("</script>" in "".join(b.text("#overview")), "the error is not shown as it stands")
    check("98,770 at step 100,000" in " ".join(t.replace("up to ", "").replace(", at", " at") for t in b.text(".beyond")), "the spike is not told: %s" % b.text(".beyond"))
    b.wait("return charts.size >= 4 && [...charts.values()].every(c => c.chart)", "the charts are not drawn")
    sets = dict((name, sizes) for name, sizes, _ in lines(b))
    check(sorted(sets["train/loss+eval_loss"]) == [40, 1500, 3000], "curves of %s points" % sets["train/loss+eval_loss"])
    b.click("#log")
    check(dict((n, kind) for n, _, kind in lines(b))["train/loss+eval_loss"] == "logarithmic", "the log scale is not taken")
    b.click("#log")
    b.click("#whole")
    check(b.js("return charts.get('train/loss+eval_loss').chart.scales.y.max") >= 98765, "the whole range is not shown")
    b.click("#whole")
    b.drag("#curves .chart.tall canvas", 0.3, 0.5)
    low, high = b.js("const x = charts.get('train/loss+eval_loss').chart.scales.x; return [x.min, x.max]")
    check(20000 < low < high < 120000, "zoomed to %s .. %s" % (low, high))
    b.js("document.querySelector('#curves .chart.tall canvas').dispatchEvent(new MouseEvent('dblclick'))")
    check(b.js("return charts.get('train/loss+eval_loss').chart.scales.x.max") == 200000, "a double click does not show all")


def sliders(b):
    b.wait("return document.querySelector('#pictures canvas').width > 100", "the trajectory is not drawn")
    pixel = "const c = document.querySelector('#pictures canvas'); return c.getContext('2d').getImageData(c.width / 10.5 | 0, c.height / 2 | 0, 1, 1).data[0]"
    seen = []
    for row in range(3):
        b.js("const s = document.querySelector('[aria-label=\"sample/levels\"]'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))", row)
        seen.append(b.js(pixel))
    check(seen == [60, 120, 180], "rows of the trajectory have shades %s" % seen)
    check("noise level 3 of 3, σ = 0.05" in " ".join(b.text("#pictures output")), "the slider says %s" % b.text("#pictures output"))
    first = b.js("const s = document.querySelector('[aria-label=\"train/training\"]'); s.value = 0; s.dispatchEvent(new Event('input')); return s.closest('.slider').querySelector('img').src")
    last = b.js("const s = document.querySelector('[aria-label=\"train/training\"]'); s.value = 4; s.dispatchEvent(new Event('input')); return s.closest('.slider').querySelector('img').src")
    check(first != last and first.startswith("data:image/png"), "samples over training do not change")


def followed(b):
    server = subprocess.Popen([scorecl, "report", run, "--follow"], stdout=subprocess.PIPE, text=True)
    try:
        b.open(server.stdout.readline().strip())
        with open(run + "/train/metrics.jsonl", "a", encoding="ascii") as f:
            f.write('\n{"step": 250000, "loss": 17.25, "eval_loss": 3.5}\n')
        b.wait("return document.querySelector('#overview').textContent.includes('17.25')", "the page does not follow the run")
        check("250,000" in " ".join(b.text("#overview")), "the step is not shown")
        b.quiet()
        server.send_signal(signal.SIGINT)
        check(server.wait(60) == 0, "the server ends with %d" % server.returncode)
        b.wait("return document.querySelector('#made').textContent.includes('has ended')", "the page does not say that the server has ended")
    finally:
        server.kill()


desk = Browser()
try:
    one_run(desk)
    sliders(desk)
    desk.quiet()
    desk.shot("report")
    desk.open(both)
    check(len(desk.all("#overview .run")) == 2, "two runs are not shown")
    check(any("stages.train.optimizer.lr" in t for t in desk.text("#config td")), "what differs is not told")
    before = desk.js("return document.documentElement.dataset.theme")
    desk.click("#theme")
    check(before == "light" and desk.js("return document.documentElement.dataset.theme") == "dark", "the scheme does not change")
    desk.quiet()
    desk.shot("report-two-dark")
    followed(desk)
finally:
    desk.close()
phone = Browser(390, 844, dark=True)
try:
    phone.open(both)
    check(phone.js("return document.documentElement.dataset.theme") == "dark", "the system's scheme is not taken")
    phone.fits()
    phone.quiet()
    phone.shot("report-phone")
finally:
    phone.close()
print("report: sections, curves, zoom, sliders, two runs, two schemes, a small screen, followed live")
