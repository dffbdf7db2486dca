#!/usr/bin/env bash
# Runs every fuzz target of the tree for the given time. Go's fuzzer sometimes
# ends in a "context deadline exceeded" of its own when its time is up: that is
# told from a finding, which names its input, and tried once more.
#   fuzz.sh 60s
set -euo pipefail
time=${1:-60s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

fuzz() { # fuzz FOLDER TARGET
	go test "./$1" -run '^$' -fuzz "^$2\$" -fuzztime "$time" -parallel 2 </dev/null >"$log" 2>&1
}

git grep -lE '^func Fuzz[A-Z]' -- '*_test.go' | while read -r file; do
	dir=$(dirname "$file")
	grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | awk '{print $2}' | while read -r target; do
		echo "== $target ($dir)"
		if ! fuzz "$dir" "$target" && { ! grep -q 'context deadline exceeded' "$log" || grep -q 'testing seed corpus\|Failing input' "$log" || ! fuzz "$dir" "$target"; }; then
			tail -n 40 "$log"
			exit 1
		fi
		tail -n 2 "$log"
	done
done
