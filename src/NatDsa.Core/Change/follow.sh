# Reads how far a transaction is. From the caller:
#   CONFIRM   yes: this is the new connection that the guard waits for, if the transaction is still as SEEN says
#   SEEN      how far the caller saw it last
#   SECONDS_LIMIT  how long to wait for news

follow_transaction() {
    umask 077
    if [ -h "$STATE" ] || [ ! -d "$DIR/state" ]; then
        framed transaction fact state missing
        end_sections
        return
    fi
    # The connection is newer than the rules that the caller has seen, and says nothing of others that have been loaded since.
    look
    if [ "$CONFIRM" = yes ] && [ "$now-$steps_begun" = "$SEEN" ]; then become waiting confirmed; fi
    follow "$SECONDS_LIMIT" "$SEEN"
    report
}

follow_transaction
