"""scorecl report --follow, as a client sees it: follow.py SCORECL RUN.  One address, one machine, news only, a clean end."""
import http.client
import json
import re
import signal
import socket
import subprocess
import sys


def check(right, what):
    if not right:
        sys.exit("FAILED: " + what)


def ask(port, path, **headers):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    c.request("GET", path, headers=headers)
    r = c.getresponse()
    return r.status, r.read(), r.getheader("ETag"), r.getheader("Content-Type")


scorecl, run = sys.argv[1:]
server = subprocess.Popen([scorecl, "report", run, "--follow"], stdout=subprocess.PIPE, text=True)
try:
    port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\n", server.stdout.readline()).group(1))
    status, page, tag, kind = ask(port, "/")
    check(status == 200 and kind.startswith("text/html") and page.startswith(b"<!DOCTYPE html>"), "/ is %d, %s" % (status, kind))
    status, body, tag, kind = ask(port, "/data.json")
    data = json.loads(body)
    check(status == 200 and data["follow"] is True and len(data["runs"]) == 1, "/data.json is %d" % status)
    before = data["runs"][0]["stages"][0]["metrics"]["rows"]
    check(ask(port, "/data.json", **{"If-None-Match": tag})[0] == 304, "what is known is sent again")
    with open(run + "/train/metrics.jsonl", "a", encoding="ascii") as f:
        f.write('\n{"step": 999999999, "loss": 1.5}\n')
    status, body, _, _ = ask(port, "/data.json", **{"If-None-Match": tag})
    check(status == 200, "a new row is not seen: %d" % status)
    after = json.loads(body)["runs"][0]["stages"][0]["metrics"]
    check(after["rows"] == before + 1 and after["columns"]["loss"]["points"][0][-1] == 999999999, "%d rows after %d" % (after["rows"], before))
    check(ask(port, "/../config.yaml")[0] == 404 and ask(port, "/state.json")[0] == 404, "it hands out files")
    check(ask(port, "/", Host="example.org:%d" % port)[0] == 403, "it answers to another's name")
    for address in {a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}:
        with socket.socket() as s:
            s.settimeout(10)
            check(s.connect_ex((address, port)) != 0, "it listens on " + address)
    server.send_signal(signal.SIGINT)
    check(server.wait(60) == 0, "it ends with %d" % server.returncode)
finally:
    server.kill()
print("follow: the page, its news, no files, no other names, a clean end")
