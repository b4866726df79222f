# What a reboot does to a NAT host: the packet filter is empty, no service runs, /run is new, and then what the boot
# sequence names is started, in its order, without anybody's help.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

if [ -x /etc/init.d/ds_agent ]; then
    /etc/init.d/ds_agent stop
fi
nft flush ruleset
for family in ip:iptables ip6:ip6tables; do
    command=${family#*:}-legacy
    for table in $(cat "/proc/net/${family%%:*}_tables_names"); do
        for chain in $("$command-save" -t "$table" | sed -n 's/^:\([^ ]*\) [^-].*/\1/p'); do
            "$command" -w -t "$table" -P "$chain" ACCEPT
        done
        "$command" -w -t "$table" -F
        "$command" -w -t "$table" -X
    done
done
rm -f /run/lock/subsys/* /run/ds_agent.pid /run/xtables.lock
printf 'Module                  Size  Used by\n' >/run/lab/modules

if [ -d /etc/rc.d/rc3.d ]; then
    set -- /etc/rc.d/rc3.d
else
    set -- /etc/rcS.d /etc/rc2.d
fi
for level; do
    for entry in "$level"/S[0-9][0-9]*; do
        # The machine's other services are no part of the lab.
        case $entry in
            *netfilter-persistent | *ds_agent | *ds_filter | *iptables | *ip6tables) "$entry" start ;;
        esac
    done
done
