jq -r 'select(.level == "error" and .order != null) | .order' /var/log/shop/payments.log |
	sort -u > /root/answers/orders
