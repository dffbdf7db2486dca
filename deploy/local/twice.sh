#!/usr/bin/env bash
# Makes the packages of the last commit twice, each time in a checkout of its own
# with nothing compiled before, and compares their sums.
#   twice.sh NFPM TARGETS
set -euo pipefail
nfpm=$1 targets=$2
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
version=$(git describe --tags --always) commit=$(git rev-parse --short=12 HEAD) date=$(git log -1 --format=%cI)
for n in one another/folder; do
	mkdir -p "$work/$n"
	git archive HEAD | tar -x -C "$work/$n"
	(cd "$work/$n" && GOCACHE="$work/cache-${n%%/*}" TMPDIR="$work" TZ=$([ "$n" = one ] && echo UTC || echo Asia/Kathmandu) \
		go run ./deploy/packages -version "$version" -commit "$commit" -date "$date" -nfpm "$nfpm" -targets "$targets" -out dist)
done
diff "$work/one/dist/checksums.txt" "$work/another/folder/dist/checksums.txt" || {
	echo "The same commit made different packages." >&2
	exit 1
}
wc -l <"$work/one/dist/checksums.txt" | xargs -I{} echo "{} files, twice the same."
