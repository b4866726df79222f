# A transaction's folder under /var/lib/natdsa, as the program that works on it leaves it and others read it.
# From the caller: ID, the folder's name.
#   state/      one file, whose name is the state: running, waiting (for a new connection), confirmed, undoing; or how it
#               ended: done, undone, stuck, refused, rolledback, reported (a rolledback that somebody was told of)
#   todo/ begun/  one file a step, "03-rules": moved from the one to the other when the step begins
#   journal     what the steps printed, as sections of an answer; journal.guard: what the guard added
#   alive       locked by the worker while it lives; the guard locks journal.guard
# States and steps change by renaming files that are there, and the journal is as long from the start as it can get: neither
# needs room on the disk, which may be full when it matters most.

STATE=/var/lib/natdsa
DIR=$STATE/$ID

state() {
    for state_file in "$DIR"/state/*; do
        if [ -e "$state_file" ]; then echo "${state_file##*/}"; fi
    done
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

nap() { sleep 0.1 2>/dev/null || sleep 1; }

# Whether the worker or the guard lives.
at_work() {
    for work_file in "$DIR/alive" "$DIR/journal.guard"; do
        if [ -e "$work_file" ] && ! (flock -n 6) 6<"$work_file" 2>/dev/null; then return 0; fi
    done
    return 1
}

transaction_facts() {
    fact id "$ID"
    fact folder "$DIR"
    now=$(state)
    # Between two names there is none for a moment.
    if [ -z "$now" ] && [ -d "$DIR/state" ]; then nap && now=$(state); fi
    fact state "$now"
    if at_work; then fact work yes; else fact work no; fi
    for facts_step in $(begun); do fact begun "$facts_step"; done
    fact cause "$(journal | sed -n 's/^cause=\([a-z]*\)$/\1/p' | tail -n 1)"
}

journal() {
    for journal_part in "$DIR/journal" "$DIR/journal.guard"; do
        if [ -f "$journal_part" ]; then tr -d '\000' <"$journal_part"; fi
    done
}

# report: the transaction as it is, and the host, once it is over.
report() {
    framed transaction transaction_facts
    framed journal journal
    if ended "$(state)" || ! at_work; then read_sections; else printf '@%s done\n' "$NONCE"; fi
}

# The same, after which somebody was told that it was rolled back.
report_once() {
    reported=$(state)
    report
    if [ "$reported" = rolledback ]; then become rolledback reported; fi
}

# follow TENTHS SEEN: waits until it is over, waits for a new connection, or is further than SEEN and a second has passed.
follow() {
    followed=0
    while [ "$followed" -lt "$1" ]; do
        # Whoever is at work holds the lock, which the caller may want next.
        if ! at_work; then return 0; fi
        now=$(state)
        if [ "$now" = waiting ] && [ "$CONFIRM" != yes ]; then return 0; fi
        if [ "$followed" -ge 10 ] && [ -n "$2" ] && [ "$now-$(begun | wc -l | tr -d ' ')" != "$2" ]; then return 0; fi
        nap
        followed=$((followed + 1))
    done
}
