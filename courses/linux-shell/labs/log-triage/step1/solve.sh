awk '$9 >= 500 {print $7}' /var/log/shop/access.log |
	sort | uniq -c | sort -rn | awk 'NR == 1 {print $2}' > /root/answers/path
