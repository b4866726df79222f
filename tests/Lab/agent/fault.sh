# Makes the stand-in misbehave, until told otherwise.
#
#   fault.sh dsa-query answer|hang|missing|refuse
#   fault.sh restart work|fail|fail-once|hang
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
    restart:work | restart:fail | restart:fail-once | restart:hang | marker:honoured | marker:ignored) ;;
    filter-after:[0-9] | filter-after:[0-9][0-9] | erase-after:[0-9] | erase-after:[0-9][0-9]) ;;
    *)
        sed -n 's/^#   fault.sh/usage: fault/p' "$0" >&2
        exit 2
        ;;
esac
echo "$2" >"$state/$1"
