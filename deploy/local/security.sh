#!/usr/bin/env bash
# Runs the tests that docs/security.md names, and fails for one that is missing,
# skipped or red: what the document promises is what was tried.
#   security.sh [NAME...]     all that the document names, or those
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ $# -gt 0 ]; then
	names=$(printf '%s\n' "$@")
else
	names=$(grep -oE '`(Test|Fuzz)[A-Z][A-Za-z0-9]*`' docs/security.md | tr -d '`' | sort -u)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
declare -A tests=()
bad=()
for name in $names; do
	files=$(git grep -lE "^func $name\(" -- '*_test.go' || true)
	[ -n "$files" ] || bad+=("$name: no such test")
	for file in $files; do
		pkg=./$(dirname "$file")
		tests[$pkg]+=" $name"
	done
done

# Bombs go off for half a minute each, and a hundred servers are killed.
export CMH_TEST_THOROUGH=1

passed=0
while read -r pkg; do
	[ -n "$pkg" ] || continue
	pattern=$(tr ' ' '|' <<<"${tests[$pkg]# }")
	echo "== $pkg"
	# In CI nothing may be left out because a machine lacks it.
	CI=1 go test -count=1 -timeout 40m -v -run "^($pattern)\$" "$pkg" >"$log" 2>&1 || bad+=("$pkg: failed")
	for name in ${tests[$pkg]}; do
		if grep -q "^--- PASS: $name " "$log"; then
			passed=$((passed + 1))
		else
			bad+=("$name: not passed in $pkg")
		fi
	done
	while read -r skipped; do
		bad+=("$skipped: skipped in $pkg")
	done < <(grep -oE -- '--- SKIP: [^ ]+' "$log" | cut -d' ' -f3)
	grep -qE '^(FAIL|panic:)' "$log" && grep -vE '^ *(=== |--- PASS)' "$log" | tail -n 60 || true
done < <(printf '%s\n' "${!tests[@]}" | sort)

echo "$passed tests of docs/security.md passed"
if [ ${#bad[@]} -gt 0 ]; then
	printf '%s\n' "${bad[@]}" >&2
	exit 1
fi
