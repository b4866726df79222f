#!/usr/bin/env bash
# How soon Get-NatIptablesRule writes its first object, over a file of 100,000 rules shaped like kube-proxy's:
# milliseconds, medians.
#     bench/stream.sh [RUNS]
# All runs are in one program; the first, in which the runtime compiles, is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-11}
. bench/pwsh.sh

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
dotnet run -c Release --project bench/NatDsa.Benchmarks -- generate 100000 >"$folder/rules"
cat >"$folder/stream.ps1" <<'SCRIPT'
param([string] $Module, [string] $Path, [int] $Runs)
Import-Module -Name $Module
foreach ($run in 0..$Runs) {
    $first = $null
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    Get-NatIptablesRule -Path $Path |
        ForEach-Object { if ($null -eq $first) { $first = $watch.Elapsed.TotalMilliseconds } }
    if ($run -gt 0) { '{0:F1} {1:F1}' -f $first, $watch.Elapsed.TotalMilliseconds }
}
SCRIPT
LC_ALL=C pwsh -File "$folder/stream.ps1" "$module" "$folder/rules" "$runs" >"$folder/times"
median() { awk "{ print \$$1 }" "$folder/times" | sort -n | sed -n "$(((runs + 1) / 2))p"; }
awk -v first="$(median 1)" -v total="$(median 2)" 'BEGIN {
  printf "first object %s ms\nall objects  %s ms\nratio        %.3f\n", first, total, first / total }'
