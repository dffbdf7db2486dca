#!/usr/bin/env bash
# Runs every fuzz target of the tree for the given time.
#   fuzz.sh 60s
set -euo pipefail
time=${1:-60s}
git grep -lE '^func Fuzz[A-Z]' -- '*_test.go' | while read -r file; do
	grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | awk '{print $2}' | while read -r target; do
		echo "== $target ($(dirname "$file"))"
		go test "./$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -parallel 2 </dev/null | tail -n 2
	done
done
