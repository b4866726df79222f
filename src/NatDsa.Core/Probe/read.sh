# Reads what NatDsa needs to know of a host. Nothing here changes anything.

# Where rules are persisted.
PERSISTED="/etc/sysconfig/iptables /etc/sysconfig/ip6tables /etc/iptables/rules.v4 /etc/iptables/rules.v6"

# Linux tells these in files, which a shell reads by itself: a process for each would cost more than most of what is asked.
read_host() {
    if [ -r /proc/sys/kernel/ostype ]; then
        read -r kernel </proc/sys/kernel/ostype
        read -r name </proc/sys/kernel/hostname
        while read -r key _ user _; do
            if [ "$key" = Uid: ]; then break; fi
        done </proc/self/status
    else
        kernel=$(uname -s)
        name=$(uname -n)
        user=$(id -u)
    fi
    fact kernel "$kernel"
    fact uid "$user"
    fact hostname "$name"
    date +now=%s
    for family in ipv4 ipv6; do
        case $family in
            ipv4) forwarding=/proc/sys/net/ipv4/ip_forward ;;
            ipv6) forwarding=/proc/sys/net/ipv6/conf/all/forwarding ;;
        esac
        if [ -r "$forwarding" ]; then
            read -r value <"$forwarding"
            fact "forwarding.$family" "$value"
        fi
    done
}

# no_legacy_tables FAMILY: succeeds when the kernel has none, which is all that iptables-legacy-save would look for.
no_legacy_tables() {
    case $1 in
        iptables) tables=/proc/net/ip_tables_names ;;
        ip6tables) tables=/proc/net/ip6_tables_names ;;
    esac
    if [ ! -e "$tables" ]; then return 0; fi
    [ -r "$tables" ] && ! read -r _ <"$tables"
}

# saved SECONDS TOOL [-c]: what TOOL-save prints, within that time.
saved() {
    case $2 in *-legacy) if no_legacy_tables "${2%-legacy}"; then return 0; fi ;; esac
    limited "$1" "$2-save" ${3+"$3"}
}

read_rules() {
    for family in iptables ip6tables; do
        find_front_ends "$family"
        for tool in $front_ends; do
            if [ "$tool" = "$family-legacy" ] && no_legacy_tables "$family"; then
                nothing "save.$tool"
            else
                section "$LIMIT" "save.$tool" "$tool-save" -c
            fi
        done
    done
    # What iptables does not show. An nft without JSON still tells which tables there are.
    if has nft; then
        section "$LIMIT" nft.ruleset nft -j list ruleset
        if [ "$framed_code" -ne 0 ]; then section "$LIMIT" nft.tables nft list tables; fi
    fi
}

# stat's format is GNU's and busybox's: type, uid, gid, mode, size, time, owner, group.
read_marker() {
    for marker in /etc/use_dsa_with_iptables /etc/do_not_open_ports_on_iptables; do
        fact marker "$marker"
        if [ -e "$marker" ] || [ -h "$marker" ]; then
            fact stat "$(stat -c '%F|%u|%g|%a|%s|%Y|%U|%G' "$marker")"
            if [ -h "$marker" ]; then
                fact link "$(readlink "$marker")"
                if [ -f "$marker" ]; then fact resolves regular; fi
            fi
        fi
    done
}

# The programs that are looked for, by their /proc/N/stat: one look at all processes for all who ask in this subshell.
programs=
find_programs() {
    if [ -n "$programs" ]; then return 0; fi
    programs=" $(grep -Els '^[0-9]+ \((ds_agent|dockerd|firewalld|libvirtd|virtnetworkd|kube-proxy|fail2ban-server)\) ' /proc/[0-9]*/stat)"
}

# tell_agent STAT...: whether one of these processes is the agent (agent_runs), and whether one starts it
# (agent_starts): its init script has the same name, and what it is to do as its last word.
tell_agent() {
    agent_runs=no agent_starts=no
    for agent_stat in "$@"; do
        { read -r agent_line <"$agent_stat"; } 2>/dev/null || continue
        case $agent_line in
            *' (ds_agent) '[ZX]*) continue ;;
            *' (ds_agent) '*) ;;
            *) continue ;;
        esac
        case $({ tr '\000' ' ' <"${agent_stat%stat}cmdline"; } 2>/dev/null) in
            '' | *'stop ' | *'status ' | *'reload ') ;;
            *'start ') agent_starts=yes ;;
            *) agent_runs=yes ;;
        esac
    done
}

# shellcheck disable=SC2046
look_for_agent() { tell_agent $(grep -ls '^[0-9]* (ds_agent) ' /proc/[0-9]*/stat); }

agent_is_up() { look_for_agent && [ "$agent_runs" = yes ]; }

agent_is_starting() {
    look_for_agent
    if [ "$agent_starts" = yes ]; then return 0; fi
    on_systemd && [ "$(limited 5 systemctl is-active ds_agent.service 2>/dev/null)" = activating ]
}

read_agent_files() {
    for path in /opt/ds_agent /opt/ds_agent/dsa_query /etc/init.d/ds_agent /etc/init.d/ds_filter; do
        if [ -e "$path" ]; then fact exists "$path"; fi
    done
    find_programs
    # shellcheck disable=SC2086
    tell_agent $programs
    if on_systemd && limited 5 systemctl cat ds_agent.service >/dev/null 2>&1; then
        fact unit ds_agent
        if [ "$(limited 5 systemctl is-active ds_agent.service)" = activating ]; then agent_starts=yes; fi
    fi
    fact running "$agent_runs"
    fact starting "$agent_starts"
    if no_trace_of_agent; then
        :
    # Where nothing that is known here starts services, it cannot be told.
    elif starts_at_boot ds_agent; then
        fact boot yes
    elif on_systemd || [ -d /etc/rc2.d ] || [ -d /etc/rc3.d ] || [ -d /etc/rc.d/rc3.d ]; then
        fact boot no
    fi
    if [ -r /proc/modules ] || has lsmod; then
        if module_loaded dsa_filter; then fact filter loaded; else fact filter absent; fi
    fi
}

# no_trace_of_agent: succeeds when it can be seen that nothing of it is on the disk; to ask a database of packages takes longer than all the rest.
no_trace_of_agent() {
    if [ ! -x /opt ]; then return 1; fi
    for path in /opt/ds_agent /etc/init.d/ds_agent /etc/init.d/ds_filter /var/lib/dpkg/info/ds-agent.list; do
        if [ -e "$path" ]; then return 1; fi
    done
}

read_agent() {
    framed agent.files read_agent_files
    if no_trace_of_agent; then return 0; fi
    if has rpm; then section "$LIMIT" agent.rpm rpm -q --qf '%{VERSION}-%{RELEASE}\n' ds_agent; fi
    if has dpkg-query; then section "$LIMIT" agent.dpkg dpkg-query -W -f '${Status}|${Version}\n' ds-agent; fi
    if [ ! -x /opt/ds_agent/dsa_query ]; then return 0; fi
    for command in GetAgentStatus GetComponentInfo GetPluginVersion; do
        section "$LIMIT" "agent.$command" /opt/ds_agent/dsa_query -c "$command"
        # What hung once hangs again.
        case $framed_code in 124 | 137 | 143) break ;; esac
    done
}

# has_unit SERVICE: systemd has a unit of that name, which is no other name of another one: to Debian, netfilter-persistent is iptables, too.
has_unit() {
    on_systemd && unit=$(limited 5 systemctl cat "$1.service" 2>/dev/null) || return 1
    case ${unit%%"
"*} in */"$1.service") return 0 ;; esac
    return 1
}

# script_fact SERVICE: its init script.
script_fact() {
    for folder in /etc/rc.d/init.d /etc/init.d; do
        if [ -x "$folder/$1" ]; then fact "script.$1" "$folder/$1" && return; fi
    done
}

# Which services there are that load rules, as far as files tell, and nothing else of them: that costs no process.
read_loaders() {
    if on_systemd; then fact systemd yes; else fact systemd no; fi
    for service in iptables netfilter-persistent; do
        script_fact "$service"
        for folder in /etc /run /usr/local/lib /usr/lib /lib; do
            unit=$folder/systemd/system/$service.service
            # A link is another name of another one, or none at all.
            if [ -f "$unit" ] && [ ! -h "$unit" ]; then fact "unit.$service" yes && break; fi
        done
    done
}

read_service() {
    if on_systemd; then fact systemd yes; else fact systemd no; fi
    for service in iptables ip6tables netfilter-persistent nftables; do
        script_fact "$service"
        if has_unit "$service"; then fact "unit.$service" yes; fi
        if starts_at_boot "$service"; then fact "boot.$service" yes; else fact "boot.$service" no; fi
        if is_started "$service"; then fact "started.$service" yes; else fact "started.$service" no; fi
    done
    read_owners
}

# Programs that make rules of their own, in this network: the processes of a container can be seen, and its rules are others.
read_owners() {
    find_programs
    for stat in $programs; do
        process=${stat%/stat}
        { read -r owner <"$stat"; } 2>/dev/null || continue
        if [ -e "$process/ns/net" ] && [ ! "$process/ns/net" -ef /proc/self/ns/net ]; then continue; fi
        owner=${owner#*\(} && owner=${owner%%\)*}
        if [ "$owner" = ds_agent ]; then continue; fi
        if [ "$owner" = dockerd ] && grep -Eqs '"iptables"[[:space:]]*:[[:space:]]*false|--iptables=false' /etc/docker/daemon.json "$process/cmdline"; then continue; fi
        fact owner "$owner"
        # The service that systemd runs it as.
        owner_unit=$(sed -n 's|^[0-9]*:[^:]*:.*/\([A-Za-z0-9@._-]*\)\.service$|\1|p' "$process/cgroup" 2>/dev/null)
        owner_unit=${owner_unit%%[!A-Za-z0-9@._-]*}
        if [ -n "$owner_unit" ]; then fact "unit.$owner" "$owner_unit"; fi
        case $owner in
            dockerd)
                if grep -Eqs '"live-restore"[[:space:]]*:[[:space:]]*true|--live-restore' /etc/docker/daemon.json "$process/cmdline"; then fact live-restore yes; fi
                owner=docker
                ;;
            fail2ban-server) continue ;;
        esac
        if starts_at_boot "${owner_unit:-$owner}"; then fact "boot.$owner" yes; fi
    done
    # Libvirt's daemons end while nobody uses them; the networks stay.
    if { [ -d /run/libvirt/network ] || [ -d /var/lib/libvirt/network ]; } && grep -Eqs "<forward mode='(nat|route)'" /run/libvirt/network/*.xml /var/lib/libvirt/network/*.xml; then
        if [ -S /run/libvirt/virtnetworkd-sock ]; then fact network virtnetworkd; else fact network libvirtd; fi
    fi
    # Those that are no process.
    if has ufw && grep -Eiqs '^ENABLED="?yes' /etc/ufw/ufw.conf; then
        fact owner ufw
        if starts_at_boot ufw; then fact boot.ufw yes; fi
    fi
    if { read -r owner _ </var/lib/shorewall/state; } 2>/dev/null; then
        case $owner in
            Started | Restarted | Reloaded | Restored)
                fact owner shorewall
                if { read -r owner </usr/share/shorewall/version; } 2>/dev/null; then fact version.shorewall "$owner"; fi
                if starts_at_boot shorewall; then fact boot.shorewall yes; fi
                ;;
        esac
    fi
}

# The files first: sections with a time limit, which share their alarm with those that come before.
read_files() {
    for file in $PERSISTED /etc/nftables.conf /etc/sysconfig/nftables.conf; do
        if [ -f "$file" ] && [ ! -s "$file" ]; then
            nothing "file.$file"
        elif [ -e "$file" ] || [ -h "$file" ]; then
            section "$LIMIT" "file.$file" cat "$file"
        fi
    done
    # Where nothing of source NAT is persisted, a backup may be all that knows of it.
    # shellcheck disable=SC2086
    if [ -d "$BACKUPS" ] && ! limited "$LIMIT" grep -Eqs -e '-j (MASQUERADE|SNAT|NETMAP|SAME)' $PERSISTED; then
        find_newest_good
        read_backup "$newest_good"
    fi
}

# What is persisted, and which services load it.
read_named() {
    read_files
    framed service read_loaders
}

# The same, with all that is known of these services, and of the owners of rules.
read_persisted() {
    read_files
    framed service read_service
}

# ---- the backups of its rules that are kept on the host: a folder each, named by its content

BACKUPS=/var/lib/natdsa/backups

is_backup() { [ ! -h "$1" ] && [ -d "$1" ] && [ ! -h "$1/manifest" ] && [ -f "$1/manifest" ]; }

# backup_facts FOLDER: backup_seen, backup_status. There may be many, so the shell reads them by itself.
backup_facts() {
    backup_seen= backup_status=
    while IFS='=' read -r backup_key backup_value; do
        case $backup_key in
            seen) backup_seen=${backup_seen:-$backup_value} ;;
            status) backup_status=$backup_value && break ;;
        esac
    done <"$1/manifest"
    case $backup_seen in *[!0-9]*) backup_seen= ;; esac
}

# The newest good one's id is left in newest_good; empty: there is none.
find_newest_good() {
    newest_good=
    newest_seen=0
    if [ -h /var/lib/natdsa ] || [ -h "$BACKUPS" ]; then return 0; fi
    for folder in "$BACKUPS"/[0-9a-f]*; do
        if ! is_backup "$folder"; then continue; fi
        backup_facts "$folder"
        if [ "$backup_status" = Healthy ] && [ "${backup_seen:-0}" -gt "$newest_seen" ]; then
            newest_seen=$backup_seen
            newest_good=${folder##*/}
        fi
    done
}

# read_backup ID: what the host keeps of that name.
read_backup() {
    case $1 in '' | *[!0-9a-f]*) return 0 ;; esac
    if [ -h /var/lib/natdsa ] || [ -h "$BACKUPS" ] || ! is_backup "$BACKUPS/$1"; then return 0; fi
    framed backup fact folder "$BACKUPS/$1"
    section "$LIMIT" manifest cat "$BACKUPS/$1/manifest"
    for name in $(sed -n 's/^file=\([A-Za-z0-9][A-Za-z0-9._-]*\) .*/\1/p' "$BACKUPS/$1/manifest"); do
        backup_file=$BACKUPS/$1/$name
        if [ -f "$backup_file" ] && [ ! -h "$backup_file" ]; then section "$LIMIT" "backup.$name" cat "$backup_file"; fi
    done
}

# held FILE: whether a program holds its lock.
held() { [ -e "$1" ] && ! (flock -n 6) 6<"$1" 2>/dev/null; }

# Transactions that were rolled back and nobody was told, the newest last; and one that has not ended and is worked on (journal.sh).
read_transactions() (
    if [ ! -h /var/lib/natdsa ] && cd /var/lib/natdsa 2>/dev/null; then
        for state in */state/*; do
            transaction=${state%%/*}
            if [ ! -e "$state" ] || [ -h "$transaction" ]; then continue; fi
            case ${state##*/} in
                rolledback) fact rolledback "$transaction" ;;
                running | waiting | confirmed | committed | undoing)
                    if held "$transaction/alive" || held "$transaction/journal.guard"; then fact atwork "$transaction"; fi
                    ;;
            esac
        done
    fi
)

# read_parts PART...
read_parts() {
    for wanted in "$@"; do
        case $wanted in
            host) framed host read_host ;;
            rules) read_rules ;;
            marker) framed marker read_marker ;;
            agent) read_agent ;;
            files) read_named ;;
            persisted) read_persisted ;;
            change)
                if [ -e /var/lib/natdsa ]; then framed change.transaction read_transactions; else nothing change.transaction; fi
                ;;
        esac
    done
    disarm
}

read_sections() {
    # An agent takes its time to answer. The rest is read meanwhile; the agent's answers, which are short, wait in the pipe. Where either side is killed,
    # nothing says that all was read.
    # shellcheck disable=SC2086
    case $SECTIONS in
        *persisted*agent*)
            if no_trace_of_agent; then
                gathered read_parts host $SECTIONS && end_sections
            else
                { gathered read_parts agent && end_sections; } | { gathered read_parts host ${SECTIONS%%agent*} ${SECTIONS#*agent} && cat; }
            fi
            ;;
        *) gathered read_parts host $SECTIONS && end_sections ;;
    esac
}
