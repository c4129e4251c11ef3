"""Reads a trace back as a viewer does: check_trace.py TRACE [SCHEMA].

Slices of a track nest or follow each other; those of a queue do not even nest; flows begin inside a slice of the host and
end at the beginning of one on a queue."""
import collections
import json
import sys

EPSILON = 0.002  # microseconds: times are written with nanoseconds


def tracks(events):
    slices = collections.defaultdict(list)
    for e in events:
        if e["ph"] == "X":
            slices[e["pid"], e["tid"]].append((e["ts"], e["ts"] + e["dur"], e["name"]))
    for track in slices.values():
        track.sort(key=lambda s: (s[0], -s[1]))
    return slices


def check_track(name, track, flat):
    stack = []
    for begin, end, what in track:
        assert end >= begin, f"{name}: {what} lasts {end - begin} us"
        while stack and stack[-1][1] <= begin + EPSILON:
            stack.pop()
        if stack:
            assert not flat, f"{name}: {what} begins at {begin} inside {stack[-1]}"
            assert end <= stack[-1][1] + EPSILON, f"{name}: {what} ends at {end}, outside of {stack[-1]}"
        stack.append((begin, end, what))


def check_queue(slices, names):
    """Kernels and transfers of one device share one queue in order."""
    for pid in {pid for pid, _ in slices}:
        queue = sorted(s for (p, t), track in slices.items() if p == pid and "queue" in names.get((p, t), "") for s in track)
        check_track(f"process {pid}", queue, True)


def check_flows(events, slices, names):
    begins = {e["id"]: e for e in events if e["ph"] == "s"}
    ends = {e["id"]: e for e in events if e["ph"] == "f"}
    assert len(begins) == sum(e["ph"] == "s" for e in events), "two flows have one number"
    assert begins.keys() == ends.keys(), "a flow does not end, or does not begin"
    starts = {(pid, tid): {round(s[0], 3) for s in track} for (pid, tid), track in slices.items()}
    for number, begin in begins.items():
        end = ends[number]
        assert end["ts"] >= begin["ts"] - EPSILON, f"flow {number} goes back in time"
        assert round(end["ts"], 3) in starts[end["pid"], end["tid"]], f"flow {number} ends outside of a slice"
    host = {key: track for key, track in slices.items() if "queue" not in names.get(key, "")}
    for key in {(b["pid"], b["tid"]) for b in begins.values()}:
        points = sorted(b["ts"] for b in begins.values() if (b["pid"], b["tid"]) == key)
        open_until, track = float("-inf"), iter(host[key])
        following = next(track, None)
        for at in points:
            while following and following[0] <= at + EPSILON:
                open_until = max(open_until, following[1])
                following = next(track, None)
            assert at <= open_until + EPSILON, f"a flow begins at {at}, outside of a slice of the host"
    return len(begins)


def main():
    with open(sys.argv[1]) as file:
        trace = json.load(file)
    events = trace["traceEvents"]
    if len(sys.argv) > 2:
        try:
            import jsonschema
        except ImportError:
            print("skip: the trace against its schema (python3-jsonschema is not there)")
        else:
            with open(sys.argv[2]) as file:
                jsonschema.Draft7Validator(json.load(file)).validate(trace)
    names = {(e["pid"], e.get("tid", 0)): e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    slices = tracks(events)
    for key, track in slices.items():
        check_track(names.get(key, str(key)), track, "queue" in names.get(key, "") or "steps" in names.get(key, ""))
    check_queue(slices, names)
    flows = check_flows(events, slices, names)
    kernels = sum(e["ph"] == "X" and e.get("cat") == "kernel" for e in events)
    memory = [e for e in events if e["ph"] == "C" and e["name"] == "device memory"]
    assert kernels and flows == kernels, f"{kernels} kernels, {flows} flows"
    assert memory and any(e["ph"] == "X" and e["cat"] == "host" for e in events), "no memory, or no host"
    print(f"{len(events)} events, {kernels} kernels, {len(slices)} tracks")


main()
