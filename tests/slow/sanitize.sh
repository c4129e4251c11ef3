#!/usr/bin/env bash
# verify and the golden file under the address and undefined-behaviour sanitizers.  Leaks inside OpenCL drivers are not ours.
set -euo pipefail
build=$BUILD/sanitize
cmake -S "$SOURCE" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DSCL_SANITIZE=ON -DSCL_TESTS=OFF > /dev/null
cmake --build "$build" --target scorecl > build.log || { cat build.log; exit 1; }
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# Intel's driver for GPUs loads libraries in a way that the address sanitizer ends the process for.
pocl=/etc/OpenCL/vendors/pocl.icd
[ ! -e $pocl ] || export OCL_ICD_VENDORS=$pocl
"$build/scorecl" verify --device reference
"$build/scorecl" verify --quick
exec "$build/scorecl" verify --golden "$SOURCE/tests/golden/ncsn_28x28x1_ngf8.safetensors"
