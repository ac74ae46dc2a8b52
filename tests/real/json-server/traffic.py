"""Four users read lists, filter, sort, page and search; create, change and delete; and ask for what isn't there."""

from browser import User

users = [User(number) for number in range(4)]

for turn in range(8):
    for number, user in enumerate(users):
        post = 1 + (turn * 17 + number * 5) % 50
        author = 1 + (turn + number) % 6
        word = ["river", "stone", "lamp", "window"][number]
        user.get("/posts")
        user.get(f"/posts/{post}")
        user.get(f"/posts?authorId={author}")
        user.get(f"/posts?_page={1 + turn % 4}&_limit=5")
        user.get(f"/posts?_start={turn}&_limit=3")
        user.get("/posts?_sort=views&_order=desc")
        user.get(f"/posts?views_gte={turn * 50}")
        user.get(f"/posts?q={word}")
        user.get(f"/posts?title_like={word}")
        user.get(f"/posts/{post}?_embed=comments")
        user.get(f"/comments?postId={post}&_expand=post")
        user.get(f"/posts/{post}/comments")
        user.get(f"/posts?meta.language=de&_sort=id")
        user.get("/authors")
        user.get(f"/authors/{author}", Origin="https://magazine.example")
        user.get("/profile")
        created = user.json("POST", "/comments", {"postId": post, "text": f"Turn {turn} of user {number}"})
        user.get(f"/comments/{created.get('id')}")
        user.json("PATCH", f"/posts/{post}", {"views": 1000 + turn})
        if turn % 2 == 0:
            user.json("PUT", f"/authors/{author}", {"name": f"Author {author}, again", "born": 1950 + author})
            user.json("PUT", "/profile", {"name": "A small magazine", "since": 1999 + turn})
            user.request("DELETE", f"/comments/{created.get('id')}")
            user.request("DELETE", f"/comments/{100 + turn * 8 + number}")
            user.get("/posts/9999")
            user.get("/nothing")
            user.json("PATCH", "/posts/9999", {"views": 1})
            user.request("DELETE", "/posts/9999")
            user.request("OPTIONS", "/posts", None, {"Origin": "https://magazine.example", "Access-Control-Request-Method": "PUT"})
            user.request("POST", "/posts", "{broken", {"Content-Type": "application/json"})
            user.get("/")
            user.get("/db")
            user.get("/about.html")
            user.get("/terms.txt")
            user.request("HEAD", "/posts")
            user.get("/posts", If_None_Match='W/"1-none"')
