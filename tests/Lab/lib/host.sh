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
upper=/run/$role/upper
read -r outside _ </run/outer-proc/self/stat
trap 'echo "$role failed" >&3' EXIT
exec 4<>/run/$role.wired
echo "$role up $outside" >&3

case $role in
    nat) name=nat01 ;;
    client) name=client01 ;;
    internet) name=www ;;
esac

# A path of the machine that the host must not see, as overlayfs writes "deleted".
hide() {
    for path; do
        mkdir -p "$upper${path%/*}"
        rm -rf "${upper:?}$path"
        mknod "$upper$path" c 0 0
    done
}

write() {
    mkdir -p "$upper${1%/*}"
    cat >"$upper$1"
}

lay_common() {
    write /etc/hostname <<EOF
$name
EOF
    write /etc/hosts <<EOF
127.0.0.1       localhost
127.0.1.1       $name
::1             localhost ip6-localhost
203.0.113.10    www.example.com example.com
203.0.113.1     nat01.example.com
EOF
    # The resolver's address is the internet's, which has none: a name not in /etc/hosts fails at once while NAT works.
    write /etc/resolv.conf <<EOF
nameserver 203.0.113.10
options timeout:1 attempts:1
EOF
    if [ -e /etc/motd ]; then
        hide /etc/motd
    fi
    dotnet=$(command -v dotnet || true)
    dotnet_root=${DOTNET_ROOT:-$(dirname "$(readlink -f "${dotnet:-/usr/share/dotnet/dotnet}")")}
    sbin=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    write /etc/ssh/sshd_config <<EOF
Port 22
HostKey /etc/ssh/lab_host_key
AuthorizedKeysFile /etc/ssh/lab_authorized_keys
PermitRootLogin yes
PasswordAuthentication yes
UsePAM no
UseDNS no
StrictModes no
PrintMotd no
MaxSessions 200
MaxStartups 500
AcceptEnv LANG LC_*
SetEnv PATH=$sbin DOTNET_ROOT=$dotnet_root POWERSHELL_TELEMETRY_OPTOUT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
Subsystem sftp internal-sftp
Subsystem powershell $LAB_NATDSA -sshs -NoLogo -NoProfile
EOF
    if sshd -t -o PerSourcePenalties=no -h "$LAB_KEYS/host" 2>/dev/null; then
        echo 'PerSourcePenalties no' >>"$upper/etc/ssh/sshd_config"
    fi
    cp "$LAB_KEYS/host" "$upper/etc/ssh/lab_host_key"
    cp "$LAB_KEYS/client.pub" "$upper/etc/ssh/lab_authorized_keys"
    chmod 600 "$upper/etc/ssh/lab_host_key"
    chmod 644 "$upper/etc/ssh/lab_authorized_keys"
    # What a login has, for commands that come in without one.
    write /usr/local/sbin/lab-env <<EOF
#!/bin/sh
exec env -i PATH=$sbin HOME=/root USER=root LOGNAME=root SHELL=/bin/sh LANG=$LAB_LOCALE TERM=dumb \\
    DOTNET_ROOT=$dotnet_root POWERSHELL_TELEMETRY_OPTOUT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 "\$@"
EOF
    write /usr/local/sbin/lab-fetch <<'EOF'
#!/bin/sh
exec curl --silent --show-error --max-time 3 --write-out '%{http_code} from %{remote_ip}\n' "${1:-http://www.example.com/page}"
EOF
    chmod 755 "$upper/usr/local/sbin/lab-env" "$upper/usr/local/sbin/lab-fetch"

    # Somebody who is not root and may sudo. The password is nat-lab.
    {
        grep -v '^operator:' /etc/passwd
        echo 'operator:x:4242:4242:Operator:/home/operator:/bin/bash'
    } | write /etc/passwd
    {
        grep -v '^operator:' /etc/group
        echo 'operator:x:4242:'
    } | write /etc/group
    {
        grep -v '^operator:' /etc/shadow
        echo 'operator:$6$natdsalab$Nu7easDlGqVDxEmuSebLauOCp1e9oEZsFXNn1vWh..VfJtCfl8zftBiGczAuSpY2Ohu9Jtp1FZbJtaDsF0gTX1:19000:0:99999:7:::'
    } | write /etc/shadow
    chmod 640 "$upper/etc/shadow"
    chgrp shadow "$upper/etc/shadow"
    printf 'operator ALL=(ALL) ALL\n' | write /etc/sudoers.d/operator
    chmod 750 "$upper/etc/sudoers.d"
    chmod 440 "$upper/etc/sudoers.d/operator"
}

lay_nat() {
    # Kernels without loadable modules have no /proc/modules: lsmod is the one source that can be had everywhere.
    write /usr/sbin/lsmod <<'EOF'
#!/bin/sh
exec cat /run/lab/modules
EOF
    chmod 755 "$upper/usr/sbin/lsmod"
    mkdir -p "$upper/etc/alternatives"
    for tool in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
        # iptables-save of the legacy back end is iptables-legacy-save.
        ln -sfn "/usr/sbin/${tool%%-*}-$LAB_BACKEND${tool#"${tool%%-*}"}" "$upper/etc/alternatives/$tool"
    done
    hide /opt/ds_agent /var/opt/ds_agent /etc/use_dsa_with_iptables /etc/do_not_open_ports_on_iptables /var/lib/natdsa
    case $LAB_FLAVOR in
        sysv)
            cp -R --preserve=mode "$LAB_HOME/hosts/sysv/." "$upper/"
            for level in 0 1 2 3 4 5 6; do
                mkdir -p "$upper/etc/rc.d/rc$level.d"
                rm -rf "$upper/etc/rc$level.d"
                ln -s rc.d/rc$level.d "$upper/etc/rc$level.d"
            done
            ln -s rc.d/init.d "$upper/etc/init.d"
            ln -s iptables "$upper/etc/rc.d/init.d/ip6tables"
            hide /etc/os-release /usr/lib/os-release /etc/debian_version /etc/dpkg /etc/apt /etc/iptables /etc/systemd \
                /etc/rcS.d /etc/default/netfilter-persistent \
                /usr/bin/dpkg /usr/bin/dpkg-query /usr/bin/apt /usr/bin/apt-get /usr/bin/apt-cache /usr/bin/systemctl \
                /usr/sbin/update-rc.d /usr/sbin/invoke-rc.d /usr/sbin/netfilter-persistent \
                /usr/share/netfilter-persistent /var/lib/dpkg
            cp "$LAB_HOME/rules/$LAB_RULES.v4" "$upper/etc/sysconfig/iptables"
            cp "$LAB_HOME/rules/$LAB_RULES.v6" "$upper/etc/sysconfig/ip6tables"
            chmod 600 "$upper/etc/sysconfig/iptables" "$upper/etc/sysconfig/ip6tables"
            write /etc/sysconfig/i18n <<EOF
LANG="$LAB_LOCALE"
EOF
            ;;
        debian)
            mkdir -p "$upper/etc/iptables"
            cp "$LAB_HOME/rules/$LAB_RULES.v4" "$upper/etc/iptables/rules.v4"
            cp "$LAB_HOME/rules/$LAB_RULES.v6" "$upper/etc/iptables/rules.v6"
            chmod 640 "$upper/etc/iptables/rules.v4" "$upper/etc/iptables/rules.v6"
            write /etc/default/locale <<EOF
LANG=$LAB_LOCALE
EOF
            ;;
    esac
    printf 'net.ipv4.ip_forward = 1\n' | write /etc/sysctl.conf
}

# Paths that the host has to see, wherever they are, under what is about to be covered.
keep() {
    number=0
    for path; do
        number=$((number + 1))
        mkdir -p /run/$role/keep/$number
        mount --bind "$path" /run/$role/keep/$number
    done
}

keep_again() {
    number=0
    for path; do
        number=$((number + 1))
        mkdir -p "$path"
        mount --bind /tmp/.before/$role/keep/$number "$path"
        mount -o remount,bind,ro "$path"
    done
}

cover() {
    set -- "$LAB_REPO"
    natdsa_directory=$(dirname "$LAB_NATDSA")
    for path in "$dotnet_root" "$natdsa_directory"; do
        if [ -d "$path" ]; then
            set -- "$@" "$path"
        fi
    done
    keep "$@"
    for top in etc opt srv usr var; do
        [ -d /$top ] && [ ! -L /$top ] || continue
        mkdir -p "$upper/$top" /run/$role/work/$top
        chmod --reference=/$top "$upper/$top"
        mount -t overlay "natdsa-$role-$top" \
            -o "lowerdir=/$top,upperdir=$upper/$top,workdir=/run/$role/work/$top" /$top
    done
    # Nobody's profile, keys or history: homes are empty.
    mount -t tmpfs -o mode=755 natdsa-home /home
    mount -t tmpfs -o mode=700 natdsa-root /root
    mount -t tmpfs -o mode=1777 natdsa-tmp /tmp
    mount -t tmpfs -o mode=1777 natdsa-shm /dev/shm
    mkdir -m 700 /home/operator
    chown 4242:4242 /home/operator
    # The lab's /run has to be seen until what is kept is back in place.
    mkdir /tmp/.before
    mount --rbind /run /tmp/.before
    mount -t tmpfs -o mode=755 natdsa-run /run
    keep_again "$@"
    mkdir -p -m 755 /run/sshd /run/lock /run/lock/subsys /run/lab/upper
    # What the host has of its own, for a snapshot.
    mount --bind "/tmp/.before/$role/upper" /run/lab/upper
    mount -o remount,bind,ro /run/lab/upper
    umount -R /tmp/.before
    rmdir /tmp/.before
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
}

configure_network() {
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
            echo 1 >/proc/sys/net/ipv4/ip_forward
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
}

start_services() {
    /usr/sbin/sshd
    case $role in
        nat)
            printf 'Module                  Size  Used by\n' >/run/lab/modules
            if [ -e /proc/modules ]; then
                : >/run/lab/proc-modules
                mount --bind /run/lab/proc-modules /proc/modules
            fi
            if [ "$LAB_FLAVOR" = sysv ]; then
                chkconfig --add iptables
                chkconfig --add ip6tables
                chkconfig iptables on
                chkconfig ip6tables on
                service iptables start
                service ip6tables start
            else
                [ -n "$(find /etc/rcS.d /etc/rc2.d -name 'S*netfilter-persistent')" ] ||
                    update-rc.d netfilter-persistent defaults
                /etc/init.d/netfilter-persistent start
            fi
            ;;
        internet)
            mkdir -p /var/log/lab
            perl "$LAB_HOME/lib/web" 203.0.113.10 80 /var/log/lab/access.log
            ;;
    esac
}

lay_common
if [ "$role" = nat ]; then
    lay_nat
fi
cover
echo "$name" >/proc/sys/kernel/hostname
read -r _ <&4
configure_network
start_services
trap - EXIT
echo "$role ready" >&3
exec 3>&- 4>&-
exec /usr/local/sbin/lab-env sh "$LAB_HOME/lib/host.sh" serve "natdsa-lab:$NATDSA_LAB:$role"
