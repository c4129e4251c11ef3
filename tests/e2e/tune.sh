#!/usr/bin/env bash
# scorecl tune and what it changes: times and no bit.  Rows are stored, used, named in environment.json, and never trusted; a long
# stage measures a few by itself, a short one does not, and `tuning: off` switches all of it off.
. "$(dirname "$0")/common"
export XDG_CACHE_HOME=$work/own-cache      # no rows of anybody else
mkdir -p "$XDG_CACHE_HOME"

rows() { python3 -c 'import json, sys; e = json.load(open(sys.argv[1])); print(len(e["stages"]["train"].get("tuning_rows", [])))' "$1/environment.json"; }

train untuned
[ "$(rows untuned)" = 0 ] || fail "a short stage without rows uses $(rows untuned)"
grep -q "tuned" untuned.log && fail "a short stage is tuned"

"$SCORECL" tune "$tiny" --seconds 8 --json tune.json > /dev/null
python3 - <<'END' || fail "tune.json is not right"
import json
t = json.load(open("tune.json"))
measured = [s for s in t["shapes"] if s["now"]]
assert len(measured) >= 3 and t["devices"][0]["tuning"] and t["devices"][0]["seconds"] < 60, t
assert all(s["wrong"] == 0 and s["now_s"] <= s["before_s"] and 1 <= s["tried"] <= s["choices"] for s in measured), measured
assert t["shapes"] == sorted(t["shapes"], key=lambda s: -s["share"]), "the most expensive shapes come first"
END
train tuned;                                              same untuned tuned
[ "$(rows tuned)" -ge 3 ] || fail "only $(rows tuned) rows were used"
train off -o tuning=off;                                  same untuned off
[ "$(rows off)" = 0 ] || fail "tuning=off uses $(rows off) rows"

# The result is a device description: a plan by it has its rows, without a device.
python3 - <<'END'
import json
t = json.load(open("tune.json"))
t["devices"][0]["tuning"] = [{"shape": "conv2d C=8 H=4 K=8 R=3 S=3 W=4 dilation=1 algorithm=direct", "batch": 12, "ns": 1, "default_ns": 2,
                              "choice": "direct WG=1 VEC=8 NR=8 MR=12"}]   # a shape of tiny.yaml, whether 8 s came to it or not
t["devices"][0]["tuning"] += [{"shape": "conv2d", "choice": 7}, {"choice": "x"}, 5]
json.dump(t, open("described.json", "w"))
END
"$SCORECL" dump plan "$tiny" --describe described.json > plan.txt
grep -q "MR=12" plan.txt || fail "the description's rows are not used"
"$SCORECL" dump plan "$tiny" --describe described.json -o tuning=off | grep -q "MR=12" && fail "tuning=off uses the description's rows"

# Damaged rows are no rows; what another process measures at the same time is kept.
file=$(ls "$XDG_CACHE_HOME"/scorecl/tuning/* | grep -v lock)
printf 'x' | dd of="$file" bs=1 seek=200 conv=notrunc status=none
train damaged;                                            same untuned damaged
[ "$(rows damaged)" = 0 ] || fail "damaged rows were used"
"$SCORECL" tune "$tiny" --seconds 6 --op conv2d > conv2d.txt &
"$SCORECL" tune "$tiny" --seconds 6 --op conv2d_dw > conv2d_dw.txt
wait $!
"$SCORECL" devices --device "$(python3 -c 'import json; print(json.load(open("tune.json"))["devices"][0]["index"])')" --json both.json > /dev/null
python3 - <<'END' || fail "rows of one of two processes got lost"
import json
ops = {r["shape"].split()[0] for r in json.load(open("both.json"))["devices"][0]["tuning"]}
assert ops == {"conv2d", "conv2d_dw"}, ops
END

# A stage that will take long measures a few shapes first; once.
long() { "$SCORECL" run "$tiny" --out "$1" --only train -o data.format=npy -o "data.path=$work/data.npy" -o stages.train.steps=1000000 > "$1.log" 2>&1; }
long auto &
pid=$!
until [ -s auto/train/metrics.jsonl ]; do sleep 0.1; kill -0 $pid 2>/dev/null || { cat auto.log >&2; fail "the long run ended"; }; done
kill -TERM "$(cat auto/lock)"
wait $pid || true
grep -q "tuned" auto.log && fail "rows are there, and the stage is tuned again"
rm -r "$XDG_CACHE_HOME/scorecl/tuning" auto
long auto &
pid=$!
until [ -s auto/train/metrics.jsonl ]; do sleep 0.1; kill -0 $pid 2>/dev/null || { cat auto.log >&2; fail "the long run ended"; }; done
kill -TERM "$(cat auto/lock)"
wait $pid || true
grep "tuned [1-9]" auto.log || { cat auto.log >&2; fail "a long stage without rows is not tuned"; }
