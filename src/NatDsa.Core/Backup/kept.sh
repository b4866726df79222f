# The backups of a host's rules that are kept on it: a folder each, named by its content.

BACKUPS=/var/lib/natdsa/backups

is_backup() { [ ! -h "$1" ] && [ -d "$1" ] && [ ! -h "$1/manifest" ] && [ -f "$1/manifest" ]; }

manifest_value() { sed -n "s/^$2=//p" "$1/manifest" | head -n 1; }

# One a line, the one that was last seen first: SEEN:ID:STATUS
list_backups() {
    for folder in "$BACKUPS"/[0-9a-f]*; do
        if is_backup "$folder"; then echo "$(manifest_value "$folder" seen):${folder##*/}:$(manifest_value "$folder" status)"; fi
    done | sort -t : -k 1,1nr
}
