#!/usr/bin/env bash
# A library shares one space of names with its users: everything that libscorecl defines for others begins with scl_.
set -euo pipefail
command -v nm > /dev/null || exit 77
names=$(nm -g --defined-only "$BUILD/libscorecl.a" | awk 'NF == 3 { print $3 }' | sort -u)
[ "$(wc -l <<< "$names")" -gt 200 ] || { echo "FAIL only $(wc -l <<< "$names") names were found"; exit 1; }
foreign=$(grep -v '^scl_' <<< "$names" || true)
[ -z "$foreign" ] || { echo "FAIL names that do not begin with scl_:"; echo "$foreign"; exit 1; }
