# Creates or removes one marker file. MARKER names it; ACTION is set or remove.

change_marker() {
    case $ACTION in
        set) create_marker "$MARKER" ;;
        remove)
            if [ -d "$MARKER" ] && [ ! -h "$MARKER" ]; then
                complain "$MARKER is a directory"
                return 1
            fi
            rm -f "$MARKER"
            ;;
    esac
}

change_marker_and_read() {
    if [ "$(uname -s)" = Linux ]; then framed change change_marker; fi
    read_sections
}

change_marker_and_read
