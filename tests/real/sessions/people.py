"""Several people at once: each has a thread, a cookie jar, an address and a chance of its own."""

import os
import random
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from browser import User

numbers = iter(range(1, 1_000_000))
lock = threading.Lock()


class Person(User):
    def __init__(self, number):
        super().__init__(number)
        self.number = number
        self.chance = random.Random(number)
        self.status = None
        self.made = 0
        self.encoding = "application/x-www-form-urlencoded"

    def mark(self):
        """A word that stands in nothing else."""
        self.made += 1
        return f"Mark{self.made}of{self.number}x"

    def request(self, method, target, body=None, headers=None):
        headers = dict(headers or {})
        mark = headers.pop("mark", None)
        if mark:
            headers["X-Mark"] = mark
        with lock:
            headers["X-Witness"] = str(next(numbers))
        time.sleep(self.chance.random() * PAUSE)
        for _ in range(300):
            try:
                self.status = super().request(method, target, body, headers)
                return self.status
            except ConnectionRefusedError:
                # It is being started again.
                time.sleep(0.1)
        raise ConnectionRefusedError(target)

    def follow(self, mark=None):
        """Goes where the last response leads to."""
        if self.location:
            target = re.sub(r"^https?://[^/]+", "", self.location)
            self.get(target, mark=mark)
            return target
        return ""

    def hidden(self, name):
        """A field of the page before."""
        for tag in re.findall(r"<input[^>]*>", self.page):
            if re.search(rf'name="{re.escape(name)}"', tag):
                value = re.search(r'value="([^"]*)"', tag)
                return value.group(1).replace("&amp;", "&") if value else ""
        return ""

    def meta(self, name):
        tag = re.search(rf'<meta[^>]*name="{name}"[^>]*>', self.page)
        value = tag and re.search(r'content="([^"]*)"', tag.group(0))
        return value.group(1) if value else ""

    def upload(self, target, fields, name, file_name, media, content):
        """Posts a form with a file."""
        edge = "edge-of-a-part-7f3a"
        parts = [f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()]
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\nContent-Type: {media}\r\n\r\n'
        body = "".join(parts).encode() + head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        return self.request("POST", target, body, {"Content-Type": f"multipart/form-data; boundary={edge}"})


# Seconds that a person waits at most before each request.
PAUSE = float(os.environ.get("PAUSE", "0.1"))
TURNS = int(os.environ.get("TURNS", "6"))


def all_at_once(work, count=6):
    people = [Person(number) for number in range(count)]
    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
