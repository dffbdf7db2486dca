awk '$7 == "/checkout" {print $1}' /var/log/shop/access.log |
	sort | uniq -c | sort -rn | awk 'NR == 1 {print $2, $1}' > /root/answers/client
