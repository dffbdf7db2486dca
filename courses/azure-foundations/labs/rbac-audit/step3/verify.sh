#!/usr/bin/env bash
exec python3 -I - <<'JUDGE'
import json
import sys

NEEDED = {
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Compute/virtualMachines/restart/action",
    "Microsoft.Compute/virtualMachines/instanceView/read",
    "Microsoft.Insights/metrics/read",
    "Microsoft.Web/sites/read",
    "Microsoft.Web/sites/restart/action",
}
LIVE = "/subscriptions/4106a9ae-aa3b-59c3-9bad-37d3a5270c9c"


def check():
    try:
        with open("/root/rbac/night-shift.json", encoding="utf-8") as f:
            role = json.load(f)
    except FileNotFoundError:
        return "There is no /root/rbac/night-shift.json yet."
    except ValueError as e:
        return f"/root/rbac/night-shift.json is not JSON: {e}"
    if not isinstance(role, dict):
        return "A role definition is an object: { \"Name\": …, \"Actions\": […] }."
    for key, kind in (("Name", str), ("Description", str), ("Actions", list), ("NotActions", list), ("DataActions", list), ("AssignableScopes", list)):
        if not isinstance(role.get(key), kind):
            return f"{key} is missing, or is not a {'text' if kind is str else 'list'}."
    if not role["Name"].strip():
        return "Name is empty."
    wide = [a for a in role["Actions"] if "*" in str(a)]
    if wide:
        return f"There is a * in {wide[0]}."
    have = {str(a).lower() for a in role["Actions"]} - {str(a).lower() for a in role["NotActions"]}
    missing = sorted(a for a in NEEDED if a.lower() not in have)
    if missing:
        return f"The night shift can't do {missing[0]}" + (f", and {len(missing) - 1} more." if len(missing) > 1 else ".")
    extra = sorted(have - {a.lower() for a in NEEDED})
    if extra:
        return f"No ticket needed {extra[0]}."
    if role["DataActions"]:
        return "No ticket touched data: DataActions should be empty."
    if [s.rstrip("/").lower() for s in role["AssignableScopes"]] != [LIVE.lower()]:
        return "AssignableScopes should hold the live subscription, as in the tickets, and nothing else."
    return None


problem = check()
print(problem or "Six actions instead of everything.")
sys.exit(1 if problem else 0)
JUDGE
