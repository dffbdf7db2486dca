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
    if ranges(plan):
        return "The ranges of the first step are broken again: " + ranges(plan)[0] + "."
    for name in ("public-a", "public-b"):
        if way_out(plan, name)[0] != "igw-1":
            return f"{name} does not reach the internet through igw-1: {way_out(plan, name)[1] or way_out(plan, name)[0]}."
    for name in ("app-a", "app-b"):
        target, why = way_out(plan, name)
        if target is None:
            return f"{name} has no way out: {why}."
        if target != "nat-1":
            return f"{name} goes out through {target}, so the world can reach it. It should be nat-1."
    for name in ("db-a", "db-b"):
        if plan["routes"].get(plan["subnets"][name]["routes"], {}).get(WORLD):
            return f"{name} has a route to the internet. A database needs none."
    for name, table in plan["routes"].items():
        if table.get(plan["vpc"]) != "local":
            return f"The table {name} has lost its local route, which can't be removed."
        extra = [t for t in table if t not in (plan["vpc"], WORLD)]
        if extra:
            return f"The table {name} has a route nobody asked for: {extra[0]}."
    return None


GOOD = "Every packet has one way, and the database has none."


try:
    problem = check(load("/root/network/vpc.json"))
except (KeyError, TypeError, ValueError, AttributeError) as e:
    problem = f"The plan can't be read any more: {e!r}"
print(problem or GOOD)
sys.exit(1 if problem else 0)
JUDGE
