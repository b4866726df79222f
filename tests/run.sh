#!/usr/bin/env bash
# The whole suite on a Debian or Ubuntu that has nothing but the .NET SDK: installs what the lab needs, builds, checks the
# format, runs every test project, and the specs in PowerShell. --all adds every fault case and every real owner of rules.
# The last line is "N passed, N failed, N skipped"; the exit code is 0 only when nothing failed.
set -uo pipefail
# Started in the background, it would hand on that SIGINT is ignored; some tests send that.
[ -n "${NATDSA_SIGNALS:-}" ] || NATDSA_SIGNALS=default exec env --default-signal=INT,QUIT bash "$0" "$@"
case "${1:-}" in
  '') ;;
  --all) export NATDSA_FAULTS=all NATDSA_OWNERS=all ;;
  *) echo "usage: tests/run.sh [--all]" >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.." || exit 1
exec </dev/null
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 POWERSHELL_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1

passed=0 failed=0 skipped=0

finish() {
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ]
  exit
}

# check "what it says when it fails" command...: one check of the sum.
check() {
  local otherwise=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    printf '\nFAILED: %s\n' "$otherwise"
    failed=$((failed + 1))
    return 1
  fi
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# The Debian packages of tests/Lab/packages.txt, one a line, that are not there yet.
install_packages() {
  local missing=() package
  while read -r package; do
    case $package in '' | '#'*) continue ;; esac
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done <tests/Lab/packages.txt
  [ ${#missing[@]} -gt 0 ] || return 0
  printf 'Installing %s\n' "${missing[*]}"
  # iptables-persistent would ask, or save this machine's own rules unasked.
  if command -v debconf-set-selections >/dev/null; then
    printf 'iptables-persistent iptables-persistent/autosave_%s boolean false\n' v4 v6 | as_root debconf-set-selections || return
  fi
  as_root apt-get update -q &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# Runs one test project and adds its counts, which the test platform prints as "  succeeded: 12".
run_project() {
  local project=$1 report code
  report=$(mktemp)
  printf '\n== %s\n' "$project"
  dotnet test -c Release --no-build --project "$project" 2>&1 | tee "$report"
  code=${PIPESTATUS[0]}
  local succeeded unsuccessful ignored
  succeeded=$(count succeeded "$report") unsuccessful=$(count failed "$report") ignored=$(count skipped "$report")
  rm -f "$report"
  passed=$((passed + succeeded)) failed=$((failed + unsuccessful)) skipped=$((skipped + ignored))
  if [ "$code" -ne 0 ] && [ "$unsuccessful" -eq 0 ]; then
    printf '\nFAILED: %s ended with code %d and named no failed test\n' "$project" "$code"
    failed=$((failed + 1))
  fi
}

# Runs the specs with a version of Pester, file by file, and adds their counts. A spec that says nothing for five minutes
# has hung: it is ended, and the lines before tell which.
run_specs() {
  local version=$1 file name line output pid
  local -a counts
  shift
  for file in tests/Pester/*.Tests.ps1; do
    name=$(basename "$file" .Tests.ps1)
    counts=()
    printf '\n== %s, Pester %s\n' "$name" "$version"
    exec {output}< <(exec env --default-signal=INT,QUIT \
      dotnet pwsh -NoProfile -File tests/Pester/run.ps1 -PesterVersion "$version" -Name "$name" "$@" 2>&1)
    pid=$!
    while IFS= read -r -t 300 -u "$output" line; do
      printf '%s\n' "$line"
      if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
        counts=("${BASH_REMATCH[@]:1}")
      fi
    done
    if [ ${#counts[@]} -eq 3 ]; then
      passed=$((passed + counts[0])) failed=$((failed + counts[1])) skipped=$((skipped + counts[2]))
    else
      printf '\nFAILED: %s has ended, or has said nothing for five minutes, after the lines above\n' "$name"
      failed=$((failed + 1))
      kill -KILL "$pid" 2>/dev/null
      pkill -KILL -P "$pid"
    fi
    exec {output}<&-
  done
}

count() {
  sed -n "s/^[[:space:]]*$1:[[:space:]]*\([0-9][0-9]*\)[[:space:]]*\$/\1/p" "$2" | tail -n 1 | grep . || echo 0
}

if [ -f tests/Lab/packages.txt ] && command -v dpkg-query >/dev/null; then
  check "the lab's Debian packages could not be installed; its tests will say what they miss" install_packages
fi
# The root file system of the hosts with systemd takes about a minute, once; the build does not wait for it.
preparing=
if [ "$(id -u)" -eq 0 ]; then
  tests/Lab/lab prepare >/dev/null &
  preparing=$!
fi
check "PowerShell could not be restored" dotnet tool restore || finish
check "the solution does not build" dotnet build -c Release NatDsa.slnx || finish
check "the format is not what 'dotnet format NatDsa.slnx' makes it; the lines above say where" \
  dotnet format NatDsa.slnx --no-restore --verify-no-changes
[ -z "$preparing" ] || check "the root file system of the lab's hosts with systemd could not be prepared" wait "$preparing"
for project in tests/*/*.csproj; do
  run_project "$project"
done
run_specs 6.2.0
run_specs 5.9.1 -WithoutLab
finish
