#!/usr/bin/env bash
# Installs the Debian packages that are missing for the named purposes, and
# says so. Without the rights to install it prints the one command that does.
#   setup.sh run [test] [bench]
set -euo pipefail

need=()
want() { # want COMMAND PACKAGE
	command -v "$1" >/dev/null 2>&1 || need+=("$2")
}

for purpose in "$@"; do
	case $purpose in
	run)
		if [ -z "${CMH_DATABASE_URL:-}" ] && [ -z "${CMH_PG_BIN:-}" ] &&
			! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 && ! command -v initdb >/dev/null 2>&1; then
			need+=(postgresql)
		fi
		want mmdebstrap mmdebstrap
		want git git
		want curl curl
		;;
	test)
		want ssh openssh-client
		want tmux tmux
		want vim vim # and what else is compared in a terminal
		want less less
		want top procps
		want htop htop
		want dialog dialog
		want zsh zsh # completion is tried in the shells
		want fish fish
		want python3 python3
		want node nodejs # tries the SDK for TypeScript
		want gcc gcc # the race detector links C
		if [ "$(id -u)" -eq 0 ]; then # engines.sh starts engines of its own
			want dockerd docker.io
			want iptables iptables
			want podman podman
			want runc runc
			[ -x /usr/lib/podman/netavark ] || need+=(netavark)
		fi
		;;
	bench)
		want unshare util-linux
		want runc runc
		want bwrap bubblewrap
		want sshd openssh-server
		;;
	esac
done
[ ${#need[@]} -eq 0 ] && exit 0

install="apt-get update && apt-get install -y --no-install-recommends ${need[*]}"
sudo=
if [ "$(id -u)" -ne 0 ]; then
	sudo=sudo
	if ! command -v sudo >/dev/null 2>&1 || ! sudo -n true 2>/dev/null; then
		printf 'Missing: %s. Install with:\n  sudo sh -c "%s"\n' "${need[*]}" "$install" >&2
		exit 1
	fi
fi
if ! command -v apt-get >/dev/null 2>&1; then
	printf 'Missing: %s. Install these with the package manager of this system.\n' "${need[*]}" >&2
	exit 1
fi

echo "Installing what is missing: ${need[*]}" >&2
if [[ " ${need[*]} " == *" postgresql "* ]]; then
	# The package would make a cluster on TCP port 5432; ours is private.
	$sudo mkdir -p /etc/postgresql-common/createcluster.d
	echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.d/cmh.conf >/dev/null
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $sudo apt-get update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${need[@]}"; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "Could not install: ${need[*]}" >&2
	exit 1
fi
