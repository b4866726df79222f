#!/usr/bin/env bash
# How long a host takes that does nothing, against -TimeoutSec: at most that and 2 s more, whatever it is that does not
# answer. As root; needs perl and sshd.
#     bench/limits.sh [SECONDS]
# Everything is in namespaces of this script's own. Afterwards nothing of it may be left, neither here nor on the host.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-3}
if [ -z "${NATDSA_LIMITS:-}" ]; then
  NATDSA_LIMITS=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc bash "bench/$(basename "$0")" "$@"
fi
. bench/pwsh.sh
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /mnt
mkdir /run/sshd
cd /mnt

# What goes to this network comes nowhere: neither names nor connections are answered.
ip link set lo up
ip link add nowhere type veth peer name end
ip addr add 192.0.2.2/24 dev nowhere
ip link set nowhere up
ip link set end up
for address in 192.0.2.1 192.0.2.9; do ip neigh add $address lladdr 02:00:00:00:00:99 dev nowhere; done
printf 'nameserver 192.0.2.1\noptions timeout:30 attempts:5\n' >resolv.conf
mount --bind resolv.conf /etc/resolv.conf
printf 'hosts: files dns\npasswd: files\n' >nsswitch.conf
mount --bind nsswitch.conf /etc/nsswitch.conf

perl -MIO::Socket::INET -e '
  my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 2201, Listen => 99);
  push @all, $s->accept while 1' &
printf '#!/bin/sh\n# No signal but KILL ends it.\ntrap "" HUP TERM PIPE\nwhile :; do sleep 1; done\n' >hang
cp hang hang-subsystem
chmod +x hang hang-subsystem
{ cat /etc/passwd; echo 'hangs:x:64001:64001::/mnt:/mnt/hang'; } >passwd
mount --bind passwd /etc/passwd
for key in host client; do ssh-keygen -q -t ed25519 -N '' -f $key; done
printf '%s\n' "Port 2202" "ListenAddress 127.0.0.1" "HostKey /mnt/host" "PidFile none" "UsePAM no" "StrictModes no" \
  "PermitRootLogin yes" "AuthorizedKeysFile /mnt/client.pub" "Subsystem powershell /mnt/hang-subsystem" >sshd.conf
/usr/sbin/sshd -D -e -f sshd.conf 2>sshd.log &
echo "* $(cut -d' ' -f1,2 host.pub)" >known

row() { # LABEL COMMAND
  with_module "
    \$quiet = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = 'e' }
    \$null = Get-NatIptablesState -ComputerName 127.0.0.1:1 $computer @quiet
    \$clock = [Diagnostics.Stopwatch]::StartNew()
    \$null = $2 -TimeoutSec $seconds @quiet
    \$ids = \$e | ForEach-Object { \$_.FullyQualifiedErrorId.Split(',')[0] }
    '{0,-62} {1,6:F1} s  {2}' -f '$1', \$clock.Elapsed.TotalSeconds, (\$ids -join ' ')"
}
computer="-UserName root -KeyFile /mnt/client -KnownHostsPath /mnt/known"
remoting="-UserName root -KeyFilePath /mnt/client -Options @{ UserKnownHostsFile = '/mnt/known'; BatchMode = 'yes' }"
echo "limit $seconds s; load $(cut -d' ' -f1-3 /proc/loadavg)"
row "-ComputerName: a name that no server answers for" "Get-NatIptablesState -ComputerName nat01.example $computer"
row "-ComputerName: an address that nobody has" "Get-NatIptablesState -ComputerName 192.0.2.9 $computer"
row "-ComputerName: a listener that says nothing" "Get-NatIptablesState -ComputerName 127.0.0.1:2201 $computer"
row "-ComputerName: a login shell that hangs, deaf to signals" \
  "Get-NatIptablesState -ComputerName hangs@127.0.0.1:2202 $computer"
row "-ComputerName: a jump host that says nothing" \
  "Get-NatIptablesState -ComputerName nat01 -JumpHost 127.0.0.1:2201 $computer"
row "-HostName: a name that no server answers for" "Get-NatIptablesState -HostName nat01.example $remoting"
row "-HostName: an address that nobody has" "Get-NatIptablesState -HostName 192.0.2.9 $remoting"
row "-HostName: a listener that says nothing" "Get-NatIptablesState -HostName 127.0.0.1 -Port 2201 $remoting"
row "-HostName: a subsystem that hangs, deaf to signals" "Get-NatIptablesState -HostName 127.0.0.1 -Port 2202 $remoting"
sleep 1
left() { pgrep "$@" || true; }
echo "ssh clients left: $(left -xc ssh); sessions of sshd left: $(left -fc '^sshd: .*@notty');" \
  "shells left: $(left -fc '/mnt/hang ')"
# OpenSSH's sshd signals neither a subsystem, which ends with its input if it reads it, as PowerShell does, nor what
# root has logged in for.
