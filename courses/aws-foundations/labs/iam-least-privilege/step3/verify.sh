#!/usr/bin/env bash
exec python3 -I - /root/iam/guarded.json <<'JUDGE'
import fnmatch
import json
import re
import sys


def many(value):
    return value if isinstance(value, list) else [value]


def like(pattern, text, fold=False):
    if fold:
        pattern, text = pattern.lower(), text.lower()
    # IAM knows * and ?; brackets mean themselves.
    return re.fullmatch(fnmatch.translate(pattern.replace("[", "[[]")), text) is not None


def holds(condition, context):
    for operator, keys in condition.items():
        if_exists = operator.endswith("IfExists")
        name = operator[: -len("IfExists")] if if_exists else operator
        for key, wanted in keys.items():
            got = context.get(key.lower())
            if got is None:
                if if_exists or name == "StringNotEquals":
                    continue
                return False
            wanted = [str(w) for w in many(wanted)]
            if name == "Bool":
                ok = got.lower() in [w.lower() for w in wanted]
            elif name == "StringEquals":
                ok = got in wanted
            elif name == "StringNotEquals":
                ok = got not in wanted
            elif name == "StringLike":
                ok = any(like(w, got) for w in wanted)
            else:
                raise ValueError(f"the condition operator {operator} is not known here")
            if not ok:
                return False
    return True


def judge(policy, action, resource, context):
    """Returns (allowed, reason)."""
    allow = None
    for number, s in enumerate(many(policy["Statement"]), 1):
        label = s.get("Sid", f"statement {number}")
        if s.get("Effect") not in ("Allow", "Deny"):
            raise ValueError(f"{label}: Effect has to be Allow or Deny")
        if "Action" in s:
            acts = any(like(a, action, fold=True) for a in many(s["Action"]))
        elif "NotAction" in s:
            acts = not any(like(a, action, fold=True) for a in many(s["NotAction"]))
        else:
            raise ValueError(f"{label}: there is no Action")
        if "Resource" not in s:
            raise ValueError(f"{label}: there is no Resource")
        if not acts or not any(like(r, resource) for r in many(s["Resource"])):
            continue
        if not holds(s.get("Condition", {}), context):
            continue
        if s["Effect"] == "Deny":
            return False, f"an explicit deny in {label}"
        allow = allow or label
    if allow:
        return True, f"by {allow}"
    return False, "no statement allows it"
def check():
    path = sys.argv[1]
    try:
        with open(path, encoding="utf-8") as f:
            policy = json.load(f)
    except FileNotFoundError:
        return f"There is no {path} yet."
    except ValueError as e:
        return f"{path} is not JSON: {e}"
    receipts, templates = "arn:aws:s3:::shop-receipts", "arn:aws:s3:::shop-templates"
    safe, open_ = {"aws:securetransport": "true"}, {"aws:securetransport": "false"}
    try:
        for action, resource in [
            ("s3:GetObject", templates + "/invoice.html"), ("s3:PutObject", receipts + "/2026/03/A-2001.pdf"), ("s3:ListBucket", receipts),
            ("sqs:ReceiveMessage", "arn:aws:sqs:eu-central-1:123456789012:orders"),
            ("logs:PutLogEvents", "arn:aws:logs:eu-central-1:123456789012:log-group:/receipts:task"),
        ]:
            ok, why = judge(policy, action, resource, safe)
            if not ok:
                return f"Over an encrypted connection {action} on {resource} should work: {why}."
        if judge(policy, "s3:DeleteObject", receipts + "/2026/03/A-2001.pdf", safe)[0]:
            return "It allows more than fitted.json did: deleting receipts, for one."
        # What somebody adds later must not undo the guard rail.
        later = {"Statement": many(policy["Statement"]) + [{"Sid": "Later", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
        for action, resource in [
            ("s3:PutObject", receipts + "/2026/03/A-2001.pdf"), ("s3:GetObject", receipts + "/2026/03/A-2001.pdf"),
            ("s3:ListBucket", receipts), ("s3:DeleteBucket", receipts),
        ]:
            ok, _ = judge(later, action, resource, open_)
            if ok:
                return f"Without encryption {action} on {resource} is not denied: a statement that is added later would allow it."
        ok, why = judge(later, "s3:GetObject", templates + "/invoice.html", open_)
        if not ok:
            return f"The guard rail is about shop-receipts only, but it refuses shop-templates as well ({why})."
        ok, why = judge(later, "s3:PutObject", receipts + "/x", safe)
        if not ok:
            return f"It refuses encrypted requests, too: {why}."
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        return f"{path} is not a policy that IAM would take: {e!r}"
    return None


problem = check()
print(problem or "Whatever is added to this policy: receipts travel encrypted, or not at all.")
sys.exit(1 if problem else 0)
JUDGE
