#!/usr/bin/env bash
# verify --config where a device fails instead of computing: it is named, the others are compared, the reports are written, and
# what it failed in (a build, a build that ends the process, a launch that hangs) is in a folder with which `verify --replay` fails.
# tests/cl/fake_opencl.c plays the device.
. "$(dirname "$0")/common"
two_devices
. "$(dirname "$0")/faulty_devices"

cp "$SOURCE/tests/e2e/toy.yaml" toy.yaml
verify=(verify --config toy.yaml --steps 2 --no-guards --json r.json --junit r.xml)
replay() { local faults=$1; shift; bad "$faults" verify --replay "$@"; }
# report EXPRESSION: true of r.json, r, and of r.xml's root, x.
report()
{
    python3 -c "import json, xml.etree.ElementTree as e
r, x = json.load(open('r.json')), e.parse('r.xml').getroot().attrib
assert $1, r" ||
        fail "the reports do not say: $1"
}

# A device that builds nothing: under all it is passed over, by name it is a failure; the others are compared.
expect 0 "equal: the same bits after each of 2 runs on " bad "build= build_on=1" "${verify[@]}" --device all --device reference
grep -q "^skip $two, .* cannot build any kernel" said || { cat said; fail "it is not named"; }
report "r['passed'] == len(r['runs']) > 1 and r['failed'] == 0 and [c['index'] for c in r['cases'] if c.get('skipped')] == [$two]"
expect 1 "equal: the same bits after each of 2 runs on 2 devices" \
    bad "build= build_on=1" "${verify[@]}" --device "$two" --device "$one" --device reference
grep -q "^FAIL $two, .* cannot build any kernel" said && grep -q "1 of 3 passes failed" said || { cat said; fail "it is not named"; }
report "(r['passed'], r['failed'], r['not_run']) == (2, 1, 0) and x['errors'] == '1' and x['tests'] == '3'"
expect 3 "cannot build any kernel" bad build= "${verify[@]}" --device "$one"
expect 3 "cannot build any kernel" bad build= "${verify[@]}" --device all --device reference

# One kernel that no candidate builds: the pass ends, the other device is compared, the program is in a folder.
expect 1 "FAIL " \
    bad "build=dsm_loss( build_on=1" "${verify[@]}" --device "$one" --device "$two" --device reference --cache both --out build.replay
grep -q "^equal: the same bits after each of 2 runs on 2 devices" said || { cat said; fail "the others are not compared"; }
report "(r['passed'], r['failed'], r['not_run']) == (3, 1, 1) and 'kernel build failed' in [c['message'] for c in r['cases'] if c['index'] == $two][0]"
report "[p.get('replay') for p in r['runs'] if p['index'] == $two] == ['build.replay', None]"
grep -q "^The device's compiler does not build kernel-0.cl:$" build.replay/README.txt || fail "README.txt does not say so"
# The command that is printed is one for a shell, --out may end in a slash.
expect 1 "verify --replay 'a replay' --device $two" \
    bad "build=dsm_loss( build_on=1" "${verify[@]}" --device "$two" --device reference --out "a replay/"
[ -f "a replay/kernel-0.cl" ] || fail "--out with a slash: no reproducer"
expect 1 "build.replay/kernel-0.cl: kernel build failed" replay "build=dsm_loss(" build.replay --device "$one" --json r.json
report "r['cases'][0]['passed'] == False and 'kernel build failed' in r['cases'][0]['message']"
# Whatever bytes a driver says.
expect 1 "kernel build failed" bad $'build=dsm_loss( log=\xffno,\xc3\xa9' "${verify[@]}" --device "$one" --device reference --out bytes.replay
report "(r['failed'], len(r['cases'])) == (1, 2) and r['cases'][1]['message'].endswith('?no,\u00e9')"
expect 1 "kernel build failed" replay $'build=dsm_loss( log=\xffno' bytes.replay --device "$one" --json r.json --junit r.xml
report "r['cases'][0]['message'].endswith('?no')"
grep -q '"message": "kernel build failed' bytes.replay/replay.json || fail "replay.json has no message"
expect 0 "builds: this device's compiler takes the program" "$SCORECL" verify --replay build.replay --device "$one"
# It is the compiler that is asked, not a cache: neither ours nor the driver's.
export SCL_PROGRAM_CACHE=1
expect 0 "builds: " "$SCORECL" verify --replay build.replay --device "$one"
expect 1 "kernel build failed" replay "build=dsm_loss(" build.replay --device "$one"
unset SCL_PROGRAM_CACHE
ls -d ./*building* 2> /dev/null && fail "a folder of a build is left"
# An edit's mistake is in the folder's file.
echo "wrong" >> build.replay/kernel-0.cl
expect 1 "build.replay/kernel-0.cl:$(wc -l < build.replay/kernel-0.cl)" "$SCORECL" verify --replay build.replay --device "$one"

# An interrupt ends it all, whatever had failed before; no command goes on with folders that are removed.
mkdir tmp
TMPDIR=$work/tmp FAKE_CL="build=dsm_loss( build_on=1" LD_PRELOAD=$FAKE_OPENCL "$SCORECL" verify --config toy.yaml --steps 1000000 \
    -o stages.train.log_every=1 --device "$two" --device "$one" --out interrupted.replay > said 2>&1 &
pid=$!
until [ -s tmp/scorecl-verify-*/run-2/train/metrics.jsonl ]; do sleep 0.05; kill -0 $pid 2> /dev/null || { cat said; fail "ended before it began"; }; done
kill -INT $pid
status=0; wait $pid || status=$?
[ $status = 130 ] && grep -q "interrupted: the devices were not compared to the end" said || { cat said; fail "interrupted: exit $status"; }
grep -qE "go on with|^ *$one  " said && { cat said; fail "interrupted, it goes on"; }
[ -z "$(ls tmp)" ] || fail "interrupted, it leaves folders"

# A compiler that ends the process: the folder is named there and then, and by the next run, which keeps it.
expect 134 "its compiler ended this process. What it was given is in crash.replay.building-" \
    bad "crash=dsm_loss(" "${verify[@]}" --device "$one" --out crash.replay
    "$SCORECL" "${verify[@]}" --device "$one" --out crash.replay
grep -q "^This folder is written before a program is built" crash.replay/README.txt || fail "README.txt does not say what the folder is"
expect 134 "" replay "crash=dsm_loss(" crash.replay --device "$one"
expect 0 "builds: " "$SCORECL" verify --replay crash.replay --device "$one"

# Another folder's is not taken for it.
mkdir x.building-999999
expect 0 "equal: " "$SCORECL" "${verify[@]}" --device "$one" --out '[x]'
[ -d x.building-999999 ] || fail "a folder beside another name is taken"

# A launch that hangs, on a device of two.
expect 1 "hangs: kernel dsm_loss of dsm_loss" \
    bad hang_kernel=dsm_loss "${verify[@]}" -o launch_limit=5 --device "$one" --device "$two" --device reference --out hang.replay
grep -q "^equal: the same bits after each of 2 runs on 2 devices" said || { cat said; fail "the others are not compared"; }
report "(r['passed'], r['failed'], r['not_run']) == (2, 1, 0) and x['errors'] == '1' and r['runs'][1]['replay'] == 'hang.replay'"
grep -q "^In a run this kernel launch did not end:$" hang.replay/README.txt && grep -q '"reproduces": null' hang.replay/replay.json ||
    fail "README.txt or replay.json do not say so"
SCL_LAUNCH_LIMIT=5 expect 1 "hangs: kernel dsm_loss" \
    replay hang_kernel=dsm_loss hang.replay --device "$one" --json r.json --junit r.xml
report "r['cases'][0]['lost'] and 'hangs: kernel dsm_loss' in r['cases'][0]['message'] and (x['tests'], x['errors']) == ('1', '1')"
limit=$("$SCORECL" verify --help | sed -n 's/.*not ended after \([0-9]*\) s hangs.*/\1/p')
grep -q "has not ended within $limit s" hang.replay/README.txt || fail "README.txt tells another limit"
expect 0 "ends: the launch does not hang on this device" \
    "$SCORECL" verify --replay hang.replay --device "$one" --json r.json --junit r.xml
report "[c['passed'] for c in r['cases']] == [True] and (x['tests'], x['failures'], x['errors']) == ('1', '0', '0')"

# A device that is gone: nothing of it is compared any more.
expect 1 "the device is gone" bad gone=60 "${verify[@]}" --device reference --device "$one"
report "(r['passed'], r['failed']) == (1, 1) and 'the device is gone' in r['cases'][1]['message']"

# Bits that are wrong in the run and not behind it: the folder says that it proves nothing.
expect 4 "does not go wrong on its own" \
    bad flip_kernel=field "${verify[@]}" --device reference --device "$one" --out flip.replay
grep -q "^found in the run, and no proof: a race" flip.replay/README.txt &&
    ! grep -q "gives other bits, too" flip.replay/README.txt || fail "README.txt claims what is not so"
grep -q '"reproduces": false' flip.replay/replay.json || fail "replay.json claims what is not so"
echo "verify --config: devices that fail"
