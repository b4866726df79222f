# Puts a NAT host back to what it was when it was raised, without an agent: several tests share one lab.
#
#   renew.sh RULES                   the name of the rules that the lab was raised with
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mkdir -p /run/gate
: >/run/gate/open
grep -ls /run/gate /usr/local/sbin/* | xargs -r rm -f
# A change that a test has left under way comes to its end first.
if [ -e /var/lib/natdsa/lock ] && ! flock -w 50 /var/lib/natdsa/lock true; then
    echo 'renew: a change of the host has not ended within 50 s' >&2
    exit 1
fi
if [ -d /etc/rc.d ]; then
    install -m 755 "$here/hosts/sysv/usr/sbin/chkconfig" /usr/sbin/chkconfig
fi
if [ -e /opt/ds_agent/lib/stand-in.sh ]; then
    sh "$here/agent/fault.sh" restart work
    sh "$here/agent/remove.sh"
fi
printf 'Module                  Size  Used by\n' >/run/lab/modules
if [ -e /run/lab/proc-modules ]; then : >/run/lab/proc-modules; fi
rm -rf /etc/use_dsa_with_iptables /etc/do_not_open_ports_on_iptables /var/lib/natdsa

if [ -d /etc/sysconfig ]; then
    services='iptables ip6tables'
    rm -rf /etc/sysconfig/ip*
    install -m 600 "$here/rules/$1.v4" /etc/sysconfig/iptables
    install -m 600 "$here/rules/$1.v6" /etc/sysconfig/ip6tables
    for service in $services; do
        install -m 644 "$here/hosts/sysv/etc/sysconfig/$service-config" /etc/sysconfig/
    done
    if [ -d /etc/rc.d ]; then
        scripts=/etc/rc.d/init.d/iptables
    else
        scripts='/usr/libexec/iptables/iptables.init /usr/libexec/iptables/ip6tables.init'
    fi
    for script in $scripts; do
        install -m 755 "$here/hosts/sysv/etc/rc.d/init.d/iptables" "$script"
    done
else
    services=netfilter-persistent
    rm -rf /etc/iptables
    mkdir /etc/iptables
    install -m 640 "$here/rules/$1.v4" /etc/iptables/rules.v4
    install -m 640 "$here/rules/$1.v6" /etc/iptables/rules.v6
fi

echo 1 >/proc/sys/net/ipv4/ip_forward
nft flush ruleset
if [ -d /run/systemd/system ]; then
    for service in $services; do
        rm -rf "/etc/systemd/system/$service.service.d"
    done
    # shellcheck disable=SC2086
    systemctl enable --no-reload $services
    systemctl daemon-reload
    systemctl reset-failed
    # shellcheck disable=SC2086
    systemctl restart $services
    exit
fi
for service in $services; do
    if command -v chkconfig >/dev/null; then
        chkconfig "$service" on
        service "$service" restart
    else
        update-rc.d "$service" enable
        "/etc/init.d/$service" restart
    fi
done
