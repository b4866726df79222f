#!/usr/bin/env bash
# What the module adds to the start of pwsh: whole processes, medians, in milliseconds of wall clock and of CPU (user
# and system).
#     bench/import.sh [RUNS]
# All ways take turns, so that a noisy machine is noisy to all; each way's first run, which fills the disk's cache, does
# not count. Each prints one object in a table.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-21}
. bench/pwsh.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

object="[pscustomobject]@{ ComputerName = 'nat01'; Status = 'Erased' }"
bare() { pwsh -Command "$object"; }
import() { with_module "$object"; }
answer() { with_module 'Get-NatIptablesState -Path samples/erased-save.txt'; }

TIMEFORMAT='%R %U %S'
for ((i = 0; i <= runs; i++)); do
  for way in bare import answer; do
    { time "$way" >"$folder/out"; } 2>"$folder/spent"
    grep -q Erased "$folder/out" || { echo "$way: it printed no object" >&2; exit 1; }
    [ "$i" -eq 0 ] || awk '{ printf "%d %d\n", $1 * 1000, ($2 + $3) * 1000 }' "$folder/spent" >>"$folder/$way"
  done
done

median() { awk -v c="$2" '{ print $c }' "$folder/$1" | sort -n | sed -n "$(((runs + 1) / 2))p"; }
row() { # WAY LABEL
  awk -v label="$2" -v t="$(median "$1" 1)" -v b="$(median bare 1)" -v u="$(median "$1" 2)" -v v="$(median bare 2)" \
    'BEGIN { printf "%-52s %5d ms  %4.2f x   CPU %5d ms  %4.2f x\n", label, t, t / b, u, u / v }'
}
echo "medians of $runs runs, load $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"
row bare "pwsh that prints one object"
row import "the same after Import-Module NatDsa"
row answer "Import-Module NatDsa; Get-NatIptablesState -Path"
