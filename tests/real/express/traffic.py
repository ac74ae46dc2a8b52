"""Four people log in, look, buy, and log out; programs read JSON; files come with conditions and ranges; some requests are wrong."""

from browser import User

users = [User(number) for number in range(4)]
stranger = User(4)

for number, user in enumerate(users):
    user.get("/home")
    user.get("/basket")
    user.get("/login")
    user.post("/login", {"name": f"user{number}", "password": "wrong"})
    user.post("/login", {"name": f"user{number}", "password": "secret"})
    user.get("/basket")

for turn in range(8):
    for number, user in enumerate(users):
        product = 1 + (turn * 7 + number * 3) % 40
        word = ["lamp", "chair", "table", "window"][turn % 4]
        user.get("/")
        user.get("/home")
        user.get(f"/products?name={word}")
        user.get(f"/products?filter[tag]={word}&sort=price")
        user.get(f"/products/{product}")
        user.post("/basket", {"product": product, "count": 1 + turn})
        user.get("/basket")
        user.post("/orders", {})
        user.get(user.location if user.location and user.location.startswith("/orders") else "/orders/1")
        user.post("/address", {"address[city]": "Ghent", "address[street]": f"Street {turn}", "note": "none"})
        user.get("/api/products")
        user.get(f"/api/products/{product}")
        user.get("/api/me")
        user.get("/api/time")
        user.json("POST", "/api/echo", {"turn": turn, "list": [1, 2, {"a": None}]})
        stranger.get("/basket")
        stranger.get("/api/products", If_None_Match=stranger.etag or "")
        if turn % 2 == 0:
            user.get(f"/api/query?a=1&a=2&b[]=x&c[d]={turn}")
            user.get("/products/999")
            user.get("/api/products/999")
            user.get("/old")
            user.get("/moved")
            user.get("/download")
            user.get("/script")
            user.get("/text")
            user.get("/number")
            user.get("/broken")
            user.get("/later")
            user.get("/nothing")
            user.get("/docs")
            user.get("/docs/")
            user.get("/.hidden")
            user.get("/.well-known/keys.json")
            for file in ["style.css", "app.js", "module.mjs", "picture.webp", "sound.flac", "feed.rss", "data.yaml"]:
                user.get(f"/{file}")
            user.get("/style.css", If_None_Match=user.etag or "")
            user.get("/app.js", Range="bytes=0-9")
            user.get("/app.js", Range="bytes=90000-")
            user.get("/%E0%A4%A")
            user.request("HEAD", "/api/products")
            user.request("OPTIONS", "/api/products")
            user.request("DELETE", "/api/products")
            user.request("POST", "/api/echo", "{broken", {"Content-Type": "application/json"})
            user.request("POST", "/api/echo", "<a/>", {"Content-Type": "application/xml"})
            user.request("POST", "/api/echo")

for user in users:
    user.post("/logout", {})
    user.get("/basket")
