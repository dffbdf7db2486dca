cd /root/gcp
jq -r --slurpfile g groups.json '
  def people: . as $m | if startswith("group:") then $g[0][$m][]? | people else . end;
  . as $tree
  | ["shop-live" | recurse($tree[.].parent; . != null)][]
  | $tree[.].bindings[]
  | select(.role | IN("roles/viewer", "roles/editor", "roles/owner"))
  | .role as $r | .members[] | people | "\(.) \($r)"
' tree.json | sort -u > basic
