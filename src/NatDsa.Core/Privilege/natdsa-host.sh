#!/bin/sh
# natdsa-host read, natdsa-host change: what NatDsa does as root on a host where sudo lets a user run nothing but this.
# Standard input is what a shell would get: values, then a script. It is run only when the script is, to the letter, one of those below that belong to the
# argument, and when each value is written as data and is one that such a script may be given.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# Whatever sudo leaves of the caller's environment.
if [ "${2:-}" != clean ]; then exec env -i HOME=/root LC_ALL=C PATH="$PATH" /bin/sh "$0" "${1:-}" clean; fi
cd / || exit

NATDSA_MARKERS='/etc/use_dsa_with_iptables /etc/do_not_open_ports_on_iptables'
NATDSA_PERSISTED='/etc/sysconfig/iptables /etc/sysconfig/ip6tables /etc/iptables/rules.v4 /etc/iptables/rules.v6'
NATDSA_TOOLS='iptables iptables-legacy iptables-nft ip6tables ip6tables-legacy ip6tables-nft'
NATDSA_SERVICES='iptables ip6tables netfilter-persistent'
NATDSA_OWNERS='firewalld ufw shorewall libvirt docker kube fail2ban'
NATDSA_STEPS='check backup marker rules install service boot agent-restart agent-start'
for natdsa_word in $NATDSA_OWNERS; do NATDSA_STEPS="$NATDSA_STEPS owner-$natdsa_word"; done

# natdsa_refuse CODE WORDS
natdsa_refuse() {
    printf 'natdsa-host: %s\n' "$2" >&2
    exit "$1"
}

# natdsa_one LIST VALUE: the value is one of the words, or empty.
natdsa_one() {
    case $2 in *' '*) return 1 ;; esac
    natdsa_words "$1" "$2"
}

# natdsa_words LIST VALUE: all of the value's words are in the list.
natdsa_words() {
    case $2 in *[!A-Za-z0-9./_\ -]*) return 1 ;; esac
    for natdsa_word in $2; do
        case " $1 " in *" $natdsa_word "*) ;; *) return 1 ;; esac
    done
}

# natdsa_number DIGITS VALUE
natdsa_number() {
    case $2 in
        0) return 0 ;;
        [1-9]*) ;;
        *) return 1 ;;
    esac
    case $2 in *[!0-9]*) return 1 ;; esac
    [ "${#2}" -le "$1" ]
}

# natdsa_restart UNITS VALUE: the value is the command that restarts one of them.
natdsa_restart() {
    for natdsa_unit in $1; do
        case $2 in "systemctl restart $natdsa_unit" | "service $natdsa_unit restart") return 0 ;; esac
    done
    [ -z "$2" ]
}

# natdsa_fits NAME VALUE: a script may be given that. What it may write, load, run and restart is decided here.
natdsa_fits() {
    case $1 in
        NONCE | JOURNAL) case $2 in '' | *[!0-9a-f]*) return 1 ;; esac ;;
        # A transaction's, or a backup's.
        ID) case $2 in *[!0-9A-Za-z-]* | [!0-9a-f]* | *[g-z]*) return 1 ;; esac ;;
        LIMIT | SECONDS_LIMIT | STEP_SECONDS | OWNER_SECONDS | AGENT_SECONDS | SETTLE_SECONDS | CONFIRM_SECONDS) natdsa_number 4 "$2" ;;
        KEEP) natdsa_number 6 "$2" ;;
        NOW) natdsa_number 12 "$2" ;;
        DIGEST) case $2 in *[!0-9\ ]*) return 1 ;; esac ;;
        SEEN) case $2 in *[!0-9a-z-]*) return 1 ;; esac ;;
        CONFIRM | SOURCE_NAT | UNDO_AGENT) natdsa_one 'yes no' "$2" ;;
        MANAGER) natdsa_one 'systemd sysv' "$2" ;;
        ACTION) natdsa_one 'set remove' "$2" ;;
        SECTIONS) natdsa_words 'rules files persisted marker agent change' "$2" ;;
        STEPS) natdsa_words "$NATDSA_STEPS" "$2" ;;
        MARKER) natdsa_one "$NATDSA_MARKERS" "$2" ;;
        MARKERS) natdsa_words "$NATDSA_MARKERS" "$2" ;;
        SERVICES | START) natdsa_words "$NATDSA_SERVICES" "$2" ;;
        LOADS | INSTALLS) natdsa_words '1 2 3 4 5 6 7 8 9' "$2" ;;
        TOOL_[1-9]) natdsa_one "$NATDSA_TOOLS" "$2" ;;
        FILE_[1-9] | PATH_[1-9]) natdsa_one "$NATDSA_PERSISTED" "$2" ;;
        # The steps look at them before they load them or write them: nothing but rules as iptables-save writes them.
        RULES_[1-9] | CONTENT_[1-9]) ;;
        NAT_BY) natdsa_one "$NATDSA_OWNERS" "$2" ;;
        RELOAD_FIREWALLD) [ -z "$2" ] || [ "$2" = 'firewall-cmd --reload' ] ;;
        RELOAD_UFW) [ -z "$2" ] || [ "$2" = 'ufw reload' ] ;;
        RELOAD_SHOREWALL) [ -z "$2" ] || [ "$2" = 'shorewall reload' ] || [ "$2" = 'shorewall restart' ] ;;
        RELOAD_LIBVIRT) natdsa_restart 'libvirtd virtnetworkd' "$2" ;;
        RELOAD_DOCKER) natdsa_restart 'docker snap.docker.dockerd' "$2" ;;
        RELOAD_KUBE) natdsa_restart 'kube-proxy' "$2" ;;
        RELOAD_FAIL2BAN) [ -z "$2" ] || [ "$2" = 'fail2ban-client reload --restart' ] ;;
        # A backup's files: names without a folder, in the manifest too, and anything in them.
        NAMES)
            case $2 in *[!A-Za-z0-9._\ -]*) return 1 ;; esac
            case " $2" in *' '[!A-Za-z0-9]*) return 1 ;; esac
            ;;
        MANIFEST) ! printf '%s\n' "$2" | grep -Eq '^file=([^A-Za-z0-9]|[^ ]*/)' ;;
        FILE_[A-Z]) ;;
        *) return 1 ;;
    esac
}

# natdsa_file NAME: one of the files below.
natdsa_file() { sed -n "/^#---- $1\$/,/^#---- /{/^#---- /d;p;}" "$0"; }

# natdsa_knows ARGUMENT SCRIPT: it is one of those that belong to the argument.
natdsa_knows() {
    sed -n "s/^#: $1 //p" "$0" | while read -r natdsa_files; do
        if [ "$2" = "$(for natdsa_name in $natdsa_files; do natdsa_file "$natdsa_name"; done)" ]; then echo known && break; fi
    done | grep -q known
}

case ${1:-} in read | change) ;; *) natdsa_refuse 64 'usage: natdsa-host read|change' ;; esac
natdsa_script=$(cat)
# Up to this line it is a password, where sudo asked for none after all (launch.sh).
natdsa_mark='natdsa: the script begins
'
case $natdsa_script in *"$natdsa_mark"*) natdsa_script=${natdsa_script#*"$natdsa_mark"} ;; esac
# No line of a value begins so.
if ! natdsa_knows "$1" "$(printf '%s\n' "$natdsa_script" | sed -n '/^#/,$p')"; then
    natdsa_refuse 76 "this is none of the scripts that I have for '$1'"
fi

# A line is NAME=text, or NAME=$(printf '%b' 'text.'); NAME=${NAME%.}, and nothing in the text means anything to a shell.
natdsa_begin="\$(printf '%b' '"
set -f
IFS='
'
for natdsa_line in $(printf '%s\n' "$natdsa_script" | sed '/^#/,$d'); do
    unset IFS
    natdsa_name=${natdsa_line%%=*}
    natdsa_value=${natdsa_line#"$natdsa_name="}
    natdsa_code=${natdsa_value#"$natdsa_begin"}
    if [ "$natdsa_code" != "$natdsa_value" ]; then
        natdsa_end=".'); $natdsa_name=\${$natdsa_name%.}"
        natdsa_code=${natdsa_code%"$natdsa_end"}
        if printf '%s\n' "$natdsa_code" | grep -Eqv '^([A-Za-z0-9./_-]|\\0[0-7]{3})*$'; then natdsa_refuse 77 "$natdsa_name is not written as data"; fi
        natdsa_value=$(printf '%b' "$natdsa_code.")
        natdsa_value=${natdsa_value%.}
    else
        case $natdsa_value in *[!A-Za-z0-9./_-]*) natdsa_refuse 77 "$natdsa_name is not written as data" ;; esac
    fi
    case $natdsa_line in *=*) ;; *) natdsa_refuse 77 "a line is no value" ;; esac
    if ! natdsa_fits "$natdsa_name" "$natdsa_value"; then natdsa_refuse 77 "$(printf '%s=%.200s' "$natdsa_name" "$natdsa_value")"; fi
done
set +f
unset IFS
set --
# What was looked at is all that is read.
exec </dev/null
eval "$natdsa_script"
exit

