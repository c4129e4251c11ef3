#!/usr/bin/env bash
# tools/bundle-deps: its folder runs without network and leaves the system alone; it is whole or not there, and damage is named.
. "$(dirname "$0")/../e2e/common"
command -v apt-get > /dev/null || { echo "skipped: this is not a Debian system"; exit 77; }
mkdir fetched
(cd fetched && apt-get download -qq libyaml-0-2) > log 2>&1 || { echo "skipped: apt has no network: $(tail -1 log)"; exit 77; }
offline=()
for how in "unshare --net" "unshare --map-root-user --net"; do
    if $how true 2> /dev/null; then read -ra offline <<< "$how"; break; fi
done
[ ${#offline[@]} -gt 0 ] || echo "no name space without network is permitted here: what follows runs with it"

# What is not made is not there.
expect 2 "tools/bundle-deps DIR" "$SOURCE/tools/bundle-deps" bundle --nothing
expect 1 "not empty" "$SOURCE/tools/bundle-deps" fetched
if [ ${#offline[@]} -gt 0 ]; then
    expect 1 "apt cannot fetch the packages: no network" "${offline[@]}" "$SOURCE/tools/bundle-deps" bundle
    [ -z "$(find . -maxdepth 1 -name 'bundle*')" ] || fail "without network it leaves $(ls -d bundle*)"
fi

"$SOURCE/tools/bundle-deps" bundle > said 2>&1 || { cat said; fail "tools/bundle-deps"; }
cat said
grep -q '^bundle-deps: [0-9]* packages: [0-9.]* MB to fetch, [0-9.]* MB unpacked$' said || fail "it does not say the size first"
[ "$(ls -d bundle*)" = bundle ] || fail "it leaves $(ls -d bundle*)"

# Damaged copies, by hard links.
copy() { rm -rf damaged; cp -al bundle damaged; }
copy
deb=$(cd damaged && ls packages/libyaml*.deb)
cp --remove-destination "bundle/$deb" "damaged/$deb"
printf x | dd of="damaged/$deb" bs=1 seek=1000 conv=notrunc status=none
expect 1 "$deb: FAILED" damaged/unpack --here
if command -v python3 > /dev/null; then
    expect 1 "damaged/unpack --here\` made no" "$SOURCE/tools/portability" --device reference --bundle damaged
    grep -q "$deb: FAILED" said || { cat said; fail "tools/portability hides why"; }
    ! grep -q Traceback said || fail "tools/portability ends by a traceback"
    expect 1 "no folder of tools/bundle-deps" "$SOURCE/tools/portability" --device reference --bundle fetched
fi
copy
rm damaged/program/scorecl
expect 1 "program/scorecl: FAILED" damaged/unpack --here
copy
rm damaged/SHA256SUMS
expect 1 "there is no SHA256SUMS" damaged/unpack --here
[ ! -e damaged/bin ] || fail "what is not whole is unpacked"
rm -rf damaged

bundle/unpack --here || fail "unpack --here"
mv bundle moved
# run [NAME=VALUE...] COMMAND...: with nothing of this environment, without network.
run() { "${offline[@]}" env -i HOME="$work" PATH=/usr/bin:/bin POCL_CACHE_DIR="$POCL_CACHE_DIR" "$@"; }
run moved/bin/scorecl version > version 2>&1 || { cat version; fail "version"; }
cat version
[ "$(grep ^kernels version)" = "$("$SCORECL" version | grep ^kernels)" ] || fail "the packed program is of other kernels"
run moved/bin/scorecl devices || fail "devices"
run moved/bin/scorecl verify --op flatten --quick --device auto || fail "verify"
run moved/bin/python3 -c 'import json, tarfile, tempfile' || fail "python3"

# The packages' driver alone, which links kernels: without the system's drivers, and without its linker.
mkdir packed tools
cp moved/root/etc/OpenCL/vendors/pocl.icd packed/
for tool in sh readlink dirname basename find head sed tr cat grep env; do ln -s "$(command -v $tool)" tools/; done
run PATH="$work/tools" OCL_ICD_VENDORS="$work/packed" POCL_CACHE_DIR="$work/pocl-packed" LD_LIBRARY_PATH="$work/empty" \
    moved/bin/scorecl verify --op flatten --quick --device cpu || fail "verify on the packages' PoCL"

# loaded LIBRARY [NAME=VALUE...]: the file of it that the program runs on.  A process that becomes another goes on in its file.
loaded()
{
    local library=$1; shift
    rm -f debug.*
    run LD_DEBUG=files LD_DEBUG_OUTPUT="$work/debug" "$@" moved/bin/scorecl ops > /dev/null || fail "with $*"
    grep -l "calling init: .*libclblast" debug.* | xargs ls -t | head -1 > last
    sed -n "s/.*calling init: \(.*$library\.so.*\)/\1/p" "$(cat last)" | tail -1
}
case $(loaded libc) in "$work"/*) fail "not on the system's C library: $(loaded libc)" ;; esac
case $(loaded libstdc++) in "$work"/*) fail "not on the system's libstdc++: $(loaded libstdc++)" ;; esac
case $(loaded libOpenCL) in "$work"/moved/own/*) ;; *) fail "on another OpenCL loader: $(loaded libOpenCL)" ;; esac
# A system that is too old for it.
mkdir old
: > old/libstdc++.so.6
case $(loaded libc LD_LIBRARY_PATH="$work/old") in "$work"/moved/root/*) ;; *) fail "not on its own C library" ;; esac

"$SOURCE/tools/bundle-deps" small --gpu || fail "--gpu"
[ -z "$(find small -name '*pocl*')" ] || fail "--gpu brings PoCL"
if command -v python3 > /dev/null; then
    # So little time is for the way there alone: it unpacks into the folder, for root too.
    "$SOURCE/tools/portability" --device reference --bundle small --minutes 0.15 --archive a.tar.gz > log 2>&1 || [ $? = 1 ] ||
        { cat log; fail "tools/portability --bundle"; }
    grep "^unpack: into .*/small/root; " log || { cat log; fail "tools/portability --bundle does not unpack into the folder"; }
    [ -s a.tar.gz ] || { cat log; fail "tools/portability --bundle writes no archive"; }
else
    small/unpack --here || fail "unpack --here of --gpu"
fi
run small/bin/scorecl verify --op flatten --quick --device reference || fail "verify of --gpu"
