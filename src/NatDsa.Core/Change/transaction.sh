# Changes a host in steps, whatever happens to who asked for it. The steps run in a program of their own, which no connection
# holds; a guard watches it. Each step is verified; when one fails, or nobody confirms new rules over a new connection, or
# the program dies, all that was begun is undone, the last first. Once what the people behind the host need is proven,
# it is committed: the agent is restarted after that, and nothing is taken back for it. The lock is held by all who are
# at work.
# From the plan:
#   STEPS             which steps, in order
#   DIGEST            what the host looked like when the plan was made, as a number (HostDigest)
#   CONFIRM_SECONDS   how long new rules wait for a new connection before they are rolled back
#   SECONDS_LIMIT     how long the caller waits for the first news
#   JOURNAL           the nonce of the journal's sections, which are a section of an answer that has another one

# How many transactions that are over are kept, and how many days each is kept at least: it has the rules and the files of before, which many attempts
# in a row must not push out.
KEPT_TRANSACTIONS=20
KEPT_DAYS=30

# Room in the journal for what steps and undoings say as a rule. More than that needs room on the disk, like anything else.
JOURNAL_KIB=72

# Seconds after which a step counts as hung, whatever limits its commands have: a file system can hang, too. A backup
# ends with a sync of up to a minute; an agent gets half a minute to come up, and its filter another.
STEP_LIFE=$((6 * STEP_SECONDS + 60))
AGENT_LIFE=$((2 * AGENT_SECONDS + SETTLE_SECONDS + 70))

# ---- what is written down

# uptime_fact NAME
uptime_fact() {
    read -r uptime _ </proc/uptime
    fact "$1" "$uptime"
}

# timed COMMAND...: what it prints, between the host's uptime before and after.
timed() {
    uptime_fact began
    "$@"
    timed_code=$?
    uptime_fact ended
    return "$timed_code"
}

# carry_out step|undo NAME: step_rules; of owner-docker, step_owner docker. The subshell of a step is not taken for the worker that it outlives. It keeps the lock, which what it runs does not
# inherit: the lock is free once the step has ended.
carry_out() {
    carry_out_said=$(exec 8>&- && timed "$1_${2%%-*}" "${2#*-}" </dev/null 2>&1 9>&-)
    carry_out_code=$?
    framed "$1.$2" said
    return "$carry_out_code"
}

said() {
    printf '%.8000s\n' "$carry_out_said"
    return "$carry_out_code"
}

# outcome HOW STEP CAUSE
outcome() {
    printf '\n@%s out outcome\n' "$NONCE"
    fact outcome "$1"
    fact step "$2"
    fact cause "$3"
    fact folder "$DIR"
    printf '\n@%s end outcome 0\n' "$NONCE"
}

# reserve FILE KIB: a file that can be written to its full length whatever else fills the disk.
reserve() {
    dd if=/dev/zero of="$1" bs=1024 count="$2" 2>/dev/null && return 0
    complain "$1 could not be written: is the disk full?"
    return 1
}

# ---- start: in the caller's connection

take_lock() {
    if [ -h "$STATE" ] || ! mkdir -p "$STATE" || ! chmod 0700 "$STATE" || [ -h "$STATE/lock" ]; then return 2; fi
    if ! has flock || ! has cksum || ! (: >>"$STATE/lock"); then return 2; fi
    exec 9>>"$STATE/lock"
    flock -n 9 || return 1
    (echo "$ID" >"$STATE/lock") 2>/dev/null
    return 0
}

# The running rules of both families.
keep_running() {
    for family in iptables ip6tables; do
        find_front_ends "$family"
        for tool in $front_ends; do
            # Written by the shell, which tells when the disk is full; the tools do not.
            if ! running=$(saved "$LIMIT" "$tool" -c); then
                # Without IPv6 in the kernel there are no rules of it.
                if [ "$family" = ip6tables ] && [ ! -e /proc/net/if_inet6 ]; then continue; fi
                complain "$tool-save failed"
                return 1
            fi
            if ! { : >"$DIR/running/$tool" && { [ -z "$running" ] || printf '%s\n' "$running" >>"$DIR/running/$tool"; }; }; then
                complain "$DIR/running/$tool could not be written"
                return 1
            fi
        done
    done
}

step_folder() {
    mkdir "$DIR" "$DIR/state" "$DIR/todo" "$DIR/begun" "$DIR/running" "$DIR/files" "$DIR/load" &&
        reserve "$DIR/journal" "$JOURNAL_KIB" &&
        reserve "$DIR/journal.guard" "$JOURNAL_KIB" &&
        reserve "$DIR/checked" "$JOURNAL_KIB" &&
        : >"$DIR/alive" && : >"$DIR/unarmed" && : >"$DIR/worker" && : >"$DIR/new" &&
        (printf '%s\n' "$natdsa_script" >"$DIR/script") 2>/dev/null || { complain "$DIR could not be written" && return 1; }
    case " $STEPS " in *' agent-'*) reserve "$DIR/agent.log" 8 || return 1 ;; esac
    folder_number=10
    for folder_step in $STEPS; do
        : >"$DIR/todo/$folder_number-$folder_step" || return 1
        folder_number=$((folder_number + 1))
    done
    keep_running
}

# A number for what the plan was made from: the running rules without their counters, the markers, the persisted rules.
digest() {
    {
        set --
        for digest_file in "$DIR"/running/*; do
            if [ -e "$digest_file" ]; then echo "${digest_file##*/}" && set -- "$@" "$digest_file"; fi
        done
        if [ $# -gt 0 ]; then sed -e '/^#/d' -e 's/\[[0-9]*:[0-9]*\]//' "$@"; fi
        read_marker
        set --
        for digest_file in $PERSISTED; do
            if [ -e "$digest_file" ] || [ -h "$digest_file" ]; then echo "$digest_file" && set -- "$@" "$digest_file"; fi
        done
        # What is in a file's place can hang.
        if [ $# -gt 0 ]; then limited "$LIMIT" cat "$@"; fi
    } 2>/dev/null | cksum
}

# detached ROLE: this script again, in a session of its own and, where systemd may end a user's programs with the user's session, outside of that.
detached() {
    detached_by=
    if has setsid; then detached_by=setsid; fi
    if [ "$1" = worker ] && on_systemd && has systemd-run && limited 5 systemd-run --quiet --scope true </dev/null >/dev/null 2>&1; then
        detached_by="$detached_by systemd-run --quiet --scope"
    fi
    # shellcheck disable=SC2086
    $detached_by /bin/sh "$DIR/script" "$1" "$timeout_works" </dev/null 2>/dev/null 3>&- 7>&- &
}

start_transaction() {
    umask 077
    # Handlers, not "ignore": what is ignored here would be ignored by every daemon that is started.
    trap : HUP INT PIPE TERM
    take_lock
    case $? in
        1)
            ID=$(tail -n 1 "$STATE/lock" 2>/dev/null | tr -cd 'A-Za-z0-9-')
            DIR=$STATE/$ID
            framed transaction transaction_facts
            outcome locked '' ''
            return
            ;;
        2) outcome refused lock '' && return ;;
    esac
    if [ -e "$DIR" ] || [ -h "$DIR" ]; then
        outcome refused lock ''
        return
    fi
    if ! carry_out step folder >/dev/null; then
        framed step.backup said
        outcome refused backup ''
        rm -rf "$DIR"
        return
    fi
    if [ "$(digest)" != "$DIGEST" ]; then
        outcome refused changed ''
        rm -rf "$DIR"
        return
    fi
    # One offset for all who write to it, and locks that are handed over without a gap.
    exec 7<>"$DIR/journal" 8>>"$DIR/alive"
    flock 8
    # Whoever sees a state from now on sees somebody at work.
    mv "$DIR/new" "$DIR/state/running"
    detached worker >&7
    exec 7>&- 8>&- 9>&-
    follow "$SECONDS_LIMIT" ''
    report
    # Nothing was changed, so nothing needs this folder.
    if [ "$report_state" = refused ]; then rm -rf "$DIR"; fi
}

# ---- the worker

end_as() {
    outcome "$1" "$2" "$3"
    limited 20 sync
    for end_from in running waiting confirmed committed undoing; do
        # What the guard has begun to undo is not done any more.
        if [ "$1 $end_from" != 'done undoing' ] && become "$end_from" "$1"; then return; fi
    done
}

undo_all() {
    undo_code=0
    for undo_file in $(ls -r "$DIR/begun"); do
        case $undo_file in *-check | *-backup) continue ;; esac
        carry_out undo "${undo_file#*-}" || undo_code=1
    done
    return "$undo_code"
}

# Succeeds for one of the worker and the guard, which then undoes everything.
claim_undoing() { become running undoing || become waiting undoing || become confirmed undoing; }

# Succeeds for one of the worker and the guard: from then on the guard undoes nothing.
commit() { become confirmed committed || become running committed; }

# ends_well PROCESS: waits for a program in the background, which a signal does not end.
ends_well() {
    while :; do
        wait "$1"
        ends_code=$?
        if ! kill -0 "$1" 2>/dev/null; then return "$ends_code"; fi
    done
}

# begin STEP: what was not begun is not undone, so nothing is done without it.
begin() { mv "$DIR"/todo/*-"$1" "$DIR/begun/"; }

guard_is_armed() {
    armed=0
    until [ -e "$DIR/armed" ]; do
        if [ "$armed" -ge 100 ]; then return 1; fi
        nap
        armed=$((armed + 1))
    done
}

# rearm STEP: a connection that has confirmed rules says nothing of those that come next, which wait for one of their own. The step was begun before
# the state changes: the guard counts from its beginning.
rearm() {
    look
    if changes_rules "$1" && [ "$now" = confirmed ]; then become confirmed running; fi
}

# From here on a new connection must be possible. Who waits for it in vain is stopped by the guard; should that have died, by this.
await_confirmation() {
    become running waiting || return 1
    clock
    await_end=$((seconds + CONFIRM_SECONDS + 10))
    until [ "$seconds" -ge "$await_end" ]; do
        look
        case $now in
            confirmed) return 0 ;;
            undoing) break ;;
        esac
        nap
        clock
    done
    return 1
}

work() {
    umask 077
    trap : HUP INT PIPE TERM
    if ! echo "$$" >"$DIR/worker"; then
        end_as refused guard ''
        return
    fi
    # It gets ready while the rules are checked and the backup is made, which changes nothing. Most of a check's time is the kernel's.
    detached guard 8>&- >/dev/null
    work_cause=
    work_check=
    case " $STEPS " in
        *' check '*)
            begin check
            carry_out step check 1<>"$DIR/checked" 8>&- &
            work_check=$!
            ;;
    esac
    if ! begin backup || ! carry_out step backup; then work_cause=backup; fi
    # Rules that are no good may fail the backup, too: the check says why.
    if [ -n "$work_check" ]; then
        ends_well "$work_check" || work_cause=check
        tr -d '\000' <"$DIR/checked"
    fi
    if ! guard_is_armed; then work_cause=${work_cause:-guard}; fi
    if [ -n "$work_cause" ]; then
        end_as refused "$work_cause" ''
        return
    fi
    for work_step in $STEPS; do
        case $work_step in check | backup) continue ;; esac
        # The guard has taken over.
        look
        case $now in running | confirmed) ;; *) return ;; esac
        case $work_step,$UNDO_AGENT in
            agent-*,no)
                tend_agent "$work_step"
                return
                ;;
        esac
        work_cause=failed
        if begin "$work_step" && rearm "$work_step" && carry_out step "$work_step"; then
            if ! changes_rules "$work_step" || await_confirmation; then continue; fi
            work_cause=unconfirmed
        fi
        claim_undoing || return
        if ! undo_all; then
            end_as stuck "$work_step" "$work_cause"
        elif [ "$work_cause" = failed ]; then
            end_as undone "$work_step" failed
        else
            end_as rolledback "$work_step" unconfirmed
        fi
        return
    done
    end_as 'done' '' ''
    forget_old
}

# tend_agent STEP: the agent's restart, which is the last of the steps. All others were done, and stay.
tend_agent() {
    commit || return
    begin "$1"
    carry_out step "$1"
    case $? in
        0) end_as 'done' '' '' ;;
        "$AGENT_STARTING") end_as 'done' "$1" starting ;;
        "$NAT_IS_GONE")
            carry_out again rules
            end_as 'done' "$1" erased
            ;;
        *) end_as 'done' "$1" failed ;;
    esac
    forget_old
}

# Folders of transactions that came to an end and left nothing to be done: the newest stay, and those whose state has changed since KEPT_DAYS ago.
forget_old() {
    set --
    for forget_folder in "$STATE"/[0-9]*Z-*; do
        if [ -h "$forget_folder" ]; then continue; fi
        for forget_end in done undone refused reported committed; do
            if [ -e "$forget_folder/state/$forget_end" ]; then set -- "$@" "$forget_folder"; fi
        done
    done
    while [ $# -gt "$KEPT_TRANSACTIONS" ]; do
        if [ -n "$(find "$1/state" -prune -mtime "+$KEPT_DAYS")" ]; then rm -rf "$1"; fi
        shift
    done
}

# ---- the guard: undoes what a worker has begun that died, or that nobody has confirmed; what is committed, it leaves

# end_session PID: the program and all that it has started and that has no session of its own.
end_session() {
    kill -KILL "$1" 2>/dev/null
    for _ in 1 2 3; do
        for end_stat in /proc/[0-9]*/stat; do
            { read -r end_line <"$end_stat"; } 2>/dev/null || continue
            end_pid=${end_line%% *}
            end_line=${end_line##*) }
            # shellcheck disable=SC2086
            set -- "$1" $end_line
            if [ "$5" = "$1" ] && [ "$end_pid" != "$$" ]; then kill -KILL "$end_pid" 2>/dev/null; fi
        done
    done
}

# worker_dies: waits for that, a second at most. Not every flock can be told how long to wait.
worker_dies() {
    if [ "$guard_waits" = yes ]; then
        flock -w 1 8
    else
        nap
        flock -n 8
    fi
}

guard() {
    umask 077
    trap : HUP INT PIPE TERM
    exec 1<>"$DIR/journal.guard" 8<"$DIR/alive"
    if flock -w 1 1 2>/dev/null; then
        guard_waits=yes
    else
        guard_waits=no
        flock 1
    fi
    mv "$DIR/unarmed" "$DIR/armed"
    guard_limit=
    guard_rules=
    guard_at=
    while :; do
        look
        clock
        if ended "$now"; then return; fi
        if [ "$now $at" != "$guard_at" ]; then
            guard_at="$now $at"
            case $guard_at in
                undoing*) guard_life=$((3 * STEP_LIFE + AGENT_LIFE)) ;;
                waiting*) guard_life=$((STEP_LIFE + CONFIRM_SECONDS)) ;;
                committed*) guard_life=$((AGENT_LIFE + 3 * STEP_LIFE)) ;;
                *' agent-'*) guard_life=$AGENT_LIFE ;;
                *) guard_life=$STEP_LIFE ;;
            esac
            guard_end=$((seconds + guard_life))
            # Rules that lock out may hang the step that loads them: the time runs from its beginning.
            if changes_rules "$at" && [ "$at" != "$guard_rules" ]; then
                guard_rules=$at
                guard_limit=$((seconds + CONFIRM_SECONDS))
            fi
        fi
        case $now in
            running | waiting)
                if [ -n "$guard_limit" ] && [ "$seconds" -ge "$guard_limit" ] && become "$now" undoing; then
                    guard_cause=unconfirmed
                    break
                fi
                ;;
        esac
        if [ "$seconds" -ge "$guard_end" ]; then
            if claim_undoing || [ "$now" = committed ]; then
                guard_cause=hung
                break
            fi
            # An undoing that hangs would hang again.
            look
            if [ "$now" = undoing ]; then
                read -r guard_worker <"$DIR/worker"
                end_session "$guard_worker"
                end_as stuck '' hung
                return
            fi
        fi
        if worker_dies; then
            guard_cause=died
            break
        fi
    done
    # A worker that died after it had come to its end has left nothing to do.
    look
    if ended "$now"; then return; fi
    read -r guard_worker <"$DIR/worker"
    end_session "$guard_worker"
    # What was committed before the worker died stays, whatever it was at.
    if ! claim_undoing; then
        look
        if ended "$now"; then return; fi
        if [ "$now" = committed ]; then
            end_as 'done' "$at" "$guard_cause"
            return
        fi
    fi
    if undo_all; then end_as rolledback '' "$guard_cause"; else end_as stuck '' "$guard_cause"; fi
}

# What this script has found out before it began anew.
timeout_works=${2:-}
try_timeout

case ${1:-start} in
    worker) NONCE=$JOURNAL && work ;;
    guard) NONCE=$JOURNAL && guard ;;
    *) start_transaction ;;
esac
