cd /root/network
jq '.routes.public["0.0.0.0/0"] = "igw-1" | del(.routes.db["0.0.0.0/0"]) | .nat_gateways[0].subnet = "public-a"' vpc.json > v && mv v vpc.json
