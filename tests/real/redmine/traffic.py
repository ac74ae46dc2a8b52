"""Visitors read; four people log in, search, write, change; programs use the API with a name and a password."""

import re

from browser import User

people = [User(number) for number in range(4)]
visitors = [User(number) for number in (4, 5)]
programs = [User(number) for number in (6, 7)]


def token(user):
    found = re.search(r'name="authenticity_token" value="([^"]+)"', user.page)
    return found.group(1).replace("&amp;", "&") if found else ""


def post(user, page, target, form):
    """Reads a page, and posts a form with its token."""
    user.get(page)
    user.post(target, {"authenticity_token": token(user), **form})


for number, user in enumerate(people):
    user.get("/")
    user.get("/my/page")
    post(user, "/login", "/login", {"username": f"user{number}", "password": "wrong", "back_url": ""})
    post(user, "/login", "/login", {"username": f"user{number}", "password": "secret-password", "back_url": ""})
    user.get("/my/page")
for number, user in enumerate(programs):
    user.sign_in(f"user{number}", "secret-password")

for turn in range(4):
    for number, user in enumerate(people):
        issue = 1 + (turn * 17 + number * 5) % 60
        project = ["shop", "house"][(turn + number) % 2]
        user.get("/projects")
        user.get(f"/projects/{project}/issues")
        user.get(f"/issues/{issue}")
        user.get("/my/account")
        user.get(f"/issues/{issue}/edit")
        user.post(f"/issues/{issue}", {"_method": "patch", "authenticity_token": token(user), "issue[notes]": f"Turn {turn}"})
        if turn % 2 == 0:
            post(user, f"/projects/{project}/issues/new", f"/projects/{project}/issues",
                 {"issue[tracker_id]": 1, "issue[subject]": f"New {turn} of {number}", "issue[status_id]": 1, "issue[priority_id]": 2})
            post(user, f"/projects/{project}/issues/new", f"/projects/{project}/issues", {"issue[tracker_id]": 1, "issue[subject]": ""})
    for number, user in enumerate(visitors):
        issue = 1 + (turn * 13 + number * 7) % 60
        project = ["shop", "house"][(turn + number) % 2]
        word = ["river", "stone", "lamp"][turn % 3]
        user.get("/")
        user.get("/projects")
        user.get(f"/projects/{project}")
        user.get(f"/projects/{project}/issues")
        user.get(f"/projects/{project}/issues?sort=subject&per_page=10&page={1 + turn % 2}")
        user.get(f"/issues?set_filter=1&tracker_id={1 + turn % 3}&sort=id")
        user.get(f"/issues/{issue}")
        user.get(f"/issues/{issue}.atom")
        user.get(f"/projects/{project}/issues.csv?sort=id")
        user.get(f"/projects/{project}/issues.atom")
        user.get(f"/search?q={word}")
        user.get(f"/projects/{project}/wiki")
        user.get(f"/projects/{project}/wiki/Rules/history")
        user.get(f"/projects/{project}/news")
        user.get(f"/news/{1 + turn % 6}")
        user.get(f"/projects/{project}/roadmap")
        user.get(f"/projects/{project}/activity?from=2023-01-01")
        user.get(f"/projects/{project}/issues/calendar?year=2024&month={1 + turn}")
        user.get(f"/projects/{project}/issues/gantt?year=2024&month=1&months=6")
        user.get(f"/projects/{project}/time_entries")
        user.get(f"/projects/{project}/time_entries.csv")
        user.get(f"/projects/{project}/time_entries/report?criteria[]=user&columns=year")
        user.get(f"/projects/{project}/boards")
        user.get(f"/users/{5 + turn % 4}")
        user.get("/login")
        user.get("/account/lost_password")
        user.get("/account/register")
        user.get(f"/projects/{project}/issues/new")
        user.get("/admin")
        user.get("/issues/9999")
        user.get("/nothing")
        user.get("/robots.txt")
        user.get("/projects/nowhere")
        user.post("/issues", {"issue[subject]": "without a token"})
    for number, user in enumerate(programs):
        issue = 1 + (turn * 11 + number * 3) % 60
        project = ["shop", "house"][(turn + number) % 2]
        user.get("/issues.json?limit=5&sort=id")
        user.get(f"/issues/{issue}.json?include=journals,relations")
        user.get(f"/issues/{issue}.xml")
        user.get("/projects.json")
        user.get(f"/projects/{project}.json?include=trackers,enabled_modules")
        user.get("/users/current.json")
        user.get("/time_entries.json?limit=3")
        user.get("/issue_statuses.json")
        user.get("/enumerations/issue_priorities.json")
        user.get(f"/projects/{project}/wiki/Rules.json")
        user.get(f"/search.json?q=lamp&limit=3")
        user.get("/issues/9999.json")
        user.get("/custom_fields.json")
        user.get("/trackers.json")
        user.get("/roles.json")
        user.get("/users.json")
        user.json("POST", "/issues.json", {"issue": {"project_id": project, "subject": f"By a program {turn}", "tracker_id": 1}})
        user.json("PUT", f"/issues/{issue}.json", {"issue": {"done_ratio": 10 * turn, "notes": f"Turn {turn}"}})
        user.json("POST", "/issues.json", {"issue": {"project_id": project, "subject": ""}})
        user.request("DELETE", f"/issues/{1 + turn * 2 + number}.json") if turn > 2 else user.get("/my/account.json")

for user in people:
    post(user, "/my/page", "/logout", {})
    user.get("/my/page")
