# Reads a backup that is kept on the host.
#   ID   the backup; empty: the newest good one

take_backup() {
    framed host read_host
    if [ -z "$ID" ]; then
        find_newest_good
        ID=$newest_good
    fi
    read_backup "$ID"
    end_sections
}

take_backup
