"""scorecl report --follow beside a network that trains: follow_training.py SCORECL RUN COMMAND...

COMMAND trains into RUN and does not end by itself.  The page is asked again and again: it has ever more of the run, nothing that it
had changes, and when the training is stopped it says so."""
import http.client
import json
import re
import signal
import subprocess
import sys
import time


def check(right, what):
    if not right:
        sys.exit("FAILED: " + what)


def ask(port, path, tag=None):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    c.request("GET", path, headers={"If-None-Match": tag} if tag else {})
    r = c.getresponse()
    return r.status, r.read(), r.getheader("ETag")


def soon(what, seconds=300):
    """Until the body of the loop breaks."""
    end = time.time() + seconds
    while time.time() < end:
        yield
        time.sleep(0.05)
    sys.exit("FAILED: " + what)


scorecl, run, *command = sys.argv[1:]
training = subprocess.Popen(command)
server = None
try:
    for _ in soon("there is no run to follow"):
        check(training.poll() is None, "the training ends with %s" % training.returncode)
        server = subprocess.Popen([scorecl, "report", run, "--follow"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = server.stdout.readline()
        if line:
            break
        server.wait()
    port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\n", line).group(1))
    check(ask(port, "/")[1].startswith(b"<!DOCTYPE html>"), "/ is no page")

    seen, tag, pictures, news = [], None, 0, 0
    for _ in soon("five times news of the training"):
        status, body, tag = ask(port, "/data.json", tag)
        if status != 200:
            check(status == 304, "/data.json is %d" % status)
            continue
        run_now, = json.loads(body)["runs"]
        train, = (s for s in run_now["stages"] if s["name"] == "train")
        loss = train.get("metrics", {}).get("columns", {}).get("loss", {"points": [[], []]})["points"]
        rows = list(zip(*loss))
        check(rows[:len(seen)] == seen, "rows that were there are others now")
        check([step for step, _ in rows] == list(range(1, len(rows) + 1)), "steps %s" % loss[0])
        check(not rows or (run_now["running"] is True and run_now["state"]["stages"]["train"]["status"] == "running"), "it is said not to run")
        news += len(rows) > len(seen)
        pictures = max(pictures, len(train["samples"]))
        seen = rows
        if news >= 5 and pictures >= 2:
            break
    print("%d rows and %d pictures came in %d answers" % (len(seen), pictures, news))

    training.send_signal(signal.SIGINT)
    check(training.wait(300) == 130, "the training ends with %d" % training.returncode)
    run_now, = json.loads(ask(port, "/data.json")[1])["runs"]
    check(run_now["running"] is False and run_now["state"]["stages"]["train"]["status"] == "interrupted", "the end is not seen")
    check(ask(port, "/data.json", ask(port, "/data.json")[2])[0] == 304, "a run at rest is sent again")
    server.send_signal(signal.SIGINT)
    check(server.wait(60) == 0, "the server ends with %d" % server.returncode)
finally:
    for p in (training, server):
        if p and p.poll() is None:
            p.kill()
