"""Editors log in, upload images, write, publish, change, and delete pages, and log out; readers read them."""

import re

from people import TURNS, all_at_once

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)
COMMENTS = {"comments-TOTAL_FORMS": "0", "comments-INITIAL_FORMS": "0", "comments-MIN_NUM_FORMS": "0", "comments-MAX_NUM_FORMS": ""}


def article(mark, slug):
    return {"title": f"News {mark}", "slug": slug, "date": "2024-02-03", "intro": "Something new",
            "body": '{"blocks": [], "entityMap": {}}', "seo_title": "", "search_description": "", "go_live_at": "", "expire_at": "",
            "action-publish": "action-publish", **COMMENTS}


def work(person):
    if person.number >= 4:
        return read(person)
    person.get("/admin/login/?next=/admin/")
    person.post("/admin/login/?next=/admin/", {"username": f"user{person.number % 3}", "password": "secret", "next": "/admin/"})
    person.follow()
    for turn in range(TURNS):
        mark = person.mark()
        slug = mark.lower()
        person.get("/admin/pages/add/home/articlepage/3/")
        person.post("/admin/pages/add/home/articlepage/3/", article(mark, slug))
        person.follow()
        person.get(f"/{slug}/", mark=mark)
        person.get(f"/admin/pages/search/?q={mark}", mark=mark)
        number = re.search(rf'/admin/pages/(\d+)/edit/"[^>]*>\s*News {mark}', person.page)
        number = number and number.group(1)
        if number:
            person.get(f"/admin/pages/{number}/edit/", mark=mark)
            person.post(f"/admin/pages/{number}/edit/", {**article(mark + "again", slug)})
            person.follow()
            person.get(f"/{slug}/", mark=mark + "again")
        person.get("/admin/images/add/")
        token = person.hidden("csrfmiddlewaretoken")
        person.upload("/admin/images/add/", {"csrfmiddlewaretoken": token, "title": f"Picture {mark}", "collection": "1", "tags": "",
                                             "focal_point_x": "", "focal_point_y": "", "focal_point_width": "", "focal_point_height": ""},
                      "file", "pixel.png", "image/png", PIXEL)
        person.follow()
        image = re.search(r'href="/admin/images/(\d+)/"(?:(?!href="/admin/images/\d).)*?' + mark, person.page, re.S)
        if image:
            person.get(f"/admin/images/{image.group(1)}/", mark=mark)
        if turn % 3 == 2 and number:
            person.get(f"/admin/pages/{number}/delete/", mark=mark)
            person.post(f"/admin/pages/{number}/delete/", {})
            person.get(f"/{slug}/")
    person.get("/admin/")
    person.post("/admin/logout/", {})
    person.get("/admin/")


def read(person):
    for turn in range(TURNS * 4):
        number = 1 + person.chance.randrange(30)
        person.get(f"/article-{number}/")
        person.get("/feed.xml")
        person.get(f"/api/v2/pages/{3 + number}/")


all_at_once(work)
