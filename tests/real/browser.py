"""A user with a cookie jar and an address of its own, so that traffic is the same in each run."""

import base64
import http.client
import json
import os
import re
import sys
import urllib.parse


class User:
    def __init__(self, number, port=None):
        self.port = port or int(sys.argv[1])
        self.address = f"127.0.0.{10 + number}"
        self.cookies = {}
        self.page = ""
        self.headers = {}

    def sign_in(self, name, password):
        """Sends name and password with each request from now on."""
        pair = base64.b64encode(f"{name}:{password}".encode()).decode()
        self.headers["Authorization"] = f"Basic {pair}"

    def bearer(self, token):
        self.headers["Authorization"] = f"Bearer {token}"

    def get(self, target, **headers):
        return self.request("GET", target, None, headers)

    def post(self, target, form, **headers):
        """Posts a form, with Django's token of the page before where there is one."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page)
        if token:
            form = {"csrfmiddlewaretoken": token.group(1), **form}
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        headers.setdefault("Referer", f"http://127.0.0.1:{self.port}{target}")
        return self.request("POST", target, urllib.parse.urlencode(form), headers)

    def json(self, method, target, value, **headers):
        """Sends JSON, and returns what the answer holds, if that is JSON."""
        headers.setdefault("Content-Type", "application/json")
        self.request(method, target, json.dumps(value), headers)
        try:
            return json.loads(self.page)
        except ValueError:
            return {}

    def request(self, method, target, body=None, headers=None):
        headers = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        headers = {**self.headers, **headers}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=30, source_address=(self.address, 0)
        )
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        self.page = response.read().decode("utf-8", "replace")
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        self.location = response.headers.get("Location")
        self.etag = response.headers.get("ETag")
        keep(method, target, response, self.page)
        connection.close()
        print(response.status, method, target, flush=True)
        return response.status


answers = 0


def keep(method, target, response, page):
    """For lists of known differences: each response is a file, so that `diff -r` shows two versions."""
    global answers
    answers += 1
    if folder := os.environ.get("REAL_DUMP"):
        with open(f"{folder}/{answers:04}", "w") as file:
            file.write(f"{method} {target}\n{response.status}\n{response.headers}{page}")
