# Writes down everything on a host that must be as before after a command that changes nothing, one fact a line:
# what is in the packet filter, by both back ends and families, and every file that differs from the machine's, with
# kind, mode, owner, and content or link target. The host's file systems are overlays and tmpfs, so that whatever was
# ever written, changed or deleted in it is in their upper layers, and nothing else has to be looked at.
#
# Left out, because reading a host changes them: counters, times, logs, caches, and sockets of runtimes.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C

# Tables in one order, whichever was loaded first.
rules() {
    "$1-save" | awk -v tool="$1" '
        /^#/ { next }
        /^\*/ { table = substr($0, 2) }
        { sub(/ \[[0-9]*:[0-9]*\]$/, ""); lines[table] = lines[table] "rules " tool ": " $0 "\n" }
        END { printf "%s%s%s%s%s", lines["filter"], lines["mangle"], lines["nat"], lines["raw"], lines["security"] }'
}

# Chains in the order of their names, whichever was made first: rules have an order, chains have none.
in_order_of_chains() {
    awk '
        /^table / { table = $2 " " $3; name = "" }
        /^\t(chain|set|map|flowtable) / { name = $2 }
        /^[[:space:]]*[#}]?[[:space:]]*$/ || /^[[:space:]]*#/ { next }
        { printf "rules nft: %s %s\t%s\n", table, name, $0 }' | sort -s -t "$(printf '\t')" -k 1,1
}

# A legacy tool brings tables into being by looking at them: it only looks where there are some.
if grep -q . /proc/net/ip_tables_names; then
    rules iptables-legacy
fi
if grep -q . /proc/net/ip6_tables_names; then
    rules ip6tables-legacy
fi
rules iptables-nft
rules ip6tables-nft
nft --stateless list ruleset 2>/dev/null | in_order_of_chains

echo "setting net.ipv4.ip_forward = $(cat /proc/sys/net/ipv4/ip_forward)"
sed 's/^/module /' /run/lab/modules 2>/dev/null

# describe ROOT PREFIX: what is below ROOT, as paths that start with PREFIX.
describe() {
    cd "$1" || return
    find . -xdev -mindepth 1 \( -path ./var/log -o -path ./var/cache -o -path ./var/opt/ds_agent/diag \
        -o -name 'clr-debug-pipe-*' -o -name 'dotnet-diagnostic-*' -o -name 'CoreFxPipe_PSHost.*' -o -path ./.dotnet \) -prune -o \
        -type c -printf "path $2%P: deleted\n" -o \
        -type l -printf "path $2%P: link to %l, owner %U:%G\n" -o \
        -printf "path $2%P: type %y, mode %m, owner %U:%G\n"
    find . -xdev \( -path ./var/log -o -path ./var/cache -o -path ./var/opt/ds_agent/diag -o -path ./.dotnet \) -prune -o \
        -type f -print0 | xargs -0 -r sha256sum | sed "s|^\(.*\)  \./\(.*\)|path $2\2: content sha256 \1|"
}

{
    describe /run/lab/upper /
    describe /root /root/
    describe /home /home/
    describe /tmp /tmp/
} | sort
