"""A browser visits the pages through nginx alone and through nginx and shadowtee; both have to see the same.

    python3 visit.py CHROMEDRIVER_PORT DIRECT_PORT TEE_PORT VISITS
"""

import json
import sys
import time
import urllib.request

driver, direct, tee, visits = (int(argument) for argument in sys.argv[1:])


def call(method, path, value=None):
    data = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{driver}{path}", data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)["value"]


def visit(session, port):
    call("POST", f"/session/{session}/url", {"url": f"http://127.0.0.1:{port}/"})
    for _ in range(300):
        script = {"script": "return window.outcome || null", "args": []}
        if outcome := call("POST", f"/session/{session}/execute/sync", script):
            return outcome
        time.sleep(0.1)
    return {"the page": "never came to its end"}


def browse(port, times):
    options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"], "binary": "/usr/bin/chromium"}
    wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
    session = call("POST", "/session", wanted)["sessionId"]
    try:
        return [visit(session, port) for _ in range(times)]
    finally:
        call("DELETE", f"/session/{session}")


plain = browse(direct, 1)[0]
print(json.dumps(plain, indent=1))
wrong = 0
for number, seen in enumerate(browse(tee, visits)):
    for step in sorted(plain.keys() | seen.keys()):
        if plain.get(step) != seen.get(step):
            wrong += 1
            print(f"visit {number}: {step}: {plain.get(step)} through nginx alone, {seen.get(step)} through shadowtee")
print(f"{visits} visits through shadowtee, {len(plain)} steps each, {wrong} other than through nginx alone")
sys.exit(wrong > 0)
