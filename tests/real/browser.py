"""A user with a cookie jar and an address of its own, so that traffic is the same in each run."""

import http.client
import re
import sys
import urllib.parse


class User:
    def __init__(self, number, port=None):
        self.port = port or int(sys.argv[1])
        self.address = f"127.0.0.{10 + number}"
        self.cookies = {}
        self.page = ""

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

    def request(self, method, target, body, headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
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
        connection.close()
        print(response.status, method, target, flush=True)
        return response.status
