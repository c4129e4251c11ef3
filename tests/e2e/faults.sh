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
SCL_LAUNCH_LIMIT=2 expect 1 "hangs: kernel embedding of embedding at " run hang_kernel=embedding hang
grep -q "has not ended within 2 s" said && grep -q "raise launch_limit" said || fail "does not say what to do"
expect 1 "hangs: kernel " run hang=300 hang_config -o launch_limit=1
going run slow=1 limited -o launch_limit=100;                                   same good limited

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

echo "faults: each is told, and none hangs"
