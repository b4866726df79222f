#!/usr/bin/env bash
# What Import-Module adds to a bare start of the engine, in milliseconds of CPU (user and system), median.
#     bench/import.sh [RUNS]
# The same program twice: as it is, and with an empty module in the module's place.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-21}
program=src/NatDsa.Host/bin/Release/net10.0
export POWERSHELL_TELEMETRY_OPTOUT=1

bare=$(mktemp -d)
trap 'rm -rf "$bare"' EXIT
cp -r "$program/." "$bare"
rm -rf "$bare/NatDsa"
mkdir "$bare/NatDsa"
echo "@{ ModuleVersion = '0.0.1' }" >"$bare/NatDsa/NatDsa.psd1"

TIMEFORMAT='%U %S'
cpu() { { time "$1/natdsa" -NoProfile -Command '$null' >/dev/null; } 2>&1 | awk '{ printf "%d\n", ($1 + $2) * 1000 }'; }
median() { sort -n | sed -n "$(((runs + 1) / 2))p"; }

cpu "$bare" >/dev/null
cpu "$program" >/dev/null
without=() with=()
for ((i = 0; i < runs; i++)); do
  without+=("$(cpu "$bare")")
  with+=("$(cpu "$program")")
done
a=$(printf '%s\n' "${without[@]}" | median) b=$(printf '%s\n' "${with[@]}" | median)
printf 'engine alone %s ms, with the module %s ms: Import-Module adds %s ms of CPU\n' "$a" "$b" $((b - a))
