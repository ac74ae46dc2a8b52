"""Programs log in with JSON, get a bearer token, make, read, change and delete notes and comments, and log out."""

from people import TURNS, all_at_once


def work(person):
    for login in range(2):
        person.headers.pop("Authorization", None)
        person.get("/api/notes")
        person.json("POST", "/api/login", {"username": f"user{person.number % 4}", "password": "wrong"})
        token = person.json("POST", "/api/login", {"username": f"user{person.number % 4}", "password": "secret"}).get("token")
        person.headers["Authorization"] = f"Token {token}"
        before = None
        for turn in range(TURNS):
            mark = person.mark()
            note = person.json("POST", "/api/notes", {"title": f"Note {mark}", "text": "made", "after": before}).get("id")
            person.get(f"/api/notes/{note}", mark=mark)
            comment = person.json("POST", "/api/comments", {"note": note, "text": f"Comment {mark}"}).get("id")
            person.get(f"/api/comments/{comment}", mark=mark)
            person.json("PATCH", f"/api/notes/{note}", {"text": f"changed {mark}"}, mark=f"changed {mark}")
            person.get(f"/api/notes/{note}", mark=f"Comment {mark}")
            old = 1 + person.chance.randrange(30)
            person.json("POST", "/api/comments", {"note": old, "text": f"Old {mark}"})
            person.get(f"/api/notes/{old}", mark=f"Old {mark}")
            person.json("PUT", f"/api/comments/{comment}", {"note": note, "text": f"Again {mark}"}, mark=f"Again {mark}")
            if turn % 2 == 1:
                person.request("DELETE", f"/api/comments/{comment}")
                person.get(f"/api/comments/{comment}")
            if turn % 3 == 2:
                person.request("DELETE", f"/api/notes/{note}")
                person.get(f"/api/notes/{note}")
                before = None
            else:
                before = note
        person.request("POST", "/api/logout")
        person.get("/api/notes")


all_at_once(work)
