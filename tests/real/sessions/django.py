"""People log in to the administration, make authors and books, change and delete them, write reviews, log out."""

import re

from people import TURNS, all_at_once

EMPTY = {"book_set-TOTAL_FORMS": "0", "book_set-INITIAL_FORMS": "0", "book_set-MIN_NUM_FORMS": "0", "book_set-MAX_NUM_FORMS": "1000"}


def work(person):
    name = f"user{person.number % 4}"
    person.get("/admin/")
    person.get("/admin/login/?next=/admin/")
    person.post("/admin/login/?next=/admin/", {"username": name, "password": "wrong"})
    person.post("/admin/login/?next=/admin/", {"username": name, "password": "secret", "next": "/admin/"})
    person.follow()
    for turn in range(TURNS):
        mark = person.mark()
        person.get("/admin/library/author/add/")
        person.post("/admin/library/author/add/", {"name": f"Author {mark}", "born": "1999-01-02", "_continue": "on"})
        author = person.follow(f"Author {mark}")
        number = re.search(r"/author/(\d+)/", author)
        if not number:
            print("no author:", author)
            continue
        number = number.group(1)
        person.post(f"/admin/library/author/{number}/change/", {"name": f"Author {mark} again", "born": "", "_save": "Save"})
        person.follow()
        person.get(f"/admin/library/author/{number}/change/", mark=f"Author {mark} again")
        person.get("/admin/library/book/add/")
        person.post("/admin/library/book/add/", {"title": f"Book {mark}", "author": number, "price": "12.50", "genre": "novel",
                                                 "published_0": "2024-01-02", "published_1": "10:00:00", "_continue": "on"})
        book = re.search(r"/book/(\d+)/", person.follow(f"Book {mark}"))
        if not book:
            print("no book")
            continue
        book = book.group(1)
        person.get(f"/books/{book}/", mark=f"Book {mark}")
        person.post(f"/books/{book}/review/", {"text": f"Review {mark}", "stars": turn})
        person.follow(f"Review {mark}")
        person.get(f"/api/books/{book}/", mark=f"Book {mark}")
        old = 1 + person.chance.randrange(90)
        person.get(f"/books/{old}/")
        person.post(f"/books/{old}/review/", {"text": f"Old {mark}", "stars": 3})
        person.follow(f"Old {mark}")
        person.get(f"/admin/library/book/{book}/history/", mark=f"Book {mark}")
        if turn % 2 == 1:
            person.get(f"/admin/library/book/{book}/delete/", mark=f"Book {mark}")
            person.post(f"/admin/library/book/{book}/delete/", {"post": "yes"})
            person.follow()
            person.get(f"/books/{book}/")
        if turn % 3 == 2:
            person.get("/admin/library/author/")
            person.post("/admin/library/author/", {"action": "delete_selected", "_selected_action": number, "post": "yes", "index": "0"})
            person.get(f"/admin/library/author/{number}/change/")
    person.get("/admin/")
    person.post("/admin/logout/", {})
    person.get("/admin/")


all_at_once(work)
