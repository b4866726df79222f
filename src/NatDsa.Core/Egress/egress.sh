# One HTTP request from this host: URI, and for a host that has only bash its URI_HOST, URI_PORT and URI_PATH; SCHEME;
# SECONDS_LIMIT. The first tool that the host has makes it. No proxy: the way through the NAT is what is asked about.

unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

by_curl() {
    fact tool curl
    limited "$((SECONDS_LIMIT + 1))" curl -q -s -S -g -o /dev/null --noproxy '*' --max-time "$SECONDS_LIMIT" \
        -w 'status=%{http_code}\nseconds=%{time_total}\naddress=%{remote_ip}\n' "$URI"
}

# wget writes the status line and the address to standard error. GNU's follows redirects unless told otherwise, and a
# redirect is an answer; busybox's knows no such option.
by_wget() {
    fact tool wget
    wget_options=
    if limited 5 wget --version 2>/dev/null | grep -q GNU; then
        wget_options='--tries=1 --max-redirect=0 --no-proxy'
    fi
    # shellcheck disable=SC2086
    wget_said=$(limited "$SECONDS_LIMIT" wget -S -O /dev/null -T "$SECONDS_LIMIT" $wget_options "$URI" 2>&1)
    wget_code=$?
    wget_status=$(printf '%s\n' "$wget_said" | sed -n 's/^ *HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' | head -n 1)
    fact status "$wget_status"
    fact address "$(printf '%s\n' "$wget_said" | sed -n -e 's/^Connecting to .*|\([0-9a-fA-F.:]*\)|:[0-9].*/\1/p' \
        -e 's/^Connecting to .*(\([0-9a-fA-F.]*\):[0-9]*).*/\1/p' -e 's/^Connecting to \([0-9.]*\):[0-9]*\.\.\..*/\1/p' | head -n 1)"
    if [ -n "$wget_status" ]; then return 0; fi
    printf '%s\n' "$wget_said" >&2
    return "$wget_code"
}

by_bash() {
    fact tool bash
    if [ "$SCHEME" != http ]; then
        complain "https needs curl or wget, and this host has neither"
        return 2
    fi
    # shellcheck disable=SC2016
    limited "$SECONDS_LIMIT" bash -c '
        exec 5<>"/dev/tcp/$1/$2" || exit 1
        printf "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n" "$3" "$1" >&5
        IFS=" " read -r version status rest <&5 || exit 1
        case $version in HTTP/*) printf "status=%s\n" "$status" ;; *) exit 1 ;; esac
    ' bash "$URI_HOST" "$URI_PORT" "$URI_PATH"
}

request() {
    read -r request_began _ </proc/uptime
    if has curl; then
        by_curl
    elif has wget; then
        by_wget
    elif has bash; then
        by_bash
    else
        complain "this host has neither curl, nor wget, nor bash"
        return 127
    fi
    request_code=$?
    read -r request_ended _ </proc/uptime
    fact began "$request_began"
    fact ended "$request_ended"
    return "$request_code"
}

request_and_report() {
    framed host read_host
    if [ "$(uname -s)" = Linux ]; then framed egress request; fi
    end_sections
}

request_and_report
