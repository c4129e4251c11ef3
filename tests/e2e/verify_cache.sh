#!/usr/bin/env bash
# verify --cache both: with empty caches every program is compiled, with what was kept none is, with the same bits; a driver that
# refuses the binaries it gave gets the source again, with the same bits.
. "$(dirname "$0")/common"
"$SCORECL" devices > /dev/null 2>&1 || { echo "skipped: there is no OpenCL device here"; exit 77; }

cat > truth.yaml <<'END'
seed: 3
data: { format: points, points: { distribution: mixture, weights: [0.6, 0.4], means: [[1.5, 0], [-1.5, 0]], sigma: 0.7, count: 64 } }
model: { net: analytic }
noise: { schedule: geometric, sigma_begin: 1.0, sigma_end: 0.1, levels: 2 }
stages:
  sample: { kind: sample, sampler: { step_lr: 1.0e-3 }, count: 4 }
END

# passes NAME: what its programs were: "compiled loaded", of the cold and of the warm pass; all with the same bits.
passes()
{
    "$SCORECL" verify --config truth.yaml --cache both --no-guards --device reference --device auto --json "$1.json" > "$1.txt" ||
        { cat "$1.txt"; fail "$1: other bits"; }
    grep -E 'cache|programs' "$1.txt"
    read -r cold_compiled cold_loaded warm_compiled warm_loaded \
        <<< "$(sed -n 's/^ *\([0-9]*\) programs compiled, \([0-9]*\) loaded from the cache$/\1 \2/p' "$1.txt" | tr '\n' ' ')"
    [ "$(grep -c ', \(cold\|warm\) cache: .* equal ' "$1.txt")" = 2 ] || fail "$1: no cold and warm pass"
    [ "$cold_compiled" -gt 0 ] && [ "$cold_loaded" = 0 ] || fail "$1: the cache was not cold"
}
# The device's probe has programs of its own, once on a machine.
"$SCORECL" verify --probe --device auto > /dev/null || fail "the probe"
passes kept
[ "$warm_compiled" = 0 ] && [ "$warm_loaded" = "$cold_compiled" ] || fail "the cache was not warm"
FAKE_CL=fail=clCreateProgramWithBinary:1+:-42 LD_PRELOAD=$FAKE_OPENCL passes refused
[ "$warm_compiled" = "$cold_compiled" ] && [ "$warm_loaded" = 0 ] || fail "refused binaries count as loaded"
