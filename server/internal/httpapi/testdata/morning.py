"""A learner's morning with the SDK for Python: morning.py SDK CONFIG"""
import json
import sys
import threading
import typing

sys.path.insert(0, sys.argv[1])
import cloudmastershub as sdk

c = json.loads(sys.argv[2])
said = {}
kept = []
keep = lambda access, refresh: kept.append((access, refresh))
hub = sdk.Client(c["base"], on_tokens=keep)
login = hub.sign_in(c["email"], c["password"])
said["username"] = hub.profile()["username"]
said["kept"] = len(kept) == 1 and kept[0][0] == login["access_token"]

said["courses"] = [course["slug"] for course in hub.all_courses(limit=1)]
said["version"] = hub.enroll("one")["version"]
said["progress"] = hub.record_progress({"entries": [{"course_id": "one", "lesson_id": c["lesson"], "progress_percentage": 40}]})[0]["progress_percentage"]
hub.set_preferences({"theme": "dark"})
said["theme"] = hub.preferences()["theme"]

old = sdk.Client(c["base"], token="run out", refresh_token=login["refresh_token"], on_tokens=keep)
asked = [threading.Thread(target=ask) for ask in (old.profile, old.usage, old.next)]
for one in asked:
    one.start()
for one in asked:
    one.join()
said["renewed"] = old.profile()["username"] == said["username"] and len(kept) == 2


def refused(ask):
    try:
        ask()
    except sdk.APIError as err:
        return err.code
    return ""


said["missing"] = refused(lambda: hub.course("../none"))
said["guest"] = refused(lambda: sdk.Client(c["base"]).profile())
said["busy"] = sdk.Client(c["busy"], token=login["access_token"]).profile()["username"]
said["impatient"] = refused(lambda: sdk.Client(c["busy"] + "/never", token=login["access_token"], max_wait=0.01).profile())
said["elsewhere"] = refused(lambda: sdk.Client(c["elsewhere"], token="secret").profile())
hub.logout({"refresh_token": kept[-1][1]})

for name, thing in vars(sdk).items():  # every type that is named is there
    if typing.is_typeddict(thing):
        typing.get_type_hints(thing, vars(sdk))
for name, method in vars(sdk.Client).items():
    if callable(method):
        typing.get_type_hints(method, vars(sdk))
print(json.dumps(said))
