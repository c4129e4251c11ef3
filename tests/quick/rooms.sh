#!/usr/bin/env bash
# The house (docs/design/architecture.md, section 2): includes point down only, CL/cl.h under host/cl alone, no file above 600
# lines, no function above 60, nothing below the command line prints to standard output or ends the process.
set -euo pipefail
cd "$SOURCE"
faults=0
fault() { echo "FAIL $*"; faults=$((faults + 1)); }

declare -A rank=([lib]=0 [base]=1 [config]=2 [graph]=3 [cl]=4 [ops]=4 [model]=5 [score]=5 [data]=5 [run]=6 [cli]=7)
include='^ *# *include *"([a-z]*)/'

includes=0
while IFS=: read -r file line text; do
    [[ $text =~ $include ]] || continue
    target=${BASH_REMATCH[1]} room=${file#host/}
    room=${room%%/*}
    from=${rank[$room]:-} to=${rank[$target]:-}
    [ "$from" ] && [ "$to" ] || continue
    includes=$((includes + 1))
    # Rooms of one floor (cl and ops; model, score and data) may use what stands below both, and each other's headers within
    # the upper floor: a score step is made of a model.
    if [ "$to" -gt "$from" ]; then
        fault "$file:$line: $room includes \"$target/...\", which stands above it"
    elif [ "$to" = 4 ] && [ "$from" = 4 ] && [ "$room" != "$target" ]; then
        fault "$file:$line: $room includes \"$target/...\" beside it"
    fi
done < <(grep -rn --include=*.[ch] '^ *# *include *"' host)
[ "$includes" -gt 100 ] || fault "only $includes includes were found"

while IFS=: read -r file line _; do
    fault "$file:$line: OpenCL's header outside host/cl"
done < <(grep -rn --include=*.[ch] 'include *[<"]\(CL/\|clblast\)' host tests | grep -v '^host/cl/\|^tests/cl/' || true)

while read -r lines file; do
    [ "$file" = total ] || [ "$lines" -le 600 ] || fault "$file has $lines lines, the limit is 600"
done < <(find host cl tests tools -type f \( -name '*.[ch]' -o -name '*.cl' -o -name '*.def' -o -name '*.py' -o -name '*.sh' \) -exec wc -l {} +)

while IFS=: read -r file line _; do
    fault "$file:$line: prints to standard output or exits below the command line"
done < <(grep -rnE --include=*.[ch] '(^|[^a-z_])(v?printf|puts|putchar|exit)\(|[(,] *stdout *[,)]' host | grep -v '^host/cli/' || true)

# Without memory for a line of text nothing can be said: the two places where that ends the process.
while IFS=: read -r file line _; do
    fault "$file:$line: aborts"
done < <(grep -rnE --include=*.[ch] '(^|[^a-z_])(abort)\(' host | grep -v '^host/base/arena.c\|^host/graph/expr_print.c' || true)

functions=0
while read -r file line lines; do
    functions=$((functions + 1))
    [ "$lines" -le 60 ] || fault "$file:$line: a function of $lines lines, the limit is 60"
done < <(find host cl tests -name '*.[ch]' -o -name '*.cl' | xargs awk '/^\{/ { at = FNR } /^\}/ && at { print FILENAME, at, FNR - at + 1; at = 0 }')
[ "$functions" -gt 500 ] || fault "only $functions functions were found"

echo "rooms: $includes includes, $functions functions, $faults faults"
[ "$faults" = 0 ]
