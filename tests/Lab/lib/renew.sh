# Puts a SysV NAT host back to what it was when it was raised, without an agent: several tests share one lab.
#
#   renew.sh RULES                   the name of the rules that the lab was raised with
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
[ -d /etc/sysconfig ] || { echo 'renew: only for a host of the flavor sysv' >&2; exit 2; }

mkdir -p /run/gate
: >/run/gate/open
install -m 755 "$here/hosts/sysv/usr/sbin/chkconfig" /usr/sbin/chkconfig
if [ -e /opt/ds_agent/lib/stand-in.sh ]; then
    sh "$here/agent/fault.sh" restart work
    sh "$here/agent/remove.sh"
fi
printf 'Module                  Size  Used by\n' >/run/lab/modules
if [ -e /run/lab/proc-modules ]; then : >/run/lab/proc-modules; fi
rm -rf /etc/use_dsa_with_iptables /etc/do_not_open_ports_on_iptables /var/lib/natdsa /etc/sysconfig/ip*
install -m 600 "$here/rules/$1.v4" /etc/sysconfig/iptables
install -m 600 "$here/rules/$1.v6" /etc/sysconfig/ip6tables
for service in iptables ip6tables; do
    install -m 644 "$here/hosts/sysv/etc/sysconfig/$service-config" /etc/sysconfig/
done
install -m 755 "$here/hosts/sysv/etc/rc.d/init.d/iptables" /etc/rc.d/init.d/iptables
echo 1 >/proc/sys/net/ipv4/ip_forward
nft flush ruleset
for service in iptables ip6tables; do
    chkconfig "$service" on
    service "$service" restart
done
