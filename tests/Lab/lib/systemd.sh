# The last steps of PID 1 of a host with a root file system of its own, in a control group and all namespaces of its own: makes
# /run/ROLE/root the root, with its own /dev, /proc, /sys and /run, and becomes systemd.
#
#   systemd.sh ROLE
#
# The kernel's own settings can be seen and not changed, but for those of the host's network.
set -eu
role=$1
root=/run/$role/root

mount -t tmpfs -o mode=755 natdsa-dev "$root/dev"
for device in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"
done
mknod -m 666 "$root/dev/tty" c 5 0
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 natdsa-pts "$root/dev/pts"
mount -t tmpfs -o mode=1777 natdsa-shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do
    ln -s "/proc/self/fd/${stream%:*}" "$root/dev/${stream#*:}"
done

mount -t proc natdsa-proc "$root/proc"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o rbind,ro "$root/proc/sys" "$root/proc/sys"
if [ -e "$root/proc/sysrq-trigger" ]; then
    mount -o bind,ro "$root/proc/sysrq-trigger" "$root/proc/sysrq-trigger"
fi
mount -t sysfs -o ro natdsa-sys "$root/sys"
mount -t cgroup2 natdsa-cgroup "$root/sys/fs/cgroup"

printf 'Module                  Size  Used by\n' >"$root/run/lab/modules"
if [ -e /proc/modules ]; then
    : >"$root/run/lab/proc-modules"
    mount --bind "$root/run/lab/proc-modules" "$root/proc/modules"
fi

cd "$root"
pivot_root . .
umount -l .
exec env -i container=natdsa-lab "NATDSA_LAB=$NATDSA_LAB" /lib/systemd/systemd "natdsa-lab:$NATDSA_LAB:$role" </dev/null >/dev/null 2>&1
