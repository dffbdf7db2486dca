#!/usr/bin/env bash
exec python3 -I - <<'JUDGE'
import ipaddress
import json
import sys

VNET = "10.0.0.0/8"
# What every security group ends with. They can't be removed.
DEFAULTS = [
    {"name": "AllowVnetInBound", "priority": 65000, "source": VNET, "ports": "*", "access": "Allow"},
    {"name": "DenyAllInBound", "priority": 65500, "source": "0.0.0.0/0", "ports": "*", "access": "Deny"},
]


def span(ports):
    if ports == "*":
        return 0, 65535
    first, _, last = str(ports).partition("-")
    first, last = int(first), int(last or first)
    if not 0 <= first <= last <= 65535:
        raise ValueError(f"{ports} is not a range of ports")
    return first, last


def load(path):
    with open(path, encoding="utf-8") as f:
        rules = json.load(f)
    if not isinstance(rules, list):
        raise ValueError("the file is to be a list of rules")
    seen = {}
    for r in rules:
        for key in ("name", "priority", "source", "ports", "access"):
            if key not in r:
                raise ValueError(f"a rule has no \"{key}\"")
        if not isinstance(r["priority"], int) or not 100 <= r["priority"] <= 4096:
            raise ValueError(f"{r['name']}: a priority is a number from 100 to 4096")
        if r["priority"] in seen:
            raise ValueError(f"{r['name']} and {seen[r['priority']]} have the same priority")
        seen[r["priority"]] = r["name"]
        if r["access"] not in ("Allow", "Deny"):
            raise ValueError(f"{r['name']}: access is Allow or Deny")
        if r["source"] == "*":
            r["source"] = "0.0.0.0/0"
        ipaddress.ip_network(r["source"])
        span(r["ports"])
    return sorted(rules, key=lambda r: r["priority"]) + DEFAULTS


def decide(rules, source, port):
    """The first rule that matches."""
    address = ipaddress.ip_address(source)
    for r in rules:
        first, last = span(r["ports"])
        if address in ipaddress.ip_network(r["source"]) and first <= port <= last:
            return r
    raise AssertionError("the last rule matches everything")


def check():
    try:
        rules = load("/root/nsg/short.json")
    except FileNotFoundError:
        return "There is no /root/nsg/short.json yet."
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        return f"/root/nsg/short.json: {e}"
    own = [r for r in rules if r["priority"] <= 4096]
    for source, port, access, why in [
        ("192.0.2.1", 443, "Allow", "everybody may connect on 443"),
        ("10.5.5.5", 443, "Allow", "everybody may connect on 443, from inside as well"),
        ("10.1.0.0", 8080, "Allow", "the gateway subnet needs 8080"),
        ("10.1.0.255", 8080, "Allow", "the gateway subnet needs 8080"),
        ("10.9.0.4", 22, "Allow", "the bastion needs 22"),
        ("10.9.0.5", 22, "Deny", "only the bastion itself may use 22"),
        ("10.2.0.4", 8080, "Deny", "8080 is for the gateway subnet"),
        ("10.1.0.7", 22, "Deny", "the gateway subnet has no business on 22"),
        ("10.9.0.4", 8080, "Deny", "the bastion has no business on 8080"),
        ("10.3.3.3", 9100, "Deny", "nothing else, from inside neither"),
        ("198.51.100.9", 22, "Deny", "the office comes through the bastion"),
        ("203.0.113.50", 22, "Deny", "the vendor is gone"),
        ("192.0.2.5", 8090, "Deny", "the partner is gone"),
        ("192.0.2.1", 80, "Deny", "only 443 is open to everybody"),
    ]:
        r = decide(rules, source, port)
        if r["access"] != access:
            said = "allowed" if r["access"] == "Allow" else "denied"
            return f"{source} on port {port} is {said} by {r['name']}: {why}."
    if len(own) > 4:
        return f"It does the right thing, with {len(own)} rules. Four are enough."
    numbers = [r["priority"] for r in own]
    if any(b - a < 10 for a, b in zip(numbers, numbers[1:])):
        return "Leave gaps of at least 10 between the numbers."
    return None


problem = check()
print(problem or "Four rules, and every one of them decides something.")
sys.exit(1 if problem else 0)
JUDGE
