# Starts the shell that a script runs in. $1: as-is; sudo (never asks); password (its first input line is sudo's). With sudo, $2 is the program that
# takes the shell's place where it is installed, and $3 its argument: see natdsa-host.sh.
# A session of its own keeps the script out of reach of a Ctrl+C in somebody's terminal.
# The script is read whole before any of it runs: text that was cut off is a syntax error. (bash crashes in some background
# commands while it still reads its script from there.)
# A script that goes on without this connection has its own text in natdsa_script.
script='natdsa_script=$(cat) && eval "$natdsa_script"'
new_session=
if command -v setsid >/dev/null 2>&1; then new_session=setsid; fi
case $1 in
    as-is) exec $new_session /bin/sh -c "$script" ;;
    sudo)
        if [ -x "$2" ]; then exec $new_session sudo -n -- "$2" "$3"; fi
        exec $new_session sudo -n -- /bin/sh -c "$script"
        ;;
    password)
        IFS= read -r password
        # One try, and nothing behind it that could be taken for another: accounts are locked after a few.
        printf '%s\n' "$password" | sudo -k -S -p '' -v || exit
        # Where sudo asks for none after all, the password is still there in front of the script: it is passed over, not run.
        mark='natdsa: the script begins'
        program=$2 argument=$3
        set -- /bin/sh -c "while IFS= read -r line; do if [ \"\$line\" = '$mark' ]; then $script; fi; done"
        if [ -x "$program" ]; then set -- "$program" "$argument"; fi
        { printf '%s\n' "$password" "$mark" && exec cat; } | $new_session sudo -k -S -p '' -- "$@"
        ;;
esac
