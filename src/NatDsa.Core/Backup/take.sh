# Reads a backup that is kept on the host.
#   ID   the backup; empty: the newest good one

take_backup() {
    framed host read_host
    if [ -h /var/lib/natdsa ] || [ -h "$BACKUPS" ]; then ID=; elif [ -z "$ID" ]; then
        ID=$(list_backups | sed -n 's/^[0-9]*:\([0-9a-f]*\):Healthy$/\1/p' | head -n 1)
    fi
    if [ -n "$ID" ] && is_backup "$BACKUPS/$ID"; then
        framed backup fact folder "$BACKUPS/$ID"
        section "$LIMIT" manifest cat "$BACKUPS/$ID/manifest"
        for name in $(sed -n 's/^file=\([A-Za-z0-9][A-Za-z0-9._-]*\) .*/\1/p' "$BACKUPS/$ID/manifest"); do
            if [ -f "$BACKUPS/$ID/$name" ] && [ ! -h "$BACKUPS/$ID/$name" ]; then section "$LIMIT" "backup.$name" cat "$BACKUPS/$ID/$name"; fi
        done
    fi
    end_sections
}

take_backup
