#!/usr/bin/env bash
answer=/root/gcp/basic
[ -f "$answer" ] || { echo "There is no $answer yet."; exit 1; }
got=$(sed 's/[[:space:]]*$//' "$answer" | grep -v '^$' | LC_ALL=C sort -u)
want=$(cat <<'LIST'
serviceAccount:deployer@platform.iam.gserviceaccount.com roles/editor
serviceAccount:deployer@platform.iam.gserviceaccount.com roles/viewer
serviceAccount:receipts@shop-live.iam.gserviceaccount.com roles/editor
user:ana@example.com roles/viewer
user:ben@example.com roles/viewer
user:dora@example.com roles/editor
user:dora@example.com roles/owner
user:dora@example.com roles/viewer
user:ivan@example.com roles/viewer
user:jun@example.com roles/editor
LIST
)
grep -q '^group:' <<<"$got" && { echo "There is a group in it. Take it apart, down to people and service accounts."; exit 1; }
extra=$(LC_ALL=C comm -23 <(echo "$got") <(echo "$want") | head -1)
[ -z "$extra" ] || { echo "This one is not right: ${extra:0:100}"; exit 1; }
missing=$(LC_ALL=C comm -13 <(echo "$got") <(echo "$want") | wc -l)
[ "$missing" -eq 0 ] || { echo "$missing are missing. Did you add up all three levels, and groups inside of groups?"; exit 1; }
[ "$(grep -c . "$answer")" -eq "$(wc -l <<<"$want")" ] || { echo "All are there, but some are there twice."; exit 1; }
echo "Right. Hana is not among them; jun is, with a role of his own that nobody remembered."
