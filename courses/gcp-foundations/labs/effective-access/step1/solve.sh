cd /root/gcp
jq -r 'to_entries[]
  | select(any(.value.bindings[].members[]; IN("allUsers", "allAuthenticatedUsers")))
  | .key' tree.json | sort > open
jq '.["shop-live"].bindings |= map(select(.members != ["allAuthenticatedUsers"]))' tree.json > t && mv t tree.json
