#!/usr/bin/env bash
# tests/e2e/winograd_bits.sh with every fusion of both algorithms, and further tiles.
EVERYTHING=1
. "$(dirname "$0")/../e2e/winograd_bits.sh"
