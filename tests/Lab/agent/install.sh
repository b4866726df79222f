# Installs the agent's stand-in as its package would: files, package entry, boot links, and starts it.
#
#   install.sh [--version V] [--relay] [--not-activated]
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
umask 022

version=9.5.3-2754.el6 relay=no activated=yes
while [ $# -gt 0 ]; do
    case $1 in
        --version) version=$2; shift ;;
        --relay) relay=yes ;;
        --not-activated) activated=no ;;
        *)
            echo "install: unknown option $1" >&2
            exit 2
            ;;
    esac
    shift
done

mkdir -p /opt/ds_agent/lib /var/opt/ds_agent/diag /var/opt/ds_agent/stand-in
chmod 700 /var/opt/ds_agent/stand-in
install -m 755 "$here/opt/ds_agent" "$here/opt/dsa_query" /opt/ds_agent/
install -m 644 "$here/stand-in.sh" /opt/ds_agent/lib/
echo "$version" >/var/opt/ds_agent/stand-in/version
echo $relay >/var/opt/ds_agent/stand-in/relay
echo $activated >/var/opt/ds_agent/stand-in/activated
: >>/var/opt/ds_agent/diag/ds_agent.log
: >>/var/opt/ds_agent/diag/ds_agent-err.log

. /opt/ds_agent/lib/stand-in.sh
services=ds_agent
if erases; then
    services='ds_filter ds_agent'
fi
for service in $services; do
    if on_systemd; then
        install -m 755 "$here/init.d/$service" /opt/ds_agent/lib/
        install -m 644 "$here/systemd/$service.service" /usr/lib/systemd/system/
    else
        install -m 755 "$here/init.d/$service" /etc/init.d/
    fi
done

if command -v dpkg-query >/dev/null; then
    # dpkg writes 20.0.0.5137 where rpm writes 20.0.0-5137.el7.
    debian_version=$(printf '%s\n' "$version" | sed 's/\.\(el\|amzn\)[0-9]*$//; s/-/./')
    cat >>/var/lib/dpkg/status <<EOF

Package: ds-agent
Status: install ok installed
Priority: optional
Section: admin
Installed-Size: 24576
Maintainer: nobody <nobody@example.com>
Architecture: amd64
Version: $debian_version
Description: the agent's stand-in
EOF
    : >/var/lib/dpkg/info/ds-agent.list
else
    mkdir -p /var/lib/rpm/lab
    cat >/var/lib/rpm/lab/ds_agent <<EOF
NAME=ds_agent
VERSION=${version%%-*}
RELEASE=${version#*-}
ARCH=x86_64
EOF
fi

if on_systemd; then
    # shellcheck disable=SC2086
    systemctl enable --no-reload $services
    systemctl daemon-reload
    services=
fi
for service in $services; do
    if command -v update-rc.d >/dev/null; then
        update-rc.d "$service" defaults
    else
        chkconfig --add "$service"
    fi
done
control ds_agent start
