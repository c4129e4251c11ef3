#!/usr/bin/env bash
# Every operator's cases on the default device: bits of the C definition, oracle, derivatives, guards; default and two extreme candidates.
set -euo pipefail
exec "$SCORECL" verify --junit "$PWD/verify.xml"
