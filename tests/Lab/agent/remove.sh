# Takes the agent's stand-in off the host again.
set -eu
/etc/init.d/ds_agent stop
if [ -x /etc/init.d/ds_filter ]; then
    /etc/init.d/ds_filter stop
fi
for service in ds_agent ds_filter; do
    [ -e /etc/init.d/$service ] || continue
    if command -v chkconfig >/dev/null; then
        chkconfig --del $service
        rm -f /etc/init.d/$service
    else
        rm -f /etc/init.d/$service
        update-rc.d $service remove
    fi
done
rm -rf /opt/ds_agent /var/opt/ds_agent
if command -v dpkg-query >/dev/null; then
    sed -i '/^Package: ds-agent$/,/^$/d' /var/lib/dpkg/status
    rm -f /var/lib/dpkg/info/ds-agent.list
else
    rm -f /var/lib/rpm/lab/ds_agent
fi
