#!/usr/bin/env bash
# tools/portability: no difference on the processor's driver, for two operators; a wrong kernel, a crash and a device that builds
# nothing are each told by name; one device's archive and the page made of it.  More implementations: tests/portable/portability.sh.
. "$(dirname "$0")/common"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 77; }
tool=$SOURCE/tools/portability

matrix()      # matrix STATUS ARGUMENTS...: its output in said
{
    local status=$1 got=0; shift
    "$tool" --scorecl "${program:-$SCORECL}" --json m.json "$@" > said 2> log || got=$?
    [ "$got" = "$status" ] || { cat said log >&2; fail "portability $* exits with $got, not $status"; }
}
cell() { python3 -c "import json, sys; print(json.load(open('m.json'))['cells'][sys.argv[1]][sys.argv[2]]['outcome'])" "$1" "$2"; }

cat > registers.json <<'END'
{"compilers": {"sm_80": "a compiler"}, "skipped": {}, "kernels": [{"operators": ["adam"], "chip": "sm_80", "kernel": "adam", "options": "WG=64",
  "items": 64, "registers": 40, "simd": null, "local_bytes": 0, "scratch_bytes": 0, "spills": 0, "resident": null, "resident_most": null}]}
END
matrix 0 --only reference,pocl --op norm_coef,adam --html m.html --registers registers.json --no-runs
tail -1 said | grep -q '^portability: no difference: ' || { cat said; fail "the verdict"; }
[ "$(cell norm_coef pocl)" = same ] || fail "norm_coef on pocl"
grep -q '"verdict": "no difference' m.html || fail "the page"
grep -q '"adam", "WG=64", 64, {"sm_80": \[40, ' m.html || fail "the page's registers"
tail -1 said

# A program with another kernel, one that a driver kills, one whose device builds nothing.
mkdir -p kernels/ops
sed 's/scl_div_v(gamma, sigma)/scl_div_v(sigma, gamma)/' "$SOURCE/cl/ops/norm.cl" > kernels/ops/norm.cl
program=$work/broken
cat > broken <<EOF
#!/bin/bash
case "\$*" in
    *--probe*reference*) ;;
    *--probe*) [ ! -e $work/probe_crashes ] || kill -SEGV \$\$
               [ ! -e $work/probe_hangs ] || exec sleep 1000
               [ ! -e $work/probe_fails ] || { echo "kernel build failed on X: -11" >&2; exit 1; } ;;
    *"--op flatten --device 0"*) [ ! -e $work/gone ] || export LD_PRELOAD=$FAKE_OPENCL FAKE_CL=gone=3 ;;
    *"--op adam --device 0"*) kill -SEGV \$\$ ;;
    *"--op norm_coef --device 0"*) export SCL_KERNEL_DIR=$work/kernels ;;
esac
exec "$SCORECL" "\$@"
EOF
chmod +x broken
matrix 4 --only reference,pocl --op norm_coef,adam --no-runs
[ "$(cell norm_coef pocl)/$(cell adam pocl)/$(cell adam reference)" = differs/crash/same ] || { cat said; fail "a wrong kernel and a crash"; }
tail -1 said | grep -q 'DIFFERENT: .*norm_coef on pocl (differs).*adam on pocl (crashed)' || { cat said; fail "the verdict names both"; }
tail -1 said
touch gone
matrix 4 --only reference,pocl --op flatten --no-runs
grep -q '^portability: DIFFERENT: flatten on pocl (failed)' said || { cat said; fail "a device that is lost"; }
rm gone
touch probe_crashes
matrix 4 --only reference,pocl --op flatten --no-runs
[ "$(cell "device probe" pocl)/$(cell flatten pocl)/$(cell "device probe" reference)" = crash/same/same ] || { cat said; fail "a crash in the probe"; }
rm probe_crashes
touch probe_fails
matrix 3 --only reference,pocl --op adam --no-runs
tail -1 said | grep -q 'nothing to compare; skipped: pocl' || { cat said; fail "a device that builds nothing"; }
grep -q 'pocl .*skipped: it lists a device that cannot be used: kernel build failed on X' said || { cat said; fail "its reason"; }

rm probe_fails
# A device that hangs is not taken for one that is not there, and what was not reached is not done.
touch probe_hangs
matrix 1 --only reference,pocl --op flatten --no-runs --limit 10
[ "$(cell "device probe" pocl)" = time ] || { cat said; fail "a device that hangs"; }
tail -1 said | grep -q 'no difference, but NOT FINISHED: device probe on pocl;' || { cat said; fail "the verdict names it"; }
tail -1 said
"$tool" --scorecl "$program" --only reference,pocl --op flatten --no-runs > /dev/null 2>&1 & tool_id=$!
until pgrep -P $tool_id sleep > /dev/null; do sleep 0.1; kill -0 $tool_id 2> /dev/null || fail "the tool ended before its device hung"; done
hung=$(pgrep -P $tool_id sleep)
kill $tool_id
wait $tool_id && fail "a signal ends the tool with 0" || [ $? = 130 ] || fail "the exit code of a signal"
kill -0 $hung 2> /dev/null && fail "what the tool has started goes on after its end"
expect 1 "no difference so far, NOT FINISHED" "$tool" --scorecl "$program" --device cpu --minutes 0.15 --archive hangs.tar.gz
rm probe_hangs
matrix 1 --only reference,pocl --op flatten --no-runs --minutes 0.001
tail -1 said | grep -q 'NOT FINISHED: .*device probe on pocl' || { cat said; fail "columns that were not reached"; }

# No such device, a wrong word: said at once.
expect 3 "nothing to compare: no device: scorecl: no device is called 'nothing'" "$tool" --scorecl "$SCORECL" --device nothing --archive none.tar.gz
[ ! -e none.tar.gz ] || fail "an archive of no device"
expect 2 "no implementation is called nothing" "$tool" --scorecl "$SCORECL" --only nothing
expect 2 "its folder cannot be written to" "$tool" --scorecl "$SCORECL" --html nowhere/m.html
expect 2 "there is no nowhere.tar.gz" "$tool" --devices-page nowhere.tar.gz

# One device in a short time: what it does not get to is said, and the archive is whole.
"$SCORECL" verify --probe --device cpu > /dev/null      # so that its kernels are compiled
expect 1 "no difference so far, NOT FINISHED" "$tool" --scorecl "$SCORECL" --device cpu --minutes 0.3 --archive one.tar.gz
tar tzf one.tar.gz > names
for name in manifest.json matrix.json logs/devices.txt logs/version.txt logs/bench.txt; do
    grep -q "^one/$name\$" names || { cat names; fail "the archive has no $name"; }
done
"$tool" --devices-page one.tar.gz > devices.md
grep -q '^| device | platform ' devices.md || fail "the page of devices"
grep -q "$(sha256sum one.tar.gz | cut -c1-8) |\$" devices.md || { cat devices.md; fail "the archive's row"; }
expect 1 "is no archive" "$tool" --devices-page <(tar cz names)
tail -1 devices.md
