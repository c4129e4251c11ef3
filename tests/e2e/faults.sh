#!/usr/bin/env bash
# Devices that misbehave (tests/cl/fake_opencl.c plays them): each fault ends with its exit code, a message that says what to do, and
# without hanging; what can go on goes on with the same bits.  Limits of small devices: tests/slow/small_devices.sh.
. "$(dirname "$0")/common"
. "$(dirname "$0")/faulty_devices"

going run "" good
# Gone, out of memory, a launch that fails: told, with what to do.  A resumed run ends as if nothing had been.
expect 1 "the device is gone: look into the system's log; \`--resume\`" run gone=400 gone
going run "" gone --resume;                                                     same good gone
expect 1 "the device is out of memory: a smaller batch" run memory=4000 memory
expect 1 "clEnqueueNDRangeKernel: CL_OUT_OF_RESOURCES (-5); the driver has no more memory or gave a kernel up" \
    run fail=clEnqueueNDRangeKernel:100:-5 launch
expect 1 "clFinish: CL_OUT_OF_HOST_MEMORY" run fail=clFinish:1+:-6 finish

# A launch that never ends: its kernel is named, and the process ends.
SCL_LAUNCH_LIMIT=5 expect 1 "hangs: kernel embedding of embedding at " run hang_kernel=embedding hang
grep -q "has not ended within 5 s" said && grep -q "raise launch_limit" said || fail "does not say what to do"
expect 1 "hangs: kernel " run hang=300 hang_config -o launch_limit=5
going run slow=1 limited -o launch_limit=100;                                   same good limited

# A driver that does not tell what a kernel's parameters are called, as for programs that are not from source: the source does.
going run fail=clGetKernelArgInfo:1+:-19 untold;                                  same good untold

# One candidate does not build: the next is taken, both are named, the bits stay.
going run build=-DWG=1~-DVEC=1~-DFLIP variant;                                  same good variant
grep -q "warning: .*chunks WG=1 VEC=1 of gather_batch does not build: .* chunks WG=16 VEC=1 is taken instead" log || { cat log >&2; fail "not loudly"; }
expect 1 "kernel build failed" run build=-DFLIP=1 nothing_left
# Nothing builds: no usable device, named; under `all` it is passed over.
expect 3 "cannot build any kernel" bad build= verify --device auto --op adam
expect 3 "builds and runs a kernel" bad build= verify --device all --op adam --json all.json
grep -q "^skip 0, .* is listed, and cannot build any kernel" said || fail "under all it is not named"
expect 3 "cannot build any kernel" bad build= verify --fingerprint --device 0

# A class without a device is no name.
if ! "$SCORECL" devices | grep -q "^     GPU, "; then
    expect 3 "there is no gpu among the " "$SCORECL" verify --device gpu
    grep -q "is the .icd file of its driver installed in /etc/OpenCL/vendors?" said && ! grep -q "also: .*gpu" said || fail "does not say what to look for"
fi
expect 3 "no device is called 'voodoo'; there are" "$SCORECL" verify --device voodoo

# Wrong bits: of the smallest kernel, of a fingerprint, of the probe.
expect 3 "computes nonsense: a kernel that writes 7 wrote 6" bad flip=1 verify --device auto --op adam
expect 4 "FAIL operators: values of max_pool_at: " bad flip=2 verify --fingerprint --device auto --case operators
expect 4 "bits not promised on this device" bad flip=1 verify --probe --device auto
expect 1 "device probe" bad fail=clEnqueueReadBuffer:1:-5 verify --probe --device auto

# Lost under verify: it is named with what it was lost in, the rest of it is not run and counted, another device goes on.  Exit 1: nothing
# is known to differ; 4 where something did before.
lost=(verify --op random_normal --quick --json lost.json --junit lost.xml)
counts() { python3 -c "import json; r = json.load(open('$1')); print(r['passed'], r['failed'], r['not_run'])"; }
expect 1 "LOST random_normal ragged: candidate 0 (chunks WG=1 VEC=8): kernel field, " bad gone=5 "${lost[@]}" --device 0
grep -q "the device is gone" said && grep -q "was lost in random_normal ragged: 5 cases" said || { cat said; fail "what it was lost in"; }
[ "$(grep -c "^FAIL" said)" = 0 ] && grep -q "^1 passed, 0 failed, 5 not run$" said || { cat said; fail "cases behind the loss are no failures"; }
[ "$(counts lost.json)" = "1 0 5" ] || fail "JSON counts $(counts lost.json)"
grep -q 'tests="6" failures="0" errors="1" skipped="4"' lost.xml || fail "JUnit counts something else"
grep -q 'name="chunks" time="0.000"><skipped message="not run: the device was lost in random_normal ragged"' lost.xml ||
    fail "JUnit has no case that was not run"
expect 4 "1 passed, 1 failed, 4 not run" bad "flip=3 gone=5" "${lost[@]}" --device 0
POCL_DEVICES="basic basic" SCL_LAUNCH_LIMIT=5 expect 1 "hangs: kernel field of random_normal" bad hang_kernel=field "${lost[@]}" --device all
grep -qE "^random_normal +lost( +=)+ " said || { cat said; fail "the other device is not beside it in the table"; }
python3 - <<'END'
import json, xml.etree.ElementTree
r = json.load(open('lost.json'))
index = [d['index'] for d in r['devices']]
assert len(index) > 1 and (r['passed'], r['failed'], r['not_run']) == (6 * len(index) - 6, 0, 6), r
assert [c['index'] for c in r['cases'] if 'device' != c['op']] == [i for i in index for _ in range(6)], r['cases']
suites = [s for s in xml.etree.ElementTree.parse('lost.xml').getroot() if s.findall('testcase')[0].get('classname') != 'device']
assert [int(s.get('name').split(': ')[0]) for s in suites] == index, [s.attrib for s in suites]
for s in suites:
    known = {p.get('name'): p.get('value') for p in s.find('properties')}
    assert known['arithmetic'] == '1' and known['device.index'] == s.get('name').split(':')[0] and known['device.driver'], known
    assert len(s.findall('testcase')) == int(s.get('tests')) == 6
assert suites[0].get('errors') == '1' and suites[0].get('skipped') == '5' and suites[1].get('errors') == '0'
END
expect 1 "was lost in operators: what is left is not run" bad gone=2 verify --fingerprint --device 0 --json lost.json
[ "$(counts lost.json)" = "0 0 3" ] || fail "JSON of the fingerprint counts $(counts lost.json)"
SCL_LAUNCH_LIMIT=5 expect 1 "FAIL operators: it does not run: operators: " bad hang_kernel=norm_rows verify --fingerprint --device 0 --case operators
grep -q "hangs: kernel norm_rows" said || { cat said; fail "the kernel that hangs is not named"; }
"$SCORECL" verify --help | grep -q "not ended after 120 s hangs" || fail "the limit is not told"
FAKE_CL=hang_kernel=field SCL_LAUNCH_LIMIT=0 LD_PRELOAD=$FAKE_OPENCL "$SCORECL" "${lost[@]}" --device 0 > said 2>&1 & endless=$!
until grep -q "^operator " said; do sleep 0.1; kill -0 $endless || { cat said; fail "ended before it hung"; }; done
sleep 3
kill -9 $endless || { cat said; fail "limit 0 is not: none"; }

# How many compute units a core has is asked of a device that knows.
for how in "=1" "engines=16=16" "engines=0=1"; do
    bad "${how%=*}" devices --json - > told || fail "devices, $how"
    grep -qE "\"units_per_core\": *${how##*=}," told || fail "units_per_core, $how"
done

echo "faults: each is told, and none hangs"
