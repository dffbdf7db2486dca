cd /root/nsg
for packet in "203.0.113.50 22" "198.51.100.20 22" "10.7.3.8 3306"; do
  nsg test nsg.json $packet || true
done | awk '{print $3}' > deciders
