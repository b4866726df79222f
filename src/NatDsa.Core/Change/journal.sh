# A transaction's folder under /var/lib/natdsa, as the program that works on it leaves it and others read it.
# From the caller: ID, the folder's name.
#   state/      one file, whose name is the state: running, waiting (for a new connection), confirmed, committed
#               (nothing is taken back any more; what is left is the agent), undoing; or how it ended: done, undone,
#               stuck, refused, rolledback, reported (a rolledback that somebody was told of)
#   todo/ begun/  one file a step, "13-rules": moved from the one to the other when the step begins
#   journal     what the steps printed, as sections of an answer; journal.guard: what the guard added; checked: what the check of the rules does, which
#               goes on beside the backup, until its turn has come
#   agent.log   what the agent's start prints
#   alive       locked by the worker while it lives; the guard locks journal.guard
# States and steps change by renaming files that are there, and the journal is as long from the start as it can get: neither
# needs room on the disk, which may be full when it matters most.

STATE=/var/lib/natdsa
DIR=$STATE/$ID

# look: how far it is. now: the state, nothing between two names; at: the step that was begun last; steps_begun: how many were. Those who wait
# look again and again, so it starts no process.
look() {
    now= at= steps_begun=0
    for look_file in "$DIR"/state/*; do
        if [ -e "$look_file" ]; then now=${look_file##*/}; fi
    done
    for look_file in "$DIR"/begun/*; do
        if [ -e "$look_file" ]; then at=${look_file##*/} steps_begun=$((steps_begun + 1)); fi
    done
    at=${at#*-}
}

# become OLD NEW: succeeds for one only of those who try at once.
become() { mv "$DIR/state/$1" "$DIR/state/$2" 2>/dev/null; }

ended() {
    case $1 in done | undone | stuck | refused | rolledback | reported) return 0 ;; esac
    return 1
}

begun() {
    for begun_step in "$DIR"/begun/*; do
        if [ -e "$begun_step" ]; then begun_step=${begun_step##*/} && echo "${begun_step#*-}"; fi
    done
}

# clock: seconds, those since the host has booted.
clock() {
    read -r seconds _ </proc/uptime
    seconds=${seconds%%.*}
}

nap() { sleep 0.1 2>/dev/null || sleep 1; }

# Whether the worker or the guard lives.
at_work() { held "$DIR/alive" || held "$DIR/journal.guard"; }

transaction_facts() {
    fact id "$ID"
    fact folder "$DIR"
    # In this order: once nobody is at work, the state is the last one.
    if at_work; then work=yes; else work=no; fi
    look
    # Between two names there is none for a moment.
    if [ -z "$now" ] && [ -d "$DIR/state" ]; then nap && look; fi
    fact state "$now"
    fact work "$work"
    for facts_step in $(begun); do fact begun "$facts_step"; done
    fact cause "$(journal | sed -n 's/^cause=\([a-z]*\)$/\1/p' | tail -n 1)"
}

journal() {
    for journal_part in "$DIR/journal" "$DIR/journal.guard"; do
        if [ -f "$journal_part" ]; then tr -d '\000' <"$journal_part"; fi
    done
}

# report: the transaction as it is at one moment, and the host, once it is over. Somebody was told then that it was rolled back.
report() {
    report_facts=$(transaction_facts)
    report_state=$(printf '%s\n' "$report_facts" | sed -n 's/^state=//p')
    framed transaction printf '%s\n' "$report_facts"
    framed journal journal
    case $report_facts in
        *work=no*) read_sections ;;
        *) if ended "$report_state"; then read_sections; else end_sections; fi ;;
    esac
    if [ "$report_state" = rolledback ]; then become rolledback reported; fi
}

# follow SECONDS SEEN: waits until it is over, waits for a new connection, or is further than SEEN and a second has passed.
follow() {
    clock
    follow_from=$seconds
    follow_looked=
    until [ $((seconds - follow_from)) -ge "$1" ]; do
        look
        # Whoever is at work holds the lock, which the caller may want next. One who has died has said nothing, and is looked for once a second.
        if ended "$now" || [ "$seconds" != "$follow_looked" ]; then
            follow_looked=$seconds
            if ! at_work; then return 0; fi
        fi
        follow_news=
        if [ -n "$2" ] && [ "$now-$steps_begun" != "$2" ]; then follow_news=yes; fi
        # After a connection was made, the next rules want one as well.
        if [ "$now" = waiting ] && { [ "$CONFIRM" != yes ] || [ -n "$follow_news" ]; }; then return 0; fi
        if [ -n "$follow_news" ] && [ $((seconds - follow_from)) -gt 1 ]; then return 0; fi
        nap
        clock
    done
}
