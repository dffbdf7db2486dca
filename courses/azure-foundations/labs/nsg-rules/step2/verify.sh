#!/usr/bin/env bash
answer=/root/nsg/shadowed
[ -f "$answer" ] || { echo "There is no $answer yet."; exit 1; }
got=$(sed 's/[[:space:]]*$//' "$answer" | grep -v '^$')
want=$(printf '%s\n' AllowTestMetrics DenyOfficeSsh DenyVendorSsh)
[ "$got" = "$want" ] && { echo "Right: three rules that everybody reads and no packet ever meets."; exit 0; }
for r in $got; do
	grep -qx "$r" <<<"$want" || { echo "'${r:0:40}' does decide about some packets."; exit 1; }
done
n=$(sort -u <<<"$got" | grep -c .)
[ "$n" -lt 3 ] && { echo "You found $n. There are more."; exit 1; }
echo "The right rules, but not sorted, or not each of them once."
exit 1
