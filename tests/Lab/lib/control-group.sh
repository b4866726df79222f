# Removes the control group of a lab's host with systemd when the lab has ended, however it ended: the kernel keeps empty ones.
#
#   control-group.sh PID             the lab's
#
# Runs outside of the lab, in a mount namespace of its own.
set -eu

tail --pid="$1" -s 0.1 -f /dev/null
mount -t tmpfs natdsa-lab /run
mkdir /run/cgroup
mount -t cgroup2 natdsa-lab /run/cgroup
group=/run/cgroup/natdsa-lab-$1
# The last processes are on their way out.
for _ in $(seq 100); do
    [ -d "$group" ] || exit 0
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
done
echo "lab: $group could not be removed" >&2
exit 1
