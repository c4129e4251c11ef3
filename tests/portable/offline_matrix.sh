#!/usr/bin/env bash
# Kernels for matrix units, compiled for the chips that have one and refused by those that do not: the probe that decides what a
# device has (cl/probe/matrix.cl), for every unit and precision: the instruction is in the assembly, and nothing spills; and the
# kernels of a plan with that precision.  Intel's unit for tf32 is newer than the compiler of Debian 12: only another OCLOC is
# asked for it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
offline="$SOURCE/tools/offline-compile"
compiled=0
fail() { echo "FAILED: $*" >&2; cat "$work/out" >&2; exit 1; }

# probe UNIT PRECISION EXPECT|REFUSED CHIP...: UNIT and PRECISION as in cl/lib/matrix_unit.cl
probe()
{
    local unit=$1 precision=$2 how=$3 pattern chips=() c; shift 3
    case $unit in 1) pattern='mma\.sync' ;; 2) pattern=v_mfma ;; 3 | 4) pattern=v_wmma ;; *) pattern='dpas\.8x' ;; esac
    for c in "$@"; do chips+=(--chip "$c"); done
    local more=(--expect "$pattern")
    [ $how = expect ] || more+=(--refused)
    "$offline" --file "$SOURCE/cl/probe/matrix.cl" --options "-DUNIT=$unit -DPRECISION=$precision" "${chips[@]}" "${more[@]}" \
        > "$work/out" 2>&1 && ! grep -q ^FAIL "$work/out" || fail "unit $unit, precision $precision, $how"
    cut -c1-140 "$work/out" | sed "s/^/unit $unit precision $precision: /"
    compiled=$((compiled + $(grep -c '^ok' "$work/out" || true)))
}

tf32=1 bf16=2 f16=3
for p in $tf32 $bf16 $f16; do
    probe 1 $p expect sm_80 sm_86 sm_89 sm_90 sm_100 sm_120
    probe 1 $p refused sm_75 gfx90a
done
for p in $bf16 $f16; do
    probe 2 $p expect gfx90a gfx942
    probe 2 $p refused gfx906 gfx1030 sm_90
    probe 3 $p expect gfx1100
    probe 3 $p refused gfx1030 gfx90a gfx1200
    probe 4 $p expect gfx1200
    probe 4 $p refused gfx1100
    probe 5 $p expect dg2
    probe 5 $p refused skl tgllp
    probe 6 $p expect pvc
    probe 6 $p refused tgllp
done
probe 2 $tf32 expect gfx942             # of CDNA 3 alone
probe 2 $tf32 refused gfx90a
for unit in 3 4; do probe $unit $tf32 refused gfx1100 gfx1200; done
[ -z "${OCLOC:-}" ] || probe 6 $tf32 expect pvc
[ $compiled -gt 0 ] || exit 77

# plan PRECISION DESCRIPTION...: what training by matrix units launches on these devices
plan()
{
    local precision=$1 code=0; shift
    "$offline" --config "$SOURCE/configs/mnist.yaml" --config "$SOURCE/configs/quickstart.yaml" --set "precision=$precision" \
        --conv auto --family conv --family linear --table "$work/none" --json "$work/json" \
        "${@/#/$SOURCE/tools/device-descriptions/}" > "$work/out" 2>&1 || code=$?
    [ $code = 77 ] && return
    [ $code = 0 ] || fail "the plan of precision $precision"
    grep skipped "$work/out" || true
    python3 - "$work/json" "$precision" <<'P' || fail "the plan of precision $precision has no kernels for matrix units"
import json, sys
kernels = [k for k in json.load(open(sys.argv[1]))["kernels"] if "PRECISION=" in k["options"]]
chips = sorted({k["chip"] for k in kernels if k["chip"] not in ("spirv", "lint")})
for chip in chips:
    mine = [k for k in kernels if k["chip"] == chip]
    names = sorted({k["kernel"].replace(" (fused)", "") for k in mine})
    print("%s %s: %d kernels for matrix units (%s), most registers %g" % (sys.argv[2], chip, len(mine), ", ".join(names),
                                                                       max(k["registers"] for k in mine)))
    if not {"matrix_conv", "matrix_dw"} <= set(names):
        sys.exit(1)
sys.exit(not chips)
P
}
plan tf32 nvidia-h100.json amd-mi300x.json
plan bf16 nvidia-h100.json nvidia-rtx-5090.json amd-mi250.json amd-mi300x.json amd-rx-7900-xtx.json amd-rx-9060-xt.json intel-arc-a770.json \
    intel-max-1550.json
plan f16 nvidia-a100.json amd-mi250.json
[ -z "${OCLOC:-}" ] || plan tf32 intel-max-1550.json
