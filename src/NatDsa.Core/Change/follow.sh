# Reads how far a transaction is. From the caller:
#   CONFIRM   yes: this is the new connection that the guard waits for
#   SEEN      how far the caller saw it last
#   SECONDS_LIMIT  how long to wait for news

follow_transaction() {
    umask 077
    if [ -h "$STATE" ] || [ ! -d "$DIR/state" ]; then
        framed transaction fact state missing
        printf '@%s done\n' "$NONCE"
        return
    fi
    if [ "$CONFIRM" = yes ]; then become waiting confirmed; fi
    follow "$SECONDS_LIMIT" "$SEEN"
    report
}

follow_transaction
