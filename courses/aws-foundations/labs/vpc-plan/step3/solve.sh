cd /root/network
jq '.security_groups = {lb: [{port: 443, from: "0.0.0.0/0"}], app: [{port: 8080, from: "lb"}], db: [{port: 5432, from: "app"}]}' vpc.json > v && mv v vpc.json
