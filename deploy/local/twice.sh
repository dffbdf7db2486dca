#!/usr/bin/env bash
# Makes the packages of the last commit twice and compares their sums: in two
# checkouts, that differ in folder, time zone, umask, user settings and in when
# their files were made. What was compiled before is used, as Go knows when it is
# the same; FRESH=1 compiles everything anew, each time, which takes long.
#   twice.sh NFPM TARGETS
set -euo pipefail
nfpm=$1 targets=$2
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
version=$(git describe --tags --always) commit=$(git rev-parse --short=12 HEAD) date=$(git log -1 --format=%cI)

make_in() { # make_in FOLDER SETTING...
	local at=$work/$1
	shift
	mkdir -p "$at/tmp"
	git archive "$commit" | tar -xm -C "$at" # -m: files of now, not of the commit
	[ -z "${FRESH:-}" ] || set -- "$@" GOCACHE="$at/cache"
	(cd "$at" && env "$@" TMPDIR="$at/tmp" \
		go run ./deploy/packages -version "$version" -commit "$commit" -date "$date" -nfpm "$nfpm" -targets "$targets" -out dist)
}
make_in one TZ=UTC LANG=C
(umask 077 && make_in another/folder TZ=Asia/Kathmandu LANG=de_DE.UTF-8 SOURCE_DATE_EPOCH=1 GOARM64=v8.9 GOFIPS140=latest)

cd "$work"
diff one/dist/checksums.txt another/folder/dist/checksums.txt || {
	echo "The same commit made different packages." >&2
	exit 1
}
echo "$(wc -l <one/dist/checksums.txt) files, twice the same."
