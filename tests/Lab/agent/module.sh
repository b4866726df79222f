# The Manager turns a module on or off; a running agent follows at once.
#
#   module.sh firewall|ips on|off
set -eu
. /opt/ds_agent/lib/stand-in.sh
case ${1:-}:${2:-} in
    firewall:on | firewall:off | ips:on | ips:off | firewall:on-* | ips:on-*) ;;
    *)
        echo 'usage: module firewall|ips on|off' >&2
        exit 2
        ;;
esac
echo "$2" >"$state/$1"
note 'Info/5' "$1 turned $2"
agent_pid >/dev/null || exit 0
if ! filter_wanted; then
    unload_filter
elif [ "$2" != off ] && ! filter_loaded; then
    if has_filter_service; then
        control ds_filter start
    else
        start_filter
    fi
fi
