#!/usr/bin/env bash
# The incident against the clock, in a lab on this machine: NatDsa next to the article's commands typed into one ssh.
#     bench/incident.sh [RUNS]
# Whole processes, medians, in milliseconds; both ways take turns, so that a noisy machine is noisy to both.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-7}
. bench/pwsh.sh

median() { sort -n | sed -n "$(((runs + 1) / 2))p"; }
now() { echo $(($(date +%s%N) / 1000000)); }
took() { local began; began=$(now); "$@" >/dev/null; echo $(($(now) - began)); }
row() { printf '%-62s %8s\n' "$1" "$2"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f x", a / b }'; }

. bench/lab.sh
by_hand() { ssh -F "$ssh_config" "$nat" "$@"; }
remoting="-HostName $nat -Port $port -UserName root -KeyFilePath '$key'
  -Options @{ UserKnownHostsFile = '$known_hosts' }"
remoting=${remoting//$'\n'/}

# The agent erases the rules once more.
break_again() {
  lab exec nat -- rm -f /etc/use_dsa_with_iptables
  lab agent-module firewall off
  lab agent-module firewall on
} >/dev/null

# answers COMMAND...: milliseconds from the command's start until the client gets an answer from the internet.
answers() {
  local began
  began=$(now)
  "$@" >/dev/null &
  lab exec client -- sh -c 'until curl -s -o /dev/null --connect-timeout 0.05 http://www.example.com/page; do :; done'
  echo $(($(now) - began))
  wait $!
}

article='touch /etc/use_dsa_with_iptables; /etc/rc.d/init.d/iptables restart; /etc/init.d/ds_agent restart'
repair() { with_module "Repair-DsaNatHost $remoting -Confirm:0"; }
state() { with_module "Get-NatIptablesState $remoting"; }

ask_hand=() ask_module=() repair_hand=() repair_module=() back_hand=() back_module=()
for ((i = 0; i < runs; i++)); do
  ask_hand+=("$(took by_hand '/etc/rc.d/init.d/iptables status')")
  ask_module+=("$(took state)")
  repair_hand+=("$(took by_hand "$article")"); break_again
  repair_module+=("$(took repair)"); break_again
  back_hand+=("$(answers by_hand "$article")"); break_again
  back_module+=("$(answers repair)"); break_again
done
of() { printf '%s\n' "$@" | median; }
in_session=$(with_module "
  \$s = New-PSSession $remoting
  \$null = Get-NatIptablesState -Session \$s
  foreach (\$i in 1..$runs) {
    [int] (Measure-Command { Get-NatIptablesState -Session \$s }).TotalMilliseconds
  }" | median)

row "ask: ssh, iptables status" "$(of "${ask_hand[@]}")"
row "ask: pwsh -Command Get-NatIptablesState -HostName" "$(of "${ask_module[@]}")"
row "  as a ratio" "$(ratio "$(of "${ask_module[@]}")" "$(of "${ask_hand[@]}")")"
row "ask: Get-NatIptablesState -Session, in an open session" "$in_session"
row "  as a ratio to ssh" "$(ratio "$in_session" "$(of "${ask_hand[@]}")")"
row "repair: ssh, the article's three commands" "$(of "${repair_hand[@]}")"
row "repair: pwsh -Command Repair-DsaNatHost -HostName" "$(of "${repair_module[@]}")"
row "  as a ratio" "$(ratio "$(of "${repair_module[@]}")" "$(of "${repair_hand[@]}")")"
row "client has the internet back after: the article's commands" "$(of "${back_hand[@]}")"
row "client has the internet back after: Repair-DsaNatHost" "$(of "${back_module[@]}")"
