#!/usr/bin/env bash
# Makes the two logs. The numbers come from a generator with a fixed seed, so
# that every learner gets the same morning.
set -euo pipefail
mkdir -p /var/log/shop /root/answers

awk 'BEGIN {
	seed = 20260312
	n = split("/ /products /products/17 /cart /checkout /login /static/app.js /health", path, " ")
	for (i = 0; i < 2600; i++) {
		second = int(i * 1.1)
		stamp = sprintf("12/Mar/2026:09:%02d:%02d +0000", int(second / 60) % 60, second % 60)
		p = path[1 + rnd(n)]
		ip = "198.51.100." (1 + rnd(60))
		status = rnd(100) < 3 ? 404 : 200
		size = 200 + rnd(9000)
		if (p == "/checkout") {
			if (rnd(100) < 45) ip = "203.0.113.77"
			if (rnd(100) < 62) { status = rnd(3) ? 502 : 503; size = 157 }
		}
		if (p == "/cart" && rnd(100) < 9) { status = 500; size = 502 }
		if (p == "/login" && rnd(100) < 2) status = 500
		if (p == "/health") ip = "10.0.0.5"
		printf "%s - - [%s] \"%s %s HTTP/1.1\" %d %d \"-\" \"%s\"\n", ip, stamp,
			(p == "/checkout" ? "POST" : "GET"), p, status, size, (ip == "203.0.113.77" ? "shop-mobile/4.1.0" : "Mozilla/5.0")
	}
}
function rnd(below) { seed = (seed * 69069 + 12345) % 4294967296; return int(seed / 65536) % below }
' >/var/log/shop/access.log

awk 'BEGIN {
	seed = 77
	split("card_declined gateway_timeout gateway_timeout gateway_timeout insufficient_funds", why, " ")
	for (i = 0; i < 900; i++) {
		second = int(i * 3)
		t = sprintf("2026-03-12T09:%02d:%02dZ", int(second / 60) % 60, second % 60)
		order = sprintf("A-%04d", 1000 + int(i / 2))
		k = rnd(100)
		if (k < 5)
			printf "{\"time\":\"%s\",\"level\":\"error\",\"msg\":\"charge failed\",\"order\":\"%s\",\"reason\":\"%s\"}\n", t, order, why[1 + rnd(5)]
		else if (k < 8)
			printf "{\"time\":\"%s\",\"level\":\"error\",\"msg\":\"metrics endpoint refused\",\"reason\":\"gateway_timeout\"}\n", t
		else if (k < 14)
			printf "{\"time\":\"%s\",\"level\":\"warn\",\"msg\":\"retrying after error\",\"order\":\"%s\",\"reason\":\"gateway_timeout\"}\n", t, order
		else
			printf "{\"time\":\"%s\",\"level\":\"info\",\"msg\":\"charged\",\"order\":\"%s\",\"cents\":%d}\n", t, order, 500 + rnd(20000)
	}
}
function rnd(below) { seed = (seed * 69069 + 12345) % 4294967296; return int(seed / 65536) % below }
' >/var/log/shop/payments.log
