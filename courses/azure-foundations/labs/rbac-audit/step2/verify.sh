#!/usr/bin/env bash
exec python3 -I - <<'JUDGE'
import hashlib
import json
import sys


def check():
    try:
        with open("/root/rbac/clean.json", encoding="utf-8") as f:
            clean = json.load(f)
    except FileNotFoundError:
        return "There is no /root/rbac/clean.json yet."
    except ValueError as e:
        return f"/root/rbac/clean.json is not JSON: {e}"
    if not isinstance(clean, list) or not all(isinstance(a, dict) and {"id", "principalId", "scope"} <= set(a) for a in clean):
        return "clean.json is to be a list of assignments, as in assignments.json."
    keep = set("5ee47df2 670fc08e 0cde8bee f73b4165 856ee9db d8977d09 e7c9d69c 6dd10682 070cf037 e6cfbe85 989c0f57 22019378 53484e99 978b45ba 6d98271b 5155d0df a68bb8e4 4bbfb9a2 fe980f0f 9dcf7a0c c68d64b1 a4a8e50a 1e9ff376".split())
    orphans = set("01dcdfd4 d56eacce 2e353bfa f0f90aec".split())
    repeated = set("4df7c5d3 c2bda74c 14c85953 5355e345 bd09e43d".split())
    ids = [short(a["id"]) for a in clean]
    if len(set(ids)) != len(ids):
        return "Some assignments are in it twice."
    left = orphans & set(ids)
    if left:
        return f"{len(left)} orphans are still in it: their principals are not in the directory."
    lost = keep - set(ids)
    if lost:
        return f"{len(lost)} assignments are missing that somebody really needs. Only drop what is granted at a scope above, to the same principal, with the same role."
    left = repeated & set(ids)
    if left:
        return f"{len(left)} are still in it that repeat what is granted above. Did you think of the management group?"
    if set(ids) != keep:
        return "There are assignments in it that were not in the list."
    if hashlib.sha256(json.dumps(sorted(clean, key=lambda a: a["id"]), sort_keys=True).encode()).hexdigest()[:16] != "eef2a3f0d7e7621b":
        return "The right ones are left, but something in them was changed."
    return None


def short(text):
    return hashlib.sha256(str(text).encode()).hexdigest()[:8]


problem = check()
print(problem or "What is left is what people really have.")
sys.exit(1 if problem else 0)
JUDGE
