#!/usr/bin/env bash
# Makes the server's container image out of this tree.
#   container.sh stage DIR LDFLAGS   what the image holds, below DIR
#   container.sh image TAG LDFLAGS   the image itself, by docker, or what CONTAINER names
# The same commit makes the same files with the same times, and so the same layers.
set -euo pipefail
cd "$(dirname "$0")/../.."

stage() { # stage DIR LDFLAGS
	local dir=$1/root # and beside it what is the server's own
	rm -rf "$1"
	mkdir -p "$dir"/{usr/local/bin,usr/local/lib,etc/ssl/certs,tmp} "$1/own/data"
	local program
	for program in cmh-server:./cmd/server lab-agent:./labs/agent lab-tiny:./labs/image/tiny; do
		CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$2" -o "$dir/usr/local/bin/${program%%:*}" "${program#*:}"
	done
	cp "$(go env GOROOT)/lib/time/zoneinfo.zip" "$dir/usr/local/lib/" # where learners are
	cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$dir/etc/ssl/certs/ca-certificates.crt"
	echo 'cmh:x:65532:65532:CloudMastersHub:/data:/sbin/nologin' >"$dir/etc/passwd"
	echo 'cmh:x:65532:' >"$dir/etc/group"
	find "$1" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +
	chmod 755 "$dir"/usr/local/bin/*
	chmod 1777 "$dir/tmp"
	local at
	at=$(git log -1 --format=%ct 2>/dev/null || echo 0)
	find "$1" -exec touch -h -d "@$at" {} +
}

case $1 in
stage) stage "$2" "$3" ;;
image)
	stage dist/container "$3"
	# BuildKit isn't needed for what is built already.
	DOCKER_BUILDKIT=0 "${CONTAINER:-docker}" build -q --target prebuilt -t "$2" -f deploy/Dockerfile dist/container
	;;
*) exit 2 ;;
esac
