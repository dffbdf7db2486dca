#!/usr/bin/env bash
want=/checkout
answer=/root/answers/path
if [ ! -f "$answer" ]; then
	echo "There is no $answer yet."
	exit 1
fi
got=$(tr -d '[:space:]' <"$answer")
if [ "$got" != "$want" ]; then
	echo "$answer says '${got:0:60}'. That path does not have the most answers of 500 and above."
	exit 1
fi
echo "Right: $want fails far more often than any other path."
