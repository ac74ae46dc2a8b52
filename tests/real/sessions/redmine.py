"""People log in, write issues with attachments, read, edit and delete them, note time, log out; programs use the API."""

import re

from people import TURNS, all_at_once


def submit(person, page, target, form, **headers):
    person.get(page)
    person.post(target, {"authenticity_token": person.hidden("authenticity_token"), **form}, **headers)


def work(person):
    name = f"user{person.number % 4}"
    if person.number >= 4:
        return program(person, name)
    person.get("/my/page")
    submit(person, "/login", "/login", {"username": name, "password": "wrong"})
    submit(person, "/login", "/login", {"username": name, "password": "secret-password", "back_url": ""})
    person.follow()
    for turn in range(TURNS):
        project = ["shop", "house"][person.chance.randrange(2)]
        mark = person.mark()
        submit(person, f"/projects/{project}/issues/new", f"/projects/{project}/issues",
               {"issue[tracker_id]": 1, "issue[subject]": f"Issue {mark}", "issue[status_id]": 1, "issue[priority_id]": 2})
        issue = person.follow(mark)
        if not issue.startswith("/issues/"):
            print("no issue:", issue)
            continue
        person.get(f"{issue}/edit", mark=mark)
        person.post(issue, {"_method": "patch", "authenticity_token": person.hidden("authenticity_token"),
                            "issue[notes]": f"Note of {mark}", "issue[subject]": f"Changed {mark}"})
        person.follow(mark)
        token = person.meta("csrf-token")
        person.request("POST", "/uploads.js?attachment_id=1&filename=notes.txt&content_type=text%2Fplain", f"File of {mark}",
                       {"Content-Type": "application/octet-stream", "X-CSRF-Token": token})
        upload = re.search(r"value', '(\d+\.[0-9a-f]+)'|val\('(\d+\.[0-9a-f]+)'\)|\"(\d+\.[0-9a-f]{20,})\"", person.page)
        upload = upload and next(filter(None, upload.groups()))
        submit(person, f"{issue}/edit", issue,
               {"_method": "patch", "issue[notes]": f"With a file, {mark}", "attachments[1][token]": upload or "",
                "attachments[1][filename]": "notes.txt", "attachments[1][description]": mark})
        person.get(issue, mark=mark)
        submit(person, f"{issue}/time_entries/new", f"{issue}/time_entries",
               {"time_entry[hours]": "1.5", "time_entry[comments]": mark, "time_entry[activity_id]": person_activity(person)})
        if turn % 3 == 2:
            submit(person, issue, issue, {"_method": "delete"})
            person.get(issue)
    submit(person, "/my/page", "/logout", {})
    person.get("/my/page")


def person_activity(person):
    found = re.search(r'<option[^>]*value="(\d+)"[^>]*>(?:Design|Development)', person.page)
    return found.group(1) if found else "8"


def program(person, name):
    person.sign_in(name, "secret-password")
    for turn in range(TURNS):
        mark = person.mark()
        made = person.json("POST", "/issues.json", {"issue": {"project_id": "shop", "subject": f"By a program, {mark}", "tracker_id": 1}})
        number = made.get("issue", {}).get("id")
        person.get(f"/issues/{number}.json", mark=mark)
        person.json("PUT", f"/issues/{number}.json", {"issue": {"done_ratio": 50, "notes": f"Half of {mark}"}})
        person.get(f"/issues/{number}.json?include=journals", mark=mark)
        person.get("/issues.json?limit=5&sort=id")
        if turn % 3 == 2:
            person.request("DELETE", f"/issues/{number}.json")
            person.get(f"/issues/{number}.json")


all_at_once(work)
