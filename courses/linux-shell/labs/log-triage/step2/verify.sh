#!/usr/bin/env bash
answer=/root/answers/client
if [ ! -f "$answer" ]; then
	echo "There is no $answer yet."
	exit 1
fi
read -r ip count rest <"$answer"
if [ "$ip" != 203.0.113.77 ]; then
	echo "$answer names '${ip:0:40}'. Another address sends more requests to /checkout."
	exit 1
fi
if [ -n "$rest" ]; then
	echo "Write the address, one blank and the number, and nothing else."
	exit 1
fi
if [ "$count" != 135 ]; then
	echo "The address is right. The number is not: you wrote '${count:0:20}'."
	echo "Count all its requests to /checkout, those that worked as well."
	exit 1
fi
echo "Right. One client, the mobile app 4.1.0, sends nearly half of all checkouts: it retries without a pause."
