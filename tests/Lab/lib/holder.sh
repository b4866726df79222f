# PID 1 of a lab: starts the hosts, wires them together, says what was raised, and waits for its end.
#
#   internet ── eth0 203.0.113.10      203.0.113.1 eth0 ── nat ── eth1 10.0.1.1      10.0.1.50 eth0 ── client
#
# and from each of the three a point-to-point link (mgmt0) to a namespace without forwarding, where the relay turns a
# connection to a loopback address of this machine into one to the host's sshd. The client has no way around the
# NAT host, and the internet no route back to 10.0.1.0/24: without source NAT no answer comes back.
set -eu

trap 'exit 0' INT TERM HUP
umask 022
LAB_PATH=$PATH
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LAB_PATH PATH

if [ "$LAB_HOLD" = yes ]; then
    # The end of whoever holds the other end of the pipe is the end of the lab, raised or not.
    exec 5<&0
    (
        while read -r _ <&5; do :; done
        kill -TERM 1
    ) &
    watch=$!
fi

mount -t tmpfs -o mode=755 natdsa-lab /run
# The machine's own /proc, by which a host learns the process id that it has outside.
mkdir /run/outer-proc
mount --bind /proc /run/outer-proc
mount -t proc proc /proc

mkfifo /run/events
exec 3<>/run/events
for role in nat client internet; do
    sh "$LAB_HOME/lib/machine.sh" $role </dev/null >/run/$role.machine.log 2>&1 3<&- 5<&- &
done
perl "$LAB_HOME/lib/relay" \
    "$LAB_NAT_ADDRESS=169.254.77.2" "$LAB_CLIENT_ADDRESS=169.254.77.6" "$LAB_INTERNET_ADDRESS=169.254.77.10" \
    </dev/null >/run/relay.log 2>&1 3<&- 5<&- &
relay=$!

# Events are lines "ROLE WHAT [PID-OUTSIDE PID]"; waits until WHAT has come from each of the roles named.
await() {
    what=$1
    shift
    waiting=$#
    while [ "$waiting" -gt 0 ]; do
        read -r role event outside pid <&3
        case $event in
            "$what")
                waiting=$((waiting - 1))
                [ -z "$pid" ] || eval "${role}_outside=$outside $role=$pid"
                ;;
            failed)
                echo "lab: $role could not be raised:" >&2
                cat "/run/$role.machine.log" "/run/$role.log" >&2
                exit 1
                ;;
        esac
    done
}

in_net_of() {
    pid=$1
    shift
    nsenter --net="/proc/$pid/ns/net" "$@"
}

await up relay internet nat client

# internet, nat, client and relay hold process ids, assigned through eval.
# shellcheck disable=SC2154
{
    in_net_of "$nat" ip -batch - <<EOF
link add eth0 type veth peer name eth0 netns $internet
link add eth1 type veth peer name eth0 netns $client
link add mgmt0 type veth peer name nat netns $relay
EOF
    in_net_of "$client" ip link add mgmt0 type veth peer name client netns "$relay"
    in_net_of "$internet" ip link add mgmt0 type veth peer name internet netns "$relay"
    in_net_of "$relay" ip -batch - <<EOF
link set lo up
addr add 169.254.77.1/30 dev nat
addr add 169.254.77.5/30 dev client
addr add 169.254.77.9/30 dev internet
link set nat up
link set client up
link set internet up
EOF
}
for role in internet nat client; do
    echo wired 1<>/run/$role.wired
done
await ready internet nat client

in_host() {
    role=$1
    shift
    eval "pid=\$$role"
    # PID 1 of the host is the child of the unshare that made its namespaces.
    # The kernel ends that line without a newline, which read tells as the end of the file.
    read -r pid _ <"/proc/$pid/task/$pid/children" || [ -n "$pid" ]
    nsenter --target "$pid" --mount --net --uts --ipc --pid -- /usr/local/sbin/lab-env "$@"
}

if [ -n "$LAB_AGENT" ]; then
    in_host nat sh "$LAB_HOME/agent/install.sh" --version "$LAB_AGENT" >/run/agent.log
fi
if [ "$LAB_BROKEN" = yes ]; then
    in_host nat sh "$LAB_HOME/agent/module.sh" firewall on >>/run/agent.log
fi

if [ "$LAB_HOLD" = yes ]; then
    cat <<EOF
id=$NATDSA_LAB
nat.address=$LAB_NAT_ADDRESS
nat.pid=$nat_outside
client.address=$LAB_CLIENT_ADDRESS
client.pid=$client_outside
internet.address=$LAB_INTERNET_ADDRESS
internet.pid=$internet_outside
port=2222
key=$LAB_KEYS/client
known_hosts=$LAB_KEYS/known_hosts
ssh_config=$LAB_KEYS/ssh_config
ready
EOF
    wait $watch
    exit 0
fi

lab="$LAB_HOME/lab"
cat <<EOF
Lab $NATDSA_LAB is up: nat ($LAB_FLAVOR, iptables-$LAB_BACKEND${LAB_AGENT:+, agent $LAB_AGENT}), client and internet.

  does NAT work?       $lab fetch --lab $NATDSA_LAB
  a shell on nat       $lab ssh --lab $NATDSA_LAB nat
                       ssh -F $LAB_KEYS/ssh_config $LAB_NAT_ADDRESS
  inside, without ssh  $lab exec --lab $NATDSA_LAB nat -- iptables-save

In PowerShell on nat, which has the module ($lab exec --lab $NATDSA_LAB nat -- pwsh):

  Get-NatIptablesState
  Repair-DsaNatHost

In PowerShell here (in the repository: dotnet pwsh -NoExit -Command "Import-Module ./out/NatDsa"):

  \$ssh = @{
    ComputerName = '$LAB_NAT_ADDRESS'; Port = 2222; UserName = 'root'
    KeyFilePath = '$LAB_KEYS/client'
    KnownHostsPath = '$LAB_KEYS/known_hosts'
  }
  Get-NatIptablesState @ssh
  Repair-DsaNatHost @ssh -VerifyFrom $LAB_CLIENT_ADDRESS

  \$remoting = @{
    HostName = '$LAB_NAT_ADDRESS'; Port = 2222; UserName = 'root'
    KeyFilePath = '$LAB_KEYS/client'
    Options = @{ UserKnownHostsFile = '$LAB_KEYS/known_hosts' }
  }
  Get-NatIptablesState @remoting

Ctrl+C, or "$lab down --lab $NATDSA_LAB", ends it.
EOF
[ -e "$LAB_REPO/out/NatDsa" ] || echo "The module is not there yet: build it with 'dotnet build -c Release'." >&2
sleep infinity &
wait $!
