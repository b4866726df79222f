# The steps that change a host, each with its undoing. Each verifies what it did.
# From the plan:
#   LOADS           numbers of the rules to load. Of each, TOOL_1: the front end (iptables, ip6tables-legacy, ...); FILE_1: the persisted rules
#                   that are loaded; empty: RULES_1 is
#   INSTALLS        numbers of the persisted files to write. Of each, PATH_1, and CONTENT_1
#   SOURCE_NAT      yes: iptables must have source NAT
#   MARKERS         marker files to create
#   SERVICES        services that load the persisted rules at boot; START those of them that are not started
#   MANAGER         systemd or sysv
#   RELOAD_DOCKER   the command that has Docker make its rules again, as words; and so on; empty: it does so by itself
#   NAT_BY          the owner after whose step there must be source NAT; empty: none does any
#   UNDO_AGENT      yes: an agent that does not come up has all undone; no: what was done stays, whatever becomes of it
#   STEP_SECONDS    time limit of a step, OWNER_SECONDS that of an owner's
#   AGENT_SECONDS   how long the agent's restart is waited for, which nobody ends
#   SETTLE_SECONDS  how long the rules must stay after the agent has started

# A command that may leave a daemon behind writes to a file: the daemon must not hold this script's pipes. Nor is it to have
# this script's umask, or the caller's home as its folder.
logged() {
    (umask 022 && cd / && limited "$@") </dev/null >"$DIR/command.log" 2>&1
    logged_code=$?
    head -c 4000 "$DIR/command.log"
    case $logged_code in 124 | 137) complain "no end within $1 s: killed" ;; esac
    return "$logged_code"
}

source_nat_runs() {
    find_front_ends iptables
    for tool in $front_ends; do
        if saved "$STEP_SECONDS" "$tool" | grep -Eq '^-A .* -j (MASQUERADE|SNAT|NETMAP)( |$)'; then return 0; fi
    done
    return 1
}

# Source NAT that an owner has made, or that was there before: in rules of nft's own, too.
nat_runs() {
    if source_nat_runs; then return 0; fi
    if [ "$SOURCE_NAT" = yes ] || ! has nft; then return 1; fi
    limited "$STEP_SECONDS" nft list ruleset 2>/dev/null | grep -Eq '(^|[[:space:]])(masquerade|snat)([[:space:]]|$)'
}

# Steps whose rules wait for a new connection.
changes_rules() {
    case $1 in rules | owner-*) return 0 ;; esac
    return 1
}

# change_service ACTION SERVICE
change_service() {
    if [ "$MANAGER" = systemd ]; then
        logged "$STEP_SECONDS" systemctl "$1" "$2.service"
    elif has service; then
        logged "$STEP_SECONDS" service "$2" "$1"
    elif [ -x "/etc/rc.d/init.d/$2" ]; then
        logged "$STEP_SECONDS" "/etc/rc.d/init.d/$2" "$1"
    else
        logged "$STEP_SECONDS" "/etc/init.d/$2" "$1"
    fi
}

# at_boot on|off SERVICE
at_boot() {
    case $MANAGER,$1 in
        systemd,on) logged "$STEP_SECONDS" systemctl enable "$2.service" ;;
        systemd,off) logged "$STEP_SECONDS" systemctl disable "$2.service" ;;
        *)
            if has chkconfig; then
                logged "$STEP_SECONDS" chkconfig "$2" "$1"
            else
                case $1 in
                    on) logged "$STEP_SECONDS" update-rc.d "$2" defaults && logged "$STEP_SECONDS" update-rc.d "$2" enable ;;
                    off) logged "$STEP_SECONDS" update-rc.d "$2" disable ;;
                esac
            fi
            ;;
    esac
}

# new_beside FILE: where the new content of what FILE leads to is written first.
new_beside() {
    replace_file=$1
    if [ -h "$1" ]; then replace_file=$(readlink -f "$1") || return 1; fi
    replace_new=$replace_file.natdsa-$ID
}

# replace FILE: standard input becomes its content in one move; owner, mode and SELinux context stay, and so does a link to it.
replace() {
    new_beside "$1" || return 1
    if { [ ! -e "$replace_file" ] || cp -p "$replace_file" "$replace_new"; } && cat >"$replace_new" && sync_file "$replace_new" &&
        mv -f "$replace_new" "$replace_file"; then
        relabel "$replace_file"
        return 0
    fi
    rm -f "$replace_new"
    return 1
}

# loads FUNCTION: for all rules to load, FUNCTION TOOL FILE RULES; installs FUNCTION: for all files to write, FUNCTION PATH CONTENT
loads() {
    for number in $LOADS; do
        eval "\"\$1\" \"\$TOOL_$number\" \"\$FILE_$number\" \"\$RULES_$number\"" || return 1
    done
}

installs() {
    for number in $INSTALLS; do
        eval "\"\$1\" \"\$PATH_$number\" \"\$CONTENT_$number\"" || return 1
    done
}

# ---- check: the rules that will be loaded are well formed. It changes nothing.

# plain RULES: rules that were sent, and are not the host's own, hold nothing but what iptables-save writes. iptables-restore takes every option of iptables
# in a rule, also in quotes: --modprobe (shortened, or -M behind letters like -f, too) names a program for root to run. It reads a line longer than
# 10 KiB as several; and a # that is not the first character of its line begins no comment.
plain() {
    if [ -z "$1" ]; then return 0; fi
    plain_word="[^-\"\\[:space:]][^\"\\[:space:]]*"
    plain_option='-f?|-[^-MVWbfhnvwx0-9"\\[:space:]][^"\\[:space:]]*|--([A-Za-ln-z0-9_]|m[A-Za-np-z0-9_-]|mo[A-Za-ce-z0-9_-]|mod[A-Za-oq-z0-9_-])[A-Za-z0-9_-]*'
    plain_char="([^\"\\]|\\\\[\"'\\])"
    plain_quoted="\"(|--?|([^-\"\\]|\\\\[\"'\\]|-[^-\"\\MVWbfhnvwx0-9]|--[^m\"\\])$plain_char*)\""
    plain_token="($plain_word|$plain_option|$plain_quoted)"
    plain_not=$(printf '%s\n' "$1" | grep -Env "^(#.*|[[:blank:]]*($plain_token([[:blank:]]+$plain_token)*[[:blank:]]*)?)\$" | head -n 1)
    if [ -z "$plain_not" ]; then plain_not=$(printf '%s\n' "$1" | cut -b 8001- | grep -n . | head -n 1); fi
    if [ -z "$plain_not" ]; then return 0; fi
    complain "line ${plain_not%%:*} of the rules is none that iptables-save writes: ${plain_not#*:}"
    return 1
}

check_rules() {
    if [ -z "$2$3" ]; then return 0; fi
    plain "$3" || return 1
    if [ -n "$2" ]; then
        limited "$STEP_SECONDS" "$1-restore" --test <"$2"
    else
        printf '%s' "$3" | limited "$STEP_SECONDS" "$1-restore" --test
    fi
    check_code=$?
    if [ "$check_code" -eq 0 ]; then echo "$1-restore --test: accepted"; else complain "$1-restore --test: refused"; fi
    return "$check_code"
}

# check_file PATH CONTENT
check_file() {
    case $1 in
        */ip6tables | *.v6) check_rules ip6tables '' "$2" ;;
        */iptables | *.v4) check_rules iptables '' "$2" ;;
    esac
}

step_check() { loads check_rules && installs check_file; }

# ---- backup: the running rules of both families, the persisted ones, what the service is set to

keep_rules_to_load() {
    plain "$3" || return 1
    if [ -n "$2" ]; then
        ln "$DIR/files$2" "$DIR/load/$1"
    else
        printf '%s' "$3" >"$DIR/load/$1"
    fi
}

# keep_file PATH [CONTENT]: as it is, and CONTENT is what it may become.
keep_file() {
    case $1 in *nftables.conf) ;; *) plain "${2:-}" || return 1 ;; esac
    if [ ! -f "$1" ] || [ -e "$DIR/files$1" ]; then return 0; fi
    if [ ! -d "$DIR/files${1%/*}" ]; then mkdir -p "$DIR/files${1%/*}" || return 1; fi
    cp -p "$1" "$DIR/files$1" && cmp "$1" "$DIR/files$1" || return 1
    echo "$DIR/files$1"
}

# native FUNCTION: for all tables of nft's own that have an owner, FUNCTION FAMILY NAME
native() {
    if ! has nft; then return 0; fi
    native_tables=$(limited "$STEP_SECONDS" nft list tables 2>/dev/null | sed -n -E 's/^table ([a-z0-9]+) (firewalld|libvirt_network|f2b-table|docker-bridges|kube-proxy)$/\1.\2/p')
    for native_table in $native_tables; do "$1" "${native_table%%.*}" "${native_table#*.}" || return 1; done
}

keep_native() { mkdir "$DIR/native" && native keep_table; }

keep_table() { limited "$STEP_SECONDS" nft list table "$1" "$2" >"$DIR/native/$1.$2" && echo "$DIR/native/$1.$2"; }

step_backup() {
    # They were kept when the lock was taken.
    for file in "$DIR"/running/*; do
        if [ -e "$file" ]; then echo "$file"; fi
    done
    case " $STEPS " in *' owner-'*) keep_native || return 1 ;; esac
    for file in $PERSISTED; do
        keep_file "$file" || return 1
    done
    installs keep_file || return 1
    loads keep_rules_to_load || return 1
    {
        for marker in $MARKERS; do
            if [ -e "$marker" ]; then fact present "$marker"; else fact absent "$marker"; fi
        done
        for service in $SERVICES; do
            if starts_at_boot "$service"; then fact boot "$service"; else fact noboot "$service"; fi
            if is_started "$service"; then fact started "$service"; fi
        done
        if agent_is_up; then fact agent running; else fact agent stopped; fi
        if module_loaded dsa_filter; then fact filter loaded; else fact filter absent; fi
    } >"$DIR/manifest" || return 1
    limited 60 sync -f "$DIR" 2>/dev/null || limited 60 sync
}

# ---- marker

step_marker() {
    for marker in $MARKERS; do
        if [ -f "$marker" ]; then continue; fi
        echo "$marker" >>"$DIR/created-markers" || return 1
        create_marker "$marker" || return 1
        ls -ld "$marker"
    done
}

undo_marker() {
    if [ ! -e "$DIR/created-markers" ]; then return 0; fi
    # It would erase all rules, those that were never gone too.
    if agent_is_starting; then
        complain "ds_agent is still starting: the marker stays for it"
        return 1
    fi
    while read -r marker; do
        # Somebody may have written to it meanwhile: then it is theirs.
        if [ -f "$marker" ] && [ ! -s "$marker" ]; then rm -f "$marker" && echo "removed $marker"; fi
    done <"$DIR/created-markers"
}

# ---- rules: load them, in one move for each table

load_kept_rules() {
    load_rules "$1" "$DIR/load/$1" || return 1
    echo "$1: loaded"
}

step_rules() {
    loads load_kept_rules || return 1
    if [ "$SOURCE_NAT" != yes ]; then return 0; fi
    if ! source_nat_runs; then
        complain "the rules were loaded, and there is no source NAT"
        return 1
    fi
    echo "source NAT is loaded"
}

undo_rules() {
    undo_rules_code=0
    for saved in "$DIR"/running/*; do
        if [ ! -e "$saved" ]; then continue; fi
        tool=${saved##*/}
        if load_rules "$tool" "$saved" -c; then
            echo "$tool: as it was"
        else
            complain "$tool: the running rules could not be put back; they are in $saved"
            undo_rules_code=1
        fi
    done
    return "$undo_rules_code"
}

# load_rules TOOL FILE [-c]: the tool's rules become those of the file. A table that the file does not name is emptied, its policies
# ACCEPT as the kernel's own are. It writes nothing to the disk, which may be full.
load_rules() {
    running_now=$(saved "$STEP_SECONDS" "$1") || return 1
    headers=$(printf '%s\n' "$running_now" | sed -n -e '/^\*/p' -e 's/^:\([A-Z]*\) [AD][A-Z]* .*/:\1 ACCEPT [0:0]/p')
    named=$(sed -n 's/^\*\([a-z]*\).*/ \1 /p' "$2")
    others=
    for table in raw mangle nat filter security; do
        case $named in *" $table "*) continue ;; esac
        case "
$headers
" in *"
*$table
"*) others="$others $table" ;; esac
    done
    if [ ! -s "$2" ] && [ -z "$others" ]; then return 0; fi
    all_rules=$(
        # What cannot be read is no set of rules: without them, every table would be emptied.
        cat "$2" || exit 1
        # The last line may have no end.
        echo
        for table in $others; do
            echo "*$table"
            printf '%s\n' "$headers" | sed -n "/^\*$table\$/,/^\*/s/^:/:/p"
            echo COMMIT
        done
    ) || return 1
    # Another program can hold the lock of xtables for a moment, and not every iptables-restore can be told to wait for it.
    for attempt in 1 2 3 4 5; do
        printf '%s\n' "$all_rules" | limited "$STEP_SECONDS" "$1-restore" $3
        case $? in
            0) return 0 ;;
            # What hung once hangs again.
            124 | 137) return 1 ;;
        esac
        if [ "$attempt" -lt 5 ]; then sleep 1; fi
    done
    return 1
}

# ---- install: files of persisted rules

install_file() {
    mkdir -p "${1%/*}" && printf '%s' "$2" | replace "$1" && is_installed "$1" "$2" && ls -ld "$1"
}

is_installed() { printf '%s' "$2" | cmp - "$1"; }

step_install() { installs install_file; }

put_back_file() {
    # What was being written when its program was killed.
    if new_beside "$1"; then rm -f "$replace_new"; fi
    if [ -e "$DIR/files$1" ]; then
        if cmp -s "$DIR/files$1" "$1"; then return 0; fi
        replace "$1" <"$DIR/files$1" && echo "$1: as it was"
    elif [ -f "$1" ]; then
        rm -f "$1" && echo "removed $1"
    fi
}

undo_install() { installs put_back_file; }

# ---- service: what loads the rules at boot is started. Its rules are loaded already: it loads them once more.

step_service() {
    for service in $START; do
        if ! change_service start "$service"; then
            complain "$service could not be started"
            return 1
        fi
        if ! is_started "$service"; then
            complain "$service is still not started"
            return 1
        fi
        echo "$service is started"
    done
    if ! loads file_is_whole || ! installs is_installed; then
        complain "the start of $START changed the persisted rules"
        return 1
    fi
    if [ "$SOURCE_NAT" = yes ] && ! source_nat_runs; then
        complain "the start of $START loaded no source NAT"
        return 1
    fi
}

file_is_whole() { [ -z "$2" ] || cmp "$DIR/load/$1" "$2"; }

# A service that stops may save what runs: the files come back after it, and then the rules.
undo_service() {
    undo_service_code=0
    for service in $START; do
        if is_started "$service"; then change_service stop "$service" || undo_service_code=1; fi
    done
    for file in $PERSISTED; do
        put_back_file "$file" || undo_service_code=1
    done
    return "$undo_service_code"
}

# ---- boot: the service is in the boot sequence

step_boot() {
    for service in $SERVICES; do
        if starts_at_boot "$service"; then continue; fi
        echo "$service" >>"$DIR/enabled" || return 1
        at_boot on "$service" || return 1
        if ! starts_at_boot "$service"; then
            complain "$service still does not start at boot"
            return 1
        fi
        echo "$service starts at boot"
    done
}

undo_boot() {
    if [ ! -e "$DIR/enabled" ]; then return 0; fi
    while read -r service; do at_boot off "$service" || return 1; done <"$DIR/enabled"
}

# ---- owner: a program makes its own rules again, by its own command

# What tells an owner: OWNER_COMMAND, OWNER_CHAIN: lines of iptables-save, OWNER_TABLE: a table of nft's own. A step has OWNER_SECONDS: the rest of the
# guard's time is for the new connection.
owner_is() {
    clock
    owner_end=$((seconds + OWNER_SECONDS))
    OWNER_TABLE=
    case $1 in
        firewalld) OWNER_COMMAND=$RELOAD_FIREWALLD OWNER_CHAIN='^:[A-Z]+_(ZONES|direct) ' OWNER_TABLE=firewalld ;;
        ufw) OWNER_COMMAND=$RELOAD_UFW OWNER_CHAIN='^:ufw-' ;;
        shorewall) OWNER_COMMAND=$RELOAD_SHOREWALL OWNER_CHAIN='^:shorewall ' ;;
        # Before version 5.1 it had no chains of its own.
        libvirt) OWNER_COMMAND=$RELOAD_LIBVIRT OWNER_CHAIN='^:LIBVIRT_|^-A .* virbr' OWNER_TABLE=libvirt_network ;;
        docker) OWNER_COMMAND=$RELOAD_DOCKER OWNER_CHAIN='^:DOCKER' OWNER_TABLE=docker-bridges ;;
        kube) OWNER_COMMAND=$RELOAD_KUBE OWNER_CHAIN='^:KUBE-SERVICES ' OWNER_TABLE=kube-proxy ;;
        fail2ban) OWNER_COMMAND=$RELOAD_FAIL2BAN OWNER_CHAIN='^:(f2b|fail2ban)-' OWNER_TABLE=f2b-table ;;
    esac
}

owner_rules_run() {
    find_front_ends iptables
    for tool in $front_ends; do
        if saved "$STEP_SECONDS" "$tool" | grep -Eq "$OWNER_CHAIN"; then return 0; fi
    done
    [ -n "$OWNER_TABLE" ] && has nft && limited "$STEP_SECONDS" nft list tables 2>/dev/null | grep -q " $OWNER_TABLE\$"
}

# in_time COMMAND...: succeeds once the command does, while there is time.
in_time() {
    until "$@"; do
        clock
        if [ "$seconds" -ge "$owner_end" ]; then return 1; fi
        nap
    done
}

step_owner() {
    owner_is "$1"
    case $1 in
        docker) reload_docker ;;
        kube) reload_kube ;;
        fail2ban) reload_fail2ban ;;
        firewalld) reload_firewalld ;;
        ufw) cp -p /etc/ufw/ufw.conf "$DIR/ufw.conf" && reload_owner ufw ;;
        *) reload_owner "$1" ;;
    esac || return 1
    if { [ "$SOURCE_NAT" = yes ] || [ "$NAT_BY" = "$1" ]; } && ! in_time nat_runs; then
        complain "$1 has made its rules again, and there is no source NAT"
        return 1
    fi
}

# Words, not shell: what is in them was chosen from what is known of owners (HostOwner).
# shellcheck disable=SC2086
run_owner() {
    if logged "$OWNER_SECONDS" $OWNER_COMMAND; then return 0; fi
    complain "$OWNER_COMMAND: failed"
    return 1
}

# Some say that they are done before their rules are there.
reload_owner() {
    run_owner || return 1
    if ! in_time owner_rules_run; then
        complain "$OWNER_COMMAND: done, and none of the rules of $1 is there"
        return 1
    fi
    echo "the rules of $1 are there again"
}

# Its reload stops at a table of nft's that somebody has flushed; a start does not. Connections stay.
reload_firewalld() {
    reload_owner firewalld && return 0
    clock
    OWNER_COMMAND='systemctl restart firewalld.service' owner_end=$((seconds + OWNER_SECONDS / 2))
    echo "$OWNER_COMMAND"
    reload_owner firewalld
}

# Docker hears of firewalld's reload and makes its rules again by itself. Else it has to start again, and so have its containers, unless it
# leaves them running; those that no policy starts again are started here.
reload_docker() {
    if begun | grep -q '^owner-firewalld$'; then
        clock
        owner_end=$((seconds + OWNER_SECONDS / 4))
        if in_time owner_rules_run; then
            echo 'Docker has made its rules again after the reload of firewalld'
            return 0
        fi
        owner_end=$((seconds + OWNER_SECONDS * 3 / 4))
    fi
    if ! running_containers >"$DIR/containers"; then
        complain 'docker ps failed, so nobody could tell which containers to start again: Docker was not restarted'
        return 1
    fi
    reload_owner docker && start_containers
}

running_containers() {
    if has docker; then limited 20 docker ps --quiet --no-trunc; fi
}

start_containers() {
    if [ ! -s "$DIR/containers" ]; then return 0; fi
    start_now=$(running_containers)
    start_code=0
    while read -r container; do
        case $start_now in *"$container"*) continue ;; esac
        # One that is removed when it stops cannot be started.
        if ! limited 20 docker inspect "$container" </dev/null >/dev/null 2>&1; then
            echo "container $container is gone: it was one to be removed when it stops"
        elif limited 20 docker start "$container" </dev/null >/dev/null; then
            echo "container $container: started again"
        else
            start_code=1
        fi
    done <"$DIR/containers"
    return "$start_code"
}

reload_kube() {
    if [ -n "$OWNER_COMMAND" ]; then
        reload_owner kube-proxy
    elif in_time owner_rules_run; then
        echo 'kube-proxy has made its rules again'
    elif [ "$NAT_BY" = kube ]; then
        complain "kube-proxy has not made its rules again within $OWNER_SECONDS s: its sync period may be longer"
        return 1
    else
        echo "kube-proxy has not made its rules again within $OWNER_SECONDS s: it will, when its sync period is over"
    fi
}

# Since version 0.10 a reload leaves jails that have not changed as they are, without their chains. A chain comes with the first address that is banned.
reload_fail2ban() {
    case $(limited 10 fail2ban-client --version 2>/dev/null) in *v0.[0-9].*) OWNER_COMMAND='fail2ban-client reload' ;; esac
    run_owner || return 1
    if ! limited 20 fail2ban-client status; then
        complain 'fail2ban does not answer after its reload'
        return 1
    fi
    clock
    owner_end=$((seconds + 2))
    if in_time owner_rules_run; then echo 'the chains of fail2ban are there again'; else echo 'no jail of fail2ban bans an address with a chain of its own now'; fi
}

# What an owner does after its command has ended, or was killed, comes before its rules are taken away.
undo_owner() {
    owner_is "$1"
    undo_owner_code=0
    if [ "$1" = docker ] && [ -e "$DIR/containers" ]; then
        # shellcheck disable=SC2046
        { process_runs dockerd || logged "$STEP_SECONDS" $(echo "$OWNER_COMMAND" | sed 's/ restart/ start/'); } && start_containers || undo_owner_code=1
    fi
    # A reload of ufw that fails switches it off for good.
    if [ "$1" = ufw ] && [ -s "$DIR/ufw.conf" ] && ! cmp -s "$DIR/ufw.conf" /etc/ufw/ufw.conf; then
        { replace /etc/ufw/ufw.conf <"$DIR/ufw.conf" && echo '/etc/ufw/ufw.conf: as it was'; } || undo_owner_code=1
    fi
    sleep 1
    undo_rules || undo_owner_code=1
    native drop_table && put_back_tables || undo_owner_code=1
    return "$undo_owner_code"
}

drop_table() { [ -e "$DIR/native/$1.$2" ] || { limited "$STEP_SECONDS" nft delete table "$1" "$2" && echo "table $1 $2: removed"; }; }

# In one move: what is there is replaced.
put_back_tables() {
    for kept in "$DIR"/native/*; do
        if [ ! -e "$kept" ]; then continue; fi
        kept_table=${kept##*/}
        { echo "table ${kept_table%%.*} ${kept_table#*.}" && echo "delete table ${kept_table%%.*} ${kept_table#*.}" && cat "$kept"; } | limited "$STEP_SECONDS" nft -f - || return 1
        echo "table ${kept_table%%.*} ${kept_table#*.}: as it was"
    done
}

# ---- agent: restart it, marker in place, and see that it runs and the rules stay

# How step_agent ends when the agent is still starting, and when source NAT is gone.
AGENT_STARTING=3
NAT_IS_GONE=4

agent_has_unit() { on_systemd && limited 5 systemctl cat ds_agent.service >/dev/null 2>&1; }

# agent_command ACTION: as an administrator types it.
agent_command() {
    if agent_has_unit; then echo "systemctl $1 ds_agent.service"; else echo "/etc/init.d/ds_agent $1"; fi
}

# is_over PROCESS: a program in the background has ended, though nobody has waited for it yet.
is_over() {
    { read -r over_line <"/proc/$1/stat"; } 2>/dev/null || return 0
    case ${over_line##*) } in [ZX]*) return 0 ;; esac
    return 1
}

# change_agent ACTION: succeeds when the command does. One that takes too long is left alone, in a session of its own,
# and goes on: an agent that is killed while it starts is down for good. The daemon is to have neither this script's
# pipes, nor its umask, nor its folder.
change_agent() {
    agent_words=$(agent_command "$1")
    agent_apart=
    if has setsid; then agent_apart=setsid; fi
    # Words, not shell.
    # shellcheck disable=SC2086
    (umask 022 && cd / && exec $agent_apart $agent_words) </dev/null 1<>"$DIR/agent.log" 2>&1 &
    agent_job=$!
    clock
    agent_end=$((seconds + AGENT_SECONDS))
    until is_over "$agent_job"; do
        if [ "$seconds" -ge "$agent_end" ]; then
            agent_said
            complain "$agent_words: no end within $AGENT_SECONDS s; it goes on"
            return "$AGENT_STARTING"
        fi
        nap
        clock
    done
    wait "$agent_job"
    agent_code=$?
    agent_said
    if [ "$agent_code" -eq 0 ]; then return 0; fi
    complain "$agent_words: exit code $agent_code"
    agent_tells
    return 1
}

# It has its length from the start: a start must not fail because nobody can write down what it says.
agent_said() { tr -d '\000' <"$DIR/agent.log" | head -c 4000; }

# What the agent and its service have said last.
agent_tells() {
    if agent_has_unit && has journalctl; then
        limited 5 journalctl --quiet --no-pager --output=cat --lines=4 --unit=ds_agent.service 2>/dev/null
    fi
    if [ -f /var/opt/ds_agent/diag/ds_agent.log ]; then limited 5 tail -n 2 /var/opt/ds_agent/diag/ds_agent.log; fi
}

# The filter starts after the agent, which has nothing to filter where it did not run before. What it does to the rules
# takes it a moment.
filter_settles() {
    waited=0
    until [ "$waited" -ge 30 ] || module_loaded dsa_filter || ! grep -q '^filter=loaded$' "$DIR/manifest"; do
        sleep 1
        waited=$((waited + 1))
    done
    sleep "$SETTLE_SECONDS"
}

agent_settles() {
    waited=0
    until agent_is_up; do
        if [ "$waited" -ge 30 ]; then
            complain "no process ds_agent $waited s after '$agent_words'"
            agent_tells
            return 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
    filter_settles
    # The rules first: there are people behind them.
    if [ "$agent_had_nat" = yes ] && ! nat_runs; then
        complain "source NAT is gone after '$agent_words'"
        return "$NAT_IS_GONE"
    fi
    if ! agent_is_up; then
        complain "ds_agent came up, and has ended by itself within seconds"
        agent_tells
        return 1
    fi
    for marker in $MARKERS; do
        if [ ! -f "$marker" ]; then
            complain "$marker is gone"
            return 1
        fi
    done
    echo "ds_agent runs; the rules are still loaded"
}

# step_agent restart|start
step_agent() {
    agent_had_nat=no
    if nat_runs; then agent_had_nat=yes; fi
    change_agent "$1" || return
    agent_settles
}

# Called first of all undoings, while the marker is still there: an agent that ran before runs again. Its filter looks
# for the marker when it starts, and would erase what rules are left if that were gone by then. One that did not run is
# stopped again, for the same reason.
undo_agent() {
    if agent_is_starting; then
        complain "ds_agent is still starting, and nobody stops it"
        return 1
    fi
    : >"$DIR/agent.log"
    if ! grep -q '^agent=running$' "$DIR/manifest"; then
        if agent_is_up; then change_agent stop || return 1; fi
        return 0
    fi
    if ! agent_is_up; then change_agent start || return 1; fi
    filter_settles
}

# The agent has taken the rules away with its marker in place. They are made once more as they were made, or put back
# where nobody had to make them, and so is their service.
again_rules() {
    case " $STEPS " in
        *' rules '* | *' owner-'*)
            for again_step in $STEPS; do
                case $again_step in
                    rules) step_rules || return 1 ;;
                    owner-*) step_owner "${again_step#owner-}" || return 1 ;;
                esac
            done
            ;;
        *) undo_rules || return 1 ;;
    esac
    START="$START $(sed -n 's/^started=//p' "$DIR/manifest")"
    step_service || return 1
    case " $STEPS " in *' boot '*) ;; *) SERVICES=$(sed -n 's/^boot=//p' "$DIR/manifest") ;; esac
    step_boot || return 1
    sleep "$SETTLE_SECONDS"
    if ! nat_runs; then
        complain "source NAT is gone again"
        return 1
    fi
    echo "the rules are loaded once more"
}
