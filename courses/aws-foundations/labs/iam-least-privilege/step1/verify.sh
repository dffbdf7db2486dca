#!/usr/bin/env bash
answer=/root/iam/wildcards
[ -f "$answer" ] || { echo "There is no $answer yet."; exit 1; }
got=$(sed 's/[[:space:]]*$//' "$answer" | grep -v '^$')
want=$(printf '%s\n' JustMakeItWork Keys TemporaryForMigration)
if [ "$got" = "$want" ]; then
	echo "Right: three statements, and each of them hides something."
	exit 0
fi
grep -q '"' <<<"$got" && { echo "The names are quoted. Ask jq for raw output."; exit 1; }
grep -qx Templates <<<"$got" && { echo "Templates has a star in its resource only, and that one is fine."; exit 1; }
[ "$(sort -u <<<"$got")" = "$want" ] && { echo "The right statements, but not sorted, or not each of them once."; exit 1; }
echo "Not these. You named $(grep -c . <<<"$got"), and there are 3 with a * in an action."
exit 1
