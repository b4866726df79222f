# Prepares the root file system that hosts with systemd start from: Debian's (or Ubuntu's) smallest system and the packages of
# systemd-packages.txt, of the release and from the mirror that this machine's apt has. Made once, in about a minute, and kept in the
# user's cache folder; whoever comes meanwhile waits for it. Prints where it is.
#
#   prepare.sh [PACKAGE...]          with these packages on top of it, as another root file system beside it
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
        # What writes units for disks, consoles and the kernel's command line would run at each reload, and find none.
        mkdir -p "$new/etc/systemd/system-generators"
        for generator in "$new"/usr/lib/systemd/system-generators/*; do
            case $generator in *sysv*) ;; *) ln -s /dev/null "$new/etc/systemd/system-generators/${generator##*/}" ;; esac
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
if [ $# -gt 0 ]; then
    base=$root
    root=$base-$(printf '%s\n' "$@" | sort | paste -s -d +)
fi
if [ ! -d "$root" ]; then
    new=$cache/new
    rm -rf --one-file-system "$new"
    cp -a "$base" "$new"
    # Nothing is started while it is installed; this machine's apt knows where packages come from.
    printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d"
    chmod 755 "$new/usr/sbin/policy-rc.d"
    # shellcheck disable=SC2016
    unshare --mount --uts --ipc --pid --fork --kill-child -- sh -euc '
        new=$1
        shift
        mount -t proc proc "$new/proc"
        for folder in /etc/apt /var/lib/apt/lists; do
            mkdir -p "$new$folder"
            mount --bind "$folder" "$new$folder"
        done
        DEBIAN_FRONTEND=noninteractive
        export DEBIAN_FRONTEND
        cp /etc/resolv.conf "$new/etc/resolv.conf"
        chroot "$new" apt-get -q -y --no-install-recommends --download-only install "$@"
        # Packages that are configured look at the network: not at this machine'\''s.
        unshare --net -- chroot "$new" apt-get -q -y --no-install-recommends --no-download install "$@"
    ' sh "$new" "$@" >"$cache/log" 2>&1 9>&- </dev/null || {
        tail -n 20 "$cache/log" >&2
        echo "prepare: $* could not be installed; $cache/log has the whole story" >&2
        exit 1
    }
    rm -rf "$new/usr/sbin/policy-rc.d" "$new"/var/cache/apt/archives/*.deb "$new"/var/log/*
    mv "$new" "$root"
fi
touch "$root"
printf '%s\n' "$root"
