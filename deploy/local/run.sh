#!/usr/bin/env bash
# `make run`: starts a server for this checkout, signs a local learner in, and
# opens the screens. Without a terminal it walks the main job instead, and
# ends with its status. The server stops with it; what was learned stays.
set -euo pipefail
cd "$(dirname "$0")/../.."
cmh=$PWD/bin/cmh

# Each checkout has its own data. As root it lies where an unprivileged
# PostgreSQL may pass through every folder above it.
name=$(printf %s "$PWD" | sha256sum | cut -c1-12)
if [ "$(id -u)" = 0 ]; then
	data=/var/lib/cmh/$name
else
	data=${XDG_DATA_HOME:-$HOME/.local/share}/cmh-server/$name
fi
export CMH_DATA_DIR=${CMH_DATA_DIR:-$data}
mkdir -p "$CMH_DATA_DIR"
me=$CMH_DATA_DIR/learner
mkdir -p -m 700 "$me"
log=$CMH_DATA_DIR/server.log

taken() { (exec 3<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null; }
address() { # address VARIABLE DEFAULT: the default, unless it is taken
	if [ -n "${!1:-}" ]; then
		echo "${!1}"
	elif taken "$2"; then
		echo "$2 is taken; taking a free port." >&2
		echo "${2%:*}:0"
	else
		echo "$2"
	fi
}

server=
stop() {
	status=$?
	trap - EXIT
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		# Its standard output ends with it.
		while read -r -t 30 _ <&"$ready"; do :; done
	fi
	exit $status
}
trap stop EXIT
trap 'exit 143' TERM HUP
trap 'exit 130' INT

running=$(cat "$CMH_DATA_DIR/api" 2>/dev/null || true)
if [ -n "$running" ] && curl -fsS -m 2 -o /dev/null "$running/readyz" 2>/dev/null; then
	api=$running
else
	export CMH_API_ADDR CMH_SSH_ADDR CMH_LAB_IMAGE
	CMH_LAB_IMAGE=$(deploy/local/image.sh)
	CMH_API_ADDR=$(address CMH_API_ADDR 127.0.0.1:8080)
	CMH_SSH_ADDR=$(address CMH_SSH_ADDR 127.0.0.1:2222)
	# Nothing of this stays behind, not even when this script is killed.
	with=()
	if setpriv --pdeathsig TERM true 2>/dev/null; then with=(setpriv --pdeathsig TERM); fi
	# The machine is the learner's own: nobody is to be kept from taking too much.
	export CMH_LAB_MINUTES=${CMH_LAB_MINUTES:-0}
	export CMH_LIMIT_GUEST=${CMH_LIMIT_GUEST:-0} CMH_LIMIT_FREE=${CMH_LIMIT_FREE:-0} CMH_LIMIT_SIGN_IN=${CMH_LIMIT_SIGN_IN:-0}
	exec {ready}< <(exec "${with[@]}" bin/cmh-server serve 2>>"$log" </dev/null)
	server=$!
	if ! read -r -t 120 line <&"$ready"; then
		tail -n 5 "$log" >&2
		echo "The server did not start. Its log is $log" >&2
		exit 1
	fi
	api=$(sed -E 's/.*API ([^,]+).*/\1/' <<<"$line")
	echo "$api" >"$CMH_DATA_DIR/api"
	echo "$line" >&2
fi

export CMH_SERVER=$api CMH_CONFIG_DIR=$me
unset CMH_TOKEN
if ! "$cmh" auth status >/dev/null 2>&1; then
	if [ ! -s "$me/password" ]; then
		(umask 077 && head -c 24 /dev/urandom | base64 >"$me/password")
		bin/cmh-server admin create --email learner@localhost --username learner --role free --password-stdin <"$me/password" >/dev/null
	fi
	"$cmh" auth login --email learner@localhost --password-stdin --insecure-storage <"$me/password" >/dev/null 2>&1 ||
		{ echo "The local learner could not sign in. Remove $me to begin anew." >&2; exit 1; }
fi

if [ -n "${CMH_RUN:-}" ]; then # a program instead, for that learner
	"$CMH_RUN"
	exit
fi
if [ -t 0 ] && [ -t 1 ]; then
	"$cmh"
	exit
fi

say() { printf '\n== %s\n' "$*"; }
lab=log-triage

say "The courses"
"$cmh" course list
say "Enroll in one, and read its first lesson"
"$cmh" course enroll linux-shell
"$cmh" lesson view linux-shell strange-machine | head -n 12
"$cmh" lesson done linux-shell strange-machine

say "Start a lab"
"$cmh" lab stop "$lab" >/dev/null 2>&1 || true
session=$("$cmh" lab start "$lab" --detach --json --jq .session_id)
"$cmh" lab wait "$session" --for ready --timeout 60s
"$cmh" lab ssh "$session" -- 'echo "I am $(whoami) on $(hostname), $(uname -sr)"'

steps=$("$cmh" lab status "$session" --json --jq '.steps | length')
for ((n = 1; n <= steps; n++)); do
	say "Step $n: the check before the work is done"
	red=0
	"$cmh" lab check "$session" --step "$n" || red=$?
	[ "$red" = 3 ] || { echo "The check of step $n ended with $red, and 3 (not yet) was expected." >&2; exit 1; }
	say "Step $n: the work, over SSH, and the check again"
	work=$("$cmh" lab solution "$session" --step "$n" --json --jq .script)
	printf '%s\n' "$work"
	"$cmh" lab ssh "$session" -- bash -s <<<"$work"
	"$cmh" lab check "$session" --step "$n"
	[ "$n" = "$steps" ] || "$cmh" lab next "$session" >/dev/null
done
say "Hand it in"
"$cmh" lab submit "$session"
say "Progress"
"$cmh" progress
