"""Three editors log in, look through pages and reports, write, publish and delete; readers read, search, and follow feeds."""

from browser import User

editors = [User(number) for number in range(3)]
reader = User(3)

for number, user in enumerate(editors):
    user.get("/admin/")
    user.get("/admin/login/?next=/admin/")
    user.post("/admin/login/?next=/admin/", {"username": f"user{number}", "password": "wrong"})
    user.post("/admin/login/?next=/admin/", {"username": f"user{number}", "password": "secret", "next": "/admin/"})
    user.get("/admin/")

for turn in range(8):
    for number, user in enumerate(editors):
        article = 1 + (turn * 7 + number * 3) % 30
        page = 3 + article
        word = ["river", "stone", "lamp", "garden"][turn % 4]
        reader.get("/")
        reader.get(f"/article-{article}/")
        reader.get(f"/article-{article}")
        reader.get(f"/search/?query={word}")
        reader.get(f"/search/?query={word}&page=2")
        reader.get("/feed.xml")
        reader.get("/sitemap.xml")
        reader.get("/api/v2/pages/?type=home.ArticlePage&fields=intro,date&limit=5&order=title")
        reader.get(f"/api/v2/pages/{page}/")
        reader.get(f"/api/v2/pages/?slug=article-{article}&fields=*")
        reader.get("/api/v2/pages/?limit=999")
        reader.get("/api/v2/pages/9999/")
        reader.get(f"/old-{1 + turn}")
        reader.get("/nothing/")
        user.get("/admin/")
        user.get("/admin/pages/3/")
        user.get("/admin/pages/3/?ordering=title&p=2")
        user.get(f"/admin/pages/{page}/edit/")
        user.get(f"/admin/pages/search/?q={word}")
        user.get("/admin/images/")
        user.get("/admin/redirects/")
        if turn % 2 == 0:
            user.get("/admin/pages/3/add_subpage/")
            user.get("/admin/pages/add/home/articlepage/3/")
            user.post(
                "/admin/pages/add/home/articlepage/3/",
                {"title": f"News {turn} of user{number}", "slug": f"news-{turn}-{number}", "date": "2024-02-03",
                 "intro": "Something new", "body": '{"blocks": [], "entityMap": {}}', "seo_title": "", "search_description": "",
                 "comments-TOTAL_FORMS": "0", "comments-INITIAL_FORMS": "0", "comments-MIN_NUM_FORMS": "0",
                 "comments-MAX_NUM_FORMS": "", "go_live_at": "", "expire_at": "", "action-publish": "action-publish"},
            )
            reader.get(f"/news-{turn}-{number}/")
            user.get("/admin/pages/add/home/articlepage/3/")
            user.post("/admin/pages/add/home/articlepage/3/", {"title": "", "slug": "", "date": "never"})
            user.get("/admin/redirects/add/")
            user.post("/admin/redirects/add/", {"old_path": f"/gone-{turn}-{number}", "site": "", "is_permanent": "on",
                                                "redirect_page": "", "redirect_link": "https://shop.example/"})
            reader.get(f"/gone-{turn}-{number}")
            user.get(f"/admin/pages/{page}/history/")
            user.get(f"/admin/pages/{page}/delete/")
            user.get(f"/admin/pages/{page}/usage/")
            user.get("/admin/reports/site-history/")
            user.get("/admin/reports/site-history/?export=csv")
            user.get("/admin/reports/aging-pages/")
            user.get("/admin/reports/aging-pages/?export=csv")
            user.get("/admin/redirects/report/?export=csv")
            user.get("/admin/users/")
            user.get("/admin/groups/")
            user.get("/admin/account/")
            user.get("/admin/pages/9999/edit/")
            user.get("/admin/nothing/")
            user.get("/admin/sites/")
            user.get("/admin/collections/")
            user.get("/admin/jsi18n/")
            if turn % 4 == 0:
                user.get(f"/admin/pages/{28 + turn + number}/delete/")
                user.post(f"/admin/pages/{28 + turn + number}/delete/", {})

for user in editors:
    user.get("/admin/logout/")
    user.post("/admin/logout/", {})
    user.get("/admin/")
