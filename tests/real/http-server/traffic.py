"""Three visitors read pages and files, list a folder, ask again with conditions and ranges, and for what isn't there."""

from browser import User

users = [User(number) for number in range(3)]
pages = ["/", "/docs/", "/docs/guide.html", "/docs/guide", "/style.css", "/app.js", "/data.json", "/table.csv"]
pages += ["/feed.xml", "/notes.txt", "/icon.svg", "/module.wasm", "/font.woff2", "/page", "/files/", "/files/deep/"]
pages += ["/files/a%20b.txt", "/files/%C3%BCmlaut.txt", "/files/report.pdf", "/files/.hidden", "/index.html"]

for turn in range(6):
    for number, user in enumerate(users):
        for page in pages:
            user.get(page)
        user.get("/docs")
        user.get("/files?sort=name")
        user.get("/nothing")
        user.get(f"/nothing/{turn}/{number}.txt")
        user.get("/files/%E0%A4%A")
        user.get("/files/..%2f..%2fpackage.json")
        user.get("/app.js", Accept_Encoding="gzip")
        user.get("/notes.txt", Range="bytes=0-9")
        user.get("/notes.txt", Range="bytes=900-999")
        user.get("/style.css")
        user.get("/style.css", If_None_Match=user.etag or "")
        user.get("/style.css", If_Modified_Since="Tue, 14 Nov 2023 22:13:20 GMT")
        user.request("HEAD", "/data.json")
        user.request("OPTIONS", "/data.json", None, {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"})
        user.request("POST", "/data.json", "{}", {"Content-Type": "application/json"})
        user.request("DELETE", "/notes.txt")
