#!/usr/bin/env bash
exec python3 -I - <<'JUDGE'
import ipaddress
import json
import sys

TIERS = {"public": "lb", "app": "app", "db": "db"}
WORLD = "0.0.0.0/0"


def load(path):
    try:
        with open(path, encoding="utf-8") as f:
            plan = json.load(f)
    except FileNotFoundError:
        sys.exit(f"There is no {path}. Start the lab again to get it back.")
    except ValueError as e:
        sys.exit(f"{path} is not JSON: {e}")
    for key in ("vpc", "subnets", "nat_gateways", "routes", "security_groups"):
        if key not in plan:
            sys.exit(f"{path} has no \"{key}\" any more.")
    return plan


def ranges(plan):
    """What is wrong with the address ranges."""
    vpc = ipaddress.ip_network(plan["vpc"])
    nets, wrong = {}, []
    for name, s in plan["subnets"].items():
        try:
            nets[name] = ipaddress.ip_network(s["cidr"])
        except ValueError as e:
            wrong.append(f"{name}: {e}")
            continue
        if not nets[name].subnet_of(vpc):
            wrong.append(f"{name} {nets[name]} lies outside of the VPC {vpc}")
    names = list(nets)
    for i, a in enumerate(names):
        for b in names[i + 1:]:
            if nets[a].overlaps(nets[b]):
                wrong.append(f"{a} {nets[a]} overlaps {b} {nets[b]}")
    return wrong


def way_out(plan, subnet, hops=0):
    """Where a packet from subnet to the internet leaves: (target, why not)."""
    table = plan["routes"].get(plan["subnets"][subnet]["routes"], {})
    target = table.get(WORLD)
    if target is None:
        return None, "no route to " + WORLD
    if target in plan.get("internet_gateways", []):
        return target, None
    for nat in plan["nat_gateways"]:
        if nat["name"] == target:
            if nat["subnet"] not in plan["subnets"]:
                return None, f"{target} stands in a subnet that does not exist"
            if hops:
                return None, f"{target} sends to itself: it stands in a private subnet"
            out, why = way_out(plan, nat["subnet"], hops + 1)
            if out in plan.get("internet_gateways", []):
                return target, None
            return None, f"{target} stands in {nat['subnet']}, which has no way out itself: {why or 'not through an internet gateway'}"
    return None, f"the route leads to {target}, which does not exist"


def sources(plan, group, port):
    return [r["from"] for r in plan["security_groups"].get(group, []) if int(r["port"]) == port]


def check(plan):
    want = {"lb": [(443, WORLD)], "app": [(8080, "lb")], "db": [(5432, "app")]}
    groups = plan["security_groups"]
    for name, rules in want.items():
        got = sorted((int(r["port"]), r["from"]) for r in groups.get(name, []))
        if got == rules:
            continue
        for port, source in got:
            if (port, source) in rules:
                continue
            if source == WORLD:
                return f"The whole world may connect to {name} on port {port}."
            if "/" in source:
                return f"{name} lets {source} in on port {port}. Name a group instead of addresses."
            return f"{name} lets {source} in on port {port}, which is not part of the chain."
        return f"{name} lets nobody in on port {rules[0][0]}, and {rules[0][1]} should be let in."
    for name in groups:
        if name not in want:
            return f"There is a group nobody asked for: {name}."
    return None


GOOD = "World, balancer, application, database: a chain, and no other way."


try:
    problem = check(load("/root/network/vpc.json"))
except (KeyError, TypeError, ValueError, AttributeError) as e:
    problem = f"The plan can't be read any more: {e!r}"
print(problem or GOOD)
sys.exit(1 if problem else 0)
JUDGE
