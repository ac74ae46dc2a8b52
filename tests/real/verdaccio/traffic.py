"""Four developers log in, read and search packages, download, publish, tag, and unpublish; some may not."""

from browser import User
from npm import document, login

users = [User(number) for number in range(4)]
stranger = User(4)
packages = ["lamp", "chair", "table", "@shop%2fwindow"]

for number, user in enumerate(users):
    user.get("/-/whoami")
    login(user, f"user{number}", "wrong-password")
    # A token of the old version is none to the new one. Two users log in as programs do, without one.
    login(user, f"user{number}", with_token=number < 2)
    user.get("/-/whoami")

for turn in range(8):
    for number, user in enumerate(users):
        package = packages[(turn + number) % 4]
        plain = package.replace("%2f", "/")
        short = plain.split("/")[-1]
        user.get("/-/ping")
        user.get("/-/whoami")
        user.get(f"/{package}")
        user.get(f"/{package}", Accept="application/vnd.npm.install-v1+json")
        user.get(f"/{package}/1.1.0")
        user.get(f"/{package}/latest")
        user.get(f"/{package}/9.9.9")
        user.get(f"/{plain}/-/{short}-1.0.0.tgz")
        user.get(f"/{plain}/-/{short}-9.9.9.tgz")
        user.get(f"/-/package/{package}/dist-tags")
        user.get("/-/v1/search?text=shop&size=3")
        user.get(f"/-/v1/search?text={short}")
        user.get("/-/all")
        user.get("/-/npm/v1/user")
        user.get("/-/verdaccio/data/packages")
        user.get(f"/-/verdaccio/data/sidebar/{plain}")
        user.get(f"/-/verdaccio/data/package/readme/{plain}")
        user.get(f"/-/verdaccio/data/search/{short}")
        user.get("/")
        user.get(f"/-/web/detail/{plain}")
        user.get("/nothing-here")
        stranger.get("/@private%2fplan")
        stranger.get("/-/whoami")
        if turn % 2 == 0:
            name = f"made-{turn}-by-{number}"
            user.json("PUT", f"/{name}", document(name, "1.0.0"))
            user.json("PUT", f"/{name}", document(name, "1.0.0"))
            user.json("PUT", f"/{name}", document(name, "1.1.0"))
            user.get(f"/{name}")
            user.json("PUT", f"/-/package/{name}/dist-tags/beta", "1.0.0")
            user.get(f"/-/package/{name}/dist-tags")
            user.request("DELETE", f"/-/package/{name}/dist-tags/beta")
            stranger.json("PUT", f"/{name}", document(name, "3.0.0"))
            stranger.json("PUT", "/stolen", document("stolen", "1.0.0"))
            user.request("DELETE", f"/{name}/-rev/1-0")
            user.get(f"/{name}")
            user.json("PUT", "/broken", {"name": "broken"})
            user.get("/@private%2fplan")
            user.json("POST", "/-/verdaccio/sec/login", {"username": f"user{number}", "password": "secret-password"})
            user.json("POST", "/-/verdaccio/sec/login", {"username": f"user{number}", "password": "wrong"})
            user.json("POST", "/-/npm/v1/user", {"password": {"old": "secret-password", "new": "x"}})
            user.get("/-/npm/v1/tokens")
            user.get("/-/static/favicon.ico")
            user.get("/-/static/nothing.js")
            user.get(f"/{package}", If_None_Match=user.etag or "")

for user in users:
    user.request("DELETE", "/-/user/token/none")
