# What the parts of the agent's stand-in share. It mirrors what is known of the agent's behaviour by version, and
# nothing else; README.md gives the list. Sourced by the init scripts, dsa_query and the ds_agent process.

home=/var/opt/ds_agent
state=$home/stand-in
log=$home/diag/ds_agent.log
pid_file=/var/run/ds_agent.pid
loaded_modules=/run/lab/modules

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

if [ -z "${LANG:-}" ]; then
    for file in /etc/sysconfig/i18n /etc/default/locale; do
        if [ -f $file ]; then
            . $file
        fi
    done
fi

# know NAME DEFAULT: one setting of the stand-in, in value: what the Manager has set, or a fault.
know() {
    if [ -r "$state/$1" ]; then
        read -r value <"$state/$1"
    else
        value=$2
    fi
}

get() {
    know "$@"
    printf '%s\n' "$value"
}

say() {
    case ${LC_ALL:-${LC_MESSAGES:-${LANG:-C}}} in
        ja*) printf '%s' "$2" ;;
        *) printf '%s' "$1" ;;
    esac
}

ok() {
    echo ' [  OK  ]'
}

note() {
    printf '%s [%s] | %s\n' "$(date '+%Y-%m-%d %H:%M:%S.000000 [%z]')" "$1" "$2" >>"$log"
}

on_systemd() {
    [ -d /run/systemd/system ]
}

# control SERVICE ACTION: what an administrator types.
control() {
    if on_systemd; then
        systemctl "$2" "$1.service"
    else
        "/etc/init.d/$1" "$2"
    fi
}

has_filter_service() {
    [ -e /etc/init.d/ds_filter ] || [ -e /usr/lib/systemd/system/ds_filter.service ]
}

# 10.1 and earlier have a filter that takes iptables down; later ones only add their own ports.
erases() {
    version=$(get version 0)
    major=${version%%.*}
    rest=${version#*.}
    minor=${rest%%.*}
    [ "$major" -lt 10 ] || { [ "$major" -eq 10 ] && [ "${minor%%[!0-9]*}" -le 1 ]; }
}

filter_wanted() {
    [ "$(get firewall off)" != off ] || [ "$(get ips off)" != off ]
}

filter_loaded() {
    while read -r module _; do
        if [ "$module" = dsa_filter ]; then return 0; fi
    done <$loaded_modules
    return 1
}

agent_runs() {
    read -r pid 2>/dev/null <$pid_file && kill -0 "$pid" 2>/dev/null
}

agent_pid() {
    agent_runs && printf '%s\n' "$pid"
}

set_module_list() {
    # Changed in place: it can be bind-mounted.
    printf '%s' "$1" >$loaded_modules.new
    cat $loaded_modules.new >$loaded_modules
    rm -f $loaded_modules.new
    if [ -e /run/lab/proc-modules ]; then
        sed -n 's/^\(dsa_filter\) *\([0-9]*\).*/\1 \2 0 - Live 0x0000000000000000 (OE)/p' $loaded_modules >/run/lab/proc-modules
    fi
}

load_filter() {
    filter_loaded ||
        set_module_list "$(cat $loaded_modules)
dsa_filter            294912  1
"
    note 'Info/5' 'dsa_filter loaded'
}

unload_filter() {
    set_module_list "$(grep -v '^dsa_filter ' $loaded_modules)
"
}

# The incident: iptables is stopped and does not come back at the next boot. Where there is a service whose stop
# clears the rules, the agent uses that, with whatever that service is configured to do first; else it clears them.
erase() {
    note 'Warning/3' 'iptables is stopped for dsa_filter'
    for service in iptables ip6tables; do
        if [ -e /etc/sysconfig/$service-config ]; then
            /sbin/service $service stop
            /sbin/chkconfig $service off
        fi
    done
    if [ -x /etc/init.d/netfilter-persistent ]; then
        control netfilter-persistent stop
        if on_systemd; then
            systemctl disable netfilter-persistent.service
        else
            update-rc.d netfilter-persistent disable
        fi
    fi
    # Where the rules are somebody else's, there is no service to stop.
    if [ ! -e /etc/sysconfig/iptables-config ]; then
        for command in iptables ip6tables; do
            clear_rules $command
        done
    fi
}

# The chains, all ACCEPT, and no rules: what -P, -F and -X do for each chain and table.
clear_rules() {
    "$1-save" | sed -n -e '/^\*/p' -e '/^COMMIT$/p' -e 's/^\(:[^ ]*\) [A-Z][A-Z]* .*/\1 ACCEPT [0:0]/p' | "/sbin/$1-restore" -w
}

marked() {
    [ -f /etc/use_dsa_with_iptables ] && [ "$(get marker honoured)" = honoured ]
}

# ds_filter starts: when a module is turned on, and whenever the agent starts while one is on.
start_filter() {
    load_filter
    if erases && ! marked; then
        delay=$(get erase-after 0)
        if [ "$delay" = 0 ]; then
            erase >/dev/null 2>>"$home/diag/ds_agent-err.log"
        else
            (
                sleep "$delay"
                erase
            ) >/dev/null 2>>"$home/diag/ds_agent-err.log" </dev/null &
        fi
    fi
}

ports() {
    echo 4118
    [ "$(get relay no)" = no ] || echo 4122
}

# 10.2 and later: the agent's own ports are open while it runs, if iptables runs.
open_ports() {
    erases && return
    [ ! -f /etc/do_not_open_ports_on_iptables ] || return 0
    iptables-save | grep -q '^-A\|^:[A-Z]* DROP' || return 0
    for port in $(ports); do
        iptables -w -C INPUT -p tcp --dport "$port" -j ACCEPT 2>/dev/null ||
            iptables -w -I INPUT -p tcp --dport "$port" -j ACCEPT
    done
}

close_ports() {
    erases && return
    for port in $(ports); do
        while iptables -w -D INPUT -p tcp --dport "$port" -j ACCEPT 2>/dev/null; do :; done
    done
}
