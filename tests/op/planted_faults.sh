#!/usr/bin/env bash
# A check that cannot fail shows nothing: kernels with a planted fault, each of which verify or the lint must catch.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache

# plant NAME FILE SED-SCRIPT: cl/ with one file changed, in $work/NAME.
plant() {
    mkdir -p "$work/$1/$(dirname "$2")"
    sed "$3" "$SOURCE/cl/$2" > "$work/$1/$2"
    if cmp -s "$SOURCE/cl/$2" "$work/$1/$2"; then
        echo "FAIL $1: the fault does not fit cl/$2 any more"
        exit 1
    fi
}

# verify_catches NAME OPERATOR: passes as it is, exit code 4 with the fault, and a line that names the operator.
verify_catches() {
    "$SCORECL" verify --op "$2" > "$work/before" || { cat "$work/before"; echo "FAIL $1: $2 fails without the fault"; exit 1; }
    local code=0
    SCL_KERNEL_DIR=$work/$1 "$SCORECL" verify --op "$2" > "$work/after" || code=$?
    if [ $code != 4 ] || ! grep -q "^FAIL $2 " "$work/after"; then
        cat "$work/after"
        echo "FAIL $1: verify does not catch it (exit code $code)"
        exit 1
    fi
    echo "caught by verify: $1: $(grep -m1 '^FAIL' "$work/after")"
}

# oclgrind_names NAME OPERATOR TEXT: silent on the operator as it is, TEXT in its log with the fault.
oclgrind_names() {
    command -v oclgrind > /dev/null || { echo "not run without oclgrind: $1"; return; }
    local log=$work/oclgrind.log run=(oclgrind --data-races --max-errors 5 --log "$work/oclgrind.log" "$SCORECL" verify --quick --op "$2")
    "${run[@]}" > "$work/after" || { cat "$work/after"; echo "FAIL $1: $2 fails under oclgrind without the fault"; exit 1; }
    [ ! -s "$log" ] || { cat "$log"; echo "FAIL $1: oclgrind objects to $2 without the fault"; exit 1; }
    SCL_KERNEL_DIR=$work/$1 "${run[@]}" > "$work/after" || true
    grep -q "$3" "$log" || { head -20 "$log"; echo "FAIL $1: oclgrind does not name it"; exit 1; }
    echo "named by oclgrind: $1: $(grep -m1 "$3" "$log")"
}

# lint_catches NAME FAMILY TEXT: exit code 1 and a line with TEXT.
lint_catches() {
    local code=0
    "$SOURCE/tools/lint-kernels" --scorecl "$SCORECL" --kernels "$work/$1" --family "$2" > "$work/after" || code=$?
    if [ $code = 77 ]; then
        echo "not run without clang: lint of $1"
    elif [ $code != 1 ] || ! grep -q "$3" "$work/after"; then
        cat "$work/after"
        echo "FAIL $1: the lint does not catch it (exit code $code)"
        exit 1
    else
        echo "caught by the lint: $1: $(grep -m1 "$3" "$work/after")"
    fi
}

# The same 64 lanes, folded by neighbours instead of by halves.
plant reordered_sum lib/sum.cl 's/+= lane\[i \/ h \* SUM_LANES + i % h + h\];/+= lane[i \/ h * SUM_LANES + i % h * (SUM_LANES \/ h) + SUM_LANES \/ h \/ 2];/
    s/lane\[i \/ h \* SUM_LANES + i % h\] +=/lane[i \/ h * SUM_LANES + i % h * (SUM_LANES \/ h)] +=/'
verify_catches reordered_sum flat_sum

# Work-items that go on before the others have written their lanes.
plant missing_barrier lib/sum.cl '/for (int h = SUM_LANES/,/lane/s/SUM_BARRIER;//'
verify_catches missing_barrier flat_sum
oclgrind_names missing_barrier flat_sum 'data race at local memory'

plant swapped_argument ops/norm.cl 's/scl_div_v(gamma, sigma)/scl_div_v(sigma, gamma)/'
verify_catches swapped_argument norm_coef

# One pixel more than a row has: it lies in the next row, and behind the output at the end.
plant out_of_bounds_write ops/stride.cl '/^kernel void subsample2/,/^}/s|px < W / 2|px < W / 2 + 1|'
verify_catches out_of_bounds_write subsample2
oclgrind_names out_of_bounds_write subsample2 'data race at global memory'

plant missing_flush ops/resize.cl 's/scl_flush_v(sum)/sum/'
verify_catches missing_flush resize_bilinear_grad

plant mad ops/dsm_loss.cl 's/acc = fma(r, r, acc);/acc = mad(r, r, acc);/'
lint_catches mad dsm_loss 'call of mad'

plant product ops/dsm_loss.cl 's/acc = fma(r, r, acc);/acc = acc + r * r;/'
lint_catches product dsm_loss 'a product feeds fadd'

plant built_in_exp lib/math_body.h '/^static inline floatT FN(exp)(const floatT x)$/,/^}$/s/return .*/return exp(y);/'
lint_catches built_in_exp pointwise 'call of exp'

plant division ops/norm.cl 's/scl_div_v(gamma, sigma)/gamma \/ sigma/'
lint_catches division norm 'fdiv'
