#!/usr/bin/env bash
answer=/root/rbac/grantors
[ -f "$answer" ] || { echo "There is no $answer yet."; exit 1; }
got=$(sed 's/[[:space:]]*$//' "$answer" | grep -v '^$')
[ "$(sha256sum <<<"$got" | cut -c1-16)" = 2d5c40c2bec5a34e ] && { echo "Right: five, and one of them belongs to nobody."; exit 0; }
grep -q '@\|^sg-' <<<"$got" && { echo "These are names. Write the principalId."; exit 1; }
grep -q '"' <<<"$got" && { echo "The ids are quoted. Ask jq for raw output."; exit 1; }
n=$(grep -c . <<<"$got")
[ "$n" -lt 5 ] && { echo "You found $n, and there are 5. Did you look for both roles, at management groups and at subscriptions?"; exit 1; }
[ "$n" -gt 5 ] && { echo "You found $n, and there are 5. A resource group is not high up, and each is written once."; exit 1; }
echo "Five lines, but not the right ones, or not sorted."
exit 1
