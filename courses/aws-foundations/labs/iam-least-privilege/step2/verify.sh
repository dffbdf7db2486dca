#!/usr/bin/env bash
exec python3 -I - /root/iam/fitted.json <<'JUDGE'
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
    try:
        for s in many(policy["Statement"]):
            if s.get("Effect") == "Allow" and "NotAction" in s:
                return "A NotAction in an Allow is a wildcard with another name. List the actions."
            if s.get("Effect") == "Allow" and any("*" in a or "?" in a for a in many(s["Action"])):
                return f"There is a wildcard in an action of {s.get('Sid', 'a statement')}."
        receipts, templates = "arn:aws:s3:::shop-receipts", "arn:aws:s3:::shop-templates"
        queue = "arn:aws:sqs:eu-central-1:123456789012:orders"
        logs = "arn:aws:logs:eu-central-1:123456789012:log-group:/receipts:task"
        for action, resource in [
            ("s3:GetObject", templates + "/invoice.html"), ("s3:GetObject", templates + "/refund.html"),
            ("s3:PutObject", receipts + "/2026/02/A-1001.pdf"), ("s3:PutObject", receipts + "/2026/03/A-2001.pdf"),
            ("s3:ListBucket", receipts), ("sqs:ReceiveMessage", queue), ("sqs:DeleteMessage", queue), ("logs:PutLogEvents", logs),
        ]:
            ok, why = judge(policy, action, resource, {"aws:securetransport": "true"})
            if not ok:
                return f"The service needs {action} on {resource}: {why}."
        for action, resource in [
            ("s3:PutObject", templates + "/invoice.html"), ("s3:DeleteObject", templates + "/invoice.html"),
            ("s3:GetObject", receipts + "/2026/02/A-1001.pdf"), ("s3:DeleteObject", receipts + "/2026/02/A-1001.pdf"),
            ("s3:DeleteBucket", receipts), ("s3:PutBucketPolicy", receipts), ("s3:ListBucket", "arn:aws:s3:::shop-payroll"),
            ("s3:GetObject", "arn:aws:s3:::shop-payroll/2026/02.csv"), ("s3:PutObject", "arn:aws:s3:::shop-payroll/x"),
            ("s3:PutObject", "arn:aws:s3:::shop-receipts-copy/x"), ("kms:Decrypt", "arn:aws:kms:eu-central-1:123456789012:key/9f0c"),
            ("iam:PassRole", "arn:aws:iam::123456789012:role/admin"), ("iam:CreateUser", "arn:aws:iam::123456789012:user/x"),
            ("sqs:ReceiveMessage", "arn:aws:sqs:eu-central-1:123456789012:payroll"), ("sqs:PurgeQueue", queue),
        ]:
            ok, why = judge(policy, action, resource, {"aws:securetransport": "true"})
            if ok:
                return f"{action} on {resource} should be refused, and is allowed {why}."
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        return f"{path} is not a policy that IAM would take: {e!r}"
    return None


problem = check()
print(problem or "It allows what was seen, and nothing that was not.")
sys.exit(1 if problem else 0)
JUDGE
