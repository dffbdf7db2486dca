cd /root/rbac
jq -R -s 'split("\n") | map(select(. != "") | split(" ")) | {
  Name: "Night shift operator",
  Description: "Look at machines and sites, and restart them",
  Actions: (map(.[3]) | unique), NotActions: [], DataActions: [],
  AssignableScopes: (map(.[2]) | unique)
}' tickets.txt > night-shift.json
