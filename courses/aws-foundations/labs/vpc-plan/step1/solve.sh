cd /root/network
jq '.subnets["app-b"].cidr = "10.20.12.0/22" | .subnets["db-b"] |= (.cidr = "10.20.17.0/24" | .zone = "b")' vpc.json > v && mv v vpc.json
