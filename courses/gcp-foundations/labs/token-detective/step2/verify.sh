#!/usr/bin/env bash
answer=/root/tokens/verdicts
[ -f "$answer" ] || { echo "There is no $answer yet."; exit 1; }
mapfile -t got < <(tr -s ' \t' ' ' <"$answer" | sed 's/ *$//' | grep -v '^$')
[ ${#got[@]} -eq 6 ] || { echo "There are ${#got[@]} lines in it, and six are wanted."; exit 1; }
want=("t1 audience" "t2 algorithm" "t3 expired" "t4 good" "t5 signature" "t6 issuer")
wrong=0
for i in "${!want[@]}"; do
	name=${want[$i]%% *}
	[ "${got[$i]%% *}" = "$name" ] || { echo "Line $((i + 1)) should be about $name."; exit 1; }
	[ "${got[$i]}" = "${want[$i]}" ] || wrong=$((wrong + 1))
done
[ $wrong -eq 0 ] || { echo "$wrong of the six verdicts are not right."; exit 1; }
echo "Right. Five kinds of no, and one yes."
