# Repairs a host in steps. Each is verified; when one fails, all that were begun are undone, the last one first.
# From the plan:
#   ID             names this repair's folder under /var/lib/natdsa
#   STEPS          which steps, in order
#   RULES_FILE     the persisted IPv4 rules that are loaded at boot
#   NEW_RULES      rules to put there first, for the step install
#   MARKERS        marker files to create
#   SERVICES       services that load the persisted rules
#   MANAGER        systemd or sysv
#   STEP_SECONDS   time limit of a step, AGENT_SECONDS that of the agent's restart
#   SETTLE_SECONDS how long the rules must stay after the agent has started
# What a step prints never goes straight to the connection: a connection that breaks must not kill a step half way.

STATE=/var/lib/natdsa
DIR=$STATE/$ID
CONFIGS="/etc/sysconfig/iptables-config /etc/sysconfig/ip6tables-config"
FILES="/etc/sysconfig/iptables /etc/sysconfig/ip6tables /etc/iptables/rules.v4 /etc/iptables/rules.v6 $CONFIGS"

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
    for tool in $(front_ends iptables); do
        if limited "$STEP_SECONDS" "$tool-save" | grep -Eq '^-A .* -j (MASQUERADE|SNAT|NETMAP)( |$)'; then return 0; fi
    done
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

# replace FILE: standard input becomes its content in one move; owner, mode and SELinux context stay, and so does a link to it.
replace() {
    replace_file=$1
    if [ -h "$1" ]; then replace_file=$(readlink -f "$1") || return 1; fi
    replace_new=$replace_file.natdsa-$ID
    if { [ ! -e "$replace_file" ] || cp -p "$replace_file" "$replace_new"; } && cat >"$replace_new" && sync_file "$replace_new" &&
        mv -f "$replace_new" "$replace_file"; then
        relabel "$replace_file"
        return 0
    fi
    rm -f "$replace_new"
    return 1
}

# ---- check: the rules that will be loaded are well formed. It comes first, and writes nothing.

step_check() {
    if [ -n "$NEW_RULES" ]; then
        printf '%s' "$NEW_RULES" | limited "$STEP_SECONDS" iptables-restore --test
    else
        limited "$STEP_SECONDS" iptables-restore --test <"$RULES_FILE"
    fi
    check_code=$?
    if [ "$check_code" -eq 0 ]; then echo "iptables-restore --test: accepted"; else complain "iptables-restore --test: refused"; fi
    return "$check_code"
}

# ---- backup: the running rules of both families, the persisted ones, what the service is set to

step_backup() {
    mkdir "$DIR" "$DIR/running" "$DIR/files" || return 1
    for family in iptables ip6tables; do
        if [ "$family" = ip6tables ] && [ ! -e /proc/net/if_inet6 ]; then continue; fi
        for tool in $(front_ends "$family"); do
            # Written by the shell, which tells when the disk is full; the tools do not.
            if ! running=$(limited "$STEP_SECONDS" "$tool-save" -c); then
                complain "$tool-save failed"
                return 1
            fi
            if ! { : >"$DIR/running/$tool" && { [ -z "$running" ] || printf '%s\n' "$running" >>"$DIR/running/$tool"; }; }; then
                complain "$DIR/running/$tool could not be written"
                return 1
            fi
            echo "$DIR/running/$tool"
        done
    done
    if [ -n "$NEW_RULES" ]; then printf '%s' "$NEW_RULES" >"$DIR/new-rules" || return 1; fi
    for file in $FILES; do
        if [ ! -e "$file" ]; then continue; fi
        mkdir -p "$DIR/files${file%/*}" && cp -p "$file" "$DIR/files$file" && cmp "$file" "$DIR/files$file" || return 1
        echo "$DIR/files$file"
    done
    {
        for marker in $MARKERS; do
            if [ -e "$marker" ]; then fact present "$marker"; else fact absent "$marker"; fi
        done
        for service in $SERVICES; do
            if starts_at_boot "$service"; then fact boot "$service"; else fact noboot "$service"; fi
        done
        if process_runs ds_agent; then fact agent running; else fact agent stopped; fi
        if module_loaded dsa_filter; then fact filter loaded; else fact filter absent; fi
    } >"$DIR/manifest" || return 1
    limited 60 sync
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
    while read -r marker; do
        # Somebody may have written to it meanwhile: then it is theirs.
        if [ -f "$marker" ] && [ ! -s "$marker" ]; then rm -f "$marker" && echo "removed $marker"; fi
    done <"$DIR/created-markers"
}

# ---- config: IPTABLES_SAVE_ON_RESTART and _ON_STOP read "no" while the service restarts
# The init script sources the file, so the last assignment counts. The lines are marked: even a repair that died is undone
# by the next one to the letter.

config_begin='# natdsa: no saving during a repair'
config_end='# natdsa: end'

without_our_lines() { sed "/^$config_begin\$/,/^$config_end\$/d" "$1"; }

step_config() {
    for config in $CONFIGS; do
        if [ ! -e "$config" ]; then continue; fi
        prefix=IPTABLES
        case $config in *ip6tables*) prefix=IP6TABLES ;; esac
        {
            without_our_lines "$config"
            # Behind a last line that has no end the mark would be a part of it.
            if [ -n "$(tail -c 1 "$config")" ]; then echo; fi
            printf '%s\n' "$config_begin" "${prefix}_SAVE_ON_RESTART=\"no\"" "${prefix}_SAVE_ON_STOP=\"no\"" "$config_end"
        } >"$DIR/config.new" && replace "$config" <"$DIR/config.new" || return 1
        echo "$config: ${prefix}_SAVE_ON_RESTART and _ON_STOP are \"no\" for now"
    done
}

undo_config() {
    for config in $CONFIGS; do
        if [ ! -e "$config" ] || ! grep -q "^$config_begin\$" "$config"; then continue; fi
        without_our_lines "$config" >"$DIR/config.old" && replace "$config" <"$DIR/config.old" || return 1
        echo "$config: as it was"
    done
}

step_settings() { undo_config; }

# ---- install: the rules of -RulesPath become the persisted ones

step_install() {
    mkdir -p "${RULES_FILE%/*}" && replace "$RULES_FILE" <"$DIR/new-rules" && cmp "$DIR/new-rules" "$RULES_FILE" &&
        ls -ld "$RULES_FILE"
}

undo_install() {
    if [ -e "$DIR/files$RULES_FILE" ]; then
        replace "$RULES_FILE" <"$DIR/files$RULES_FILE" && echo "$RULES_FILE: as it was"
    else
        rm -f "$RULES_FILE" && echo "removed $RULES_FILE"
    fi
}

# ---- rules: restart the service that loads them

good_rules() {
    if [ -n "$NEW_RULES" ]; then echo "$DIR/new-rules"; else echo "$DIR/files$RULES_FILE"; fi
}

step_rules() {
    for service in $SERVICES; do
        if ! change_service restart "$service"; then
            complain "the restart of $service failed"
            return 1
        fi
    done
    if ! cmp "$(good_rules)" "$RULES_FILE"; then
        complain "the restart changed $RULES_FILE"
        return 1
    fi
    if ! source_nat_runs; then
        complain "the restart loaded no source NAT"
        return 1
    fi
    echo "source NAT is loaded"
}

undo_rules() {
    if ! cmp -s "$(good_rules)" "$RULES_FILE" && [ -z "$NEW_RULES" ]; then
        replace "$RULES_FILE" <"$DIR/files$RULES_FILE" && echo "$RULES_FILE: as it was"
    fi
    undo_rules_code=0
    for saved in "$DIR"/running/*; do
        tool=${saved##*/}
        if ! restore_running "$tool" "$saved"; then
            complain "$tool: the running rules could not be put back; they are in $saved"
            undo_rules_code=1
        fi
    done
    return "$undo_rules_code"
}

# Puts back what ran, and empties each table that only came into use since, its policies ACCEPT as the kernel's own are.
# It writes nothing to the disk, which may be full.
restore_running() {
    running_now=$(limited "$STEP_SECONDS" "$1-save") || return 1
    headers=$(printf '%s\n' "$running_now" | sed -n -e '/^\*/p' -e 's/^:\([A-Z]*\) [AD][A-Z]* .*/:\1 ACCEPT [0:0]/p')
    since=
    for table in raw mangle nat filter security; do
        if grep -q "^\*$table\$" "$2"; then continue; fi
        case "
$headers
" in *"
*$table
"*) since="$since $table" ;; esac
    done
    if [ ! -s "$2" ] && [ -z "$since" ]; then return 0; fi
    ran_before=$(
        cat "$2"
        for table in $since; do
            echo "*$table"
            printf '%s\n' "$headers" | sed -n "/^\*$table\$/,/^\*/s/^:/:/p"
            echo COMMIT
        done
    )
    # Another program can hold the lock of xtables for a moment, and not every iptables-restore can be told to wait for it.
    for attempt in 1 2 3 4 5; do
        if printf '%s\n' "$ran_before" | limited "$STEP_SECONDS" "$1-restore" -c; then
            echo "$1: as it was"
            return 0
        fi
        if [ "$attempt" -lt 5 ]; then sleep 1; fi
    done
    return 1
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

# ---- agent: restart it, marker in place, and see the rules stay

change_agent() {
    if on_systemd && systemctl cat ds_agent.service >/dev/null 2>&1; then
        logged "$AGENT_SECONDS" systemctl "$1" ds_agent.service
    else
        logged "$AGENT_SECONDS" /etc/init.d/ds_agent "$1"
    fi
}

# The filter starts after the agent, which has nothing to filter where it did not run before. What it does to the rules takes it a moment.
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
    until process_runs ds_agent; do
        if [ "$waited" -ge 30 ]; then
            complain "ds_agent does not run"
            return 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
    filter_settles
    for marker in $MARKERS; do
        if [ ! -f "$marker" ]; then
            complain "$marker is gone"
            return 1
        fi
    done
    if ! source_nat_runs; then
        complain "source NAT is gone after the restart of ds_agent"
        return 1
    fi
    echo "ds_agent runs; source NAT is still loaded"
}

step_agent() {
    if ! change_agent restart; then
        complain "the restart of ds_agent failed"
        return 1
    fi
    agent_settles
}

# Called first of all undoings, while the marker is still there: an agent that ran before runs again. Its filter looks for the marker when it
# starts, and would erase what rules are left if that were gone by then.
undo_agent() {
    if ! grep -q '^agent=running$' "$DIR/manifest"; then return 0; fi
    if ! process_runs ds_agent && ! change_agent start; then return 1; fi
    filter_settles
}

# ---- the whole

uptime_now() {
    read -r uptime _ </proc/uptime
    echo "$uptime"
}

# timed COMMAND...: what it prints, between the host's uptime before and after.
timed() {
    fact began "$(uptime_now)"
    "$@"
    timed_code=$?
    fact ended "$(uptime_now)"
    return "$timed_code"
}

# carry_out step|undo NAME: what it prints comes to this shell, and goes to a log as far as the disk has room. The subshell keeps
# the lock, what it runs does not inherit it: a step that outlives its killed repair is not met by another one.
carry_out() {
    carry_out_said=$(timed "$1_$2" </dev/null 2>&1 9>&-)
    carry_out_code=$?
    printf '%s\n' "$carry_out_said" 2>/dev/null >"$DIR/$1-$2.log"
    framed "$1.$2" said
    return "$carry_out_code"
}

said() {
    printf '%.8000s\n' "$carry_out_said"
    return "$carry_out_code"
}

outcome() {
    printf '@%s out outcome\n' "$NONCE"
    fact outcome "$1"
    fact step "$2"
    fact folder "$DIR"
    printf '\n@%s end outcome 0\n' "$NONCE"
}

take_lock() {
    if [ -h "$STATE" ] || ! mkdir -p "$STATE" || ! chmod 0700 "$STATE" || [ -h "$STATE/lock" ]; then return 2; fi
    if ! has flock || ! (: >>"$STATE/lock"); then return 2; fi
    exec 9>>"$STATE/lock"
    flock -n 9 || return 1
}

repair_host() {
    umask 077
    # Handlers, not "ignore": what is ignored here would be ignored by every daemon that is started.
    trap : HUP INT PIPE TERM
    case " $STEPS " in
        *' check '*)
            if ! carry_out step check; then
                outcome refused check
                return
            fi
            ;;
    esac
    take_lock
    case $? in
        1) outcome locked lock; return ;;
        2) outcome refused lock; return ;;
    esac
    if ! carry_out step backup; then
        # Nothing was changed, so nothing needs this backup.
        rm -rf "$DIR"
        outcome refused backup
        return
    fi
    begun=
    for step in $STEPS; do
        case $step in
            check | backup) continue ;;
            settings) ;;
            *) begun="$step $begun" ;;
        esac
        if carry_out step "$step"; then continue; fi
        ending=undone
        for undone in $begun; do carry_out undo "$undone" || ending=stuck; done
        outcome "$ending" "$step"
        read_sections
        return
    done
    outcome done ""
    read_sections
}

repair_host
