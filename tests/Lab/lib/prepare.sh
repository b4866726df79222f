# Prepares the root file system that hosts with systemd start from: Debian's (or Ubuntu's) smallest system and the packages of
# systemd-packages.txt, of the release and from the mirror that this machine's apt has. Made once, in about a minute, and kept in the
# user's cache folder; whoever comes meanwhile waits for it. Prints where it is.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
umask 022
export LC_ALL=C

. /etc/os-release
suite=${VERSION_CODENAME:?prepare: this system has no code name: only Debian and Ubuntu can be prepared}
# .NET needs the library of this release; its name has a number.
packages=$(
    sed '/^#/d' "$here/systemd-packages.txt"
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'libicu[0-9]*' | sed -n 's/^installed //p' | head -n 1
)
key=$(printf '%s\n' "$packages" | cat - "$0" | sha256sum | cut -c 1-12)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/natdsa-lab
root=$cache/$suite-$key

mkdir -p "$cache"
exec 9>>"$cache/lock"
flock 9
if [ ! -d "$root" ]; then
    command -v debootstrap >/dev/null || {
        echo "prepare: debootstrap is missing: install the packages in $here/packages.txt" >&2
        exit 1
    }
    # Others that nobody has used for a week.
    find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +7 -exec rm -rf --one-file-system {} +
    new=$cache/new
    rm -rf --one-file-system "$new"
    mkdir "$new"
    sources=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI) $(COMPONENT)' 'Created-By: Packages' | sed -n "s/^$suite //p")
    mirror=$(printf '%s\n' "$sources" | sed -n '1s/ .*//p')
    components=$(printf '%s\n' "$sources" | sed -n "s|^$mirror ||p" | sort -u | paste -s -d ,)
    {
        debootstrap --foreign --variant=minbase --components="$components" \
            --include="$(printf '%s\n' "$packages" | paste -s -d ,)" "$suite" "$new" "$mirror"
        mkdir -p "$new/etc/dpkg/dpkg.cfg.d"
        cat >"$new/etc/dpkg/dpkg.cfg.d/lab" <<'END'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
END
        # In namespaces of its own: what packages look at or start while they are configured is not this machine's.
        unshare --mount --net --uts --ipc --pid --fork --kill-child -- \
            env DEBIAN_FRONTEND=noninteractive chroot "$new" /debootstrap/debootstrap --second-stage
        # What runs now and then would make two snapshots differ; there is no console.
        for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
            systemd-tmpfiles-clean.timer systemd-pstore.service getty@tty1.service console-getty.service; do
            ln -sf /dev/null "$new/etc/systemd/system/$unit"
        done
        rm -rf "$new"/var/cache/apt/archives/*.deb "$new"/var/lib/apt/lists/* "$new"/var/log/* "$new"/etc/ssh/ssh_host_* \
            "$new"/usr/share/doc/* "$new"/usr/share/man/* "$new"/usr/share/locale/*
    } >"$cache/log" 2>&1 9>&- || {
        tail -n 20 "$cache/log" "$new/debootstrap/debootstrap.log" >&2 || true
        echo "prepare: the root file system of $suite could not be made; $cache/log has the whole story" >&2
        exit 1
    }
    mv "$new" "$root"
fi
touch "$root"
printf '%s\n' "$root"
