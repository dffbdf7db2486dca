cd /root/rbac
jq -r '.[]
  | select(.roleDefinitionName | IN("Owner", "User Access Administrator"))
  | select(.scope | test("^/subscriptions/[^/]+$") or startswith("/providers/Microsoft.Management/"))
  | .principalId' assignments.json | sort -u > grantors
