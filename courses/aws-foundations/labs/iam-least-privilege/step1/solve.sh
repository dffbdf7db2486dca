cd /root/iam
jq -r '.Statement[] | select([.Action] | flatten | any(contains("*"))) | .Sid' broad.json | sort > wildcards
