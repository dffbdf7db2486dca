#!/usr/bin/env bash
answer=/root/answers/orders
if [ ! -f "$answer" ]; then
	echo "There is no $answer yet."
	exit 1
fi
if grep -qx null "$answer"; then
	echo "There is a line 'null' in it: some errors are not about an order. Leave those out."
	exit 1
fi
if grep -q '"' "$answer"; then
	echo "The orders are quoted. Ask jq for raw output."
	exit 1
fi
lines=$(wc -l <"$answer")
if [ "$(sort -u "$answer" | wc -l)" -ne "$lines" ]; then
	echo "Some orders are there more than once."
	exit 1
fi
if [ "$lines" -ne 32 ]; then
	echo "You found $lines orders, and there are 32. Only the level 'error' counts, and only lines with an order."
	exit 1
fi
if [ "$(sha256sum <"$answer" | cut -c1-16)" != fb187f85ad1e03a4 ]; then
	echo "The number is right, but the orders or their sequence are not. Is the file sorted?"
	exit 1
fi
echo "Right: 32 customers to call."
