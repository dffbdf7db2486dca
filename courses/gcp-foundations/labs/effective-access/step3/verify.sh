#!/usr/bin/env bash
exec python3 -I - <<'JUDGE'
import json
import sys

ME = "serviceAccount:receipts@shop-live.iam.gserviceaccount.com"
WANT = {"roles/pubsub.subscriber", "roles/storage.objectCreator", "roles/logging.logWriter"}
OTHERS = {("roles/run.developer", "group:checkout@example.com"), ("roles/editor", "user:jun@example.com")}


def check():
    try:
        with open("/root/gcp/tree.json", encoding="utf-8") as f:
            tree = json.load(f)
        have = {(b["role"], m) for b in tree["shop-live"]["bindings"] for m in b["members"]}
        up = {m for n in ("production", "example.com") for b in tree[n]["bindings"] for m in b["members"]}
    except FileNotFoundError:
        return "There is no /root/gcp/tree.json any more."
    except (ValueError, KeyError, TypeError) as e:
        return f"/root/gcp/tree.json can't be read any more: {e!r}"
    mine = {r for r, m in have if m == ME}
    if ME in up:
        return "receipts was granted something further up. It belongs into the project only."
    if "roles/editor" in mine:
        return "receipts is still Editor of shop-live."
    missing = WANT - mine
    if missing:
        what = sorted(missing)[0].split("/")[1].split(".")[0]
        return f"For {what} it does not have the smallest role that is enough."
    if mine - WANT:
        return f"It has more than it needs: {sorted(mine - WANT)[0]}."
    others = {p for p in have if p[1] != ME}
    if OTHERS - others:
        r, m = sorted(OTHERS - others)[0]
        return f"{m} has lost {r}, which was not the task."
    if others - OTHERS:
        r, m = sorted(others - OTHERS)[0]
        return f"{m} has {r} in shop-live now, which was not the task."
    return None


problem = check()
print(problem or "Three permissions instead of thousands, and nobody else noticed.")
sys.exit(1 if problem else 0)
JUDGE
