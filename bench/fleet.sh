#!/usr/bin/env bash
# A fleet against the clock: hosts that are namespaces of this machine, each with an sshd, keys and iptables rules of
# its own, and the module in pwsh as the client.
#     bench/fleet.sh [open] [agentless] [remoting] [memory] [kex]        all of them, when none is named
# open: questions in an open shell next to xargs and ssh, with sntrup761 and with curve25519. agentless: whole processes
# next to those of other programs. remoting: the same next to Invoke-Command. memory: the peak, and the CPU of a target,
# with HOSTS targets and ten times as many. kex: agentless, with each key exchange.
# HOSTS=100 and ROUNDS=5 can be set otherwise, and KEX: without it, all but open and kex have the key exchange that they
# choose by themselves. It takes root, OpenSSH and iptables. Of parallel-ssh (Debian's pssh), clush (clustershell) and
# ansible (ansible-core) those that are installed take part. 32 hosts at once, a new connection each time, medians; all
# ways take turns, so that a noisy machine is noisy to all.
set -euo pipefail
cd "$(dirname "$0")/.."
export HOSTS=${HOSTS:-100} ROUNDS=${ROUNDS:-5} KEX=${KEX:-}
[ $# -gt 0 ] || set -- open agentless remoting memory kex
. bench/pwsh.sh

# Namespaces of this script's own: with it all of it goes, and nothing on the machine changes.
if [ -z "${NATDSA_FLEET:-}" ]; then
  raise_for() { # PART...
    NATDSA_FLEET=1 unshare --net --mount --pid --fork --kill-child --mount-proc bash "bench/$(basename "$0")" "$@"
  }
  with_each() { # PART KEX...
    for KEX in "${@:2}"; do
      if ssh -Q kex | grep -qx "$KEX"; then
        raise_for "$1"
      else
        echo "$KEX: this machine's OpenSSH does not have it"
      fi
    done
  }
  sntrup=sntrup761x25519-sha512@openssh.com curve=curve25519-sha256
  others="mlkem768x25519-sha256 ecdh-sha2-nistp256 diffie-hellman-group14-sha256"
  for part; do
    case $part in
      open) (with_each open ${KEX:-$sntrup $curve}) ;;
      kex) (export ONLY=1 && with_each agentless $sntrup $curve $others) ;;
      *) raise_for "$part" ;;
    esac
  done
  exit
fi

mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /mnt
mkdir /run/sshd /mnt/dotnet /mnt/pwsh
# Where a host finds them, whose home is another.
mount --bind "$DOTNET_ROOT" /mnt/dotnet
mount --bind "$(dirname "$pwsh_dll")" /mnt/pwsh
cd /mnt

# --- the fleet ---

cat >sshd.conf <<CONFIG
${KEX:+KexAlgorithms $KEX}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
MaxStartups 1000
AuthorizedKeysFile $PWD/client.pub
SetEnv DOTNET_ROOT=/mnt/dotnet POWERSHELL_TELEMETRY_OPTOUT=1
Subsystem powershell /mnt/dotnet/dotnet /mnt/pwsh/pwsh.dll -sshs -NoLogo
CONFIG
cat >ssh.conf <<CONFIG
Host *
  User root
  IdentityFile $PWD/client
  IdentitiesOnly yes
  UserKnownHostsFile $PWD/known_hosts
  GlobalKnownHostsFile /dev/null
  BatchMode yes
CONFIG
ssh-keygen -q -t ed25519 -N '' -f client
ip link set lo up
ip link add fleet type bridge
ip addr add 10.77.255.254/16 dev fleet
ip link set fleet up

address() { echo "10.77.$(($1 / 250)).$(($1 % 250 + 1))"; }
# A host has ten addresses, so that there are ten times as many targets as hosts.
addresses() { for ((i = $1; i < 10 * HOSTS; i += HOSTS)); do address "$i"; done; }

raise() { # NUMBER
  local at more
  at=$(address "$1")
  ssh-keygen -q -t ed25519 -N '' -f "host$1"
  echo "$(addresses "$1" | paste -sd,) $(cut -d' ' -f1,2 "host$1.pub")" >>known_hosts
  cat >"rules$1" <<RULES
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination 10.1.0.10:80
-A POSTROUTING -s 10.1.0.0/16 -o eth0 -j SNAT --to-source $at
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -s 10.1.0.0/16 -o eth0 -j ACCEPT
COMMIT
RULES
  ip netns add "host$1"
  ip link add "h$1" type veth peer name eth0 netns "host$1"
  ip link set "h$1" master fleet up
  for more in $(addresses "$1"); do ip -n "host$1" addr add "$more/16" dev eth0; done
  ip -n "host$1" link set eth0 up
  ip -n "host$1" link set lo up
  ip netns exec "host$1" unshare --mount --uts --pid --fork --kill-child --mount-proc sh -c '
    # Not the home of this machine: what a shell does there is not the point.
    hostname "host$1" && mount -t tmpfs tmpfs /root && mount -t tmpfs tmpfs /run && mkdir /run/sshd || exit
    echo 1 >/proc/sys/net/ipv4/ip_forward
    iptables-restore "rules$1" || exit
    exec /usr/sbin/sshd -D -e -f sshd.conf -o "HostKey=$PWD/host$1"' sh "$1" 2>"host$1.log" &
}

for ((n = 0; n < HOSTS; n++)); do
  address "$n" >>names
  raise "$n"
done
while read -r name; do
  until ssh -F ssh.conf -n "$name" true 2>/dev/null; do sleep 0.1; done
done <names
# The hosts live on without them; to the client, which looks at all mounts when it starts, a fleet is none.
umount /run/netns/*

# --- the ways ---

quoted() { sed "s/.*/'&'/" | paste -sd,; }
list=$(quoted <names)
ssh_way="-UserName root -KeyFile '$PWD/client' -KnownHostsPath '$PWD/known_hosts'"
remoting="-HostName $list -UserName root -KeyFilePath '$PWD/client'"
options="@{ UserKnownHostsFile = '$PWD/known_hosts'; GlobalKnownHostsFile = '/dev/null'; BatchMode = 'yes' }"
sed "s|\$| ansible_user=root ansible_python_interpreter=none|" names >inventory

by_module() { with_module "Get-NatIptablesState -ComputerName $list $ssh_way"; }
by_xargs() { xargs -P 32 -I{} ssh -F ssh.conf -n {} iptables-save <names; }
# What the module's one question reads.
everything='uname -a; id; date; cat /etc/os-release /proc/sys/net/ipv4/ip_forward
  iptables-nft-save -c; ip6tables-nft-save -c; nft -j list ruleset'
by_xargs_all() { xargs -P 32 -I{} ssh -F ssh.conf -n {} "$everything" <names; }
by_xargs_master() {
  xargs -P 32 -I{} ssh -F ssh.conf -o ControlMaster=auto -o ControlPersist=60 -o "ControlPath=$PWD/master-%h" \
    -n {} iptables-save <names
}
by_parallel_ssh() { parallel-ssh -h names -p 32 -t 0 -x "-F $PWD/ssh.conf" -o answers iptables-save; }
by_clush() { clush --hostfile names -f 32 -o "-F $PWD/ssh.conf" -N iptables-save; }
# Without its ControlPersist, which would spare all rounds but the first the connecting.
by_ansible() { ANSIBLE_SSH_ARGS="-F $PWD/ssh.conf" ansible all -i inventory -f 32 -m raw -a iptables-save; }
by_module_remoting() { with_module "Get-NatIptablesState $remoting -TimeoutSec 600 -Options $options"; }
by_invoke_command() { pwsh -Command "Invoke-Command $remoting -Options $options { iptables-save }"; }

# --- the clock ---

median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
# Waits until no host has a session left: what one way leaves behind must not burden the next.
settle() { while pgrep -f '^sshd: root' >/dev/null; do sleep 0.05; done; }
# The CPU of all that the sshds have ever started and that has ended, in seconds.
hosts_cpu() {
  pgrep -f '^sshd: .*listener' | sed 's|.*|/proc/&/stat|' | xargs cat | sed 's/.*) //' |
    awk -v hz="$(getconf CLK_TCK)" '{ sum += $14 + $15 } END { print sum / hz }'
}
# turn WAY CHECK: runs a way once; its wall clock and CPU, and the hosts' CPU, go to WAY.times; its answer must have
# CHECK for each host.
turn() {
  local TIMEFORMAT="%R %U %S" found before
  settle
  before=$(hosts_cpu)
  { time "$1" >"$1.out" 2>"$1.err"; } 2>spent || true
  settle
  echo "$(<spent) $(hosts_cpu) $before" | awk '{ print $1, $2 + $3, $4 - $5 }' >>"$1.times"
  found=$(cat "$1.out" answers/* 2>/dev/null | grep -c -- "$2" || true)
  rm -rf answers
  [ "$found" = "$HOSTS" ] || { echo "$1: $found of $HOSTS hosts answered" >&2; head -5 "$1.err" >&2; exit 1; }
}
of() { awk -v c="$2" '{ print $c }' "$1.times" | median; }
row() { # WAY BASE LABEL
  awk -v label="$3" -v t="$(of "$1" 1)" -v b="$(of "$2" 1)" -v u="$(of "$1" 2)" -v s="$(of "$1" 3)" \
    'BEGIN { printf "%-50s %6.2f s  %5.2f x   CPU: client %5.2f s, hosts %5.2f s\n", label, t, t / b, u, s }'
}
compare() { # ROUNDS BASE (WAY CHECK LABEL)...
  local rounds=$1 base=$2 round ways=("${@:3}") i
  for ((round = 0; round < rounds; round++)); do
    for ((i = 0; i < ${#ways[@]}; i += 3)); do turn "${ways[i]}" "${ways[i + 1]}"; done
  done
  for ((i = 0; i < ${#ways[@]}; i += 3)); do row "${ways[i]}" "$base" "${ways[i + 2]}"; done
}

agentless() {
  local ways=(by_module Healthy "pwsh: Get-NatIptablesState -ComputerName")
  ways+=(by_xargs SNAT "xargs -P 32 ssh: iptables-save")
  if [ -z "${ONLY:-}" ]; then
    ways+=(by_xargs_all '-j SNAT' "xargs -P 32 ssh: what the module reads")
    command -v parallel-ssh >/dev/null && ways+=(by_parallel_ssh SNAT parallel-ssh) || echo "no parallel-ssh here"
    command -v clush >/dev/null && ways+=(by_clush SNAT clush) || echo "no clush here"
    command -v ansible >/dev/null && ways+=(by_ansible SNAT "ansible -m raw") || echo "no ansible here"
  fi
  compare "$ROUNDS" by_xargs "${ways[@]}"
}

# Laps in an open shell, as "MILLISECONDS CPU" each, and how many objects came.
clock='$clock = [Diagnostics.Stopwatch]::StartNew(); $spent = 0
function Lap {
  $all = [Diagnostics.Process]::GetCurrentProcess().TotalProcessorTime.TotalMilliseconds
  "$($clock.ElapsedMilliseconds) $([int] ($all - $script:spent))"
  $script:spent = $all; $clock.Restart()
}
$null = Lap'
laps() { # FILE COUNT COMMAND
  settle
  with_module "$clock; $3" >laps
  [ "$(awk '{ print $NF }' laps)" = "$2" ] || { echo "not all hosts answered:" >&2; cat laps >&2; exit 1; }
  cat laps >>"$1.times"
}
lap() { # FILE COLUMN MILLISECONDS-OF-BASE LABEL
  awk -v label="$4" -v t="$(of "$1" "$2")" -v b="$3" -v u="$(of "$1" $(($2 + 1)))" \
    'BEGIN { printf "%-50s %6.2f s  %5.2f x   CPU: client %5.2f s\n", label, t / 1000, t / b, u / 1000 }'
}

# Three questions in one process that has the module: the first connects. Beside it, what OpenSSH does anew, and over
# connections that are open.
open() {
  local round TIMEFORMAT='%R' xargs
  for ((round = 0; round < ROUNDS; round++)); do
    turn by_xargs SNAT
    laps open $((3 * HOSTS)) "
      \$s = Get-NatIptablesState -ComputerName $list $ssh_way; \$first = Lap
      \$t = \$s | Get-NatIptablesState; \$again = Lap
      \$m = \$s | Test-DsaMarkerFile -Quiet; \$marker = Lap
      \"\$first \$again \$marker \$(\$s.Count + \$t.Count + \$m.Count)\""
    by_xargs_master >/dev/null
    for _ in 1 2; do { time by_xargs_master >/dev/null; } 2>>master.times; done
    for master in master-*; do ssh -F ssh.conf -o "ControlPath=$PWD/$master" -O exit any 2>/dev/null; done
  done
  xargs=$(of by_xargs 1 | awk '{ print $1 * 1000 }')
  row by_xargs by_xargs "xargs -P 32 ssh: iptables-save"
  lap open 1 "$xargs" "first question, Get-NatIptablesState"
  lap open 3 "$xargs" "the same over the open connections"
  lap open 5 "$xargs" "Test-DsaMarkerFile over the open connections"
  awk -v m="$(of master 1)" -v b="$xargs" \
    'BEGIN { printf "%-50s %6.2f s  %5.2f x\n", "xargs -P 32 ssh over ControlPersist", m, m * 1000 / b }'
}

# Whole processes, and a question in sessions that are open.
remoting() {
  local rounds=$(((ROUNDS + 1) / 2)) round
  compare "$rounds" by_invoke_command by_module_remoting Healthy "pwsh: Get-NatIptablesState -HostName" \
    by_invoke_command SNAT "pwsh: Invoke-Command -HostName: iptables-save"
  for ((round = 0; round < rounds; round++)); do
    laps session $((2 * HOSTS)) "
      \$open = New-PSSession $remoting -Options $options -ConnectingTimeout 600000
      foreach (\$i in 1, 2) {
        \$null = Lap
        \$saves = Invoke-Command -Session \$open { iptables-save } | Where-Object { \$_ -match 'SNAT' }; \$invoke = Lap
        \$states = Get-NatIptablesState -Session \$open | Where-Object Status -EQ Healthy; \$state = Lap
      }
      \"\$state \$invoke \$(\$saves.Count + \$states.Count)\""
  done
  lap session 1 "$(of session 3)" "in open sessions: Get-NatIptablesState -Session"
  lap session 3 "$(of session 3)" "in open sessions: Invoke-Command: iptables-save"
}

# The results go as they come: "$null = …" would keep all of them to its end.
memory() {
  local peak="[IO.File]::ReadAllText('/proc/self/status') -replace '(?s).*VmHWM:\s+(\d+) kB.*', '\$1'"
  local cpu='[int] (Get-Process -Id $PID).TotalProcessorTime.TotalMilliseconds' few many all n
  all=$(for ((n = 0; n < 10 * HOSTS; n++)); do address "$n"; done | quoted)
  count() { # NAMES
    with_module "\$n = 0; $1 | ForEach-Object { [pscustomobject]@{ ComputerName = \$_ } } |
      Get-NatIptablesState $ssh_way | Where-Object Status -EQ Healthy | ForEach-Object { \$n++ }
      \"\$n \$($peak) \$($cpu)\""
  }
  few=$(count "$list") many=$(count "$all")
  [ "${few%% *} ${many%% *}" = "$HOSTS $((10 * HOSTS))" ] || { echo "not all answered: $few, $many" >&2; exit 1; }
  echo "$few $many" | awk '{
    printf "peak memory: %d targets %.0f MiB, %d targets %.0f MiB, %.2f x\n", $1, $2 / 1024, $4, $5 / 1024, $5 / $2
    printf "CPU of the client for each further target: %.1f ms\n", ($6 - $3) / ($4 - $1) }'
}

KEX=$(ssh -F ssh.conf -v -n "$(address 0)" true 2>&1 | sed -n 's/.*kex: algorithm: //p')
echo "$HOSTS hosts, $KEX, medians of $ROUNDS rounds, load $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"
for part; do "$part"; done
