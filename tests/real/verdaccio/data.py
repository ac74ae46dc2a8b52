"""Four accounts, and five packages with three versions each."""

from browser import User
from npm import document, login

users = [User(number) for number in range(4)]
for number, user in enumerate(users):
    login(user, f"user{number}")
for number, name in enumerate(["lamp", "chair", "table", "@shop/window", "@private/plan"]):
    for version in ["1.0.0", "1.1.0", "2.0.0"]:
        user = users[number % 4]
        user.json("PUT", "/" + name.replace("/", "%2f"), document(name, version, ["shop", name[:3]]))
