#!/bin/bash
# Without any OpenCL driver: exit 3 and a text that says what to do; the reference device still works.
set -u
export OCL_ICD_VENDORS=/nonexistent
fail=0
for arguments in "devices" "devices --measure" "verify --device cpu" "verify --device auto --probe"; do
    text=$("$SCORECL" $arguments 2>&1 >/dev/null)
    code=$?
    if [ $code != 3 ] || [[ "$text" != *"no OpenCL device"* ]] || [[ "$text" != *reference* ]]; then
        echo "scorecl $arguments: exit $code: $text"
        fail=1
    fi
done
text=$("$SCORECL" verify --device reference --probe 2>&1) || { echo "the reference device: $text"; fail=1; }
exit $fail
