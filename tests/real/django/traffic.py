"""Four people log in to the administration, browse, search, create, change, and delete; others read the public pages."""

from browser import User

users = [User(number) for number in range(4)]

for number, user in enumerate(users):
    user.get("/admin/")
    user.get("/admin/login/?next=/admin/")
    user.post("/admin/login/?next=/admin/", {"username": f"user{number}", "password": "wrong"})
    user.post("/admin/login/?next=/admin/", {"username": f"user{number}", "password": "secret", "next": "/admin/"})
    user.get("/admin/")

for turn in range(8):
    for number, user in enumerate(users):
        book = 1 + (turn * 17 + number * 5) % 90
        user.get("/")
        user.get("/books/")
        user.get(f"/books/?q=Book+{book % 10}&page=2")
        user.get("/books/?after=nonsense")
        user.get(f"/books/{book}/")
        user.post(f"/books/{book}/review/", {"text": f"Read by user{number}", "stars": turn})
        user.get(f"/books/{book}/")
        user.post(f"/books/{book}/review/", {"text": "", "stars": "many"})
        user.get("/api/books/")
        user.get(f"/api/books/{book}/")
        user.get("/export.csv")
        user.get("/feed.xml")
        user.get("/admin/")
        user.get("/admin/library/book/")
        user.get(f"/admin/library/book/?q=Book+{book}")
        user.get("/admin/library/book/?genre__exact=novel&o=3")
        user.get(f"/admin/library/book/{book}/change/")
        user.get(f"/admin/library/author/{1 + book % 12}/change/")
        user.get("/admin/auth/user/")
        if turn % 2 == 0:
            user.get("/admin/library/author/add/")
            user.post("/admin/library/author/add/", {"name": f"New {turn} of user{number}", "born": "1999-01-02", "_save": "Save"})
            user.get("/admin/library/author/")
            user.get("/admin/library/author/add/")
            user.post("/admin/library/author/add/", {"name": "", "born": "never", "_save": "Save"})
            user.get(f"/admin/library/author/{1 + book % 12}/history/")
            user.get(f"/admin/library/book/{book}/delete/")
            user.get("/admin/library/book/9999/change/")
            user.get("/admin/nothing/")
            user.get("/admin/password_change/")
            user.get("/admin/jsi18n/")
            user.get("/nothing")
            user.get("/broken/")
            user.get("/books")
            user.get("/static/admin/css/base.css")

for user in users:
    user.get("/admin/")
    user.get("/admin/logout/")
    user.get("/admin/")
