# Keeps a backup of a host's rules under /var/lib/natdsa/backups, in a folder that is named by its content. What is written is given:
#   ID         the folder's name
#   NOW        the time, in seconds since 1970
#   MANIFEST   the manifest's lines but for the times
#   NAMES      the names of the files; what they hold is in FILE_A, FILE_B, ... in that order
#   KEEP       how many backups stay; 0: all
# A folder comes to be there by one rename, when all of it is on the disk.

# own_folder FOLDER: makes it, root's own and nobody else's. A link is not followed: somebody else has put it there.
own_folder() {
    if [ -h "$1" ]; then
        complain "$1 is a link"
        return 1
    fi
    if [ ! -d "$1" ] && ! mkdir "$1"; then return 1; fi
    chmod 0700 "$1"
}

take_backup_lock() {
    if ! has flock; then return 0; fi
    if [ -h "$BACKUPS/.lock" ]; then
        complain "$BACKUPS/.lock is a link"
        return 1
    fi
    if ! (: >>"$BACKUPS/.lock"); then return 1; fi
    exec 8>>"$BACKUPS/.lock"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        if flock -n 8; then return 0; fi
        sleep 1
    done
    complain "another backup is at work on this host"
    return 1
}

# write_file FILE CONTENT: what a full disk cut off is an error.
write_file() { (set -C && printf '%s' "$2" >"$1") && sync_file "$1"; }

# intact FOLDER: every file holds what the manifest says that it does.
intact() {
    if ! has sha256sum; then return 0; fi
    (cd "$1" && sed -n 's/^file=\([^ ]*\) \([0-9a-f]*\) .*/\2  \1/p' manifest | sha256sum -c - >/dev/null 2>&1)
}

# write_manifest FOLDER: standard input becomes its manifest in one move.
write_manifest() {
    rm -f "$1/.manifest"
    (set -C && cat >"$1/.manifest") && sync_file "$1/.manifest" && mv -f "$1/.manifest" "$1/manifest"
}

new_manifest() { printf 'time=%s\nseen=%s\n%s' "$NOW" "$NOW" "$MANIFEST"; }

write_files() {
    letters='A B C D E F G H I J K L M N O P Q R S T U V W X Y Z'
    for name in $NAMES; do
        letter=${letters%% *}
        letters=${letters#* }
        eval "content=\$FILE_$letter"
        if ! write_file "$1/$name" "$content"; then
            complain "$name could not be written"
            return 1
        fi
    done
}

add_backup() {
    mkdir "$BACKUPS/.new-$ID" && write_files "$BACKUPS/.new-$ID" && new_manifest | write_manifest "$BACKUPS/.new-$ID" || return 1
    if ! intact "$BACKUPS/.new-$ID"; then
        complain "what was written is not what is there"
        return 1
    fi
    mv "$BACKUPS/.new-$ID" "$BACKUPS/$ID" && { sync_file "$BACKUPS" || limited 60 sync; }
}

# One a line, the one that was last seen first: SEEN:ID:STATUS
list_backups() {
    for folder in "$BACKUPS"/[0-9a-f]*; do
        if is_backup "$folder"; then
            backup_facts "$folder"
            echo "$backup_seen:${folder##*/}:$backup_status"
        fi
    done | sort -t : -k 1,1nr
}

discard() { mv "$1" "$BACKUPS/.old-${1##*/}" && rm -rf "$BACKUPS/.old-${1##*/}"; }

# The oldest go, never this one and never the newest good one.
prune() {
    if [ "$KEEP" -eq 0 ]; then return 0; fi
    kept=0
    good=
    for entry in $(list_backups); do
        id=${entry#*:}
        status=${id#*:}
        id=${id%%:*}
        kept=$((kept + 1))
        is_newest_good=
        if [ "$status" = Healthy ] && [ -z "$good" ]; then
            good=$id
            is_newest_good=1
        fi
        if [ "$kept" -le "$KEEP" ] || [ "$id" = "$ID" ] || [ -n "$is_newest_good" ]; then continue; fi
        discard "$BACKUPS/$id" && fact pruned "$id"
    done
}

keep_backup() {
    umask 077
    if ! own_folder /var/lib/natdsa || ! own_folder "$BACKUPS" || ! take_backup_lock; then return 1; fi
    # What a backup that was killed has left.
    rm -rf "$BACKUPS"/.new-* "$BACKUPS"/.old-*
    if is_backup "$BACKUPS/$ID" && intact "$BACKUPS/$ID"; then
        # It is whole as it is: a disk without room for the new time is no failure.
        sed "s/^seen=.*/seen=$NOW/" "$BACKUPS/$ID/manifest" | write_manifest "$BACKUPS/$ID" || rm -f "$BACKUPS/$ID/.manifest"
        fact outcome present
    else
        if [ -e "$BACKUPS/$ID" ] || [ -h "$BACKUPS/$ID" ]; then discard "$BACKUPS/$ID" || return 1; fi
        if ! add_backup; then
            rm -rf "$BACKUPS/.new-$ID"
            return 1
        fi
        fact outcome added
    fi
    fact folder "$BACKUPS/$ID"
    prune
}

backup_host() {
    trap : HUP INT PIPE TERM
    framed host read_host
    framed backup keep_backup
    if [ "$framed_code" -eq 0 ]; then framed manifest cat "$BACKUPS/$ID/manifest"; fi
    end_sections
}

backup_host
