"""People log in, fill baskets, order, look at their orders, log out."""

from people import TURNS, all_at_once


def work(person):
    person.get("/login")
    person.post("/login", {"name": f"user{person.number}", "password": "secret"})
    person.follow()
    for turn in range(TURNS):
        for _ in range(1 + person.chance.randrange(3)):
            product = 1 + person.chance.randrange(40)
            person.get(f"/products/{product}")
            person.post("/basket", {"product": product, "count": 1 + turn})
            person.follow()
        person.post("/orders", {})
        person.follow()
        person.get("/api/me", mark=f"user{person.number}")
    person.post("/logout", {})
    person.get("/basket")


all_at_once(work)
