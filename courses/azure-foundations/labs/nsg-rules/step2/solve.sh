cd /root/nsg
python3 - > shadowed <<'PY'
import ipaddress, json

def span(ports):
    if ports == "*":
        return 0, 65535
    a, _, b = ports.partition("-")
    return int(a), int(b or a)

rules = sorted(json.load(open("nsg.json")), key=lambda r: r["priority"])
names = []
for i, r in enumerate(rules):
    for earlier in rules[:i]:
        inside = ipaddress.ip_network(r["source"]).subnet_of(ipaddress.ip_network(earlier["source"]))
        a, b = span(r["ports"])
        c, d = span(earlier["ports"])
        if inside and c <= a and b <= d:
            names.append(r["name"])
            break
print("\n".join(sorted(names)))
PY
