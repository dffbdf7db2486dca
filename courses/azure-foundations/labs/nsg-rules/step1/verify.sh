#!/usr/bin/env bash
answer=/root/nsg/deciders
[ -f "$answer" ] || { echo "There is no $answer yet."; exit 1; }
mapfile -t got < <(sed 's/[[:space:]]*$//' "$answer" | grep -v '^$')
[ ${#got[@]} -eq 3 ] || { echo "There are ${#got[@]} names in $answer, and three are wanted."; exit 1; }
want=(AllowVendor AllowOffice DenyTestNet)
for i in 0 1 2; do
	[ "${got[$i]}" = "${want[$i]}" ] || { echo "For packet $(cut -c$((i + 1)) <<<ABC) it is not '${got[$i]:0:40}' that decides."; exit 1; }
done
echo "Right. Two denials come too late: a broader rule with a smaller number has decided already."
