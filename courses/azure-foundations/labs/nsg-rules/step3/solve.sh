cat > /root/nsg/short.json <<'JSON'
[
  {"name": "AllowHttps",   "priority": 100, "source": "0.0.0.0/0",   "ports": "443",  "access": "Allow"},
  {"name": "AllowGateway", "priority": 200, "source": "10.1.0.0/24", "ports": "8080", "access": "Allow"},
  {"name": "AllowBastion", "priority": 300, "source": "10.9.0.4/32", "ports": "22",   "access": "Allow"},
  {"name": "DenyTheRest",  "priority": 4000, "source": "*",          "ports": "*",    "access": "Deny"}
]
JSON
