# A host as a machine that can lose its power: boots it, and whenever its PID 1 has ended, however it ended, boots it again on
# the same disk. Each boot has fresh namespaces: nothing is left of processes, packet filter, connections and /run. What the host has
# written elsewhere is still there, and its network links are put into the new network namespace.
#
#   machine.sh ROLE                  internet, nat or client
#
# Writes to /run/ROLE.ready, when a boot is done, which boot it was and the process id that PID 1 has outside.
set -eu
role=$1

mkfifo "/run/$role.events" "/run/$role.wired"
exec 3<>"/run/$role.events"

# The network namespace of the boot before is kept by descriptor 6: with it the links would go.
take_links() {
    for link in $(nsenter --net=/proc/self/fd/6 ip -o link show type veth | sed 's/^[0-9]*: \([^@:]*\).*/\1/'); do
        nsenter --net=/proc/self/fd/6 ip link set "$link" netns "$1"
    done
    exec 6<&-
}

# systemd says itself when it is done; before it runs there is nobody to ask. A service that has failed does not stop a boot.
await_systemd() {
    tries=0
    while :; do
        # The kernel ends that line without a newline, which read tells as the end of the file.
        first=
        { read -r first _ <"/proc/$1/task/$1/children"; } 2>/dev/null || [ -n "$first" ] || return 1
        state=$(nsenter --target "$first" --mount --net --uts --ipc --pid -- systemctl is-system-running --wait 2>/dev/null) || :
        case $state in running | degraded) return 0 ;; esac
        tries=$((tries + 1))
        if [ $tries -gt 600 ]; then
            echo "$role: systemd is not up: ${state:-no answer}"
            return 1
        fi
        sleep 0.05
    done
}

boot=0
while :; do
    boot=$((boot + 1))
    unshare --mount --net --uts --ipc --pid --fork --kill-child -- \
        sh "$LAB_HOME/lib/host.sh" boot "$role" </dev/null >"/run/$role.log" 2>&1 6<&- &
    booted=$!
    event=
    while [ "$event" != ready ]; do
        read -r event pid <&3
        case $event in
            up)
                outside=$pid
                if [ $boot -eq 1 ]; then
                    echo "$role up $outside $booted" >/run/events
                else
                    take_links $booted
                    echo wired 1<>"/run/$role.wired"
                fi
                ;;
            booting)
                if await_systemd $booted; then echo ready >&3; else echo failed >&3; fi
                ;;
            failed)
                : >"/run/$role.failed"
                echo "$role failed" >/run/events
                exit 1
                ;;
        esac
    done
    exec 6<"/proc/$booted/ns/net"
    echo "$boot $outside" >"/run/$role.ready.new"
    mv "/run/$role.ready.new" "/run/$role.ready"
    [ $boot -gt 1 ] || echo "$role ready" >/run/events
    wait $booted || true
done
