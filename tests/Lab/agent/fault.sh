# Makes the stand-in misbehave, until told otherwise.
#
#   fault.sh dsa-query answer|hang|missing|refuse
#   fault.sh restart work|fail|fail-once|missing|hang|slow-SECONDS|die|pre-fail
#   fault.sh filter-after SECONDS
#   fault.sh erase-after SECONDS
#   fault.sh marker honoured|ignored
set -eu
. /opt/ds_agent/lib/stand-in.sh
case ${1:-}:${2:-} in
    dsa-query:missing) rm -f /opt/ds_agent/dsa_query ;;
    dsa-query:answer | dsa-query:hang | dsa-query:refuse)
        install -m 755 "$(dirname "$0")/opt/dsa_query" /opt/ds_agent/
        ;;
    restart:work | restart:fail | restart:fail-once | restart:missing) ;;
    restart:hang | restart:slow-[0-9]* | restart:die) ;;
    restart:pre-fail)
        # What an administrator has put in front of the start.
        pre=/etc/systemd/system/ds_agent.service.d
        mkdir -p $pre
        printf '[Service]\nExecStartPre=/bin/sh -c "echo not today >&2; exit 1"\n' >$pre/pre.conf
        systemctl daemon-reload
        ;;
    marker:honoured | marker:ignored) ;;
    filter-after:[0-9] | filter-after:[0-9][0-9] | erase-after:[0-9] | erase-after:[0-9][0-9]) ;;
    *)
        sed -n 's/^#   fault.sh/usage: fault/p' "$0" >&2
        exit 2
        ;;
esac
echo "$2" >"$state/$1"
