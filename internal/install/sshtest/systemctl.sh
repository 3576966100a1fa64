# systemctl of a machine that is the folder $FAKE: it knows one service, and writes down what it is told.
[ "$1" != is-system-running ] || { cat "$FAKE/system"; exec grep -qx running "$FAKE/system"; }
echo "$@" >>"$FAKE/log"
grep -qx "$1" "$FAKE/fail" 2>/dev/null && { echo "told to fail" >&2; exit 1; }

alive() {
	[ -e "$FAKE/active" ] || return 1
	[ ! -e "$FAKE/services" ] || grep -qs '^State:[[:space:]]*[^XZ]' "/proc/$(cat "$FAKE/pid")/status"
}

stop() {
	if [ -e "$FAKE/services" ] && alive; then
		kill "$(cat "$FAKE/pid")"
		while alive; do sleep 0.05; done
	fi
	rm -f "$FAKE/active"
}

start() {
	ps -eo args >"$FAKE/processes"
	if [ -e "$FAKE/services" ]; then
		command=$(sed -n 's/^ExecStart=//p' "$FAKE/machine/etc/systemd/system/$1")
		[ -n "$command" ] || { echo "Unit $1 not found." >&2; exit 5; }
		setsid $command </dev/null >>"$FAKE/agent.log" 2>&1 &
		echo $! >"$FAKE/pid"
	fi
	: >"$FAKE/active"
}

case "$1" in
is-enabled) [ -e "$FAKE/enabled" ] ;;
is-active) alive ;;
enable) : >"$FAKE/enabled" ;;
disable) rm -f "$FAKE/enabled" ;;
start) alive || start "$2" ;;
restart)
	stop
	start "$2"
	;;
stop) stop ;;
esac
