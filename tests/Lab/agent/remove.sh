# Takes the agent's stand-in off the host again.
set -eu
. /opt/ds_agent/lib/stand-in.sh
# A start that hangs does not end by being asked to, and systemd would wait.
if on_systemd && [ "$(systemctl is-active ds_agent.service)" = activating ]; then
    systemctl kill --signal=KILL ds_agent.service
fi
# Whoever starts it still, in a session of its own.
for stat in $(grep -ls '^[0-9]* (ds_agent) ' /proc/[0-9]*/stat); do
    process=${stat%/stat}
    case $(tr '\000' ' ' <"$process/cmdline") in *'start ') kill -KILL "${process#/proc/}" || true ;; esac
done
rm -rf /run/lab/ds_agent.signals /etc/systemd/system/ds_agent.service.d
control ds_agent stop
services=ds_agent
if has_filter_service; then
    services='ds_agent ds_filter'
    unload_filter
fi
for service in $services; do
    if on_systemd; then
        systemctl disable --no-reload $service.service
        rm -f /usr/lib/systemd/system/$service.service
    elif command -v chkconfig >/dev/null; then
        chkconfig --del $service
        rm -f /etc/init.d/$service
    else
        rm -f /etc/init.d/$service
        update-rc.d $service remove
    fi
done
if on_systemd; then
    systemctl daemon-reload
fi
rm -rf /opt/ds_agent /var/opt/ds_agent
if command -v dpkg-query >/dev/null; then
    sed -i '/^Package: ds-agent$/,/^$/d' /var/lib/dpkg/status
    rm -f /var/lib/dpkg/info/ds-agent.list
else
    rm -f /var/lib/rpm/lab/ds_agent
fi
