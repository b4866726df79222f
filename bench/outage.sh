#!/usr/bin/env bash
# How long the client behind a NAT host is without the internet, in a lab on this machine: Repair-DsaNatHost next to the
# article's three commands in one ssh.
#     bench/outage.sh [RUNS] [nft|legacy]
# Medians, in milliseconds; the ways take turns, so that a noisy machine is noisy to all. The client sends a numbered
# packet every 5 ms and a byte over a TCP connection every 50 ms; the internet sends both back. "article" is with the
# init script as it is on a host, which empties the tables command by command; "at-once" with one that does so in one.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-20}
backend=${2:-nft}
. bench/pwsh.sh

. bench/lab.sh
mkfifo "$folder/ask" "$folder/answer"

# A host of the lab has a /tmp of its own: programs go there as an argument.
read -r -d '' echo_program <<'END' || true
use IO::Socket::INET; use IO::Select;
my $udp = IO::Socket::INET->new(LocalPort => 7007, Proto => 'udp') or die $@;
my $tcp = IO::Socket::INET->new(LocalPort => 7007, Listen => 5, ReuseAddr => 1) or die $@;
my $select = IO::Select->new($udp, $tcp);
while (1) {
    for my $from ($select->can_read) {
        if ($from == $tcp) { $select->add($tcp->accept); next }
        if ($from == $udp) { $udp->recv(my $packet, 64); $udp->send($packet); next }
        if (sysread $from, my $bytes, 64) { syswrite $from, $bytes } else { $select->remove($from); close $from }
    }
}
END
# Until its standard input closes; then "FIRST LOST GAP TCP": when the first answer came (ms since 1970), packets
# without one, the longest time in which none of the packets sent was answered, and whether the TCP connection, if one
# could be made, still answers.
read -r -d '' probe_program <<'END' || true
use IO::Socket::INET; use IO::Select; use Time::HiRes qw(time);
my $udp = IO::Socket::INET->new(PeerAddr => '203.0.113.10', PeerPort => 7007, Proto => 'udp') or die $@;
my $tcp = IO::Socket::INET->new(PeerAddr => '203.0.113.10', PeerPort => 7007, Timeout => 0.3);
$tcp->blocking(0) if $tcp;
my $end;
$SIG{PIPE} = 'IGNORE';
my ($sent, $first, $tcp_sent, $tcp_got, $next, $tick) = (0, 0, 0, 0, time, 0);
my @at; my %answered;
until ($end && time > $end) {
    if (!$end && time >= $next) {
        push @at, time; $udp->send($sent++); $next += 0.005;
        $tcp_sent += syswrite($tcp, '.') || 0 if $tcp && $tick++ % 10 == 0;
    }
    my $wait = $next - time;
    my $all = IO::Select->new($udp, $tcp ? $tcp : (), $end ? () : \*STDIN);
    for my $from ($all->can_read($wait > 0 && !$end ? $wait : 0.001)) {
        if ($from == \*STDIN) { sysread STDIN, my $byte, 1 or $end = time + 0.3 }
        elsif ($from == $udp) {
            $udp->recv(my $number, 64);
            $answered{$number} = 1 if defined $number && $number ne '';
            $first ||= time;
        }
        else { $tcp_got += sysread($tcp, my $bytes, 64) || 0 }
    }
}
my ($lost, $gap, $since) = (0, 0);
for my $number (0 .. $sent - 1) {
    if ($answered{$number}) { undef $since; next }
    $lost++; $since //= $at[$number];
    my $until = $number + 1 < $sent ? $at[$number + 1] : $at[$number];
    $gap = $until - $since if $until - $since > $gap;
}
printf "%d %d %d %s\n", $first * 1000, $lost, $gap * 1000, !$tcp ? 'none' : $tcp_got == $tcp_sent ? 'alive' : 'dead';
END
tests/Lab/lab exec --lab "$id" internet -- perl -e "$echo_program" 8>&- &
# It ends with the lab, which nobody needs to hear of.
disown
sleep 1

# An open shell, as an administrator has it: each line is a repair, "asked" one of a host that has been asked before.
remote="-ComputerName $nat -Port $port -UserName root -KeyFile '$key' -KnownHostsPath '$known_hosts'"
with_module "
  function Say(\$word) { [Console]::Out.WriteLine(\$word) }
  while (\$way = [Console]::In.ReadLine()) {
    if (\$way -eq 'asked') { \$host1 = Get-NatIptablesState $remote }
    Say ready
    \$null = [Console]::In.ReadLine()
    \$result = if (\$way -eq 'asked') { \$host1 | Repair-DsaNatHost -Confirm:0 }
      else { Repair-DsaNatHost $remote -Confirm:0 }
    Say \$result.Outcome
  }" <"$folder/ask" >"$folder/answer" 8>&- &
exec 6>"$folder/ask" 5<"$folder/answer"
# The shell, too, ends with its input.
trap 'exec 6>&- 8>&-; wait; rm -rf "$folder"' EXIT

article() {
  ssh -F "$ssh_config" "$nat" >/dev/null \
    'touch /etc/use_dsa_with_iptables; /etc/rc.d/init.d/iptables restart; /etc/init.d/ds_agent restart'
}
whole() { with_module "Repair-DsaNatHost $remote -Confirm:0" >/dev/null; }
# The shell gets ready before the clock starts.
get_ready() {
  lab exec nat -- rm -f /run/init-by-command
  case $1 in article) lab exec nat -- touch /run/init-by-command ;; esac
  case $1 in open | asked) echo "$1" >&6; read -r _ <&5 ;; esac
}
repair() {
  case $1 in
    article | at-once) article ;;
    whole) whole ;;
    *) echo go >&6; read -r outcome <&5; [ "$outcome" = Done ] || echo "$1: $outcome" >&2 ;;
  esac
}

# The agent erases the rules once more; with "kept", the rules are there, and its next start would erase them.
break_again() {
  lab exec nat -- rm -f /etc/use_dsa_with_iptables
  lab agent-module firewall off
  lab agent-module firewall on
  [ "$1" = erased ] || lab exec nat -- /etc/rc.d/init.d/iptables restart
} >/dev/null

# measure STATE WAY: one repair under the probe's eyes; appends "MS-TO-FIRST-ANSWER LOST GAP TCP" to the way's results.
measure() {
  break_again "$1"
  get_ready "$2"
  exec 4> >(lab exec client -- perl -e "$probe_program" >"$folder/result")
  local probe=$! began
  sleep 0.7
  began=$(($(date +%s%N) / 1000000))
  repair "$2" 4>&-
  # With the agent's filter started anew the rules have had their time to vanish.
  sleep 0.3
  exec 4>&-
  wait "$probe"
  read -r first lost gap tcp <"$folder/result"
  [ "$first" != 0 ] || echo "$2: nothing was answered within 0.3 s of its end" >&2
  echo "$((first - began)) $lost $gap $tcp" >>"$folder/$1.$2"
}

median() { awk -v c="$2" '{ print $c }' "$1" | sort -n | sed -n "$(((runs + 1) / 2))p"; }
for ((i = 0; i < runs; i++)); do
  for way in article at-once whole open asked; do measure erased $way; done
  for way in article at-once asked; do measure kept $way; done
done

hand=$(median "$folder/erased.article" 1)
echo "Rules erased: milliseconds from the start of the command until the client has the internet back, median of $runs"
for way in article at-once whole open asked; do
  awk -v way=$way -v ms="$(median "$folder/erased.$way" 1)" -v hand="$hand" \
    'BEGIN { printf "  %-10s %6d  %.2f x\n", way, ms, ms / hand }'
done
echo "Rules there, marker missing: packets lost, longest gap in ms, TCP connections alive afterwards, of $runs"
for way in article at-once asked; do
  printf '  %-10s %6d %6d   %d\n' $way "$(median "$folder/kept.$way" 2)" "$(median "$folder/kept.$way" 3)" \
    "$(grep -c alive "$folder/kept.$way")"
done
