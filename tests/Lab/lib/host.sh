# PID 1 of one host. As `boot ROLE` it runs in fresh namespaces: it covers the machine's file system with the host's
# own, configures its network, starts its services, and stays as `serve` for as long as the host lives.
set -eu

if [ "$1" = serve ]; then
    # Waits for ever, and for every orphan that becomes a child of PID 1.
    sleep infinity &
    while :; do
        wait
    done
fi

role=$2
read -r outside _ </run/outer-proc/self/stat
trap 'echo failed >&3' EXIT
exec 4<>"/run/$role.wired"
echo "up $outside" >&3

# What a host has of its own is laid down once: later boots find what it has made of it.
[ -e "/run/$role/fstab" ] || perl "$LAB_HOME/lib/lay" "$role"
mount --all --fstab "/run/$role/fstab"
read -r _ <&4
case $role in
    nat)
        ip -batch - <<EOF
link set lo up
addr add 203.0.113.1/24 dev eth0
addr add 10.0.1.1/24 dev eth1
addr add 169.254.77.2/30 dev mgmt0
link set eth0 up
link set eth1 up
link set mgmt0 up
EOF
        ;;
    client)
        ip -batch - <<EOF
link set lo up
addr add 10.0.1.50/24 dev eth0
addr add 169.254.77.6/30 dev mgmt0
link set eth0 up
link set mgmt0 up
route add default via 10.0.1.1
EOF
        ;;
    internet)
        ip -batch - <<EOF
link set lo up
addr add 203.0.113.10/24 dev eth0
addr add 169.254.77.10/30 dev mgmt0
link set eth0 up
link set mgmt0 up
EOF
        ;;
esac

if [ -d "/run/$role/root" ]; then
    mount -t cgroup2 natdsa-lab "/run/$role/cgroup"
    group=/run/$role/cgroup/natdsa-lab-$NATDSA_LAB
    mkdir -p "$group"
    # The boot before has left empty ones.
    find "$group" -mindepth 1 -depth -type d -exec rmdir {} +
    echo 0 >"$group/cgroup.procs"
    umount "/run/$role/cgroup"
    trap - EXIT
    echo booting >&3
    exec 3>&- 4>&-
    exec unshare --cgroup -- sh "$LAB_HOME/lib/systemd.sh" "$role"
fi

mkdir -p /run/sshd /run/lock/subsys /run/lab
read -r name </etc/hostname
echo "$name" >/proc/sys/kernel/hostname
/usr/sbin/sshd
case $role in
    nat)
        forward=$(sed -n 's/^net\.ipv4\.ip_forward *= *//p' /etc/sysctl.conf)
        echo "${forward:-0}" >/proc/sys/net/ipv4/ip_forward
        printf 'Module                  Size  Used by\n' >/run/lab/modules
        if [ -e /proc/modules ]; then
            : >/run/lab/proc-modules
            mount --bind /run/lab/proc-modules /proc/modules
        fi
        if [ "$LAB_FLAVOR" = sysv ]; then
            set -- /etc/rc.d/rc3.d
        else
            set -- /etc/rcS.d /etc/rc2.d
        fi
        for level; do
            for entry in "$level"/S[0-9][0-9]*; do
                # The machine's other services are no part of the lab.
                case $entry in
                    *netfilter-persistent | *ds_agent | *ds_filter | *iptables | *ip6tables)
                        "$entry" start || echo "$entry start: exit code $?"
                        ;;
                esac
            done
        done
        ;;
    internet)
        mkdir -p /var/log/lab
        perl "$LAB_HOME/lib/web" 203.0.113.10 80 /var/log/lab/access.log
        ;;
esac
trap - EXIT
echo ready >&3
exec 3>&- 4>&-
exec /usr/local/sbin/lab-env sh "$LAB_HOME/lib/host.sh" serve "natdsa-lab:$NATDSA_LAB:$role"
