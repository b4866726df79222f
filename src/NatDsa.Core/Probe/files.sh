# Changing single files so that a crash leaves the old or the new content, never a half.

complain() { echo "$*" >&2; }

sync_file() { limited 20 sync "$1" 2>/dev/null || limited 20 sync; }

# The file's SELinux context, where there is SELinux.
relabel() {
    if has restorecon && has selinuxenabled && selinuxenabled; then limited 20 restorecon "$1"; fi
    return 0
}

# create_marker FILE: an empty file, root's, 0644. What is there and is no regular file is left alone.
create_marker() {
    if [ -f "$1" ]; then return 0; fi
    if [ -e "$1" ] || [ -h "$1" ]; then
        complain "$1 is there and is no regular file"
        return 1
    fi
    if ! (umask 022 && set -C && : >"$1"); then
        complain "$1 could not be created"
        return 1
    fi
    chmod 0644 "$1" && relabel "$1" && sync_file "$1"
}
