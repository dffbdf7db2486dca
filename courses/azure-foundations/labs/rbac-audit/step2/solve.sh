cd /root/rbac
jq --slurpfile d directory.json '
  def above($upper; $lower):
    ($upper | startswith("/providers/Microsoft.Management/")) and ($lower | startswith("/subscriptions/"))
    or ($lower | startswith($upper + "/"));
  map(select(.principalId | IN($d[0][].id))) as $living
  | $living
  | map(. as $a | select(any($living[];
      .principalId == $a.principalId and .roleDefinitionName == $a.roleDefinitionName and above(.scope; $a.scope)) | not))
' assignments.json > clean.json
