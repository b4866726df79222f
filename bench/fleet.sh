#!/usr/bin/env bash
# A fleet against the clock: hosts that are namespaces of this machine, each with an sshd, keys and iptables rules of its own.
#     bench/fleet.sh [agentless] [second] [remoting] [memory] [kex]        all of them, when none is named
# HOSTS=100 and ROUNDS=5 can be set otherwise, and KEX: without it, all have the key exchange that they choose by themselves. It takes root, OpenSSH and
# iptables; of parallel-ssh (Debian's pssh), clush (clustershell) and ansible (ansible-core) those that are installed take part. Whole processes, 32 hosts at once, a new connection each time, medians;
# all ways take turns, so that a noisy machine is noisy to all.
set -euo pipefail
cd "$(dirname "$0")/.."
export HOSTS=${HOSTS:-100} ROUNDS=${ROUNDS:-5} KEX=${KEX:-}
[ $# -gt 0 ] || set -- agentless second remoting memory kex

# Namespaces of this script's own: with it all of it goes, and nothing on the machine changes.
if [ -z "${NATDSA_FLEET:-}" ]; then
  for part; do
    [ "$part" = kex ] && continue
    parts+=("$part")
  done
  [ -z "${parts[*]-}" ] || NATDSA_FLEET=1 unshare --net --mount --pid --fork --kill-child --mount-proc bash "bench/$(basename "$0")" "${parts[@]}"
  case " $* " in
    *" kex "*)
      for KEX in mlkem768x25519-sha256 sntrup761x25519-sha512@openssh.com curve25519-sha256 ecdh-sha2-nistp256 diffie-hellman-group14-sha256; do
        if ssh -Q kex | grep -qx "$KEX"; then
          NATDSA_FLEET=1 ONLY=1 unshare --net --mount --pid --fork --kill-child --mount-proc bash "bench/$(basename "$0")" agentless
        else
          echo "$KEX: this machine's OpenSSH does not have it"
        fi
      done ;;
  esac
  exit
fi

mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /mnt
mkdir /run/sshd
natdsa=$PWD/src/NatDsa.Host/bin/Release/net10.0/natdsa
dotnet=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
export POWERSHELL_TELEMETRY_OPTOUT=1
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
SetEnv DOTNET_ROOT=$dotnet POWERSHELL_TELEMETRY_OPTOUT=1
Subsystem powershell $natdsa -sshs -NoLogo
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

raise() { # NUMBER
  local at
  at=$(address "$1")
  ssh-keygen -q -t ed25519 -N '' -f "host$1"
  echo "$at $(cut -d' ' -f1,2 "host$1.pub")" >>known_hosts
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
  ip -n "host$1" addr add "$at/16" dev eth0
  ip -n "host$1" link set eth0 up
  ip -n "host$1" link set lo up
  ip netns exec "host$1" unshare --mount --uts --pid --fork --kill-child --mount-proc sh -c '
    # Not the home of this machine: what a shell does there is not the point.
    hostname "host$1" && mount -t tmpfs tmpfs /root && mount -t tmpfs tmpfs /run && mkdir /run/sshd || exit
    echo 1 >/proc/sys/net/ipv4/ip_forward
    iptables-restore "rules$1" && exec /usr/sbin/sshd -D -e -f sshd.conf -o "HostKey=$PWD/host$1"' sh "$1" 2>"host$1.log" &
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

list=$(paste -sd, names)
quoted="'${list//,/"','"}'"
ssh_way="-UserName root -KeyFile '$PWD/client' -KnownHostsPath '$PWD/known_hosts'"
remoting="-HostName $quoted -UserName root -KeyFilePath '$PWD/client'"
options="@{ UserKnownHostsFile = '$PWD/known_hosts'; GlobalKnownHostsFile = '/dev/null'; BatchMode = 'yes' }"
sed "s|\$| ansible_user=root ansible_python_interpreter=none|" names >inventory

natdsa() { "$natdsa" -NoProfile -Command "$1"; }
by_natdsa() { natdsa "Get-NatIptablesState -ComputerName $quoted $ssh_way"; }
by_xargs() { xargs -P 32 -I{} ssh -F ssh.conf -n {} iptables-save <names; }
by_xargs_all() { xargs -P 32 -I{} ssh -F ssh.conf -n {} 'uname -a; id; date; cat /etc/os-release /proc/sys/net/ipv4/ip_forward; iptables-nft-save -c; ip6tables-nft-save -c; nft -j list ruleset' <names; }
by_xargs_master() { xargs -P 32 -I{} ssh -F ssh.conf -o ControlMaster=auto -o ControlPersist=60 -o "ControlPath=$PWD/master-%h" -n {} iptables-save <names; }
by_parallel_ssh() { parallel-ssh -h names -p 32 -t 0 -x "-F $PWD/ssh.conf" -o answers iptables-save; }
by_clush() { clush --hostfile names -f 32 -o "-F $PWD/ssh.conf" -N iptables-save; }
# Without its ControlPersist, which would spare all rounds but the first the connecting.
by_ansible() { ANSIBLE_SSH_ARGS="-F $PWD/ssh.conf" ansible all -i inventory -f 32 -m raw -a iptables-save; }
by_natdsa_remoting() { natdsa "Get-NatIptablesState $remoting -TimeoutSec 600 -Options $options"; }
by_invoke_command() { natdsa "Invoke-Command $remoting -Options $options {
  \$start = [Diagnostics.ProcessStartInfo]::new('iptables-save'); \$start.RedirectStandardOutput = \$true
  \$save = [Diagnostics.Process]::Start(\$start); \$save.StandardOutput.ReadToEnd(); \$save.WaitForExit() }"; }

# --- the clock ---

median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
# Waits until no host has a session left: what one way leaves behind must not burden the next.
settle() { while pgrep -f '^sshd: root' >/dev/null; do sleep 0.05; done; }
# The CPU of all that the sshds have ever started and that has ended, in seconds.
hosts_cpu() { pgrep -f '^sshd: .*listener' | sed 's|.*|/proc/&/stat|' | xargs cat | sed 's/.*) //' | awk -v hz="$(getconf CLK_TCK)" '{ sum += $14 + $15 } END { print sum / hz }'; }
# turn WAY CHECK: runs a way once; its wall clock and CPU, and the hosts' CPU, go to WAY.times; its answer must have CHECK for each host.
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
  local ways=(by_natdsa Healthy "natdsa: Get-NatIptablesState -ComputerName" by_xargs SNAT "xargs -P 32 ssh: iptables-save")
  if [ -z "${ONLY:-}" ]; then
    ways+=(by_xargs_all '-j SNAT' "xargs -P 32 ssh: what natdsa reads")
    command -v parallel-ssh >/dev/null && ways+=(by_parallel_ssh SNAT "parallel-ssh") || echo "parallel-ssh is not installed"
    command -v clush >/dev/null && ways+=(by_clush SNAT "clush") || echo "clush is not installed"
    command -v ansible >/dev/null && ways+=(by_ansible SNAT "ansible -m raw") || echo "ansible is not installed"
  fi
  compare "$ROUNDS" by_xargs "${ways[@]}"
}

remoting() {
  compare "$(((ROUNDS + 1) / 2))" by_invoke_command \
    by_natdsa_remoting Healthy "natdsa: Get-NatIptablesState -HostName" by_invoke_command SNAT "natdsa: Invoke-Command -HostName: iptables-save"
}

# Three questions in one process: the first connects. Beside it, what OpenSSH does over connections that are open.
second() {
  local round clock="\$clock = [Diagnostics.Stopwatch]::StartNew(); function Lap { \$clock.ElapsedMilliseconds; [int] [Diagnostics.Process]::GetCurrentProcess().TotalProcessorTime.TotalMilliseconds; \$clock.Restart() }"
  for ((round = 0; round < ROUNDS; round++)); do
    settle
    natdsa "$clock
      \$s = Get-NatIptablesState -ComputerName $quoted $ssh_way; \$first = Lap
      \$t = \$s | Get-NatIptablesState; \$again = Lap
      \$m = \$s | Test-DsaMarkerFile -Quiet; \$marker = Lap
      \"\$first \$again \$marker \$(\$s.Count + \$t.Count + \$m.Count)\"" >>second.times
    by_xargs_master >/dev/null
    for _ in 1 2; do
      local TIMEFORMAT='%R'
      { time by_xargs_master >/dev/null; } 2>>master.times
    done
    for master in master-*; do ssh -F ssh.conf -o "ControlPath=$PWD/$master" -O exit any 2>/dev/null; done
  done
  [ "$(awk '{ print $7 }' second.times | sort -u)" = $((3 * HOSTS)) ] || { echo "not all hosts answered" >&2; exit 1; }
  awk -v a="$(of second 1)" -v b="$(of second 3)" -v c="$(of second 5)" -v u="$(awk '{ print $2 }' second.times | median)" \
    -v v="$(awk '{ print $4 - $2 }' second.times | median)" -v w="$(awk '{ print $6 - $4 }' second.times | median)" -v m="$(of master 1)" 'BEGIN {
    row = "%-50s %6.2f s  %5.2f x   CPU: client %5.2f s, %5.2f x\n"
    printf row, "first question, Get-NatIptablesState", a / 1000, 1, u / 1000, 1
    printf row, "the same over the open connections", b / 1000, b / a, v / 1000, v / u
    printf row, "Test-DsaMarkerFile over the open connections", c / 1000, c / a, w / 1000, w / u
    printf "%-50s %6.2f s\n", "xargs -P 32 ssh over ControlPersist: iptables-save", m }'
}

# The results go as they come: "$null = …" would keep all of them to its end.
memory() {
  local status="[IO.File]::ReadAllText('/proc/self/status') -replace '(?s).*VmHWM:\s+(\d+) kB.*', '\$1'" few many
  few=$(natdsa "Get-NatIptablesState -ComputerName $quoted $ssh_way | ForEach-Object { }; $status")
  many=$(natdsa "1..10 | ForEach-Object { $quoted } | ForEach-Object { [pscustomobject]@{ ComputerName = \$_ } } | Get-NatIptablesState $ssh_way | ForEach-Object { }; $status")
  awk -v a="$few" -v b="$many" -v n="$HOSTS" 'BEGIN { printf "peak memory: %d targets %.0f MiB, %d targets %.0f MiB, %.2f x\n", n, a / 1024, 10 * n, b / 1024, b / a }'
}

KEX=$(ssh -F ssh.conf -v -n "$(address 0)" true 2>&1 | sed -n 's/.*kex: algorithm: //p')
echo "$HOSTS hosts, $KEX, medians of $ROUNDS rounds, load $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"
for part; do "$part"; done
