# For the scripts beside it: raises a lab whose NAT host the agent has just broken, and sets what reaches it. It lives
# until its standard input closes: what a script leaves running in the background must not hold 8. Which back end
# iptables has there, $backend tells.
folder=$(mktemp -d)
mkfifo "$folder/in" "$folder/out"
tests/Lab/lab up --hold --backend "${backend:-nft}" --agent 9.5.3-2754.el6 --broken <"$folder/in" >"$folder/out" &
exec 8>"$folder/in" 9<"$folder/out"
trap 'exec 8>&-; wait; rm -rf "$folder"' EXIT
while read -r -u 9 line && [ "$line" != ready ]; do
  case $line in
    id=*) id=${line#*=} ;;
    nat.address=*) nat=${line#*=} ;;
    port=*) port=${line#*=} ;;
    key=*) key=${line#*=} ;;
    known_hosts=*) known_hosts=${line#*=} ;;
    ssh_config=*) ssh_config=${line#*=} ;;
  esac
done

lab() { tests/Lab/lab "$1" --lab "$id" "${@:2}"; }
