#!/usr/bin/env bash
answer=/root/tokens/about
[ -f "$answer" ] || { echo "There is no $answer yet."; exit 1; }
mapfile -t got < <(sed 's/[[:space:]]*$//' "$answer" | grep -v '^$')
[ ${#got[@]} -eq 2 ] || { echo "There are ${#got[@]} lines in it, and two are wanted."; exit 1; }
[ "${got[0]}" = receipts@shop-live-4711.iam.gserviceaccount.com ] || { echo "The first line is not the claim 'email' of t4.jwt."; exit 1; }
[ "${got[1]}" = 2026-03-12T10:59:30Z ] || { echo "The second line is '${got[1]:0:40}'. It should be the claim 'exp' as a date in UTC."; exit 1; }
echo "Right: you can read any token now. So can everybody else who sees one."
