"""Posts, comments, authors, and one profile; the same in each run."""

import json
import os
import sys

folder = sys.argv[1]
words = ["river", "stone", "lamp", "window", "garden", "salt", "paper", "winter"]
data = {
    "posts": [
        {
            "id": number,
            "title": f"The {words[number % 8]} and the {words[number * 3 % 8]}",
            "authorId": 1 + number % 6,
            "views": number * 37 % 1000,
            "published": number % 4 != 0,
            "price": number * 0.25,
            "tags": [words[number % 8], words[(number + 1) % 8]],
            "meta": {"language": ["en", "de", "fr"][number % 3], "words": number * 11},
        }
        for number in range(1, 61)
    ],
    "comments": [
        {"id": number, "postId": 1 + number % 60, "text": f"Comment {number} on {words[number % 8]}"}
        for number in range(1, 181)
    ],
    "authors": [{"id": number, "name": f"Author {number}", "born": 1950 + number} for number in range(1, 7)],
    "profile": {"name": "A small magazine", "since": 1999},
}
with open(f"{folder}/db.json", "w") as file:
    json.dump(data, file)
os.makedirs(f"{folder}/public", exist_ok=True)
with open(f"{folder}/public/about.html", "w") as file:
    file.write("<!doctype html><title>About</title><h1>About</h1><p>A page beside the API.</p>")
with open(f"{folder}/public/terms.txt", "w") as file:
    file.write("Read what you like.\nPay what you can.\n")
