#!/usr/bin/env bash
answer=/root/gcp/open
[ -f "$answer" ] || { echo "There is no $answer yet."; exit 1; }
got=$(sed 's/[[:space:]]*$//' "$answer" | grep -v '^$')
want=$(printf '%s\n' shop-live website)
[ "$got" = "$want" ] || { echo "$answer does not name the right nodes, one a line and sorted. There are two members that mean the world, and two nodes."; exit 1; }
tree=/root/gcp/tree.json
jq -e . "$tree" >/dev/null 2>&1 || { echo "$tree is not JSON any more."; exit 1; }
jq -e '[.["shop-live"].bindings[].members[]] | any(. == "allAuthenticatedUsers" or . == "allUsers") | not' "$tree" >/dev/null ||
	{ echo "shop-live is still open to everybody with a Google account."; exit 1; }
jq -e '.website.bindings | any(.members[] == "allUsers")' "$tree" >/dev/null ||
	{ echo "The website has to stay open: it is a website."; exit 1; }
[ "$(jq -S -c 'map_values(.bindings |= (map(select(.members | length > 0)) | map(select(.role != "roles/storage.objectViewer" or (.members | index("allUsers"))))))' "$tree" | sha256sum | cut -c1-16)" = 4d3ee46ddcea1166 ] ||
	{ echo "Something else in tree.json was changed. Only one binding should be gone."; exit 1; }
echo "Right. What is public now is meant to be."
