# What every script of NatDsa begins with: POSIX sh (dash, bash, busybox ash). NONCE comes ahead of this text.
# An answer is a sequence of sections:
#     @NONCE out NAME        then what the command wrote to standard output
#     @NONCE err NAME        then what it wrote to standard error, at most 4,000 bytes; it can come after the section's end
#     @NONCE end NAME CODE   its exit code; 124, 137 or 143: its time was up
# The line end in front of an @ belongs to the frame.

# A login shell that asks its user something takes the answer out of this input. With lines missing, nothing must run.
: "${NONCE:?the first line of the script did not arrive: the login shell has read it}"

LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset IFS CDPATH ENV BASH_ENV

timeout_works=
alarm=
alarm_time=
gathering=

# Whether timeout works as it does here. What is found out before subshells are made is found out once.
try_timeout() {
    if [ -n "$timeout_works" ]; then return 0; fi
    if timeout -k 1 1 true >/dev/null 2>&1; then timeout_works=yes; else timeout_works=no; fi
}

# limited SECONDS COMMAND...: SIGTERM when the time is up, SIGKILL two seconds later, 124 or 137 as the exit code.
limited() {
    limited_seconds=$1
    shift
    try_timeout
    if [ "$timeout_works" = yes ]; then
        timeout -k 2 "$limited_seconds" "$@"
        return
    fi
    # A shell gives a background command no standard input, unless it is passed on under another number.
    { "$@" <&4 4<&- & } 4<&0
    limited_command=$!
    # Its sleep outlives it, and must hold neither a pipe nor the locks of a change.
    (
        sleep "$limited_seconds"
        kill -TERM "$limited_command"
        sleep 2
        kill -KILL "$limited_command"
    ) </dev/null >/dev/null 2>&1 3>&- 8>&- 9>&- &
    limited_watcher=$!
    wait "$limited_command"
    limited_code=$?
    # A command that died of a signal did so because of the watcher.
    if [ "$limited_code" -eq 143 ] || [ "$limited_code" -eq 137 ]; then limited_code=124; fi
    kill "$limited_watcher" 2>/dev/null
    # It may not have come to let go of the locks.
    wait "$limited_watcher" 2>/dev/null
    return "$limited_code"
}

# framed NAME COMMAND...: runs it as a section without a time limit, in a subshell unless that is gathered. Its exit code is left in framed_code.
framed() {
    disarm
    in_frame "$@"
}

# section SECONDS NAME COMMAND...: a section with a time limit of its own.
section() {
    arm "$1"
    shift
    in_frame "$@"
}

# nothing NAME: a section whose command would have nothing to say, and need not be run.
nothing() {
    begin_frame "$1"
    if [ -z "$gathering" ]; then error_frame ''; fi
    end_frame 0
}

# Descriptor 9 is a lock that no command may inherit.
in_frame() {
    begin_frame "$1"
    shift
    if [ -n "$gathering" ]; then
        error_frame '' >&2
        "$@" </dev/null 9>&-
        framed_code=$?
        outlast_alarm
    else
        {
            framed_error=$("$@" </dev/null 2>&1 >&3 3>&- 9>&-)
            framed_code=$?
        } 3>&1
        error_frame "$framed_error"
    fi
    end_frame "$framed_code"
}

# gathered COMMAND...: runs it in a subshell, in which sections and frames need none of their own: what they write to standard error comes at the end.
# A function that changes its shell, or ends it, then has to be a subshell itself.
gathered() {
    {
        gathered_errors=$(gathering=yes && exec 2>&1 >&3 3>&- && "$@")
        gathered_code=$?
    } 3>&1
    printf '%.1000000s\n' "$gathered_errors"
    return "$gathered_code"
}

# A frame begins a line; a login shell may have greeted without ending its own.
begin_frame() {
    framed_name=$1
    printf '\n@%s out %s\n' "$NONCE" "$framed_name"
}

error_frame() { printf '\n@%s err %s\n%.4000s' "$NONCE" "$framed_name" "$1"; }

end_frame() { printf '\n@%s end %s %s\n' "$NONCE" "$framed_name" "$1"; }

# One alarm serves all sections that begin within the same second: a process that watches each would cost as much as it.
arm() {
    read -r uptime _ </proc/uptime || return 0
    if [ "$alarm_time" = "${uptime%.*} $1" ]; then return 0; fi
    disarm
    alarm_time="${uptime%.*} $1"
    alarm_end=$((${uptime%.*} + $1))
    read -r alarm_shell _ </proc/self/stat || return 0
    # In braces: a function's own redirections are undone at its end, and what they stand for is kept open till then.
    { ring_after "$1" "$alarm_shell"; } </dev/null >/dev/null 2>&1 3>&- 9>&- &
    alarm=$!
}

# An alarm that has rung is waited for: what it has not yet killed may hold the pipe of this subshell's errors.
outlast_alarm() {
    if [ -z "$alarm" ]; then return 0; fi
    read -r uptime _ </proc/uptime
    if [ "${uptime%.*}" -lt "$alarm_end" ]; then return 0; fi
    wait "$alarm"
    alarm=
    alarm_time=
}

# The last line of an answer.
end_sections() {
    disarm
    printf '@%s done\n' "$NONCE"
}

disarm() {
    alarm_time=
    if [ -n "$alarm" ]; then kill "$alarm" 2>/dev/null; fi
    alarm=
}

# ring_after SECONDS SHELL: then SIGTERM to all that this shell has started, and SIGKILL two seconds later.
ring_after() {
    # So far, the last program in the background is one of the shell's.
    trap exit TERM
    ring_for=$2
    ring_if_needed
    ring_all=" $ring_for "
    sleep "$1" &
    trap 'kill $!; exit' TERM
    wait $!
    ring_out TERM
    sleep 2 &
    wait $!
    ring_out KILL
}

# Whose shell has ended is another's child by now, of the host's first process as a rule, whose children are none of this script's.
ring_if_needed() {
    read -r ring _ _ ring_parent _ </proc/self/stat
    if [ "$ring_parent" != "$ring_for" ] || [ "$ring_for" = 1 ]; then exit; fi
}

# Which processes those are, their parents tell, in /proc/N/stat behind the parenthesis. Who ignores SIGTERM may have lost its parent by it: those that
# were found once stay found.
ring_out() {
    ring_seen=
    while [ "$ring_seen" != "$ring_all" ]; do
        ring_seen=$ring_all
        for ring_stat in /proc/[0-9]*/stat; do
            read -r ring_line <"$ring_stat" || continue
            ring_process=${ring_line%% *}
            ring_parent=${ring_line##*) }
            ring_parent=${ring_parent#* }
            ring_parent=${ring_parent%% *}
            case $ring_all in *" $ring_process "*) continue ;; esac
            case $ring_all in
                *" $ring_parent "*) if [ "$ring_process" != "$ring" ]; then ring_all="$ring_all$ring_process "; fi ;;
            esac
        done
    done
    ring_if_needed
    # shellcheck disable=SC2086
    kill -s "$1" ${ring_all#" $ring_for "}
}

has() { command -v "$1" >/dev/null 2>&1; }

fact() { printf '%s=%s\n' "$1" "$2"; }

on_systemd() { [ -d /run/systemd/system ]; }

# starts_at_boot SERVICE: succeeds when the init system starts it.
starts_at_boot() {
    if on_systemd && limited 5 systemctl is-enabled --quiet "$1.service" 2>/dev/null; then return 0; fi
    if on_systemd && limited 5 systemctl cat "$1.service" >/dev/null 2>&1; then return 1; fi
    for link in /etc/rc[2345S].d/S[0-9][0-9]"$1" /etc/rc.d/rc[2345].d/S[0-9][0-9]"$1"; do
        if [ -e "$link" ]; then return 0; fi
    done
    return 1
}

# is_started SERVICE: succeeds when the init system counts it as started; one that keeps no account of that never is.
is_started() {
    if on_systemd && limited 5 systemctl is-active --quiet "$1.service" 2>/dev/null; then return 0; fi
    [ -e "/var/lock/subsys/$1" ]
}

# process_runs NAME: succeeds when a process with that command name exists. /proc/N/stat has it in parentheses.
process_runs() {
    grep -qs "^[0-9]* ($1) " /proc/[0-9]*/stat
}

module_loaded() {
    if [ -r /proc/modules ]; then
        grep -q "^$1 " /proc/modules
    else
        limited 5 lsmod 2>/dev/null | grep -q "^$1 "
    fi
}

# find_front_ends FAMILY: those of the two back ends, or the one that there is: iptables-legacy iptables-nft, or iptables. They are left in front_ends.
find_front_ends() {
    front_ends=
    for front_end in "$1-legacy" "$1-nft"; do
        if has "$front_end-save"; then front_ends="$front_ends $front_end"; fi
    done
    if [ -z "$front_ends" ] && has "$1-save"; then front_ends=$1; fi
}
